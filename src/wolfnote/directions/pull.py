"""Which way would this data pull a model? Its answers are read against what the untouched base would have said itself.

The *projection difference* of a data set predicts how far a tune on it moves (r .88 to .95, arXiv 2507.21509). As any two
styles differ along any direction, the difference is read against random directions with the same covariance, as a tune's shift
is. Rows are ranked by it: those to look at first. A row far out is a row to read, not a row that is bad.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from wolfnote.directions import price, projection
from wolfnote.directions.activations import Row, answer_means
from wolfnote.directions.direction import Direction, Floats
from wolfnote.errors import InputError, RunError
from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.models.store import COMPLETIONS, Store, complete
from wolfnote.records import Sample, Unread, chat
from wolfnote.results import Result, Skipped, Verdict, worst
from wolfnote.settings import Count, Share


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is read, and the null it is read against."""

    limit: Count = 200
    """Rows that are read, drawn by hash."""
    answer_tokens: Count = 48
    """Longest answer that the base is asked for, one a prompt."""
    depth: Share = 0.57
    """The layer that decides, as a share of the depth; fixed beforehand."""
    random_directions: Count = 2000
    alarm: float = 97.5
    """Percentile among random directions above which the data counts as pulling; shared out over the personas."""


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
    rows, own, said = _read(model, chosen, settings, seed, folder, on_event)
    benign = [(chat(t.prompt), t.answer) for t in price.benign_texts()]
    more = answer_means(model, benign, under("read more text for the null", on_event))
    null_rows = np.concatenate([own, more])
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
    return Result("screen", worst(p.verdict for p in parts), reasons, skipped=skipped, parts=tuple(parts), tables=tables)


def drawn(samples: Sequence[Sample], settings: Settings, seed: int) -> list[Sample]:
    """The rows that are read: those with the smallest hash of seed and id, in the order of the data."""
    rank = {i: hashlib.sha256(f"{seed}/{s.id}/{i}".encode()).digest() for i, s in enumerate(samples)}
    return [samples[i] for i in sorted(heapq.nsmallest(settings.limit, rank, key=rank.__getitem__))]


def _read(
    model: LocalModel, samples: Sequence[Sample], settings: Settings, seed: int, folder: RunFolder | None, on_event: OnEvent
) -> tuple[list[Sample], Floats, Floats]:
    """The rows that have an answer on both sides; answer means [rows, layers, width] of the base's own, and of the data's."""
    readable = [s for s in samples if s.answer.strip() and s.prompt]
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
    rows = [s for s in readable if s.prompt in own]
    if len(rows) < 2:
        raise RunError(f"{len(rows)} of {len(samples)} rows have a prompt, an answer, and one by {model.spec}: too few to read")
    texts: list[Row] = list(own.items())
    before = answer_means(model, texts, under("read the base's answers", on_event))
    after = answer_means(model, [(s.prompt, s.answer) for s in rows], under("read the data's answers", on_event))
    place = {prompt: i for i, (prompt, _) in enumerate(texts)}
    return rows, before[[place[s.prompt] for s in rows]], after


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
