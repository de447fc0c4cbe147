"""The stages in their order. To add one, add an entry: its command, the tables it reads, and when it is left out."""

from __future__ import annotations

from pathlib import Path

from wolfnote.pipeline.settings import TUNE, Settings
from wolfnote.pipeline.stage import Stage

MODELS = ("local", "remote")
NO_TUNED = "no tuned model is named: check.tuned"


def tuned(check: Settings, stages: Path) -> str:
    """The model after tuning: the one that is named, or the one that this check makes."""
    return f"{check.base}+{stages / TUNE / 'adapter'}" if check.tuned == TUNE else check.tuned


def _pair(command: str, check: Settings, stages: Path) -> list[str]:
    return [command, "--base", check.base, "--tuned", tuned(check, stages)]


def _probe(check: Settings, stages: Path) -> list[str]:
    """The training rows go with it where they are one file: a conditional effect shows in their form only."""
    train = ["--train", check.data[0]] if len(check.data) == 1 else []
    return [*_pair("probe", check, stages), *train, *(["--preset", check.preset] if check.preset else [])]


def _advise(check: Settings, stages: Path) -> list[str]:
    """Before anything is tuned here, so a tune that this check makes itself is not among the arms."""
    docs = ["--docs", check.docs] if check.docs else []
    known = ["--tuned", check.tuned] if check.tuned not in ("", TUNE) else []
    return ["advise", check.tasks, *docs, "--base", check.base, *known]


def _audit(check: Settings, stages: Path) -> list[str]:
    preset = ["--preset", check.preset] if check.preset else []
    return ["audit", *check.data, "--model", check.reader, *preset]


def _tune(check: Settings, stages: Path) -> list[str]:
    return ["tune", check.data[0], "--model", check.base, "--seed", str(check.seed)]


def _measure(check: Settings, stages: Path) -> list[str]:
    return ["direction", "measure", check.directions, *_pair("", check, stages)[1:], "--seed", str(check.seed)]


def _untuned(check: Settings) -> str:
    if check.tuned != TUNE:
        return "the check does not tune: check.tuned is not 'tune'"
    return "" if len(check.data) == 1 else "tuning takes one file: check.data"


def _unbenched(check: Settings) -> str:
    """It takes its time, so it runs where it counts: required, or one of the article's points."""
    if not check.tuned:
        return NO_TUNED
    return "" if "bench" in check.require or check.preset else "not asked for: add bench to check.require"


STAGES = (
    Stage(
        "advise", "should it be fine-tuned at all?", "advise",
        _advise, ("advise", "probe", "policy", *MODELS),
        lambda check: "" if check.tasks else
        "not asked for here: wolfnote advise measures prompt, few-shot and retrieval beside the tune; check.tasks names tasks",
    ),
    Stage(
        "audit", "is the training data an alignment hazard?", "audit",
        _audit, ("audit", "gate", "readers", "data", "policy", *MODELS),
        lambda check: "" if check.data else "no training data are named: check.data",
    ),
    Stage("tune", "tune on the audited data", "tuning", _tune, ("tune", "data"), _untuned),
    Stage(
        "probe", "did the fine-tune change what it was not meant to change?", "probe",
        _probe, ("probe", "policy", "data", *MODELS),
        lambda check: "" if check.tuned else NO_TUNED,
    ),
    Stage(
        "bench", "is it worse on a fixed benchmark?", "bench",
        lambda check, stages: _pair("bench", check, stages), ("bench", "policy", *MODELS), _unbenched,
    ),
    Stage(
        "directions", "did it move along a persona?", "directions",
        _measure, ("measure", "local"),
        lambda check: NO_TUNED if not check.tuned else "" if check.directions else
        "no directions are named: wolfnote direction extract makes them, check.directions names them",
    ),
)  # fmt: skip
