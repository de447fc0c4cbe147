"""What the demo would take: the audit's, the tune's and the probe's own forecasts, as often as the story uses them."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from wolfnote import audit, forecast, tuning
from wolfnote.audit.draw import draw
from wolfnote.directions import persona, price
from wolfnote.events import OnEvent, silent
from wolfnote.forecast import Span
from wolfnote.lab.organisms import ARMS
from wolfnote.lab.story import Chosen, Settings, choose
from wolfnote.models import Model, contact, speed
from wolfnote.probe import forecast as probing
from wolfnote.records import chat
from wolfnote.results import Estimate, Result

MODELS = 1 + len(ARMS)
ADAPTED = Span(1.15, 1.0, 1.4)
"""What an adapter costs a pass, as a factor: there is none to try before the tune."""


class Work(NamedTuple):
    """What the three models of the story do beside the audit and the tunes, in tokens."""

    scored: int
    read: int
    written: int


def plan(settings: Settings, *, on_event: OnEvent = silent) -> Result:
    """Rows, tokens, minutes, money and disk of the whole story; its audit and its tune are the parts.

    Opens the model and tries each kind of work for some seconds. Raises ``InputError`` for a missing file or model.
    """
    start = time.perf_counter()
    chosen = choose(settings, on_event)
    loading = time.perf_counter() - start
    audited = _audit(chosen, settings, on_event)
    tuned = tuning.plan(settings.model, chosen.rows["bad"], settings.tune, on_event=on_event)
    work = _work(chosen.base, settings)
    asked = probing.work_of(settings.probe)
    found = speed.measure(
        chosen.base, asked.prompts, asked.answers, asked.questions, settings.probe.sampling, on_event=on_event
    )
    seconds = found.prefill.seconds(work.scored + work.read).plus(found.decode.seconds(work.written))
    estimates = (
        forecast.counted("rows", sum(map(len, chosen.rows.values())), "of both files, as many as fit the time"),
        forecast.counted("tokens in", _of(audited, "tokens in") + 2 * _of(tuned, "tokens in") + work.scored + work.read),
        Estimate("tokens out", work.written, 0.0, work.written, 1, "at most, in sampled answers"),
        _minutes(audited, tuned, seconds, loading, found.prefill.tested + found.decode.tested),
        forecast.counted("money", 0, "this machine computes"),
        forecast.counted("disk, MB", len(ARMS) * _of(tuned, "disk, MB"), "two adapters with their checkpoints"),
    )
    return forecast.plan(estimates, hosts=contact.hosts(settings.model), unknown=chosen.skipped, parts=(audited, tuned))


def _audit(chosen: Chosen, settings: Settings, on_event: OnEvent) -> Result:
    """The audit of both arms as one, so that the reader is fitted once."""
    rows = [row for arm in ARMS for row in draw(chosen.rows[arm], settings.audit.limit, settings.audit.seed)]
    both = msgspec.structs.replace(settings.audit, limit=len(rows))
    return audit.plan(rows, both, settings.model, on_event=on_event)


def _work(base: Model, settings: Settings) -> Work:
    """Margins and perplexities of each model plain and ablated, and of the bad tune under random ablations; the direction."""
    asked = probing.work_of(settings.probe)
    margins = probing.Work(asked.prompts, asked.answers, [], 0).tokens_in(base)
    benign = [speed.rendered(base, chat(t.prompt)) + t.answer for t in price.benign_texts()]
    perplexity = speed.tokens(base, benign[: settings.price_texts])
    whole = 2 * MODELS * (margins + perplexity) + settings.random_ablations * margins
    said = settings.direction.questions * settings.direction.answer_tokens
    answered = settings.texts * asked.longest
    read = _extraction(base, settings) + MODELS * answered + speed.tokens(base, benign)
    return Work(whole, read, said + answered + MODELS * asked.tokens_out)


def _extraction(base: Model, settings: Settings) -> int:
    """Tokens read to find the direction: each answer behind every instruction, and plain."""
    found = persona.open(settings.persona)
    questions = found.questions[: settings.direction.questions]
    systems = [s for c in found.contrast for s in (c.positive, c.negative)] + [""]
    prompts = [speed.rendered(base, chat(q, system=s)) for s in systems for q in questions]
    return speed.tokens(base, prompts) + len(prompts) * settings.direction.answer_tokens


def _minutes(audited: Result, tuned: Result, seconds: Span, loading: float, tested: float) -> Estimate:
    learning = (forecast.minutes_of(tuned) or forecast.exactly(0)).times(60 * len(ARMS))
    reading = (forecast.minutes_of(audited) or forecast.exactly(0)).times(60)
    asking = Span(*(a * b for a, b in zip(seconds, ADAPTED, strict=True)))
    return forecast.minutes(learning.plus(reading).plus(asking).plus(forecast.exactly(loading)), tested)


def _of(part: Result, name: str) -> float:
    return part.estimate(name).value
