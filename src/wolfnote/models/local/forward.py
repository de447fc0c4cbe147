"""One way to call any causal language model: with the arguments that it knows, and a cache whose rows can be handled.

Attention models get a plain ``DynamicCache`` that keeps every key; a sliding window is then held by the mask, and rows can be
repeated, dropped and merged. Models with another memory (state space, linear attention, compressed keys) are ``alone``:
they keep their own kind of cache, one row at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from wolfnote.models.local.batching import positions


class Span(NamedTuple):
    """Whose a row is, by number in the call, and the column of this pass at which its answer begins.

    0: all is answer; the width: the prompt ends with this pass; beyond: it goes on in the next.
    """

    question: int
    answer: int
    start: int


class Reading(NamedTuple):
    """What one pass reads: ``real`` bool [rows, new] is False on padding; one span a row; the call it is part of."""

    real: Tensor
    spans: Sequence[Span]
    call: Forward


class Audience:
    """Who is told what each pass reads before it starts. ``apart`` > 0: questions must not share a row of the batch."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Reading], None]] = []
        self.apart = 0


class Forward:
    """Calls ``module`` on ids [rows, new] behind what ``cache`` holds; ``mask`` [rows, held + new] is 0 on padding.

    ``spans`` say whose the rows are, for the audience. ``questions`` is how many the whole call is about.
    """

    def __init__(self, module: Any, audience: Audience | None = None, questions: int = 0) -> None:
        self.audience, self.questions = audience or Audience(), questions
        bare = module.get_base_model() if hasattr(module, "get_base_model") else module
        self.module = module
        self.device: torch.device = next(module.parameters()).device
        self._known = set(inspect.signature(bare.forward).parameters)
        self._config = bare.config
        kinds = {type(layer) for layer in DynamicCache(config=bare.config).layers}
        self.alone = "past_key_values" not in self._known or not kinds <= {DynamicLayer, DynamicSlidingWindowLayer}
        self.gaps = not self.alone and "position_ids" in self._known and kinds <= {DynamicLayer}
        """Whether padding may stand between two cached stretches: not where distance is counted in columns (windows, ALiBi)."""

    def cache(self) -> DynamicCache:
        """An empty cache, not for ``alone`` models."""
        return DynamicCache()

    def start(self, ids: Tensor, span: Span) -> tuple[dict[str, Any], Tensor]:
        """For ``alone`` models: one row read from the beginning; its memory and the logits [1, vocabulary] behind it."""
        memory: dict[str, Any] = {}
        memory |= {key: DynamicCache(config=self._config) for key in ("past_key_values", "cache_params") if key in self._known}
        return memory, self.advance(ids, memory, span)

    def advance(self, ids: Tensor, memory: dict[str, Any], span: Span) -> Tensor:
        """For ``alone`` models: more of that row; ``memory`` is brought up to date in place."""
        self._tell(torch.ones_like(ids), [span])
        out = self.module(ids, **memory, use_cache=True)
        if "state" in self._known:  # RWKV hands its memory back; the others write into the cache they were given
            memory["state"] = out.state
        logits: Tensor = out.logits[:, -1]
        return logits

    def __call__(self, ids: Tensor, mask: Tensor, cache: Any = None, keep: int = 0, spans: Sequence[Span] = ()) -> Tensor:
        """Logits [rows, new or the last ``keep``, vocabulary]."""
        self._tell(mask[:, -ids.shape[1] :], spans)
        given = {
            "attention_mask": mask,
            "position_ids": positions(mask, ids.shape[1]),
            "past_key_values": cache,
            "use_cache": cache is not None,
            "logits_to_keep": keep,
        }
        logits: Tensor = self.module(ids, **{k: v for k, v in given.items() if k in self._known}).logits
        return logits[:, -keep:] if keep else logits

    def _tell(self, mask: Tensor, spans: Sequence[Span]) -> None:
        if spans:
            for listener in self.audience.listeners:
                listener(Reading(mask.bool(), spans, self))


def select(cache: DynamicCache, rows: Tensor) -> None:
    """Only these rows, in this order."""
    for layer in _filled(cache):
        layer.keys, layer.values = layer.keys[rows], layer.values[rows]


def trim(cache: DynamicCache, columns: int) -> None:
    """Drop the first ``columns`` columns: padding of rows that are gone."""
    for layer in _filled(cache):
        layer.keys, layer.values = layer.keys[:, :, columns:], layer.values[:, :, columns:]


def merge(one: DynamicCache, other: DynamicCache) -> None:
    """The rows of ``other`` under those of ``one``; the shorter is padded on the left."""
    for a, b in zip(_filled(one), _filled(other), strict=True):
        width = max(a.keys.shape[2], b.keys.shape[2])
        a.keys = torch.cat([_widen(a.keys, width), _widen(b.keys, width)])
        a.values = torch.cat([_widen(a.values, width), _widen(b.values, width)])


def widen(mask: Tensor, width: int) -> Tensor:
    """The mask with zeros on the left, [rows, width]."""
    return torch.nn.functional.pad(mask, (width - mask.shape[1], 0))


def _widen(state: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(state, (0, 0, width - state.shape[2], 0))


def _filled(cache: DynamicCache) -> Sequence[Any]:
    """The layers that hold something: layers that share another's keys hold nothing."""
    return [layer for layer in cache.layers if layer.get_seq_length() > 0]
