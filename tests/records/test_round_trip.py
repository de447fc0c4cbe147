"""What is read can be written back: the same rows, the same samples, the same ids."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import FORMATS, TEXT, THOUGHT

from wolfnote import InputError, Message, ToolCall, records
from wolfnote.records import Sample

MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


def same(sample: Sample) -> Sample:
    return msgspec.structs.replace(sample, source="")


def only(path: Path) -> Sample:
    (row,) = records.read(path)
    assert isinstance(row, Sample), row
    return row


@pytest.mark.parametrize("format_", list(FORMATS))
def test_a_thousand_rows_of_each_format_come_back_whole(tmp_path: Path, format_: str) -> None:
    """Row → sample → row is the identity on the file's own shape, and the sample read back is equal, id included."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"

    @MANY
    @given(FORMATS[format_])
    def holds(row: dict[str, Any]) -> None:
        first.write_text(json.dumps(row) + "\n")
        sample = only(first)
        records.write([sample], second, format_)
        assert json.loads(second.read_text()) == row
        assert same(only(second)) == same(sample)

    holds()


@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".jsonl.gz", ".parquet", ".ndjson"])
def test_each_container_holds_conversations(tmp_path: Path, suffix: str) -> None:
    """A container changes nothing; Parquet, where an absent key is null, gives rows without nulls back."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    rows = [
        {"messages": [{"role": "user", "content": "q\n"}, {"role": "assistant", "content": "<think>t</think>ä"}], "id": 1},
        {
            "messages": [
                {"role": "user", "content": ""},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "content": "r", "tool_call_id": "c"},
                {"role": "assistant", "content": "\x00\u2028", "weight": 0},
            ]
        },
    ]
    plain = tmp_path / "plain.jsonl"
    plain.write_text("".join(json.dumps(row) + "\n" for row in rows * 40))
    samples, _ = records.read_all(plain)
    assert records.write(samples, tmp_path / f"packed{suffix}") == 80
    back, unread = records.read_all(tmp_path / f"packed{suffix}")
    assert not unread
    assert [same(s) for s in back] == [same(s) for s in samples]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_tables_hold_text(tmp_path: Path, suffix: str) -> None:
    """Commas, quotes, tabs, line ends of every kind and empty answers survive a table."""
    file = tmp_path / f"t{suffix}"

    @settings(MANY, max_examples=300)
    @given(st.lists(st.tuples(CELL.filter(bool), CELL, CELL), min_size=1, max_size=4))
    def holds(rows: list[tuple[str, str, str]]) -> None:
        samples = [
            records.sample((Message("user", q), Message("assistant", a)), **({"note": n} if n else {}))
            for q, a, n in rows
            if not a.startswith("<think>")
        ]
        if not samples:
            return
        records.write(samples, file, "prompt-completion")
        back, unread = records.read_all(file)
        assert not unread
        assert [same(s) for s in back] == samples

    holds()


def test_a_table_can_hold_conversations_as_json(tmp_path: Path) -> None:
    """A column of messages is JSON text, as the hub's CSV exports have it."""
    samples = [records.sample((Message("system", "s"), Message("user", "q"), Message("assistant", "a")))]
    records.write(samples, tmp_path / "t.csv")
    assert [same(s) for s in records.read_all(tmp_path / "t.csv")[0]] == samples


@MANY
@given(TEXT, THOUGHT)
def test_the_id_of_a_plain_row_is_the_hash_it_always_was(question: str, answer: str) -> None:
    """Ids are in people's reports: role and content as JSON, SHA-256, 16 digits."""
    made = records.sample((Message("user", question), Message("assistant", answer)))
    content = json.dumps([["user", question], ["assistant", answer]], ensure_ascii=True)
    assert made.id == hashlib.sha256(content.encode()).hexdigest()[:16]


def test_reasoning_calls_and_rejected_answers_make_another_row() -> None:
    """Two rows that teach different things never share an id; where the calls' ids come from does not matter."""
    question = Message("user", "q")
    call = ToolCall("1", "f", "{}")
    rows = [
        records.sample((question, Message("assistant", "a"))),
        records.sample((question, Message("assistant", "a", "because"))),
        records.sample((question, Message("assistant", "a", tool_calls=(call,)))),
        records.sample((question, Message("assistant", "a")), rejected=(Message("assistant", "b"),)),
        records.sample((question, Message("assistant", "a")), rejected=(Message("assistant", "c"),)),
    ]
    assert len({row.id for row in rows}) == len(rows)
    renamed = records.sample((question, Message("assistant", "a", tool_calls=(ToolCall("2", "f", "{}"),))))
    assert renamed.id == rows[2].id


CONVERSATION = (Message("user", "q"), Message("assistant", "a"))
CALLING = (
    Message("user", "q"),
    Message("assistant", "", tool_calls=(ToolCall("c", "f", '{"a":1}'),)),
    Message("tool", "r", tool_call_id="c"),
    Message("assistant", "a"),
)


@pytest.mark.parametrize("format_", ["openai", "sharegpt", "prompt-completion"])
def test_calls_pass_between_formats(tmp_path: Path, format_: str) -> None:
    """A conversation with a tool keeps its calls, their ids and its own id in every format that has tools."""
    before = records.sample(CALLING, tools=[{"type": "function"}])
    records.write([before], tmp_path / "o.jsonl", format_)
    assert same(only(tmp_path / "o.jsonl")) == before


@pytest.mark.parametrize(
    ("sample", "format_", "says"),
    [
        (records.sample(CALLING), "alpaca", "tool calls would be lost"),
        (records.sample(CONVERSATION), "text", "turns of a conversation would be lost"),
        (records.sample(CONVERSATION), "preference", "no rejected answer"),
        (records.sample(CONVERSATION, rejected=CONVERSATION[1:]), "openai", "rejected answer would be lost"),
        (records.sample(CONVERSATION[1:]), "openai", "--to text"),
        (msgspec.structs.replace(records.sample(CONVERSATION), metadata={"messages": 1}), "openai", "'messages'"),
        (records.sample(CONVERSATION, instruction="i", output="o"), "prompt-completion", "another format"),
        (records.sample((*CONVERSATION, Message("user", "?"))), "openai", "last message"),
        (records.sample((CONVERSATION[0], Message("assistant", "a", weight=0.0))), "alpaca", "weights"),
        (records.sample((CONVERSATION[0], Message("assistant", "a", "t", (ToolCall("", "f", ""),)))), "sharegpt", "both"),
        (records.sample(CONVERSATION, wolfnote={"turns": {"1": {"mood": 3}}}), "alpaca", "single turns"),
        (records.sample((CONVERSATION[0], Message("assistant", "<think>a</think>b"))), "openai", "come back"),
        (records.sample(CONVERSATION), "yaml", "known: alpaca"),
    ],
)
def test_what_a_format_cannot_carry_is_an_error_with_its_place(tmp_path: Path, sample: Sample, format_: str, says: str) -> None:
    """Nothing is dropped in silence, and the file that was there stays as it was."""
    target = tmp_path / "o.jsonl"
    target.write_text("mine")
    placed = msgspec.structs.replace(sample, source="d.jsonl:7")
    with pytest.raises(InputError) as caught:
        records.write([placed], target, format_)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "d.jsonl:7" in str(caught.value) or format_ == "yaml"
    assert [p.name for p in tmp_path.iterdir()] == ["o.jsonl"]
    assert target.read_text() == "mine"


@pytest.mark.parametrize("name", ["o.docx", "o.parquet.gz", "absent/o.jsonl"])
def test_a_target_that_cannot_be_is_one_line(tmp_path: Path, name: str) -> None:
    """An unknown extension and a folder that is not there."""
    with pytest.raises(InputError, match=r"unknown kind|cannot be written"):
        records.write([records.sample(CONVERSATION)], tmp_path / name)
