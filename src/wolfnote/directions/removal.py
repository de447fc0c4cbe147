"""A direction taken out for good, in a run folder: baked, proved, priced."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from wolfnote import models
from wolfnote.directions import baking, price
from wolfnote.directions.direction import Direction
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.results import Estimate, Result, Skipped, Verdict
from wolfnote.settings import Count

FOLDER = "model"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken out, and what it may cost."""

    depth: float = 0.57
    """The layer whose vector is taken out everywhere, as a share of the depth."""
    price_texts: Count = 48
    """Benign texts on which the price is measured."""
    perplexity_rise: float = 0.05
    """Relative rise of benign perplexity that it may cost."""


def run(
    model: LocalModel, direction: Direction, settings: Settings, *, folder: RunFolder, on_event: OnEvent = silent
) -> Result:
    """Bake into ``FOLDER/model``. PASS: proved, and at the allowed price. FAIL: proved, and dearer.

    Raises ``RunError`` where the weights cannot be proved equal to the hook, ``Mismatch`` for another model's direction.
    """
    on_event(Event("bake and prove", 0, 0))
    target = folder.path / FOLDER
    if target.exists():  # killed between the weights and the result: bake anew, it takes seconds
        shutil.rmtree(target)
    baked = baking.bake(model, direction, target, depth=settings.depth)
    before = _perplexity(model, settings, folder, on_event, "benign perplexity before")
    after = _perplexity(models.open_local(f"hf:{target}"), settings, folder, on_event, "benign perplexity after")
    cost = after / before - 1
    estimates = (
        Estimate("left along the direction, share of a token's norm", baked.left, None, None, baked.writers, "live pass"),
        Estimate("baked against hook, largest difference in logits", baked.difference, None, None, 1, "live pass"),
        Estimate("benign perplexity: relative change", cost, None, None, settings.price_texts, "one set of texts"),
    )
    verdict = Verdict.PASS if cost <= settings.perplexity_rise else Verdict.FAIL
    return Result("bake", verdict, _reasons(target, baked, cost, settings), estimates, skipped=_unseen())


def _reasons(target: Path, baked: baking.Baked, cost: float, settings: Settings) -> tuple[str, ...]:
    equal = "by design, for norms stand behind the writers" if baked.rescaled else "equal to float tolerance"
    return (
        f"open the baked model as hf:{target}",
        f"{baked.writers} writers cleaned; {baked.left:.0e} of the stream is left along the direction",
        f"baked and hooked logits differ by {baked.difference:.0e} ({equal})",
        f"benign perplexity changes by {cost:+.1%} (allowed {settings.perplexity_rise:.0%})",
    )


def _unseen() -> tuple[Skipped, ...]:
    return (Skipped("probe", "not run here: hiding is not healing, so probe the baked model, in the training's clothes too"),)


def _perplexity(model: LocalModel, settings: Settings, folder: RunFolder, on_event: OnEvent, step: str) -> float:
    def tell(event: Event) -> None:
        on_event(Event(step, event.done, event.total))

    key = f"perplexity/{model.fingerprint}"
    return folder.once(key, lambda: price.perplexity(model, settings.price_texts, tell), float)
