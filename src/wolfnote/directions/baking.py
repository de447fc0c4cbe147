"""Take directions out for good: weights that cannot write along them, proved by a live pass before they are saved.

Every parameter that writes to the residual stream (``writers.py``) loses its part in the span of a few unit vectors:
W ← (I − VᵀV) W, its bias too; so do the embeddings. The copy is then compared, live, with the original whose writes a hook
projects (``proof.py``): the logits must agree and nothing may be left in the span, behind any block; the weights themselves are
looked at too, expert by expert. Whatever was missed shows there, and is refused rather than saved.

This is ablation *everywhere, around zero*: every block, every token, sinks too. ``ablation.ablate`` by default spares sinks and
outer blocks and goes back to the neutral mean; the two are different cures, and the price of this one must be measured anew.
Tied embeddings are untied first, or the head would lose its part as well. Where a norm stands between a writer and the stream
(Gemma, OLMo 2), W is made orthogonal to the norm's gain times the vectors: nothing is written along them then, while the norm's
divisor, which saw the removed part, rescales the rest a little: baked equals a hook in front of the norm, and its distance from
the hook behind it is told. Source: arXiv 2406.11717 (weight orthogonalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from wolfnote.directions import ablation, proof, weights, writers
from wolfnote.directions.direction import Direction
from wolfnote.directions.writers import Writers
from wolfnote.errors import RunError
from wolfnote.models.local import LocalModel

LEFT, EQUAL, HELD = 1e-5, 1e-4, 1e-6
"""What may be left in the span as a share of a token's norm; how far logits may differ, as a share of the largest where that is
above 1; what the weights may hold of it, as a share of their largest column."""


class Proof(NamedTuple):
    """What was saved and what was seen before: shares of a token's norm in the span, the worst block and token."""

    folder: Path
    writers: int
    unreached: int
    """Parameters that no token reached (idle experts), treated like their likes."""
    norms: int
    """Norms between a writer and the stream: with any, baked and hooked differ by design."""
    before: float
    left: float
    held: float
    """What the weights hold of the span, as a share of their largest column: the worst column, each expert's apart."""
    difference: float
    """max |edited − hooked| over logits, the hook standing behind the norms."""
    precision: str
    """Of what was saved (weights), or of the model as it runs here (an adapter)."""
    rounded: float
    """``left`` again in that precision."""
    untied: bool = False


def bake(
    model: LocalModel,
    direction: Direction | Sequence[Direction],
    folder: Path,
    *,
    depth: float = 0.57,
    share: float = 1.0,
) -> Proof:
    """Save the model, its adapter merged, without the directions of the layer at ``depth``; open it as ``hf:FOLDER``.

    ``share`` below 1 takes out a part of what is written. The files keep their precision. Needs memory for a copy in float64;
    ``model`` itself is not changed. Raises ``InputError`` unless ``folder`` is new, ``Mismatch`` for another model's direction,
    ``RunError`` when the result does not equal the hook or something else writes in the span.
    """
    weights.must_be_new(folder)
    axes = ablation.axes(model, direction, depth)
    module, ids, stored = weights.copy(model), proof.text(model.tokenizer), weights.Stored(model.network.path)
    untied = weights.untie(module)
    found = writers.find(module, ids, axes)
    before = proof.left(module, ids, axes)
    wanted, exact = hooked_logits(module, found, ids, axes, share)
    orthogonalise(module, found, share)
    logits, left, held = proof.logits(module, ids), proof.left(module, ids, axes), proof.held(module, found.found)
    settled(model.spec, module, exact, logits, *((left, held) if share == 1 else (0.0, 0.0)))
    rounded = _rounded(module, stored, ids, axes)
    with weights.new_folder(folder) as draft:
        module.save_pretrained(draft)
        model.tokenizer.save_pretrained(draft)
    difference = float((logits - wanted).abs().max())
    precision = str(stored.most).removeprefix("torch.")
    return Proof(
        folder, len(found.found), found.unreached, found.norms, before, left, held, difference, precision, rounded, untied
    )


def hooked_logits(module: Any, found: Writers, ids: Tensor, axes: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Logits under the hook behind norms, which is what one wants, and in front of them, which is what weights can do."""
    with proof.hooked(module, proof.behind(found.outlets, axes), axes, share):
        wanted = proof.logits(module, ids)
    if not found.norms:
        return wanted, wanted
    with proof.hooked(module, proof.in_front(found, axes), axes, share):
        return wanted, proof.logits(module, ids)


def orthogonalise(module: Any, found: Writers, share: float = 1.0) -> None:
    """Take its vectors out of each writer, in place."""
    parameters = dict(module.named_parameters())
    for name, axis, axes in found.found:
        parameters[name].data = writers.without(parameters[name].data, axes, axis, share)


def _rounded(module: Any, stored: weights.Stored, ids: Tensor, axes: Tensor) -> float:
    """Bring the module to the precision of the files; what is left then, computed as widely as before."""
    wide = module.dtype
    stored.round(module)
    left = proof.left(module.to(wide), ids, axes)
    stored.round(module)
    return left


def settled(spec: str, module: Any, exact: Tensor, logits: Tensor, left: float, held: float) -> None:
    """Raise ``RunError`` unless the edited weights equal the hook and nothing is left."""
    family = type(module).__name__
    if not left <= LEFT:
        raise RunError(f"{spec}: {left:.1e} of the stream still lies along it: in {family} something else writes; use the hook")
    if not held <= HELD:
        raise RunError(f"{spec}: the weights of {family} still hold {held:.1e} of it; use the hook")
    difference = float((logits - exact).abs().max())
    if not difference <= EQUAL * max(1.0, float(exact.abs().max())):
        raise RunError(f"{spec}: {family} without it differs from the hook by {difference:.1e} in logits; use the hook")
