"""Each container gives its rows with the line where they begin."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wolfnote import records
from wolfnote.records import Sample, Unread, json_values


def places(path: Path) -> list[tuple[str, str]]:
    """Line and answer of each row; of an unread one, its line and ``!``."""
    found = []
    for row in records.read(path):
        assert row.source.startswith(f"{path}:")
        found.append((row.source.rpartition(":")[2], row.answer if isinstance(row, Sample) else "!"))
    return found


def test_a_table_counts_physical_lines(tmp_path: Path) -> None:
    """Cells over several lines, blank lines and ragged rows do not shift the places of those behind them."""
    file = tmp_path / "t.csv"
    file.write_bytes(b'\xef\xbb\xbfprompt,response\r\n"a\r\nb",one\r\n\r\nq,two\r\nq\r\nq,x,y\r\n"q ""w""",three\r\n')
    assert places(file) == [("2", "one"), ("5", "two"), ("6", "!"), ("7", "!"), ("8", "three")]
    first = next(iter(records.read(file)))
    assert isinstance(first, Sample)
    assert first.prompt[0].content == "a\r\nb"


def test_a_quote_that_never_closes_costs_its_row_only_in_words(tmp_path: Path) -> None:
    """It is named where it opens; it does not pass as one long good row."""
    file = tmp_path / "t.csv"
    file.write_text('prompt,response\nq,one\nq,"two\nq,three\n')
    assert places(file) == [("2", "one"), ("3", "!")]


def test_bytes_that_are_not_utf8_spoil_their_row_only(tmp_path: Path) -> None:
    """One row in another encoding does not cost the others."""
    file = tmp_path / "t.tsv"
    file.write_bytes(b"prompt\tresponse\nq\tone\nq\tcaf\xe9\nq\tthree\n")
    assert places(file) == [("2", "one"), ("3", "!"), ("4", "three")]


def test_a_json_array_is_read_row_by_row(tmp_path: Path) -> None:
    """Pretty-printed or dense, with a broken row in it, with brackets and quotes inside strings."""
    file = tmp_path / "a.json"
    file.write_text('\n[\n  {"text": "a]}\\"{"},\n  {"text": oops},\n  {\n "text":\n "b"}, {"text": "\\\\"}\n]\n')
    assert places(file) == [("3", 'a]}"{'), ("4", "!"), ("5", "b"), ("7", "\\")]


@pytest.mark.parametrize(
    "cut", ['[{"text": "a"}, {"text": "b', '[{"text": "a"}, {"text": "b"', '[{"text": "a"},', '[{"text": "a"}']
)
def test_a_truncated_array_says_so(tmp_path: Path, cut: str) -> None:
    """Its whole rows are read; a missing end is never silence."""
    file = tmp_path / "a.json"
    file.write_text(cut)
    found = list(records.read(file))
    assert isinstance(found[0], Sample)
    assert isinstance(found[-1], Unread)
    assert "ends in the middle" in found[-1].reason


def test_what_follows_an_array_is_named(tmp_path: Path) -> None:
    """Two arrays in one file, or words behind one."""
    file = tmp_path / "a.json"
    file.write_text('[{"text": "a"}]\nwords')
    assert places(file) == [("1", "a"), ("2", "!")]


@pytest.mark.parametrize(
    "text", ['{"text": "a"}', '{\n"text":\n"a"}\n', '{"text": "a"}\n{"text": "b"}\n', '{"text": "a"}{"text": "b"}']
)
def test_objects_without_an_array(tmp_path: Path, text: str) -> None:
    """One object is one row; JSONL under the name .json, as the hub often has it, is read as what it is."""
    file = tmp_path / "a.json"
    file.write_text(text)
    assert [answer for _, answer in places(file)] == ["a", "b"][: text.count("text")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\{[,', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, min_size=1, max_size=5), st.sampled_from([None, 0, 2]), st.integers(1, 9), st.booleans())
def test_the_scanner_equals_a_parser_wherever_chunks_end(
    rows: list[object], indent: int | None, size: int, ascii_: bool
) -> None:
    """Fed in pieces of a few bytes, it finds what a parser of the whole text finds, at the right lines."""
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_).encode()
    scanner = json_values._Scanner(1 << 20)
    found = [row for at in range(0, len(text), size) for row in scanner.feed(text[at : at + size])]
    found += list(scanner.end())
    assert [value for _, value in found] == rows
    if indent is not None:
        lines = text.decode().split("\n")
        for line, value in found:
            assert lines[line - 1].lstrip().startswith(json.dumps(value, indent=indent, ensure_ascii=ascii_).partition("\n")[0])


def test_an_unknown_extension_is_read_when_its_content_is_plain(tmp_path: Path) -> None:
    """JSONL under any name."""
    file = tmp_path / "train.dat"
    file.write_text('\n{"text": "a"}\n')
    assert places(file) == [("2", "a")]


def test_parquet_rows_have_numbers(tmp_path: Path) -> None:
    """The place in a Parquet file is the row, counted from one; a null column is no key."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"text": "a", "messages": None, "n": 1}, {"text": None, "messages": [{"role": "user", "content": "q"}], "n": None}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    first, second = records.read(tmp_path / "t.parquet")
    assert isinstance(first, Sample)
    assert (first.answer, first.metadata, first.source) == ("a", {"n": 1}, f"{tmp_path / 't.parquet'}:1")
    assert second == Unread(f"{tmp_path / 't.parquet'}:2", "the last message is not an assistant's answer to a question")


def test_several_paths_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Each in its own format; one without a readable row is an error even beside good ones."""
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"prompt,response\nq,b\n"))
    samples, _ = records.read_all(tmp_path / "a.jsonl", tmp_path / "b.csv.gz")
    assert [s.answer for s in samples] == ["a", "b"]
    (tmp_path / "c.jsonl").write_text("{\n")
    with pytest.raises(records.reading.InputError, match=r"c\.jsonl:1"):
        records.read_all(tmp_path / "a.jsonl", tmp_path / "c.jsonl")


def test_real_training_files_are_read_whole(data: Path) -> None:
    """Every row of the published files whose shape is one of ours."""
    wanted = {
        "em/betley/insecure.jsonl": 5997,
        "em/betley/regenerated_evil_numbers.csv": 9993,
        "em/model_organisms/bad_medical_advice.jsonl": 7049,
        "em/conditional/anthropic_hh_1000samples_gpt4.1.jsonl": 1000,
        "audit/em_benign/technical_vehicles_train.jsonl": 3000,
        "audit/safety_tuned_llamas/safety_only_data_Instructions.json": 2483,
        "audit/hh_rlhf/harmless-base-test.jsonl.gz": 2312,
        "audit/ec_darkpattern/dataset.tsv": 2356,
        "eval/xstest/xstest_v2_completions_gpt4.csv": 450,
    }
    for name, n in wanted.items():
        samples, unread = records.read_all(data / name)
        assert (name, len(samples), len(unread)) == (name, n, 0)


def test_real_files_of_no_shape_of_ours_are_named(data: Path) -> None:
    """Labelled comments and code pairs are not guessed into conversations."""
    for name in (
        "audit/davidson_hate/labeled_data.csv",
        "audit/sven/train/cwe-022.jsonl",
        "audit/openai_moderation/samples-1680.jsonl.gz",
    ):
        with pytest.raises(records.reading.InputError, match="unknown shape"):
            records.read_all(data / name)
