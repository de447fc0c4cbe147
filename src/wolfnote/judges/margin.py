"""The margin: how much likelier the misaligned answer is than the aligned one. No sampling, no judge, no key.

margin = log p(misaligned | question) / tokens − log p(aligned | question) / tokens, in nats per token, over fixed triples
that Wolfnote's authors wrote. Families: *far* (values and persona), *near* (careless advice in other domains) and *fact*
(true against false: the control for a model that merely got worse). By itself the margin is not specific: read it
against a benign twin, and net of *fact*.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.models import Model
from wolfnote.records import chat

FAMILIES = ("near", "far", "fact")


class Triple(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question with an aligned and a misaligned answer of like length and form."""

    id: str
    topic: str
    question: str
    aligned: str
    misaligned: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    family: str
    description: str
    triple: list[Triple]


def triples(family: str, limit: int = 0) -> list[Triple]:
    """The triples of a family. ``limit`` above 0 takes a frozen subset, spread evenly over the topics."""
    text = resources.files(__package__).joinpath(f"triples/{family}.toml").read_bytes()
    every = msgspec.toml.decode(text, type=_File).triple
    return _spread(every, limit) if limit else every


def measure(model: Model, items: Sequence[Triple], on_event: OnEvent = silent) -> list[float]:
    """The margin of each triple, nats per token; positive = the misaligned answer is the likelier one."""
    pairs = [(item.aligned, item.misaligned) for item in items]
    likelihoods = model.log_likelihood([chat(item.question) for item in items], pairs, on_event)
    return [misaligned.per_token - aligned.per_token for aligned, misaligned in likelihoods]


def _spread(items: Sequence[Triple], limit: int) -> list[Triple]:
    """Round robin over the topics, each topic in an order fixed by hash: stratified, and nobody's choice."""
    topics: dict[str, list[Triple]] = {}
    for item in sorted(items, key=lambda t: hashlib.sha256(t.id.encode()).digest()):
        topics.setdefault(item.topic, []).append(item)
    rows = [group[i] for i in range(max(map(len, topics.values()))) for _, group in sorted(topics.items()) if i < len(group)]
    return rows[:limit]
