"""Broken and hostile files: each fault is one line with its place, and the rows around it are still read."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from wolfnote import InputError, SettingsError, records
from wolfnote.records import Reading, Sample, Unread

GOOD = b'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'


def chat(*turns: tuple[str, object]) -> bytes:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns]}).encode()


BAD_ROWS = {
    "truncated": (GOOD[:-9], "not JSON"),
    "number": (b"7", "found: int"),
    "not a list": (b'{"messages": {}}', "no list of messages"),
    "text turns": (b'{"messages": ["a", "b"]}', "no object"),
    "no messages": (b'{"messages": []}', "no messages"),
    "assistant first": (chat(("assistant", "hi"), ("user", "q"), ("assistant", "a")), "before anyone asked"),
    "user last": (chat(("user", "q"), ("assistant", "a"), ("user", "thanks")), "last message"),
    "image": (chat(("user", [{"type": "image_url", "image_url": {"url": "x"}}]), ("assistant", "a")), "not text (image_url)"),
    "sound": (chat(("user", [{"type": "input_audio"}]), ("assistant", "a")), "not text (input_audio)"),
    "weight": (
        b'{"messages": [{"role": "user", "content": "q", "weight": "x"}, {"role": "assistant", "content": "a"}]}',
        "weight",
    ),
    "call without name": (
        b'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [{}]}]}',
        "without a function's name",
    ),
    "unknown shape": (b'{"id": 7, "body": "a long question", "reply": "an answer"}', "data.columns.body=user"),
    "shell in a name": (b'{"$(rm)": "a long question", "reply": "an answer"}', "'data.columns.$(rm)=user'"),
    "ShareGPT bot": (b'{"conversations": [{"from": "narrator", "value": "x"}]}', "nobody known"),
    "ShareGPT call": (
        b'{"conversations": [{"from": "human", "value": "x"}, {"from": "function_call", "value": "look"}]}',
        "function_call that is not",
    ),
    "Alpaca nothing asked": (b'{"instruction": "", "output": "x"}', "empty instruction"),
    "Alpaca history": (b'{"instruction": "i", "output": "x", "history": [["a"]]}', "list of pairs"),
    "prompt null": (b'{"prompt": "q", "completion": null}', "no list of messages"),
    "pair without prompt": (b'{"chosen": "a", "rejected": "b"}', "without a prompt"),
    "two prompts": (
        b'{"prompt": "x", "chosen": [{"role": "user", "content": "y"}, {"role": "assistant", "content": "a"}], "rejected": []}',
        "prompt is not the one",
    ),
    "our own key": (GOOD[:-1] + b', "wolfnote": {"turns": 1}}', "kept for Wolfnote"),
    "invalid UTF-8": (b'{"text": "\xff"}', "not UTF-8"),
    "lone surrogate": (b'{"text": "\\udc00"}', "surrogate"),
    "NUL": (b'{"text": "a\0"}', "NUL"),
    "UTF-16 inside": ('{"text": "a"}'.encode("utf-16-le"), "NUL"),
    "bomb of lists": (b"[" * 200_000, "not JSON"),
    "bomb of objects": (b'{"a":' * 200_000, "not JSON"),
    "bomb that closes": (b'{"text": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", ""),
    "huge number": (b'{"text": ' + b"9" * 10_000 + b"}", "not JSON"),
    "infinite number": (b'{"text": 1e999}', "out of range"),
    "too long": (b'{"text": "' + b"x" * (5 << 20) + b'"}', "more than 4,194,304 bytes"),
}


@pytest.mark.parametrize("name", list(BAD_ROWS))
def test_a_bad_row_is_one_line_and_its_neighbours_are_read(tmp_path: Path, name: str) -> None:
    """Place and reason; nothing is lost before or after it, and the count is right."""
    bad, says = BAD_ROWS[name]
    file = tmp_path / "d.jsonl"
    file.write_bytes(GOOD + b"\n" + bad + b"\n" + GOOD)
    before, row, after = records.read(file)
    assert isinstance(before, Sample)
    assert isinstance(after, Sample)
    assert isinstance(row, Unread)
    assert row.source == f"{file}:2"
    assert says in row.reason
    assert "\n" not in row.reason
    assert after.source == f"{file}:3"
    if b"\n" not in bad:
        file.write_bytes(bad)
        with pytest.raises(InputError, match="none of 1 rows could be read") as caught:
            records.read_all(file)
        assert "\n" not in str(caught.value)
        assert "→" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("e.jsonl", b"", "empty"),
        ("e.json", b"[]", "empty"),
        ("e.csv", b"", "empty"),
        ("e.csv", b"prompt,response\n", "empty"),
        ("e.jsonl", GOOD.decode().encode("utf-16"), "UTF-16"),
        ("e.csv", b"a,a\n1,2\n", "two columns"),
        ("e.csv", b"\xff,b\n1,2\n", "not UTF-8"),
        ("e.csv", b"prompt,response\rq,a\r", "CR alone"),
        ("e.jsonl.gz", GOOD, "not a gzip"),
        ("e.jsonl.gz", gzip.compress(GOOD)[:6], "without content"),
        ("e.parquet", b"PAR1 and no more", "not a Parquet"),
        ("e.docx", b"PK\x03\x04", "known: .jsonl"),
        ("e.md", b" \n", "file is empty"),
        ("e.html", b"<script>1</script>", "without text"),
        ("e.txt", b"a\0b", "binary"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """What is wrong with the whole file, with a remedy."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        records.read_all(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert "→" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_permission(tmp_path: Path) -> None:
    """A path that is not there, in any container; one that is not ours to read."""
    for name in ("a.jsonl", "a.parquet", "a.txt", "a.csv.gz", "a"):
        with pytest.raises(InputError, match="no such file"):
            records.read_all(tmp_path / name)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file = tmp_path / "locked.jsonl"
    file.write_bytes(GOOD)
    file.chmod(0)
    with pytest.raises(InputError, match="permission"):
        records.read_all(file)


def test_a_gzip_file_cut_off_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    """The rows before the cut are read; what is missing never passes for the end of the file."""
    rows = [b'{"text": "' + os.urandom(40).hex().encode() + b'"}\n' for _ in range(500)]
    packed = gzip.compress(b"".join(rows))
    file = tmp_path / "d.jsonl.gz"
    for content, damage in ((packed[: len(packed) // 2], "cut"), (packed[:-8] + b"\0" * 8, "checksum")):
        file.write_bytes(content)
        found = list(records.read(file))
        assert len(found) > 100, damage
        assert all(isinstance(row, Sample) for row in found[:-1]), damage
        assert isinstance(found[-1], Unread), damage
        assert "cut off or damaged" in found[-1].reason


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")


@LINUX
@pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.json.gz", "bomb.csv.gz"])
def test_a_gzip_bomb_stays_small_in_memory(tmp_path: Path, name: str) -> None:
    """A line of 300 MB in a file of 300 KB is passed over in pieces, and the row behind it is read."""
    file = tmp_path / name
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    head, tail = {"j": (b'{"text": "', b'"}\n{"text": "b"}\n'), "c": (b'text\n"', b'"\nb\n')}["c" if "csv" in name else "j"]
    pieces = [pack.compress(head)] + [pack.compress(b"x" * (1 << 20)) for _ in range(300)] + [pack.compress(tail), pack.flush()]
    file.write_bytes(b"".join(pieces))
    megabytes, rows = measured(file)
    assert rows == [1, 1]
    assert megabytes < 120


@LINUX
def test_a_large_file_streams_in_bounded_memory(tmp_path: Path) -> None:
    """200 MB of rows, in JSONL and as one JSON array, are read within 120 MB, interpreter and imports included."""
    block = (chat(("user", "q" * 400), ("assistant", "a" * 3600)) + b"\n") * 250
    lines, array = tmp_path / "d.jsonl", tmp_path / "d.json"
    with lines.open("wb") as out, array.open("wb") as listed:
        listed.write(b"[")
        for i in range(200):
            out.write(block)
            listed.write((b"," if i else b"") + block.strip().replace(b"\n", b","))
        listed.write(b"]")
    for file in (lines, array):
        megabytes, rows = measured(file)
        assert rows == [50_000, 0]
        assert megabytes < 120


def measured(file: Path) -> tuple[float, list[int]]:
    """Peak memory of a fresh process that streams the file, in MB; its samples and unread rows."""
    # not resource.getrusage: its peak of a fresh process begins at that of the process that started it
    code = (
        "import re, sys\nfrom wolfnote import records\nn = [0, 0]\n"
        "for row in records.read(sys.argv[1]):\n    n[isinstance(row, records.Unread)] += 1\n"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]) / 1024, *n)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True, timeout=120)
    peak, *rows = done.stdout.split()
    return float(peak), [int(n) for n in rows]


def test_the_limit_on_a_row_is_the_users(tmp_path: Path) -> None:
    """A smaller limit passes over longer rows and names the setting that would let them in."""
    file = tmp_path / "d.jsonl"
    file.write_bytes(b'{"text": "' + b"x" * 100 + b'"}\n{"text": "y"}\n')
    long, short = records.read(file, Reading(row_limit=50))
    assert isinstance(long, Unread)
    assert "--set data.row_limit=200" in long.reason
    assert isinstance(short, Sample)
    assert all(isinstance(row, Sample) for row in records.read(file, Reading(row_limit=200)))


@pytest.mark.parametrize(
    "reading",
    [
        Reading(format="yaml"),
        Reading(row_limit=0),
        Reading(columns={"a": "speaker"}),
        Reading(columns={"a": "user"}),
        Reading(columns={"a": "role", "b": "content"}),
        Reading(columns={"a": "user", "b": "assistant", "c": "thread"}),
        Reading(roles={"agent": "bot"}),
        Reading(turns="turns"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, reading: Reading) -> None:
    """Before the first byte is read."""
    (tmp_path / "d.jsonl").write_bytes(GOOD)
    with pytest.raises(SettingsError, match=r"data\."):
        records.read_all(tmp_path / "d.jsonl", reading=reading)


def test_a_format_that_is_asked_for_is_the_only_one_read(tmp_path: Path) -> None:
    """With data.format=alpaca a chat row is no row, and says why."""
    file = tmp_path / "d.jsonl"
    file.write_bytes(GOOD + b'\n{"instruction": "i", "output": "o"}\n')
    chat_row, alpaca = records.read(file, Reading(format="alpaca"))
    assert isinstance(chat_row, Unread)
    assert "not a row of the format alpaca" in chat_row.reason
    assert isinstance(alpaca, Sample)
