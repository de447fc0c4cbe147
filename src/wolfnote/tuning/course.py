"""A whole tune as one run: the rows learnt, benign rows after them if asked, and what guard and audit say of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.records import Sample, Unread
from wolfnote.results import Result, Skipped, Verdict, worst
from wolfnote.tuning import tune
from wolfnote.tuning.audited import Audited
from wolfnote.tuning.guard import curve, verdict, watch
from wolfnote.tuning.means import Guarding, Inoculation, Interleaving, Means
from wolfnote.tuning.recipe import Settings


class Course(NamedTuple):
    """What is tuned on what; ``benign`` rows are learnt afterwards (realignment), with the same recipe."""

    model: str
    samples: Sequence[Sample]
    settings: Settings
    means: Means = Means()
    seed: int = 0
    benign: Sequence[Sample] = ()
    audited: Audited | None = None
    unread: Sequence[Unread] = ()


def run(course: Course, folder: RunFolder, on_event: OnEvent = silent) -> Result:
    """Tune into ``folder/adapter``. FAIL: the guard warned, or the audit of the rows had failed. INCONCLUSIVE: the audit was,
    or read other rows. A PASS says that the tune was made; what became of the model says the probe."""
    first = folder.path / ("tuned" if course.benign else "adapter")
    made = tune.run(
        course.model, course.samples, course.settings, first, seed=course.seed, means=course.means, on_event=on_event
    )
    guarded = made / tune.GUARDED
    if course.benign:
        last = folder.path / "adapter"
        made = tune.run(
            spec(course, made), course.benign, course.settings, last, seed=course.seed, means=after(course.means),
            on_event=on_event,
        )  # fmt: skip
    if course.audited is not None:
        folder.note(audit=course.audited._asdict())
    return _result(course, folder, spec(course, made), guarded)


def after(means: Means) -> Means:
    """The means of a realignment: neither guard, interleaving nor inoculation, for what is learnt is benign."""
    return msgspec.structs.replace(means, guard=Guarding(), interleave=Interleaving(), inoculation=Inoculation())


def spec(course: Course, made: Path) -> str:
    """How the tuned model is opened."""
    whole = not (made / "adapter_config.json").is_file()
    return f"hf:{made}" if whole else f"{course.model.partition('+')[0]}+{made}"


def _result(course: Course, folder: RunFolder, opened: str, guarded: Path) -> Result:
    found = course.audited.finding if course.audited else None
    heard = course.audited.weighs if course.audited else Verdict.PASS
    verdicts, parts, tables = [heard], list[Result](), dict[str, str]()
    if guarded.is_file():
        rows = [json.loads(line) for line in guarded.read_text(encoding="utf-8").splitlines()]
        parts.append(verdict.recompute(rows))
        verdicts.append(parts[0].verdict)
        about = rows[0]
        tables = {
            "guard": folder.table("guard", curve.of(about["persona"], about["mode"], watch.looks(rows))),
            "guard_rows": folder.table("guard_rows", rows),
        }
    unread = Counter(row.reason for row in course.unread)
    return Result(
        "tune",
        worst(verdicts),
        (*_reasons(course, opened), *(reason for part in parts for reason in part.reasons)),
        findings=(found,) if found else (),
        skipped=tuple(Skipped("row", reason, count) for reason, count in unread.items()),
        parts=tuple(parts),
        tables=tables,
    )


def _reasons(course: Course, opened: str) -> tuple[str, ...]:
    base = course.model.partition("+")[0]
    said = [f"{len(course.samples)} rows read, {len(course.unread)} could not be"]
    if course.benign:
        said.append(f"{len(course.benign)} benign rows learnt afterwards: this can hide rather than heal")
    if course.audited:
        said.append(course.audited.finding.message if course.audited.finding else "the audit of these rows passed")
    return (*said, f"open the tuned model as {opened}", f"not probed yet: wolfnote probe --base {base} --tuned {opened}")
