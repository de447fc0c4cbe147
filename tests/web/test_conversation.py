"""A row as turns and blocks: nothing is lost, whatever shape it has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wolfnote.web import conversation
from wolfnote.web.conversation import Block

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", [Block("text", "plain")]),
        ("a\n```python\nx = 1\n```\nb", [Block("text", "a"), Block("code", "x = 1", "python"), Block("text", "b")]),
        ("```\nnever closed\n``", [Block("code", "never closed\n``")]),
        ("````\n```\ninner\n```\n````", [Block("code", "```\ninner\n```")]),
        ("~~~sh\nls\n~~~\n", [Block("code", "ls", "sh")]),
        ("use ``` inline", [Block("text", "use ``` inline")]),
        ("```\na\n```js\nb\n```", [Block("code", "a\n```js\nb")]),
        ("", []),
    ],
)
def test_code_fences(text: str, found: list[Block]) -> None:
    """Fences open and close as Markdown has it; an open one holds the rest."""
    assert list(conversation.blocks(text)) == found


@given(st.text(alphabet="`~a \n", max_size=60))
def test_no_letter_is_lost_between_fences(text: str) -> None:
    """Whatever stands between fences stands in some block."""
    kept = "".join(block.text + block.label for block in conversation.blocks(text))
    assert kept.count("a") >= min(text.count("a"), 30) or "a" * 31 in text


@given(JSON, JSON)
def test_any_shape_is_shown(messages: Any, rejected: Any) -> None:
    """Rows that are no conversations are no crash, and no turn vanishes."""
    found = conversation.read({"messages": messages, "rejected": rejected})
    expected = len(messages) if isinstance(messages, list) else messages is not None
    assert len(found.turns) == expected


def test_what_a_turn_holds_beyond_its_text() -> None:
    """Thoughts, tool calls, names, weights: each is shown as what it is."""
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "hi", "name": "kim"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": "<think>hm</think>yes", "weight": 0},
        {"role": "assistant", "content": "x", "reasoning_content": "why"},
    ]
    found = conversation.read({"messages": turns, "rejected": [{"role": "assistant", "content": "no"}]})
    assert found.turns[0].name == "kim"
    assert [block.kind for block in found.turns[1].blocks] == ["call"]
    assert found.turns[2].blocks == (Block("thought", "hm", "thinks"), Block("text", "yes"))
    assert found.turns[2].untrained
    assert found.turns[3].blocks[0] == Block("thought", "why", "thinks")
    assert [turn.answer for turn in found.turns] == [False, False, False, True]
    assert found.rejected[0].blocks == (Block("text", "no"),)


def test_long_rows_are_cut_and_say_so() -> None:
    """Ten million characters do not reach the page at once; how many are left is said, and all of them can be asked for."""
    row = {"messages": [{"role": "user", "content": "q"}] * 300 + [{"role": "assistant", "content": "x" * 10_000_000}]}
    cut = conversation.read(row)
    assert cut.hidden == 101
    assert cut.turns[-1].cut == 10_000_000 - conversation.LONGEST
    assert cut.turns[-1].answer
    whole = conversation.read(row, whole=True)
    assert (whole.hidden, len(whole.turns), whole.turns[-1].cut) == (0, 301, 0)
