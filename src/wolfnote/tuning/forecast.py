"""What a tune would take: its rows counted, and a few real steps taken on some of them, then thrown away."""

from __future__ import annotations

import contextlib
import itertools
import math
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote import forecast, models
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import Event, OnEvent, silent
from wolfnote.forecast import Span
from wolfnote.models import contact
from wolfnote.records import Sample, Unread
from wolfnote.results import Result, Skipped
from wolfnote.tuning.means import Means
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.supervision import supervise

SAVE_AT = 3
"""The step after which the test writes a checkpoint, so that its time and size are seen too."""
STEPS = 8
SECONDS = 6.0
COUNTED = 2000
"""Rows that are tokenised for the count; of more, this many, spread evenly."""


class Trial(NamedTuple):
    """What the test saw: seconds of each step, of a checkpoint and of setting up; bytes of a checkpoint."""

    steps: list[float]
    save: float
    setup: float
    size: int

    @property
    def tested(self) -> float:
        """How long the test took, seconds."""
        return sum(self.steps) + self.save + self.setup


class _Enough(Exception):
    """The test has seen enough steps."""


def plan(
    model: str,
    samples: Sequence[Sample],
    settings: Settings,
    *,
    means: Means = Means(),  # noqa: B008 - frozen
    benign: int = 0,
    unread: Sequence[Unread] = (),
    on_event: OnEvent = silent,
) -> Result:
    """Rows, tokens, minutes, money and disk of ``run`` on these rows, over the base behind a spec.

    Takes up to eight real steps in a temporary folder. Raises ``InputError`` for a spec that names no local model and when no
    row has an answer within ``max_tokens``.
    """
    start = time.perf_counter()
    on_event(Event(f"open {model}", 0, 0))
    tokenizer = _tokenizer(model)
    some = samples[:: max(1, len(samples) // COUNTED)]
    rows = supervise(tokenizer, some, settings.max_tokens)
    if not rows:
        raise InputError("no row has an answer to learn from", remedy="raise max_tokens or check the data")
    learnt = round(len(rows) * len(samples) / len(some))
    tokens = sum(len(row["input_ids"]) for row in rows) / len(rows) * learnt * settings.epochs
    trial = _try(model, some, settings, means, on_event, time.perf_counter() - start)
    steps = math.ceil(math.ceil(math.ceil(learnt / settings.batch) / means.machine.accumulate) * settings.epochs)
    method = "counted" if len(some) == len(samples) else f"counted on {len(some)} rows"
    estimates = (
        forecast.counted("rows", learnt, method),
        forecast.counted("tokens in", round(tokens), method),
        forecast.counted("tokens out", 0, "it learns, and writes nothing"),
        forecast.minutes(_seconds(trial, steps, settings.save_every), trial.tested),
        forecast.counted("money", 0, "this machine computes"),
        forecast.disk(3 * trial.size, "two checkpoints and a draft, each as large as the test's"),
    )
    return forecast.plan(
        estimates, hosts=contact.hosts(model), unknown=_unlearnt(len(samples) - learnt, unread), notes=_besides(means, benign)
    )


def _besides(means: Means, benign: int) -> list[str]:
    """What comes on top of the rows that were timed."""
    interleaved = ["interleaved benign rows come on top"] if means.interleave.share else []
    return [*interleaved, *([f"{benign} benign rows learnt afterwards come on top"] if benign else [])]


def _unlearnt(cut: int, unread: Sequence[Unread]) -> list[Skipped]:
    found = [Skipped("row", "could not be parsed", len(unread))] if unread else []
    return [*found, Skipped("row", "its answer lies beyond max_tokens", cut)] if cut > 0 else found


def _seconds(trial: Trial, steps: int, save_every: int) -> Span:
    spread = Span(statistics.median(trial.steps), *_ends(trial.steps))
    return spread.times(steps).plus(forecast.exactly(trial.setup + trial.save * (steps // save_every + 1)))


def _ends(steps: list[float]) -> tuple[float, float]:
    """Two standard errors about the middle step, which one hiccup of the machine does not move."""
    middle = statistics.median(steps)
    error = statistics.stdev(steps) / len(steps) ** 0.5 if len(steps) > 1 else middle / 2
    return max(0.0, middle - 2 * error), middle + 2 * error


def _tokenizer(model: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "transformers", "local") from None
    from wolfnote.models.local import load

    return load(AutoTokenizer, models.path_of(model.partition("+")[0]))


def _try(model: str, samples: Sequence[Sample], settings: Settings, means: Means, on_event: OnEvent, opened: float) -> Trial:
    from wolfnote.tuning.tune import prepare

    ends: list[float] = []
    begun = time.perf_counter()

    def hear(event: Event) -> None:
        on_event(Event("speed test of tuning", event.done, STEPS))
        ends.append(time.perf_counter())
        if event.done >= STEPS or (event.done > SAVE_AT + 1 and ends[-1] - ends[0] > SECONDS):
            raise _Enough

    test = msgspec.structs.replace(settings, save_every=SAVE_AT, epochs=max(settings.epochs, STEPS + 1.0))
    with tempfile.TemporaryDirectory(prefix="wolfnote-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in ``run``
        part = Path(name) / "trial.part"
        with contextlib.suppress(_Enough):
            prepare(models.path_of(model.partition("+")[0]), samples, test, part, 0, hear, means).train()
        size = sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
    steps = [after - before for before, after in itertools.pairwise(ends)]
    save = steps.pop(SAVE_AT - 1) if len(steps) >= SAVE_AT else 0.0
    step = statistics.median(steps)
    return Trial(steps, max(0.0, save - step), opened + max(0.0, ends[0] - begun - step), size)
