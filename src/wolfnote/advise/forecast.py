"""What advice would take: items, tokens, money and disk; a local model's minutes from a short test of its speed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from wolfnote import forecast, models
from wolfnote.advise import arms as arms_module
from wolfnote.advise.arms import ARMS, Material
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Tasks
from wolfnote.events import OnEvent, silent
from wolfnote.forecast import Prices, Span
from wolfnote.models import Conversation, Model, contact, endpoint, speed
from wolfnote.records import chat
from wolfnote.results import Estimate, Result, Skipped

A_ROW = 3000
"""Bytes that one item of one arm takes in tables, answers and page."""


def plan(
    specs: Sequence[str],
    tasks: Tasks,
    found: Material,
    settings: Settings,
    prices: Prices | None,
    on_event: OnEvent = silent,
) -> Result:
    """Items, tokens, minutes, money and disk of ``run`` with base and tuned model; probes of the arms come on top.

    A local model is opened and tried for some seconds; to a server nothing is sent.
    """
    asked = {spec: _prompts(number == 1, tasks, found, settings, len(specs) > 1) for number, spec in enumerate(specs)}
    far = [spec for spec in specs if endpoint.is_remote(spec)]
    read, seconds, tested = _tried(asked, settings, on_event)
    written = {spec: len(prompts) * settings.sampling.max_tokens for spec, prompts in asked.items()}
    total = sum(written.values())
    known, unknown = forecast.told((
        forecast.counted("rows", sum(map(len, asked.values())), "questions, over all arms"),
        forecast.counted("tokens in", sum(read.values()), "about four characters a token, for servers" if far else "counted"),
        Estimate("tokens out", float(total), 0.0, float(total), 1, "at most"),
        Skipped("minutes", "a server is not timed by a dry run") if far else forecast.minutes(seconds, tested),
        forecast.money(sum(read[s] for s in far), sum(written[s] for s in far), prices, bool(far)),
        forecast.disk(sum(map(len, asked.values())) * A_ROW, "answers, tables and page"),
    ))  # fmt: skip
    notes = ["each arm is probed on top of this: wolfnote probe --dry-run"] if settings.alignment else []
    judged = [settings.judge] if settings.judge else []
    if judged:
        unknown = [*unknown, Skipped("judge", "its tokens, minutes and money are not counted beforehand")]
    hosts = [host for spec in (*specs, *judged) for host in contact.hosts(spec)]
    return forecast.plan(known, hosts=hosts, unknown=unknown, notes=notes)


def _prompts(tuned: bool, tasks: Tasks, found: Material, settings: Settings, both: bool) -> list[Conversation]:
    """What one model is asked, arm by arm."""
    own = [arm for arm in ARMS if arm.tuned == tuned and not arms_module.lacks(arm, found, both)]
    return [arms_module.wear(arm, chat(item.question), found, settings) for arm in own for item in tasks.asked]


def _tried(asked: dict[str, list[Conversation]], settings: Settings, on_event: OnEvent) -> tuple[dict[str, int], Span, float]:
    """Tokens that each model reads, seconds that the local ones take, and seconds of the tests."""
    read: dict[str, int] = {}
    total, tested, opened = forecast.exactly(0), 0.0, None
    for spec, prompts in asked.items():
        model: Model | None = None
        if not endpoint.is_remote(spec):
            start = time.perf_counter()
            model = opened = models.open(spec, over=opened)
            total = total.plus(forecast.exactly(time.perf_counter() - start))
        read[spec] = speed.tokens(model, [speed.rendered(model, p) for p in prompts])
        if model is not None and not spec.startswith("scripted:"):
            found = speed.measure(model, prompts[:50], [("Yes.",)] * 50, prompts[:25], settings.sampling, on_event=on_event)
            total = total.plus(found.prefill.seconds(read[spec]))
            total = total.plus(found.decode.seconds(len(prompts) * settings.sampling.max_tokens))
            tested += found.prefill.tested + found.decode.tested
    return read, total, tested
