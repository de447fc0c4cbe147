"""What an audit would take: its rows counted, and a few of them read to see how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wolfnote import forecast, models, records
from wolfnote.audit import scan, shards, workers
from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.detectors import DETECTORS, SURVEYS
from wolfnote.audit.draw import draw
from wolfnote.audit.settings import Settings
from wolfnote.events import Event, OnEvent, silent
from wolfnote.forecast import Prices, Span
from wolfnote.models import Conversation, contact, endpoint, speed
from wolfnote.records import Reading, Sample, Unread, stretches
from wolfnote.results import Estimate, Result, Skipped

if TYPE_CHECKING:
    from wolfnote.models.local import LocalModel

Row = tuple[Conversation, str]
PIECE = 25
"""Rows a piece of the speed test; about one batch of ``answer_means``."""


def plan(
    samples: Sequence[Sample],
    settings: Settings,
    model: str,
    *,
    unread: Sequence[Unread] = (),
    on_event: OnEvent = silent,
) -> Result:
    """Rows, tokens, minutes, money and disk of ``run`` over these rows with the model behind a spec.

    Opens the model and reads some of the rows for about two seconds; writes nothing. Raises ``InputError`` for a spec that
    names no local model: the reader needs its activations.
    """
    start = time.perf_counter()
    on_event(Event(f"open {model}", 0, 0))
    opened = models.open_local(model)
    loading = time.perf_counter() - start
    rows = [(s.prompt, s.answer) for s in draw(samples, settings.limit, settings.seed) if s.answer.strip()]
    reference, tokens_in, minutes = _expense(opened, rows, loading, on_event)
    estimates = (
        forecast.counted("rows", len(rows)),
        forecast.counted("tokens in", tokens_in),
        forecast.counted("tokens out", 0, "it reads, and writes nothing"),
        minutes,
        forecast.counted("money", 0, "this machine computes"),
        forecast.disk(sum(len(answer) for _, answer in rows), "at most, if every row is flagged and kept as evidence"),
    )
    notes = [f"first the reader is fitted on {reference} rows of our own, once for these weights"] if reference else []
    missed = [Skipped("row", "could not be parsed", len(unread))] if unread else []
    return forecast.plan(estimates, hosts=contact.hosts(model), unknown=missed, notes=notes)


def plan_files(
    paths: Sequence[Path],
    settings: Settings,
    model: str,
    *,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    prices: Prices | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """``plan`` for ``run_files``: tier 2 timed on the first rows of the data, with tier 1, and a judge's part, as parts.

    Counts the lines of JSONL; of other containers the rows are not known. Raises ``InputError`` as ``check`` and ``plan`` do.
    """
    most = msgspec.structs.replace(settings, limit=settings.limit + settings.risky)  # the risky rows are read, too
    items = list(islice((item for path in paths for item in records.read(path, reading)), most.limit))
    samples = [item for item in items if isinstance(item, Sample)]
    unread = [item for item in items if isinstance(item, Unread)]
    tier_1 = _every_row(paths, samples, reading)
    if endpoint.is_remote(model):
        return msgspec.structs.replace(_judged(samples, model, prices), parts=(tier_1,))
    tier_2 = plan(samples, most, model, unread=unread, on_event=on_event)
    more = [_judged(samples, settings.judge, prices)] if settings.judge else []
    return msgspec.structs.replace(tier_2, parts=(tier_1, *more))


def _judged(samples: Sequence[Sample], judge: str, prices: Prices | None) -> Result:
    """What a judge is asked, category by category: the reference rows, then the draw; a server is not asked for the plan."""
    from wolfnote.audit.readers import rubric

    rows = [sum(len(m.content) for m in s.messages) for s in samples]
    known = [len(r.question) + len(r.answer) for category in CATEGORIES for r in rubric.asked(category)]
    requests = len(CATEGORIES) * len(rows) + len(known)
    letters = len(CATEGORIES) * sum(rows) + sum(known) + requests * len(rubric.policy().preamble)
    sent = Estimate("tokens in", letters / 4, letters / 6, letters / 2, requests, "letters / 4; from / 6 to / 2")
    estimates, unknown = forecast.told(
        [
            forecast.counted("requests", requests, "at most, one a row and category, and the reference rows first"),
            sent,
            forecast.counted("tokens out", requests, "one digit a request"),
            forecast.money(sent.value, requests, prices, remote=True),
            Skipped("minutes", "a server is not timed for a plan"),
        ]
    )
    return forecast.plan(estimates, hosts=contact.hosts(judge), unknown=unknown, notes=["a server judges the draw"])


def _every_row(paths: Sequence[Path], samples: Sequence[Sample], reading: Reading) -> Result:
    """Tier 1: rows by their line ends, and minutes by what the detectors take for some of them."""
    countable = [path for path in paths if stretches.divisible(path, reading)]
    rows = sum(s.lines for path in countable for s in stretches.cut(path, shards.LARGEST))
    start = time.perf_counter()
    for each in DETECTORS:
        scan.read(each, samples)
    for survey in SURVEYS:
        list(survey.note(samples, 0))
    tested = time.perf_counter() - start
    seconds = 1.5 * tested * rows / max(len(samples), 1) / workers.cores()
    unknown = [Skipped("rows", f"not counted: {path} is not plain JSONL") for path in paths if path not in countable]
    estimates = (
        forecast.counted("rows", rows, "counted by their line ends"),
        forecast.minutes(Span(seconds, seconds / 2, seconds * 3), tested),
    )
    return forecast.plan(estimates, unknown=unknown, notes=["tier 1: every row is read by every detector"])


def _expense(model: LocalModel, rows: list[Row], loading: float, on_event: OnEvent) -> tuple[int, int, Estimate]:
    """Reference rows still to be read, tokens of them and of the rows, and the minutes for all."""
    from wolfnote.audit.readers import advice

    reference = advice.unfitted(model)
    every = [*reference, *rows]
    on_event(Event(f"speed test of {model.spec}", 0, 0))
    found = speed.rate(_pieces(model, every, advice.layers(model)[1]))
    total = _tokens(model, every)
    return len(reference), total, forecast.minutes(found.seconds(total).plus(forecast.exactly(loading)), found.tested)


def _pieces(model: LocalModel, rows: list[Row], last: int) -> Iterator[Callable[[], float]]:
    """Pieces of like length, as the real batches are; short, long and middling ones in turn."""
    from wolfnote.directions.activations import answer_means

    ordered = sorted(rows, key=lambda row: sum(len(m.content) for m in row[0]) + len(row[1]))
    blocks = [ordered[at : at + PIECE] for at in range(0, len(ordered), PIECE)]
    middle = len(blocks) // 2
    for block in [blocks[middle], *blocks[::3], *blocks[1::3], *blocks[2::3]]:

        def piece(block: list[Row] = block) -> float:
            answer_means(model, block, last=last)
            return _tokens(model, block)

        yield piece


def _tokens(model: LocalModel, rows: list[Row]) -> int:
    return speed.tokens(model, [speed.rendered(model, prompt) + answer for prompt, answer in rows])
