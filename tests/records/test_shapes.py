"""Forms of a row that are read, and written in one canonical form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wolfnote import Message, ToolCall, records
from wolfnote.records import Reading, Sample


def read_row(tmp_path: Path, row: dict[str, Any]) -> Sample:
    (tmp_path / "d.jsonl").write_text(json.dumps(row))
    (sample,) = records.read(tmp_path / "d.jsonl")
    assert isinstance(sample, Sample), sample
    return sample


Q, A = Message("user", "q"), Message("assistant", "a")
CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": CHAT},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, CHAT[1]]},
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        {"conversations": [{"from": "user", "value": "q"}, {"from": "model", "value": "a"}], "system": ""},
        {"conversations": CHAT},
        {"instruction": "q", "output": "a"},
        {"instruction": "q", "input": None, "output": "a", "history": []},
        {"prompt": "q", "completion": "a"},
        {"prompt": "q", "response": "a"},
        {"question": "q", "answer": "a"},
        {"prompt": CHAT[:1], "completion": CHAT[1:]},
        {"prompt": "q", "completion": CHAT[1:]},
    ],
)
def test_one_question_and_answer_in_every_shape(tmp_path: Path, row: dict[str, Any]) -> None:
    """The same content has the same messages and the same id, whatever it was written in."""
    sample = read_row(tmp_path, row)
    assert sample.messages == (Q, A)
    assert sample.metadata == {}
    assert sample.id == records.sample((Q, A)).id


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"prompt": CHAT[:1], "chosen": CHAT[1:], "rejected": [{"role": "assistant", "content": "b"}]},
        {"chosen": CHAT, "rejected": [CHAT[0], {"role": "assistant", "content": "b"}]},
        {"prompt": "q", "chosen": CHAT, "rejected": [CHAT[0], {"role": "assistant", "content": "b"}]},
        {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"},
        {
            "input": {"messages": CHAT[:1]},
            "preferred_output": CHAT[1:],
            "non_preferred_output": [{"role": "assistant", "content": "b"}],
        },
    ],
)
def test_one_preference_in_every_shape(tmp_path: Path, row: dict[str, Any]) -> None:
    """The chosen answer is the sample's, the other one stands in ``rejected``."""
    sample = read_row(tmp_path, row)
    assert sample.messages == (Q, A)
    assert sample.rejected == (Message("assistant", "b"),)


def test_a_pair_that_parts_early_keeps_both_ends(tmp_path: Path) -> None:
    """Where two conversations differ before their last turn, each keeps its own turns from there on."""
    first = [*CHAT, {"role": "user", "content": "more"}, {"role": "assistant", "content": "c"}]
    second = [CHAT[0], {"role": "assistant", "content": "b"}, {"role": "user", "content": "no"}, CHAT[1]]
    sample = read_row(tmp_path, {"chosen": first, "rejected": second})
    assert [m.content for m in sample.messages] == ["q", "a", "more", "c"]
    assert [m.content for m in sample.rejected] == ["b", "no", "a"]
    records.write([sample], tmp_path / "o.jsonl", "preference")
    written = json.loads((tmp_path / "o.jsonl").read_text())
    assert written["prompt"] + written["chosen"] == first
    assert written["prompt"] + written["rejected"] == second


def test_legacy_function_calls_become_tool_calls(tmp_path: Path) -> None:
    """``function_call`` and the role ``function`` are the old names; call and result stay together by an id."""
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    row = {"messages": [CHAT[0], call, {"role": "function", "name": "f", "content": "r"}, CHAT[1]]}
    _, asked, result, _ = read_row(tmp_path, row).messages
    assert asked.tool_calls == (ToolCall("call_1_0", "f", "{}"),)
    assert (result.role, result.tool_call_id, result.name) == ("tool", "call_1_0", "f")


def test_reasoning_stands_apart_from_the_answer(tmp_path: Path) -> None:
    """From ``<think>`` at the start of a turn, or from a key of its own; elsewhere the tag is text."""
    inline = read_row(tmp_path, {"prompt": "q", "completion": "<think>\nhm\n</think>\n\na"})
    assert (inline.messages[-1].reasoning, inline.answer) == ("\nhm\n", "\n\na")
    keyed = read_row(tmp_path, {"messages": [CHAT[0], {**CHAT[1], "reasoning_content": "hm"}]})
    assert (keyed.messages[-1].reasoning, keyed.answer) == ("hm", "a")
    for text in ("a <think>b</think>", "<think>open", "<think></think>a"):
        plain = read_row(tmp_path, {"prompt": "q", "completion": text})
        assert (plain.messages[-1].reasoning, plain.answer) == ("", text)


def test_a_top_level_system_prompt_is_the_first_message(tmp_path: Path) -> None:
    """ShareGPT and Alpaca keep it beside the turns."""
    talk = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    for row in ({"system": "s", "conversations": talk}, {"system": "s", "instruction": "q", "output": "a"}):
        assert read_row(tmp_path, row).messages == (Message("system", "s"), Q, A)


def test_an_input_stays_apart_from_its_instruction(tmp_path: Path) -> None:
    """The model reads both; written back as Alpaca, each is in its place again."""
    row = {"instruction": "sum up", "input": "a\nb", "output": "o", "history": [["x", "y"]]}
    sample = read_row(tmp_path, row)
    assert [m.content for m in sample.messages] == ["x", "y", "sum up\na\nb", "o"]
    records.write([sample], tmp_path / "o.jsonl", "alpaca")
    assert json.loads((tmp_path / "o.jsonl").read_text()) == row
    records.write([sample], tmp_path / "o.jsonl", "openai")
    assert list(json.loads((tmp_path / "o.jsonl").read_text())) == ["messages"]


def test_rows_with_keys_of_two_shapes_are_the_one_that_says_most(tmp_path: Path) -> None:
    """UltraFeedback's pairs also hold messages, UltraChat's conversations also a prompt; those keys stay as metadata."""
    pair = read_row(tmp_path, {"prompt": "q", "chosen": "a", "rejected": "b", "messages": CHAT})
    assert pair.rejected
    assert pair.metadata == {"messages": CHAT}
    assert read_row(tmp_path, {"prompt": "q", "messages": CHAT}).metadata == {"prompt": "q"}


def test_further_keys_can_be_left_out(tmp_path: Path) -> None:
    """``data.metadata = false`` makes rows that strict providers take; tools are part of the task and stay."""
    row = {"messages": [CHAT[0], {**CHAT[1], "at": 3}], "ticket": 7, "tools": [{"type": "function"}]}
    (tmp_path / "d.jsonl").write_text(json.dumps(row))
    records.convert(tmp_path / "d.jsonl", tmp_path / "o.jsonl", "openai", Reading(metadata=False))
    assert json.loads((tmp_path / "o.jsonl").read_text()) == {"messages": CHAT, "tools": row["tools"]}
