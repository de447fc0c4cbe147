"""The files that an auditor opens, each computed from the run that lies beside them: ``verify`` makes them again and compares.

A file that there is nothing for is not made up: its name comes with the reason, and is printed as ABSENT.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote import report
from wolfnote.audit import provenance
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.report import reading
from wolfnote.report.spreadsheet import cell
from wolfnote.results import Result

RUN = "run"
NAMES = {"measure": "directions"}
"""Kinds of runs that go by another name as a stage."""


class Absent(Exception):
    """There is nothing for this file, and why."""


class Run(NamedTuple):
    """A run in a bundle: its folder, its result (None = it did not finish), and where each stage's run lies."""

    path: Path
    result: Result | None
    stages: dict[str, Path]

    def stage(self, name: str) -> Path:
        """The folder of a finished stage. Raises ``Absent``."""
        place = self.stages.get(name)
        if place is None:
            raise Absent(f"no {name} was run")
        if not (place / "result.json").is_file():
            raise Absent(f"{name} did not finish")
        return place


def of(path: Path) -> Run:
    """The run in this folder, finished or not. Raises ``InputError`` for a folder that is no run."""
    if not (path / "run.json").is_file():
        raise InputError("not a wolfnote run", where=str(path), remedy="give the folder that --out named")
    about = _json(path / "run.json")
    result = read_result(path)
    if result is not None and result.kind != "check":
        return Run(path, result, {NAMES.get(result.kind, result.kind): path})
    stages = about.get("stages")
    if stages is None and (path / "stages").is_dir():  # a check that was killed
        stages = {folder.name: f"stages/{folder.name}" for folder in sorted((path / "stages").iterdir()) if folder.is_dir()}
    return Run(path, result, {name: path / _inside(place) for name, place in (stages or {}).items()})


def made(run: Run) -> Iterator[tuple[str, bytes | None, str]]:
    """Every evidence file with its bytes, or with None and the reason why it is absent."""
    for name, make in FILES.items():
        try:
            yield name, make(run), ""
        except Absent as reason:
            yield name, None, str(reason)


def _inside(place: str) -> str:
    """A place within the run. Raises ``InputError`` for one that leads out of it."""
    if place.startswith("/") or ".." in Path(place).parts:
        raise InputError(f"a stage outside its check: {place!r}", where="run.json", remedy="make the bundle again")
    return place


def _result(stage: str) -> Callable[[Run], bytes]:
    return lambda run: (run.stage(stage) / "result.json").read_bytes()


def _sample(run: Run) -> bytes:
    """Seed, frame and ids of the draw, one row an id."""
    place = run.stage("audit")
    if not (place / "draw.jsonl").is_file():
        raise Absent("the audit drew no rows")
    about, settings = provenance.read(place), _toml(place)
    seed = settings.get("audit", {}).get("seed", 0)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("seed", "rows of the data", "rows that could not be read", "row", "source", "part"))
    for line in _lines(place / "draw.jsonl"):
        table.writerow((seed, about.population, about.unread, line["row"], cell(line["source"]), line["part"]))
    return out.getvalue().encode()


def _labels(run: Run) -> bytes:
    path = run.stage("audit") / "labels.jsonl"
    if not path.is_file():
        raise Absent("no person has reviewed the draw")
    return path.read_bytes()


def _gate(run: Run) -> bytes:
    """What was observed against which rule, and who waived what until when."""
    place = run.stage("audit")
    result, settings = read_result(place), _toml(place)
    people = place / "gate.json"
    waivers = settings.get("policy", {}).get("waivers", [])
    return _dump({
        "rule": settings.get("gate", {}),
        "policy": {name: value for name, value in settings.get("policy", {}).items() if name != "waivers"},
        "verdict": result.verdict.value if result else None,
        "reasons": list(result.reasons) if result else [],
        "observed": [vars_of(e) for e in result.estimates] if result else [],
        "waivers": [{key: str(value) for key, value in waiver.items()} for waiver in waivers],
        "people": json.loads(people.read_bytes()) if people.is_file() else "ABSENT: no person has reviewed the draw",
    })  # fmt: skip


def _tuning(run: Run) -> bytes:
    place = run.stage("tune")
    result = read_result(place)
    return _dump({"run": _json(place / "run.json"), "settings": _toml(place), "said": list(result.reasons) if result else []})


def _responses(run: Run) -> bytes:
    path = run.stage("probe") / "completions.jsonl"
    if not path.is_file():
        raise Absent("the probe kept no answers")
    return path.read_bytes()


def _control(run: Run) -> bytes:
    path = run.path / "certificate" / "result.json"
    if not path.is_file():
        raise Absent("no certificate was named: check.certificate")
    return path.read_bytes()


def _leash(run: Run) -> bytes:
    raise Absent("no canary has served this model, or its log was not given")


def _finished(run: Run) -> None:
    if run.result is None:
        raise Absent("the run has not finished")


def _rendered(form: str) -> Callable[[Run], bytes]:
    def make(run: Run) -> bytes:
        _finished(run)
        return report.render(run.path, form).encode()

    return make


def _limits(run: Run) -> bytes:
    """What was not tested: of a run that did not finish, that it did not."""
    lines = ["# What was not tested", ""]
    if run.result is None:
        return "\n".join([*lines, "- the run did not finish: nothing here is a result", ""]).encode()
    return "\n".join([*lines, *(f"- {place}: {text}" for place, text in reading.untested(run.result)), ""]).encode()


FILES: dict[str, Callable[[Run], bytes]] = {
    "decision.json": _result("advise"),
    "audit.sample.csv": _sample,
    "review.labels.jsonl": _labels,
    "gate.json": _gate,
    "train.run.json": _tuning,
    "ood.responses.jsonl": _responses,
    "bench.delta.json": _result("bench"),
    "persona.json": _result("directions"),
    "positive_control.json": _control,
    "rollout.log": _leash,
    "limits.md": _limits,
    "model-card.md": _rendered("card"),
    "mlbom.cdx.json": _rendered("mlbom"),
    "report.html": _rendered("html"),
}
RENDERED = ("limits.md", "model-card.md", "mlbom.cdx.json", "report.html")
"""Those whose wording belongs to a version of Wolfnote."""


def vars_of(struct: Any) -> Any:
    """A struct as JSON's own types."""
    import msgspec

    return msgspec.to_builtins(struct)


def _toml(place: Path) -> dict[str, Any]:
    import tomllib

    return tomllib.loads((place / "settings.toml").read_text(encoding="utf-8"))


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _dump(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True, default=str) + "\n").encode()
