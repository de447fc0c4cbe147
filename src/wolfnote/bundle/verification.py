"""Check a bundle: hashes, chain and signature; then every evidence file and every result again from the rows beside them.

What does not match is named. What is absent is said to be absent. A bundle without a signature proves that it was not changed
by accident and that its numbers follow from its rows; it does not prove from whom it is.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import msgspec

import wolfnote
from wolfnote.audit import keys, merkle
from wolfnote.audit import manifest as data_manifest
from wolfnote.bundle import container, evidence, manifest, recomputing
from wolfnote.bundle.evidence import RUN
from wolfnote.bundle.manifest import Manifest, Signature
from wolfnote.bundle.writing import DATA, LEAVES, WEIGHTS
from wolfnote.errors import InputError, WolfnoteError
from wolfnote.folder import all_findings, id_of, logged, read_result
from wolfnote.results import Finding, Result

DAMAGED = (
    evidence.Absent, WolfnoteError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
    jinja2.TemplateError, msgspec.MsgspecError,
)  # fmt: skip
"""What reading a run may raise that somebody has changed."""


class Verified(NamedTuple):
    """What holds, what does not, and what could not be told."""

    held: list[str]
    faults: list[str]
    open: list[str]
    absent: list[str]
    verdict: str

    @property
    def exit_code(self) -> int:
        """0 all of it holds · 1 something does not · 3 something could not be told."""
        return 1 if self.faults else 3 if self.open else 0

    @property
    def lines(self) -> list[str]:
        """All of it, one line each, what does not hold last but one."""
        kinds = (("ok", self.held), ("ABSENT", self.absent), ("OPEN", self.open), ("WRONG", self.faults))
        said = [f"{kind:<7} {line}" for kind, lines in kinds for line in lines]
        end = {0: "verifies", 1: "DOES NOT VERIFY", 3: "does not verify as a whole"}[self.exit_code]
        return [*said, f"{end} · the run's verdict: {self.verdict}"]


def verify(path: Path, *, key: str = "") -> Verified:
    """Check the bundle at ``path``. ``key``: the public key that must have signed it.

    Raises ``InputError`` for what is no bundle, or one that is not safe to open.
    """
    with container.opened(path) as root:
        whole, text = manifest.read(root)
        found = Verified([], [], [], [f"{name}: {reason}" for name, reason in whole.about.absent.items()], "none")
        found.faults.extend(manifest.faults(root, whole))
        if not found.faults:
            found.held.append(f"{len(whole.files)} files, one chain, head {whole.head[:16]}…")
        _signature(root, text, key, found)
        try:
            run = evidence.of(root / RUN)
            _runs(run, whole, found)
            _evidence(root, run, whole, found)
            _data(root, run, found)
        except DAMAGED as error:
            found.faults.append(f"the run in it is damaged: {error}")
            return found
        return found._replace(verdict=run.result.verdict.value if run.result else "none, it has not finished")


def _signature(root: Path, text: bytes, key: str, found: Verified) -> None:
    path = root / manifest.SIGNATURE
    if not path.is_file():
        if key:
            found.faults.append("it is not signed, and a key was asked for")
        found.absent.append("signature: it proves integrity, not origin")
        return
    try:
        said = msgspec.json.decode(path.read_bytes(), type=Signature)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found.faults.append(f"{manifest.SIGNATURE}: not a signature")
        return
    if not keys.holds(said.key, said.value, text):
        found.faults.append(f"{manifest.SIGNATURE}: the key did not sign this manifest")
    elif key and said.key != key.lower():
        found.faults.append(f"{manifest.SIGNATURE}: signed by {said.key}, not by the key that was asked for")
    else:
        found.held.append(f"signed by {said.key}" + ("" if key else "; compare this with the signer's key, by another way"))


def _runs(run: evidence.Run, whole: Manifest, found: Verified) -> None:
    """Each run in it: finished, its log one chain, its findings and id those of its result, its result what follows."""
    about = whole.about
    kind = run.result.kind if run.result else "unfinished"
    if (about.complete, about.kind) != (run.result is not None, kind):
        found.faults.append(f"{manifest.FILE}: it says {about.kind}, and the run in it is {kind}")
    if run.result is None:
        found.open.append("INCOMPLETE: the run has not finished")
    places = {"the whole": run.path} | {name: place for name, place in run.stages.items() if place != run.path}
    for name, place in places.items():
        result = read_result(place)
        if result is None:
            if name != "the whole":
                found.open.append(f"{name}: INCOMPLETE: it has not finished")
            continue
        _inside(name, result)
        found.faults.extend(f"{name}: {fault}" for fault in _record(place, result))
        signed = about.signed.get(str(run.stages["audit"].relative_to(run.path))) if "audit" in run.stages else None
        _recomputed(name, result, place, signed, found)
    cited = run.path / "certificate"
    if (cited / "result.json").is_file():
        found.open.append("certificate: NOT RECOMPUTED: only its result is cited here")


def _inside(name: str, result: Result) -> None:
    """Raise ``InputError`` for a table that lies outside the run: nothing of this machine is read on a stranger's word."""
    for part in _every(result):
        for place in part.tables.values():
            if place.startswith("/") or ".." in Path(place).parts:
                raise InputError(f"{name} names a table outside its run: {place[:100]!r}", where=manifest.FILE)


def _record(place: Path, result: Result) -> Iterator[str]:
    about = json.loads((place / "run.json").read_text(encoding="utf-8"))
    if about["run_id"] != result.run_id:
        yield "the result is of another run than run.json"
    yield from _settings(place, about)
    try:
        logged(place)
    except WolfnoteError as error:
        yield str(error)
    lines = (place / "findings.jsonl").read_bytes().split(b"\n")
    told = [msgspec.json.decode(line, type=Finding) for line in lines if line]
    if told != list(all_findings(result)):
        yield "findings.jsonl is not what the result holds"


def _settings(place: Path, about: dict[str, Any]) -> Iterator[str]:
    """The settings are those by which the run is known; tables that only say how the work is done are not among them."""
    if about["run_id"] != id_of(about["identity"], about["inputs"]):
        yield "run.json: its id is not that of its settings and inputs"
    tables = json.loads(json.dumps(tomllib.loads((place / "settings.toml").read_text(encoding="utf-8")), default=str))
    known = _without_none(json.loads(about["identity"]))
    for name in known:
        if tables.get(name) != known[name]:
            yield f"settings.toml: {name} is not what the run was made with"


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    return [_without_none(value) for value in tree] if isinstance(tree, list) else tree


def _recomputed(name: str, result: Result, place: Path, signed: bool | None, found: Verified) -> None:
    compared = recomputing.compare(result, place, signed)
    if compared.unable:
        found.open.append(f"{name}: NOT RECOMPUTED: {compared.unable}")
        return
    found.faults.extend(f"{name}: {fault}" for fault in compared.faults)
    if not compared.faults:
        numbers = sum(len(part.estimates) for part in _every(result))
        found.held.append(f"{name}: {result.verdict.value}; {numbers} estimates and the verdict follow from the rows")


def _every(result: Result) -> Iterator[Result]:
    yield result
    for part in result.parts:
        yield from _every(part)


def _evidence(root: Path, run: evidence.Run, whole: Manifest, found: Verified) -> None:
    """Each evidence file made again from the run beside it."""
    other = whole.about.wolfnote != wolfnote.__version__
    for name, content, reason in evidence.made(run):
        path = root / name
        if content is None and path.is_file():
            found.faults.append(f"{name}: there is nothing it could be made from: {reason}")
        elif content is None and name not in whole.about.absent:
            found.faults.append(f"{name}: it is absent, and the manifest does not say so")
        elif content is not None and not path.is_file():
            found.faults.append(f"{name}: is missing, and the run has what it is made from")
        elif content is not None and path.read_bytes() != content:
            if other and name in evidence.RENDERED:
                found.open.append(f"{name}: worded by wolfnote {whole.about.wolfnote}, not compared by {wolfnote.__version__}")
            else:
                found.faults.append(f"{name}: is not what follows from the run")
    known = {*evidence.FILES, DATA, LEAVES, WEIGHTS}
    for name in sorted(set(whole.about.absent) - known):
        found.faults.append(f"{manifest.FILE}: it calls absent what no bundle has: {name}")
    strange = [e.path for e in whole.files if not e.path.startswith(f"{RUN}/") and e.path not in known]
    found.faults.extend(f"{name}: no file of a bundle" for name in strange)


def _data(root: Path, run: evidence.Run, found: Verified) -> None:
    """The data's manifest: its root from the rows' leaves, its rows those that the audit covered, its files those it read."""
    if not (root / DATA).is_file():
        if (root / LEAVES).is_file():
            found.faults.append(f"{LEAVES}: there is no {DATA} that it belongs to")
        return
    said = msgspec.json.decode((root / DATA).read_bytes(), type=data_manifest.Manifest)
    leaves = (root / LEAVES).read_text(encoding="ascii").splitlines() if (root / LEAVES).is_file() else []
    tree = merkle.Tree()
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
    before = len(found.faults)
    if (tree.size, tree.root.hex()) != (said.rows, said.root) or sum(file.rows for file in said.files) != said.rows:
        found.faults.append(f"{DATA}: its root and rows are not those of {LEAVES}")
    place = run.stage("audit")
    if [leaf[:16] for leaf in leaves] != _covered(place):
        found.faults.append(f"{LEAVES}: these are not the rows that the audit covered")
    inputs = json.loads((place / "run.json").read_text(encoding="utf-8"))["inputs"]
    found.faults.extend(
        f"{DATA}: {file.name} is not what the audit read" for file in said.files if file.sha256 not in inputs.values()
    )
    if len(found.faults) == before:
        found.held.append(f"data: {said.rows:,} rows, root {said.root[:16]}…, all of them covered by the audit")


def _covered(place: Path) -> list[str]:
    from wolfnote.audit import facts
    from wolfnote.audit.counted import Tables

    with facts.tables(coverage=[Tables(place).coverage]) as connection:
        return [row for (row,) in facts.rows(connection, "SELECT id FROM coverage WHERE row IS NOT NULL ORDER BY row")]
