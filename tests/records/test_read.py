"""Rows are read or reported, never silently dropped."""

import json
from pathlib import Path

import pytest

from wolfnote import InputError, Message, records
from wolfnote.records import Sample, Unread


def line(*turns: tuple[str, str]) -> str:
    return json.dumps({"messages": [{"role": r, "content": c} for r, c in turns]})


def test_reads_chat_rows_with_their_place(tmp_path: Path) -> None:
    """A sample knows the line it came from, blank lines included in the count."""
    file = tmp_path / "d.jsonl"
    file.write_text(
        line(("user", "q"), ("assistant", "a")) + "\n\n" + line(("system", "s"), ("user", "ü"), ("assistant", "b")) + "\n"
    )
    samples, unread = records.read_all(file)
    assert [s.source for s in samples] == [f"{file}:1", f"{file}:3"]
    assert samples[1].prompt == (Message("system", "s"), Message("user", "ü"))
    assert samples[1].answer == "b"
    assert unread == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"messages": "x"}', "no list of messages"),
        (b'{"text": 1}', "text is not text"),
        (b'{"id": 1}', "unknown shape (columns id)"),
        (b"[1]", "found: list"),
        (b'{"messages": [{"role": "boss", "content": "x"}]}', "known role"),
        (b'{"messages": [{"role": "user", "content": 7}]}', "not text"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "not an assistant"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]}', "surrogate"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_row_is_reported_with_line_and_reason(tmp_path: Path, bad: bytes, reason: str) -> None:
    """What could not be read is counted and shown."""
    file = tmp_path / "d.jsonl"
    file.write_bytes(line(("user", "q"), ("assistant", "a")).encode() + b"\n" + bad + b"\n")
    rows = list(records.read(file))
    assert isinstance(rows[0], Sample)
    assert isinstance(rows[1], Unread)
    assert rows[1].source == f"{file}:2"
    assert reason in rows[1].reason


def test_a_file_without_one_good_row_is_an_error(tmp_path: Path) -> None:
    """Nothing read is not an empty success."""
    file = tmp_path / "d.jsonl"
    file.write_text("{}\n")
    with pytest.raises(InputError, match="none of 1 rows"):
        records.read_all(file)
    for content in ("", "\n\n"):
        file.write_text(content)
        with pytest.raises(InputError, match="empty"):
            records.read_all(file)
    with pytest.raises(InputError, match="no such file"):
        records.read_all(tmp_path / "absent.jsonl")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="holds no files"):
        records.read_all(empty)


def test_write_and_read_round_trip(tmp_path: Path) -> None:
    """Ids hash the messages only, so a round trip keeps them."""
    first = [records.sample((Message("user", "a\nb\u2028"), Message("assistant", "ö")))]
    records.write(first, tmp_path / "o.jsonl")
    second, _ = records.read_all(tmp_path / "o.jsonl")
    assert [s.id for s in second] == [s.id for s in first]
    assert second[0].messages == first[0].messages
