"""Which way would this data pull a model? Its answers are read against what the untouched base would have said itself.

The *projection difference* of a data set predicts how far a tune on it moves (r .88 to .95, arXiv 2507.21509). As any two
styles differ along any direction, the difference is read against random directions with the same covariance, as a tune's shift
is. Rows are ranked by it: those to look at first. A row far out is a row to read, not a row that is bad.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from wolfnote.directions import price, projection
from wolfnote.directions.activations import Position, Row, answer_means, gather
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.expectation import expect
from wolfnote.errors import InputError, RunError
from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.models.store import COMPLETIONS, Store, complete
from wolfnote.records import Sample, Unread, chat
from wolfnote.results import Estimate, Result, Skipped, Verdict, worst
from wolfnote.settings import Count, Share


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is read, and the null it is read against."""

    limit: Count = 200
    """Rows that are read, drawn by hash."""
    generate: bool = True
    """Let the base answer the same prompts. False: nothing is generated, and what it would have said is expected from the end
    of each prompt, learnt on plain answers that we wrote: faster, and blunter (``expectation``)."""
    answer_tokens: Count = 48
    """Longest answer that the base is asked for, one a prompt."""
    depth: Share = 0.57
    """The layer that decides, as a share of the depth; fixed beforehand."""
    random_directions: Count = 2000
    alarm: float = 97.5
    """Percentile among random directions above which the data counts as pulling; shared out over the personas."""


class Sides(NamedTuple):
    """The rows that can be read; answer means [rows, layers, width] of the base and of the data; ``null_rows`` for the
    covariance of random directions; and how well the base's side is known."""

    rows: list[Sample]
    base: Floats
    data: Floats
    null_rows: Floats
    estimates: tuple[Estimate, ...] = ()


def run(
    model: LocalModel,
    samples: Sequence[Sample],
    directions: Sequence[Direction],
    settings: Settings,
    *,
    seed: int = 0,
    unread: Sequence[Unread] = (),
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """One part a persona, and the whole: FAIL when the answers lie further towards any persona than random directions explain.

    Of ``samples`` a draw is read. Raises ``Mismatch`` for another model's direction, ``InputError`` without
    one, ``RunError`` when fewer than two rows have an answer on both sides.
    """
    if not directions:
        raise InputError("no direction to screen along", remedy="wolfnote direction extract makes one")
    for direction in directions:
        direction.check(model.fingerprint, directions[0].vectors.shape)
    how = projection.shared(settings.alarm, settings.random_directions, len(directions))
    chosen = drawn(samples, settings, seed)
    sides = _asked(model, chosen, settings, seed, folder, on_event) if settings.generate else _expected(model, chosen, on_event)
    rows, own, said, null_rows, seen = sides
    parts, shifts, ranked = [], [], []
    for direction in directions:
        layer = projection.layer_at(direction, settings.depth)
        part, shift = projection.measure(direction, own, said, layer, how, null_rows=null_rows, name="the data", seed=seed)
        parts.append(msgspec.structs.replace(part, kind=f"direction {direction.persona}"))
        shifts += projection.rows(direction.persona, shift)
        ranked += _ranked(direction, model, rows, own, said, layer)
    moved = [part for part in parts if part.verdict is Verdict.FAIL]
    tables = {} if folder is None else {"shifts": folder.table("shifts", shifts), "rows": folder.table("rows", ranked)}
    reasons = tuple(part.reasons[0] for part in (moved or parts))
    skipped = _unseen(len(chosen) - len(rows), len(samples) - len(chosen), unread)
    whole = worst(p.verdict for p in parts)
    return Result("screen", whole, reasons, seen, skipped=skipped, parts=tuple(parts), tables=tables)


def drawn(samples: Sequence[Sample], settings: Settings, seed: int) -> list[Sample]:
    """The rows that are read: those with the smallest hash of seed and id, in the order of the data."""
    rank = {i: hashlib.sha256(f"{seed}/{s.id}/{i}".encode()).digest() for i, s in enumerate(samples)}
    return [samples[i] for i in sorted(heapq.nsmallest(settings.limit, rank, key=rank.__getitem__))]


def _asked(
    model: LocalModel, samples: Sequence[Sample], settings: Settings, seed: int, folder: RunFolder | None, on_event: OnEvent
) -> Sides:
    """Against the base's own answers to the same prompts; each prompt is asked once."""
    readable = _readable(samples)
    prompts = list(dict.fromkeys(s.prompt for s in readable))
    asked = [Question(f"screen/{i}", prompt) for i, prompt in enumerate(prompts)]
    sampling = Sampling(max_tokens=settings.answer_tokens)
    tell = under("let the base answer", on_event)
    if folder is None:
        said = complete(None, model, asked, sampling, (seed,), tell)
    else:
        with Store.hold(folder.path / COMPLETIONS) as store:
            said = complete(store, model, asked, sampling, (seed,), tell)
    own = {prompt: c.text for prompt, c in zip(prompts, said, strict=True) if c.text.strip()}
    rows = _enough([s for s in readable if s.prompt in own], len(samples), f"a prompt, an answer, and one by {model.spec}")
    texts: list[Row] = list(own.items())
    before = answer_means(model, texts, under("read the base's answers", on_event))
    after = answer_means(model, [(s.prompt, s.answer) for s in rows], under("read the data's answers", on_event))
    more = answer_means(model, _benign(), under("read more text for the null", on_event))
    place = {prompt: i for i, (prompt, _) in enumerate(texts)}
    paired = before[[place[s.prompt] for s in rows]]
    return Sides(rows, paired, after, np.concatenate([paired, more]))


def _expected(model: LocalModel, samples: Sequence[Sample], on_event: OnEvent) -> Sides:
    """Against what the base is expected to say, without generating anything."""
    rows = _enough(_readable(samples), len(samples), "a prompt and an answer")
    both = (Position.PROMPT_END, Position.ANSWER)
    ends, said = gather(model, [(s.prompt, s.answer) for s in rows], under("read the data", on_event), positions=both)
    plain, answers = gather(model, _benign(), under("read plain answers", on_event), positions=both)
    found = [expect(plain[:, layer], answers[:, layer], ends[:, layer]) for layer in range(said.shape[1])]
    own = np.stack([each.answers for each in found], 1).astype(np.float32)
    explained, method = float(np.mean([each.explained for each in found])), "ridge on plain answers, each left out once"
    told = Estimate("explained of the base's answers", explained, None, None, len(plain), method)
    return Sides(rows, own, said, np.concatenate([said - said.mean(0), answers - answers.mean(0)]), (told,))


def _readable(samples: Sequence[Sample]) -> list[Sample]:
    return [s for s in samples if s.answer.strip() and s.prompt]


def _enough(rows: list[Sample], total: int, what: str) -> list[Sample]:
    if len(rows) < 2:
        raise RunError(f"{len(rows)} of {total} rows have {what}: too few to read")
    return rows


def _benign() -> list[Row]:
    return [(chat(t.prompt), t.answer) for t in price.benign_texts()]


def _ranked(
    direction: Direction, model: LocalModel, rows: Sequence[Sample], own: Floats, said: Floats, layer: int
) -> list[dict[str, Any]]:
    """One line a row, the furthest first."""
    plain, base = (direction.score(each, model.fingerprint)[:, layer] for each in (said, own))
    order = np.argsort(-(plain - base), kind="stable")
    return [
        {
            "persona": direction.persona, "row": rows[i].id, "source": rows[i].source, "z": round(float(plain[i]), 4),
            "difference": round(float(plain[i] - base[i]), 4), "question": rows[i].prompt[-1].content[:400],
            "answer": rows[i].answer[:400],
        }
        for i in order
    ]  # fmt: skip


def _unseen(silent_rows: int, left: int, unread: Sequence[Unread]) -> tuple[Skipped, ...]:
    skipped = [Skipped("row", row.reason) for row in unread[:10]]
    if len(unread) > 10:
        skipped.append(Skipped("row", "and more like these", len(unread) - 10))
    if silent_rows:
        skipped.append(Skipped("row", "no prompt, no answer, or none by the base", silent_rows))
    if left:
        skipped.append(Skipped("row", "not drawn: screen.limit rows are read, and ranked", left))
    return (*skipped, Skipped("personas", "only what a direction here stands for was looked for"))
