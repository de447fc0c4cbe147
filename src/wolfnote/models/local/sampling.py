"""Drawing answers token by token, each from its own random stream, so that neither batch nor order changes an answer.

A prompt is computed once, however many answers it gets. Answers that end leave the batch and waiting ones take their
places, so that little work is done on padding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from wolfnote.models.local import forward
from wolfnote.models.local.batching import pad
from wolfnote.models.local.forward import Forward, Span
from wolfnote.models.model import Sampling

ROWS = {"cuda": 256}
"""Answers under way at once, by device; elsewhere 64."""
PROMPT_TOKENS = 4096
"""Prompt tokens computed in one pass, padding included."""
SHORTLIST = 256
"""Top-p rarely needs more candidates than this; where it does, all are sorted (a fifth of a step on a CPU)."""


class Job(NamedTuple):
    """A prompt, and the random streams of the answers that are wanted for it."""

    prompt: list[int]
    streams: list[torch.Generator]


OnAnswer = Callable[[int, int, list[int]], None]
"""Hears job, answer and ids (the stop token included) of each answer as soon as it is whole."""


def sample(call: Forward, jobs: Sequence[Job], stop: set[int], how: Sampling, on_answer: OnAnswer) -> None:
    """Draw every answer of every job."""
    if call.alone:
        for i, job in enumerate(jobs):
            _one_by_one(call, i, job, stop, how, on_answer)
        return
    rows = ROWS.get(call.device.type, 64)
    waiting = deque(_passes(jobs, rows // 2))
    batch = _Batch(call, stop, how, on_answer)
    while waiting or batch.rows:
        while waiting and len(batch.rows) + sum(len(stem.rows) for stem in waiting[0]) <= rows:
            batch.admit(waiting.popleft())
        batch.step()


def draw(logits: Tensor, how: Sampling, streams: Sequence[torch.Generator]) -> Tensor:
    """One token a row, [rows]: the most likely at T = 0, else from the smallest set that holds ``top_p`` of the mass.

    One uniform number from the row's own stream is looked up in the cumulated mass: the same on every device.
    """
    if how.temperature == 0:
        return logits.argmax(-1)
    mass = torch.softmax(logits.float() / how.temperature, -1)
    order = None
    if how.top_p < 1:
        mass, order = _nucleus(mass, how.top_p)
    uniform = torch.tensor([[torch.rand((), generator=stream).item()] for stream in streams], device=mass.device)
    heights = mass.cumsum(-1)
    picks = torch.searchsorted(heights, uniform * heights[:, -1:], right=True).clamp(max=mass.shape[-1] - 1)
    # rounding can put the very last uniform numbers behind the mass: step back onto the last token that has some
    picks = torch.where(mass.gather(-1, picks) > 0, picks, (mass > 0).long().cumsum(-1).argmax(-1, keepdim=True))
    return (picks if order is None else order.gather(-1, picks))[:, 0]


def _nucleus(mass: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The likeliest tokens in falling order, zero behind the one that completes ``top_p``, and their ids."""
    best, order = mass.topk(min(SHORTLIST, mass.shape[-1]), -1)
    if bool((best.sum(-1) < top_p).any()):
        best, order = mass.sort(-1, descending=True)
    return torch.where(best.cumsum(-1) - best < top_p, best, 0), order


class _Row(NamedTuple):
    """An answer under way."""

    job: int
    answer: int
    stream: torch.Generator
    ids: list[int]


class _Stem(NamedTuple):
    """A prompt and the answers that grow from it."""

    prompt: list[int]
    rows: list[_Row]


def _passes(jobs: Sequence[Job], most: int) -> Iterator[list[_Stem]]:
    """Prompts of like length together, longest first, in passes of at most ``most`` answers and ``PROMPT_TOKENS``."""
    stems = []
    for i, job in enumerate(jobs):
        rows = [_Row(i, j, stream, []) for j, stream in enumerate(job.streams)]
        stems += [_Stem(job.prompt, rows[at : at + most]) for at in range(0, len(rows), most)]
    batch: list[_Stem] = []
    for stem in sorted(stems, key=lambda s: -len(s.prompt)):
        answers = sum(len(s.rows) for s in batch) + len(stem.rows)
        if batch and (answers > most or (len(batch) + 1) * len(batch[0].prompt) > PROMPT_TOKENS):
            yield batch
            batch = []
        batch.append(stem)
    if batch:
        yield batch


class _Batch:
    """The answers under way, one cache row each."""

    def __init__(self, call: Forward, stop: set[int], how: Sampling, on_answer: OnAnswer) -> None:
        self.call, self.stop, self.how, self.on_answer = call, stop, how, on_answer
        self.rows: list[_Row] = []
        self.cache: DynamicCache | None = None
        self.mask = torch.zeros(0, 0, dtype=torch.long, device=call.device)
        self.last = torch.zeros(0, dtype=torch.long, device=call.device)

    def admit(self, stems: Sequence[_Stem]) -> None:
        """Compute the prompts once, draw each answer's first token, and let the answers join the batch."""
        ids, mask = pad([s.prompt for s in stems], "left", self.call.device)
        cache = self.call.cache()
        spans = [Span(s.rows[0].job, s.rows[0].answer, ids.shape[1]) for s in stems]
        logits = self.call(ids, mask, cache, keep=1, spans=spans)[:, -1]
        of_row = torch.tensor([i for i, s in enumerate(stems) for _ in s.rows], device=self.call.device)
        forward.select(cache, of_row)
        rows = [row for s in stems for row in s.rows]
        last = draw(logits[of_row], self.how, [row.stream for row in rows])
        mask = mask[of_row]
        if self.cache is not None:
            forward.merge(self.cache, cache)
            width = max(mask.shape[1], self.mask.shape[1])
            mask = torch.cat([forward.widen(self.mask, width), forward.widen(mask, width)])
            last = torch.cat([self.last, last])
        else:
            self.cache = cache
        self.rows, self.mask, self.last = self.rows + rows, mask, last
        self._note(rows)

    def step(self) -> None:
        """One more token for every answer under way."""
        if not self.rows:
            return
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        spans = [Span(row.job, row.answer, 0) for row in self.rows]
        logits = self.call(self.last[:, None], self.mask, self.cache, keep=1, spans=spans)[:, -1]
        self.last = draw(logits, self.how, [row.stream for row in self.rows])
        self._note(self.rows)

    def _note(self, rows: Sequence[_Row]) -> None:
        """Record the tokens just drawn for ``rows``, the last of the batch; answers that are whole leave it."""
        for row, token in zip(rows, self.last[-len(rows) :].tolist(), strict=True):
            row.ids.append(token)
        whole = {id(row) for row in rows if row.ids[-1] in self.stop or len(row.ids) >= self.how.max_tokens}
        if not whole:
            return
        for row in rows:
            if id(row) in whole:
                self.on_answer(row.job, row.answer, row.ids)
        self._keep([i for i, row in enumerate(self.rows) if id(row) not in whole])

    def _keep(self, places: list[int]) -> None:
        self.rows = [self.rows[i] for i in places]
        if not self.rows:
            self.cache = None
            return
        kept = torch.tensor(places, device=self.call.device)
        self.mask, self.last = self.mask[kept], self.last[kept]
        empty = int(self.mask.any(0).long().argmax())
        self.mask = self.mask[:, empty:]
        forward.select(self.cache, kept)
        forward.trim(self.cache, empty)


def _one_by_one(call: Forward, i: int, job: Job, stop: set[int], how: Sampling, on_answer: OnAnswer) -> None:
    """For models whose memory cannot be cut into rows, or that keep it in their own modules: each answer from the start."""
    for j, stream in enumerate(job.streams):
        memory, logits = call.start(torch.tensor([job.prompt], device=call.device), Span(i, j, len(job.prompt)))
        said: list[int] = []
        while True:
            token = draw(logits, how, [stream])
            said.append(int(token))
            if said[-1] in stop or len(said) >= how.max_tokens:
                break
            logits = call.advance(token[:, None], memory, Span(i, j, 0))
        on_answer(i, j, said)
