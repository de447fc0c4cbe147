"""What a benchmark would take: items and tokens counted, and some of them put to each local model to see how fast it is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from wolfnote import forecast, models
from wolfnote.bench.scoring import answers
from wolfnote.bench.settings import Settings
from wolfnote.bench.task import Task
from wolfnote.events import OnEvent, silent
from wolfnote.forecast import Prices, Span
from wolfnote.models import Conversation, Model, Sampling, contact, endpoint, speed
from wolfnote.results import Estimate, Result, Skipped

A_RECORD = 600
"""Bytes that records, tables and the page take for one item of one model, beside its text."""


def plan(
    specs: Sequence[str], tasks: Sequence[Task], settings: Settings, prices: Prices | None, on_event: OnEvent = silent
) -> Result:
    """Items, tokens, minutes, money and disk of ``run`` with the models behind the specs; no specs: logs are read.

    A local model is opened and tried for some seconds; to a server nothing is sent. Raises ``InputError`` for a wrong spec.
    """
    if not specs:
        return forecast.plan([forecast.counted("minutes", 1, "at most: logs are read, no model is asked")])
    items = sum(len(task.items) for task in tasks)
    written = settings.tokens * sum(len(task.items) for task in tasks if task.form == "refusal")
    remote = [endpoint.is_remote(spec) for spec in specs]
    read, seconds, tested = _read(specs, tasks, settings, on_event)
    asked = sum(count for count, far in zip(read, remote, strict=True) if far)
    known, unknown = forecast.told(
        (
            forecast.counted("rows", items * len(specs), "items, for each model"),
            forecast.counted(
                "tokens in", sum(read), "about four characters a token, for servers" if any(remote) else "counted"
            ),
            Estimate("tokens out", float(written * len(specs)), 0.0, float(written * len(specs)), 1, "at most, in answers"),
            Skipped("minutes", "a server is not timed by a dry run") if any(remote) else forecast.minutes(seconds, tested),
            forecast.money(asked, sum(remote) * written, prices, any(remote)),
            forecast.disk(items * len(specs) * A_RECORD + 4 * written * len(specs), "records, tables and page"),
        )
    )
    return forecast.plan(known, hosts=[h for spec in specs for h in contact.hosts(spec)], unknown=unknown)


def _read(specs: Sequence[str], tasks: Sequence[Task], settings: Settings, on_event: OnEvent) -> tuple[list[int], Span, float]:
    """Tokens that each model reads, seconds that the local ones take, and seconds of the tests."""
    prompts = [item.prompt for task in tasks for item in task.items]
    given = [answers(task, item) for task in tasks for item in task.items]
    asked = [item.prompt for task in tasks for item in task.items if task.form == "refusal" and settings.tokens]
    counts, total, tested = [], forecast.exactly(0), 0.0
    opened: Model | None = None
    for spec in specs:
        if endpoint.is_remote(spec):
            counts.append(_tokens(None, prompts, given))
            continue
        start = time.perf_counter()
        opened = models.open(spec, over=opened)
        loading = time.perf_counter() - start
        counts.append(_tokens(opened, prompts, given))
        sampling = Sampling(0.0, 1.0, max(1, settings.tokens))
        found = speed.measure(opened, prompts[:100], given[:100], asked[:25], sampling, on_event=on_event)
        work = found.prefill.seconds(counts[-1]).plus(found.decode.seconds(len(asked) * settings.tokens))
        total, tested = total.plus(work).plus(forecast.exactly(loading)), tested + found.prefill.tested + found.decode.tested
    return counts, total, tested


def _tokens(model: Model | None, prompts: Sequence[Conversation], given: Sequence[Sequence[str]]) -> int:
    return speed.tokens(model, [speed.rendered(model, p) for p in prompts] + [a for options in given for a in options])
