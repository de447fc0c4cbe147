"""A run → a bundle: a copy of what its verdict rests on, the evidence files made from that copy, and the manifest over all."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

import wolfnote
from wolfnote.audit import keys
from wolfnote.audit import manifest as data_manifest
from wolfnote.bundle import container, evidence, manifest, withholding
from wolfnote.bundle.evidence import RUN
from wolfnote.errors import InputError, WolfnoteError
from wolfnote.folder import content_hash

FILES = (
    "run.json", "settings.toml", "result.json", "records.jsonl", "findings.jsonl", "draw.jsonl", "labels.jsonl",
    "ledger.jsonl", "signatures.jsonl", "gate.json", "completions.jsonl", "manifest.json",
)  # fmt: skip
"""What of a run is evidence. Weights stay where they are: their hashes are in ``weights.json``."""
FOLDERS = ("tables", "certificate")
DATA, LEAVES, WEIGHTS = "dataset.manifest.json", "dataset.leaves", "weights.json"


class Made(NamedTuple):
    """What was written."""

    files: tuple[str, ...]
    absent: tuple[str, ...]
    head: str
    complete: bool


def write(run: Path, out: Path, *, key: Path | None = None, withhold: bool = False) -> Made:
    """Write the bundle of a run, finished or not, as a zip or into a new folder, whole or not at all.

    Raises ``InputError`` for a folder that is no run, an ``out`` that is there, a key that is none; ``RunError`` when full.
    """
    if out.exists():
        raise InputError("is there already", where=str(out), remedy="name another --out")
    secret = None if key is None else keys.read(key)
    source = evidence.of(run)
    with tempfile.TemporaryDirectory(prefix="wolfnote-") as home:
        root = Path(home) / "bundle"
        _copy(run, root / RUN, source)
        absent = dict(_recorded(source, root))
        signed = _signed(source) if withhold else {}
        if withhold:
            withholding.withhold(root / RUN)
        absent |= dict(_evidence(root))
        about = manifest.About(
            source.result.kind if source.result else "unfinished", _id(run), source.result is not None, withhold,
            wolfnote.__version__, absent, signed,
        )  # fmt: skip
        whole = manifest.make(root, about)
        text = manifest.encode(whole)
        (root / manifest.FILE).write_bytes(text)
        if secret is not None:
            signature = manifest.Signature(keys.public(secret), keys.sign(secret, text))
            (root / manifest.SIGNATURE).write_bytes(msgspec.json.encode(signature) + b"\n")
        _place(root, out)
    return Made(tuple(e.path for e in whole.files), tuple(f"{n}: {r}" for n, r in absent.items()), whole.head, about.complete)


def _place(root: Path, out: Path) -> None:
    if out.suffix == ".zip":
        container.pack(root, out)
        return
    try:
        shutil.copytree(root, out)
    except OSError as error:
        raise InputError(f"not written ({error})", where=str(out), remedy="name another --out") from None


def _copy(run: Path, to: Path, source: evidence.Run) -> None:
    """What is evidence of the run and of its stages; links are not followed out of it."""
    to.mkdir(parents=True)
    for place in {run, *source.stages.values()}:
        target = to / place.relative_to(run)
        target.mkdir(parents=True, exist_ok=True)
        files = [place / name for name in FILES]
        for folder in FOLDERS:
            files += sorted((place / folder).glob("*"))
        for file in files:
            if file.is_file() and not file.is_symlink() and not file.name.startswith("."):
                (target / file.relative_to(place)).parent.mkdir(exist_ok=True)
                shutil.copyfile(file, target / file.relative_to(place))


def _evidence(root: Path) -> Iterator[tuple[str, str]]:
    """Write the evidence files; tell which are absent, and why."""
    for name, content, reason in evidence.made(evidence.of(root / RUN)):
        if content is None:
            yield name, reason
        else:
            (root / name).write_bytes(content)


def _recorded(source: evidence.Run, root: Path) -> Iterator[tuple[str, str]]:
    """What only this machine has: the data's manifest and the weights' hashes."""
    try:
        _data(source, root)
    except (evidence.Absent, WolfnoteError) as error:
        yield DATA, str(error)
    adapter = source.stages.get("tune", source.path) / "adapter"
    if adapter.is_dir():
        hashes = {file.name: content_hash(file) for file in sorted(adapter.iterdir()) if file.is_file()}
        (root / WEIGHTS).write_text(json.dumps({"adapter": hashes}, indent=1) + "\n", encoding="utf-8")
    else:
        yield WEIGHTS, "no weights were made by this run; the models' fingerprints are in run.json"


def _data(source: evidence.Run, root: Path) -> None:
    """The data's files, hashes and Merkle root, and each row's leaf, so that the root can be computed again."""
    from wolfnote.audit import provenance

    paths = provenance.read(source.stage("audit")).unchanged()
    made = data_manifest.make(paths)
    (root / DATA).write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    with (root / LEAVES).open("w", encoding="ascii") as out:
        for leaf in data_manifest.leaves(paths):
            out.write(leaf.hex() + "\n")


def _signed(source: evidence.Run) -> dict[str, bool]:
    """Whether each audit's signatures hold now: once texts are withheld, nobody can tell."""
    from wolfnote.pipeline import concluding

    place = source.stages.get("audit")
    if place is None:
        return {}
    return {str(place.relative_to(source.path)): concluding.signed(place)}


def _id(run: Path) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads((run / "run.json").read_text(encoding="utf-8"))["run_id"])
    raise InputError("not a wolfnote run", where=str(run), remedy="give the folder that --out named")
