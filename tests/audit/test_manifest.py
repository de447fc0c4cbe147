"""One hash proves which rows were trained on, in which order; a short path proves a single one."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wolfnote import InputError, Message, records
from wolfnote.audit import manifest, merkle
from wolfnote.audit.manifest import Inclusion


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\0", leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\1", root(leaves[:k]), root(leaves[k:]))


def test_the_root_is_that_of_the_standard() -> None:
    """Against a literal reading of RFC 6962, for every size up to 70; and its published test vector for seven leaves."""
    leaves = [bytes([i]) * 3 for i in range(70)]
    tree = merkle.Tree()
    for n, leaf in enumerate(leaves):
        assert tree.root == root(leaves[:n])
        tree.add(leaf)
    vector = [
        b"",
        b"\0",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
    tree = merkle.Tree()
    for leaf in vector:
        tree.add(leaf)
    assert tree.root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(1, 60), st.data())
def test_every_leaf_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    """The path of each leaf holds; for another leaf, place, size, root or a shortened path it does not."""
    leaves = [bytes([i]) for i in range(size)]
    index = data.draw(st.integers(0, size - 1))
    top = root(leaves)
    path = merkle.proof(iter(leaves), index, size)
    assert merkle.holds(leaves[index], index, size, path, top)
    assert not merkle.holds(b"other", index, size, path, top)
    assert not merkle.holds(leaves[index], index, size, path, sha(b"x"))
    assert not merkle.holds(leaves[index], index, size, [*path, top], top)
    if path:
        assert not merkle.holds(leaves[index], index, size, path[:-1], top)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert not merkle.holds(leaves[index], other, size, path, top)


def test_a_pair_is_no_leaf() -> None:
    """Without the two prefixes a tree of two leaves would have the root of one leaf that is their hashes."""
    two, one = merkle.Tree(), merkle.Tree()
    for leaf in (b"a", b"b"):
        two.add(leaf)
    one.add(merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b"))
    assert two.root != one.root


def written(folder: Path, n: int = 20) -> list[records.Sample]:
    rows = [records.sample((Message("user", f"q{i}"), Message("assistant", f"a{i}"))) for i in range(n)]
    records.write(rows[:12], folder / "a.jsonl")
    records.write(rows[12:], folder / "b.csv", "prompt-completion")
    manifest.write(folder, manifest.make([folder / "a.jsonl", folder / "b.csv"], run="r1"))
    return rows


def test_data_hold_to_their_manifest(tmp_path: Path) -> None:
    """Read back from the disk, in two containers; the root is over the rows in order."""
    rows = written(tmp_path)
    said = manifest.read(tmp_path)
    assert (said.rows, said.run, [f.rows for f in said.files]) == (20, "r1", [12, 8])
    assert said.root == root([manifest.leaf(row) for row in rows]).hex()
    assert all(manifest.leaf(row).hex().startswith(row.id) for row in rows)
    assert manifest.verify(tmp_path) == []


def test_every_change_is_seen(tmp_path: Path) -> None:
    """A changed answer, a swapped pair, a missing row, a new key, a missing file, a row that cannot be read."""
    written(tmp_path)
    path = tmp_path / "a.jsonl"
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    changes = {
        good.replace(b"a3", b"a4"): "the rows are others",
        b"".join([lines[1], lines[0], *lines[2:]]): "the rows are others",
        b"".join(lines[1:]): "19 now, 20 then",
        good.replace(b'{"messages"', b'{"tag": 1, "messages"', 1): "its content was changed",
        good + b"{\n": "cannot be read",
    }
    for content, says in changes.items():
        path.write_bytes(content)
        faults = manifest.verify(tmp_path)
        assert faults[0] == "a.jsonl: its content was changed"
        assert says in faults[-1]
    path.unlink()
    assert manifest.verify(tmp_path) == ["a.jsonl: is not there"]


def test_a_row_is_proved_without_the_others(tmp_path: Path) -> None:
    """The proof travels as JSON and holds by itself; a forged one does not; a row that is not there has none."""
    rows = written(tmp_path)
    for row in (rows[0], rows[13], rows[-1]):
        text = msgspec.json.encode(manifest.prove(tmp_path, row.id))
        found = msgspec.json.decode(text, type=Inclusion)
        assert found.holds()
        assert found.root == manifest.read(tmp_path).root
        for key, value in (("index", 1), ("row", rows[2].id), ("leaf", "00" * 32), ("root", "zz"), ("path", [])):
            forged = msgspec.convert(json.loads(text) | {key: value}, Inclusion)
            assert not forged.holds()
    with pytest.raises(InputError, match="no row"):
        manifest.prove(tmp_path, "0" * 16)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"rows": 1, "root": "", "made": "", "files": [{"name": "../x", "rows": 1, "bytes": 1, "sha256": ""}]}',
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, content: bytes) -> None:
    """One line with a remedy; it never reads outside its folder."""
    with pytest.raises(InputError, match="no manifest"):
        manifest.read(tmp_path)
    (tmp_path / manifest.FILE).write_bytes(content)
    with pytest.raises(InputError, match="→"):
        manifest.verify(tmp_path)
