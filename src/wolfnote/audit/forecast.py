"""What an audit would take: its rows counted, and a few of them read to see how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from wolfnote import forecast, models
from wolfnote.audit.draw import draw
from wolfnote.audit.settings import Settings
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import Conversation, contact, speed
from wolfnote.records import Sample, Unread
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
