"""What finding or measuring directions would take: its texts counted, and the model tried for some seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence

from wolfnote import forecast, models
from wolfnote.directions import causes, cure, extraction, measurement, price, pull, removal, watch, weights
from wolfnote.directions.sources import Source
from wolfnote.events import Event, OnEvent, silent
from wolfnote.forecast import Span
from wolfnote.judges import margin
from wolfnote.models import Conversation, Sampling, contact, speed
from wolfnote.models.local import LocalModel
from wolfnote.models.placement import Local
from wolfnote.records import Sample, chat
from wolfnote.results import Result

LOCAL = Local()
"""Where and in what precision a model is tried, unless told."""


def extracting(
    model: str, sources: Sequence[Source], settings: extraction.Settings, *, local: Local = LOCAL, on_event: OnEvent = silent
) -> Result:
    """Rows, tokens, minutes, money and disk of ``catalogue.run``. Opens the model; writes nothing."""
    opened, loading = _opened(model, local, on_event)
    texts = [source.texts(settings) for source in sources]
    asked, reads = ([c for pair in texts for c in pair[side]] for side in (0, 1))
    width = opened.network.module.config.get_text_config()
    size = len(sources) * 4 * width.hidden_size * width.num_hidden_layers
    return _plan(opened, model, asked, [*reads, *asked], settings.answer_tokens, loading, size, on_event)


def measuring(
    base: str, tuned: str, n: int, settings: measurement.Settings, *, local: Local = LOCAL, on_event: OnEvent = silent
) -> Result:
    """Rows, tokens, minutes, money and disk of ``measurement.run`` along ``n`` directions. Opens both; writes nothing."""
    opened, loading = _opened(base, local, on_event)
    models.open_local(tuned, over=opened, local=local)
    asked = [chat(t.prompt) for t in price.benign_texts()]
    reads = [*asked, *asked[: settings.texts] * 2]
    size = n * 120 * opened.network.module.config.get_text_config().num_hidden_layers
    return _plan(opened, base, asked[: settings.texts], reads, settings.answer_tokens, loading, size, on_event)


def screening(
    model: str, samples: Sequence[Sample], settings: pull.Settings, *, local: Local = LOCAL, on_event: OnEvent = silent
) -> Result:
    """Rows, tokens, minutes, money and disk of ``pull.run`` on these rows. Opens the model; writes nothing."""
    opened, loading = _opened(model, local, on_event)
    asked = list(dict.fromkeys(s.prompt for s in samples if s.prompt and s.answer.strip())) if settings.generate else []
    reads = [s.messages for s in samples] + [chat(t.prompt) for t in price.benign_texts()]
    return _plan(opened, model, asked, [*reads, *asked], settings.answer_tokens, loading, 1000.0 * len(samples), on_event)


def listening(
    base: str,
    tuned: str,
    prompts: Sequence[Conversation],
    settings: watch.Settings,
    *,
    local: Local = LOCAL,
    on_event: OnEvent = silent,
) -> Result:
    """Rows, tokens, minutes, money and disk of ``watch.run``. Opens both; writes nothing."""
    opened, loading = _opened(base, local, on_event)
    models.open_local(tuned, over=opened, local=local)
    return _plan(opened, base, [*prompts, *prompts], [], settings.answer_tokens, loading, 4000.0 * len(prompts), on_event)


def steering(
    model: str, settings: causes.Settings, *, unrelated: int = 0, local: Local = LOCAL, on_event: OnEvent = silent
) -> Result:
    """Rows, tokens, minutes, money and disk of ``causes.run`` along one direction. Opens the model; writes nothing."""
    opened, loading = _opened(model, local, on_event)
    count = causes.passes(settings, unrelated)
    return _scoring(opened, model, margin.triples(settings.family, settings.triples), count, loading, on_event)


def ablating(models_: Sequence[str], settings: cure.Settings, *, local: Local = LOCAL, on_event: OnEvent = silent) -> Result:
    """Rows, tokens, minutes, money and disk of ``cure.run`` on the models behind specs, the base first. Writes nothing."""
    opened, loading = _opened(models_[0], local, on_event)
    items = [t for family in margin.FAMILIES for t in margin.triples(family, settings.triples)]
    return _scoring(opened, models_[0], items, 2 * len(models_) + settings.controls, loading, on_event)


def _scoring(
    opened: LocalModel, spec: str, items: Sequence[margin.Triple], passes: int, loading: float, on_event: OnEvent
) -> Result:
    """So many passes over these triples."""
    prompts, answers = [chat(t.question) for t in items], [(t.aligned, t.misaligned) for t in items]
    found = speed.measure(opened, prompts, answers, prompts[:4], Sampling(max_tokens=4), on_event=on_event)
    once = speed.tokens(opened, [*(speed.rendered(opened, p) for p in prompts), *(a for pair in answers for a in pair)])
    estimates = (
        forecast.counted("rows", passes * len(items), f"{passes} passes over the triples"),
        forecast.counted("tokens in", passes * once),
        forecast.counted("tokens out", 0, "it scores fixed answers, and writes nothing"),
        forecast.minutes(found.prefill.seconds(passes * once).plus(forecast.exactly(loading)), found.prefill.tested),
        forecast.counted("money", 0, "this machine computes"),
        forecast.disk(passes * len(items) * 20, "records"),
    )
    return forecast.plan(estimates, hosts=contact.hosts(spec))


def removing(
    model: str, settings: removal.Settings, form: removal.Form, *, local: Local = LOCAL, on_event: OnEvent = silent
) -> Result:
    """Rows, tokens, minutes, money and disk of ``removal.run``. Opens the model; writes nothing."""
    opened, loading = _opened(model, local, on_event)
    texts = price.benign_texts()[: settings.price_texts]
    prompts, answers = [chat(t.prompt) for t in texts], [(t.answer,) for t in texts]
    found = speed.measure(opened, prompts, answers, prompts[:4], Sampling(max_tokens=4), on_event=on_event)
    read = 2 * speed.tokens(opened, [*(speed.rendered(opened, p) for p in prompts), *(t.answer for t in texts)])
    module = opened.network.module
    table, text = module.get_input_embeddings().weight, module.config.get_text_config()
    bits = weights.Stored(opened.network.path).most.itemsize
    # an adapter's: one vector for each matrix that writes, about two a block, each as wide as the feed-forward part
    slim = 4.0 * (len(table) + text.num_hidden_layers * 6 * text.hidden_size)
    head = module.get_output_embeddings()
    more = table.numel() if head is not None and head.weight is table else 0  # it gets weights of its own
    size = bits * float(sum(p.numel() for p in module.parameters()) + more) if form == "model" else slim
    estimates = (
        forecast.counted("rows", 2 * len(texts), "benign texts, before and after"),
        forecast.counted("tokens in", read),
        forecast.counted("tokens out", 0, "it scores fixed answers, and writes nothing"),
        forecast.minutes(found.prefill.seconds(read).plus(forecast.exactly(4 * loading)), found.prefill.tested),
        forecast.counted("money", 0, "this machine computes"),
        forecast.disk(size, "the baked weights, the head untied" if form == "model" else "the adapter"),
    )
    return forecast.plan(estimates, hosts=contact.hosts(model))


def _opened(spec: str, local: Local, on_event: OnEvent) -> tuple[LocalModel, float]:
    start = time.perf_counter()
    on_event(Event(f"open {spec}", 0, 0))
    return models.open_local(spec, local=local), time.perf_counter() - start


def _plan(
    opened: LocalModel,
    spec: str,
    asked: Sequence[Conversation],
    reads: Sequence[Conversation],
    answer_tokens: int,
    loading: float,
    size: float,
    on_event: OnEvent,
) -> Result:
    found = speed.measure(opened, questions=asked, sampling=Sampling(max_tokens=answer_tokens), on_event=on_event)
    read = speed.tokens(opened, [speed.rendered(opened, r) for r in (*asked, *reads)]) + len(reads) * answer_tokens
    written = len(asked) * answer_tokens
    spent: Span = found.prefill.seconds(read).plus(found.decode.seconds(written)).plus(forecast.exactly(loading))
    estimates = (
        forecast.counted("rows", len(asked) + len(reads), "answers to be written, and texts to be read"),
        forecast.counted("tokens in", read, "at most, if every answer is as long as allowed"),
        forecast.counted("tokens out", written, "at most, in the base's own answers"),
        forecast.minutes(spent, found.prefill.tested + found.decode.tested),
        forecast.counted("money", 0, "this machine computes"),
        forecast.disk(size, "directions and tables"),
    )
    return forecast.plan(estimates, hosts=contact.hosts(spec))
