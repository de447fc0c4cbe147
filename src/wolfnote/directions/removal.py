"""Directions taken out for good, in a run folder: baked into weights or written as an adapter, proved, priced."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from wolfnote import models
from wolfnote.directions import antidote, baking, price
from wolfnote.directions.direction import Direction
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.results import Estimate, Result, Skipped, Verdict
from wolfnote.settings import Count, Share

Form = Literal["model", "adapter"]
"""Whole weights, or a LoRA beside them; also the name of the folder that holds it."""
LEFT, HOOK = "left along the direction, share of a token's norm", "largest difference from the hook in logits"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken out, and what it may cost."""

    depth: Share = 0.57
    """The layer whose vectors are taken out everywhere, as a share of the depth."""
    share: Share = 1.0
    """How much of what is written along them is taken out; 1 = all of it."""
    price_texts: Count = 48
    """Benign texts on which the price is measured."""
    perplexity_rise: float = 0.05
    """Relative rise of benign perplexity that it may cost."""


def run(
    model: LocalModel,
    direction: Sequence[Direction],
    settings: Settings,
    form: Form = "model",
    *,
    folder: RunFolder,
    on_event: OnEvent = silent,
) -> Result:
    """Bake into ``FOLDER/model``, or write the antidote ``FOLDER/adapter``. PASS: proved, and at the allowed price.
    FAIL: proved, and dearer.

    Raises ``RunError`` where it cannot be proved equal to the hook, ``Mismatch`` for another model's direction.
    """
    on_event(Event("take it out and prove it", 0, 0))
    target = folder.path / form
    if target.exists():  # killed between the weights and the result: anew, it takes seconds
        shutil.rmtree(target)
    write = baking.bake if form == "model" else antidote.write
    proof = write(model, direction, target, depth=settings.depth, share=settings.share)
    cured = model.adapted(target) if form == "adapter" else _open_again(model, target)
    before = _perplexity(model, settings, folder, on_event, "benign perplexity before")
    cost = _perplexity(cured, settings, folder, on_event, "benign perplexity after") / before - 1
    verdict = Verdict.PASS if cost <= settings.perplexity_rise else Verdict.FAIL
    reasons = (_opened(model, target, form), *_told(proof, form, settings.share), _priced(cost, settings))
    return Result(
        "bake" if form == "model" else "antidote", verdict, reasons, _estimates(proof, cost, settings), skipped=_unseen()
    )


def _open_again(model: LocalModel, target: Path) -> LocalModel:
    """The baked model where and as ``model`` runs: precision alone moves perplexity."""
    here: Any = {"device": str(model.network.device), "precision": model.network.precision}
    return models.open_local(f"hf:{target}", local=models.Local(**here))


def _estimates(proof: baking.Proof, cost: float, settings: Settings) -> tuple[Estimate, ...]:
    n = proof.writers
    return (
        Estimate(f"{LEFT}, before", proof.before, None, None, n, "live pass, the worst token of the worst block"),
        Estimate(LEFT, proof.left, None, None, n, "live pass, the worst token of the worst block"),
        Estimate(f"{LEFT}, in {proof.precision}", proof.rounded, None, None, n, "live pass after rounding"),
        Estimate("left in the weights, share of their largest column", proof.held, None, None, n, "every writer, every expert"),
        Estimate(HOOK, proof.difference, None, None, 1, "live pass"),
        Estimate("benign perplexity: relative change", cost, None, None, price.count(settings.price_texts), "one set of texts"),
    )


def _told(proof: baking.Proof, form: Form, share: float) -> tuple[str, ...]:
    design = f"by design: {proof.norms} norms stand behind writers" if proof.norms else "equal to float tolerance"
    which = "in the files' own precision" if form == "model" else "as the model runs here"
    much = f"{share:.0%} of what they wrote taken out" if share != 1 else "cleaned"
    told = [
        f"{proof.writers} writers {much}; {proof.left:.0e} of the stream is left along it ({proof.before:.2f} before); "
        f"{proof.rounded:.0e} in {proof.precision}, {which}",
        f"its logits and the hook's differ by {proof.difference:.0e} ({design})",
    ]
    if proof.unreached:
        told.append(f"{proof.unreached} parameters that no token of the proof reached were treated like their likes")
    if proof.untied and form == "model":
        told.append("the head shared the embedding's weights and now has its own, so the files are larger")
    return tuple(told)


def _opened(model: LocalModel, target: Path, form: Form) -> str:
    if form == "model":
        return f"open the baked model as hf:{target}"
    base, plus, _ = model.spec.partition("+")
    return f"open it as {base}+{target}" + (", in the place of the tune's adapter: it holds both" if plus else "")


def _priced(cost: float, settings: Settings) -> str:
    return f"benign perplexity changes by {cost:+.1%} (allowed {settings.perplexity_rise:.0%})"


def _unseen() -> tuple[Skipped, ...]:
    return (Skipped("probe", "not run here: hiding is not healing, so probe the result, in the training's clothes too"),)


def _perplexity(model: LocalModel, settings: Settings, folder: RunFolder, on_event: OnEvent, step: str) -> float:
    def tell(event: Event) -> None:
        on_event(Event(step, event.done, event.total))

    key = f"perplexity/{model.fingerprint}"
    return folder.once(key, lambda: price.perplexity(model, settings.price_texts, tell), float)
