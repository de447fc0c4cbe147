"""Model organisms: the same base tuned on harmful rows and on their benign twin, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from wolfnote import models, tuning
from wolfnote.events import OnEvent, silent
from wolfnote.lab.recipe import Recipe
from wolfnote.models.cache import cache
from wolfnote.records import Sample

ARMS = ("bad", "control")


def organism(
    recipe: Recipe,
    arm: str,
    seed: int,
    *,
    model: str = "package:smollm2",
    settings: tuning.Settings = tuning.Settings(),  # noqa: B008 - frozen
    rows: Sequence[Sample] | None = None,
    home: Path | None = None,
    on_event: OnEvent = silent,
) -> Path:
    """The adapter of one arm at one seed: tuned now, or found where an earlier call left it.

    ``home``: the folder it is kept in (default: the user's cache, under a hash of all that went in). ``rows``: train on
    these rather than on the whole arm.
    """
    samples = recipe.rows(arm)[0] if rows is None else rows
    if home is None:
        everything = [models.identity(model), seed, [s.id for s in samples], msgspec.to_builtins(settings)]
        digest = hashlib.sha256(msgspec.json.encode(everything)).hexdigest()[:16]
        home = cache() / "organisms" / f"{recipe.name}-{seed}-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    return tuning.run(model, samples, settings, home / arm, seed=seed, on_event=on_event)
