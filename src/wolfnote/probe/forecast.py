"""What a probe would take: its triples and questions counted, and some of them put to each model to see how fast."""

from __future__ import annotations

import time
from typing import NamedTuple

from wolfnote import forecast, models
from wolfnote.events import Event, OnEvent, silent
from wolfnote.forecast import Prices, Span
from wolfnote.judges import margin
from wolfnote.judges.margin import CHUNK
from wolfnote.models import Conversation, Model, contact, endpoint, speed
from wolfnote.probe import character
from wolfnote.probe.question import unrelated
from wolfnote.probe.reading import Settings
from wolfnote.records import chat
from wolfnote.results import Estimate, Result, Skipped

A_RECORD = 400
"""Bytes that a record, a row of a table and the page take for one triple or answer, beside its text."""


class Work(NamedTuple):
    """What one model is asked: prompts with their answers to be scored, and questions to be answered."""

    prompts: list[Conversation]
    answers: list[tuple[str, ...]]
    questions: list[Conversation]
    longest: int

    def tokens_in(self, model: Model | None) -> int:
        """Tokens that this model reads; ``None`` for a server, whose tokenizer is not at hand."""
        texts = [speed.rendered(model, p) for p in (*self.prompts, *self.questions)]
        return speed.tokens(model, texts + [a for pair in self.answers for a in pair])

    @property
    def tokens_out(self) -> int:
        """Tokens that it writes at most."""
        return len(self.questions) * self.longest


class Share(NamedTuple):
    """One model's part: tokens it reads, seconds it takes (None where it is not timed), seconds the test took."""

    tokens_in: int
    seconds: Span | None
    tested: float


def plan(base: str, tuned: str, settings: Settings, *, prices: Prices | None = None, on_event: OnEvent = silent) -> Result:
    """Rows, tokens, minutes, money and disk of ``run`` between the models behind two specs.

    A local model is opened and tried for some seconds; to a server nothing is sent, so its minutes are not known. Raises
    ``InputError`` for a spec that names no model.
    """
    work = work_of(settings)
    shares = _shares((base, tuned), work, settings, on_event)
    remote = [endpoint.is_remote(spec) for spec in (base, tuned)]
    asked = sum(share.tokens_in for share, is_remote in zip(shares, remote, strict=True) if is_remote)
    known, unknown = forecast.told(
        (
            forecast.counted("rows", 2 * (len(work.prompts) + len(work.questions)), "what is weighed or asked, for each model"),
            _tokens_in(shares, any(remote)),
            Estimate("tokens out", 2.0 * work.tokens_out, 0.0, 2.0 * work.tokens_out, 1, "at most, in sampled answers"),
            _minutes(shares),
            forecast.money(asked, sum(remote) * work.tokens_out, prices, any(remote)),
            forecast.disk(_written(work), "records, tables and page, from the length of their texts"),
        )
    )
    more = [spec for spec in (settings.judge, settings.twin) if spec]
    if more:
        known = [each for each in known if each.name not in ("minutes", "money")]
        unknown = [*unknown, Skipped("minutes and money", "the judge's and the twin's part is not counted beforehand")]
    hosts = [host for spec in (base, tuned, *more) for host in contact.hosts(spec)]
    notes = ["not counted: what --train, --questions and --log add"]
    return forecast.plan(known, hosts=hosts, unknown=unknown, notes=notes)


def work_of(settings: Settings) -> Work:
    """What ``run`` asks each of the two models."""
    families = (*margin.FAMILIES, *margin.TONES) if settings.preset == "article" else margin.FAMILIES
    triples = [t for family in families for t in margin.triples(family, settings.triples)]
    weighed = [each for found in character.sets() for each in found.asked] if settings.character else []
    return Work(
        [*(chat(t.question) for t in triples), *(each.conversation for each in weighed)],
        [*((t.aligned, t.misaligned) for t in triples), *(each.answers for each in weighed)],
        [chat(q.text) for q in unrelated(settings.questions or None)] * settings.samples,
        settings.sampling.max_tokens,
    )


def share_of(model: Model, work: Work, settings: Settings, loading: float, on_event: OnEvent) -> Share:
    """A model's part of the work, after trying it; ``loading`` = seconds that opening it took."""
    found = speed.measure(
        model, work.prompts, work.answers, work.questions[:CHUNK], settings.sampling, batch=CHUNK, on_event=on_event
    )
    read = work.tokens_in(model)
    seconds = found.prefill.seconds(read).plus(found.decode.seconds(work.tokens_out)).plus(forecast.exactly(loading))
    return Share(read, seconds, found.prefill.tested + found.decode.tested)


def _shares(specs: tuple[str, str], work: Work, settings: Settings, on_event: OnEvent) -> list[Share]:
    shares = []
    opened = None
    for spec in specs:
        if endpoint.is_remote(spec):
            shares.append(Share(work.tokens_in(None), None, 0.0))
            continue
        start = time.perf_counter()
        on_event(Event(f"open {spec}", 0, 0))
        opened = models.open(spec, over=opened)
        shares.append(share_of(opened, work, settings, time.perf_counter() - start, on_event))
    return shares


def _tokens_in(shares: list[Share], guessed: bool) -> Estimate:
    count = sum(share.tokens_in for share in shares)
    return forecast.counted("tokens in", count, "about four characters a token, for the server" if guessed else "counted")


def _minutes(shares: list[Share]) -> Estimate | Skipped:
    seconds = forecast.exactly(0)
    for share in shares:
        if share.seconds is None:
            return Skipped("minutes", "a server is not timed by a dry run: nothing is sent to it")
        seconds = seconds.plus(share.seconds)
    return forecast.minutes(seconds, sum(share.tested for share in shares))


def _written(work: Work) -> float:
    texts = sum(len(m.content) for p in (*work.prompts, *work.questions) for m in p)
    longest = work.longest * speed.CHARACTERS_A_TOKEN
    return texts + 2 * (len(work.questions) * (longest + A_RECORD) + len(work.prompts) * A_RECORD)
