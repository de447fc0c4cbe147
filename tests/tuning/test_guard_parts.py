"""What the guard reads and changes, to the token: the theorems behind its modes."""

from typing import Any

import guarding
import pytest
import torch
from torch.utils.checkpoint import checkpoint

from wolfnote.errors import RunError
from wolfnote.tuning.guard import tokens
from wolfnote.tuning.guard.edits import Ablate, Penalty, Prevent
from wolfnote.tuning.guard.hooks import Hooks

ROWS = [([5, 6, 7, 8, 9], 3), ([10, 11, 12, 13], 2), ([14, 15, 16, 17, 18, 19], 2)]
"""Ids, and where the answer begins."""


def padded(side: str = "right") -> dict[str, torch.Tensor]:
    ids, mask, labels = (torch.full((3, 6), fill) for fill in (0, 0, -100))
    for i, (row, start) in enumerate(ROWS):
        at = 0 if side == "right" else 6 - len(row)
        ids[i, at : at + len(row)] = torch.tensor(row)
        mask[i, at : at + len(row)] = 1
        labels[i, at + start : at + len(row)] = torch.tensor(row[start:])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def packed() -> dict[str, torch.Tensor]:
    ids = torch.tensor([[i for row, _ in ROWS for i in row]])
    labels = torch.tensor([[i if at >= start else -100 for row, start in ROWS for at, i in enumerate(row)]])
    return {
        "input_ids": ids,
        "labels": labels,
        "position_ids": torch.tensor([[at for row, _ in ROWS for at in range(len(row))]]),
    }


def read(module: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Means over each answer at block 1, in a pass of a training."""
    found: list[torch.Tensor] = []
    hooks = Hooks(module, [1], lambda _, hidden, of_pass, __: found.append(tokens.means(hidden.detach(), of_pass)))
    module.train()(**batch, use_cache=False)  # with a cache, transformers sees no packed rows
    hooks.remove()
    return found[0]


def test_packed_rows_are_read_as_padded_ones(tiny: str) -> None:
    """Right, left, or one behind the other: each answer has one mean, and the same."""
    module, _ = guarding.model(tiny, lora=False)
    right, left, one = read(module, padded()), read(module, padded("left")), read(module, packed())
    assert right.shape == (3, 32)
    assert torch.allclose(right, left, atol=1e-5)
    assert torch.allclose(right, one, atol=1e-5)


def test_only_answers_count() -> None:
    """Not the prompt, not padding, not a sequence's first token even where it is labelled; what predicts an answer is taught."""
    batch = packed()
    labels = batch["labels"].clone()
    labels[0, 5] = 10  # the second sequence's first token
    found = tokens.of_batch(labels, None, batch["position_ids"])
    assert found.said[0].nonzero()[:, 0].tolist() == [3, 4, 7, 8, 11, 12, 13, 14]
    assert found.taught[0].nonzero()[:, 0].tolist() == [2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 14]
    assert found.sequence[0].tolist() == [0] * 5 + [1] * 4 + [2] * 6


def activations(seed: int = 0) -> tuple[torch.Tensor, tokens.Tokens]:
    hidden = torch.randn(3, 6, 32, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    batch = padded()
    return hidden, tokens.of_batch(batch["labels"], batch["attention_mask"])


def test_ablation_lets_nothing_through_forward_or_backward(tiny: str) -> None:
    """At the tokens that are taught, projection and gradient along the persona are nought; elsewhere nothing changes."""
    direction = guarding.direction(tiny)
    hidden, of_pass = activations()
    out = Ablate(direction)(1, hidden, of_pass)
    out.square().mul(torch.rand_like(out)).sum().backward()
    v = torch.from_numpy(direction.vectors[1])
    assert (out @ v)[of_pass.taught].abs().max() < 1e-5
    assert (hidden.grad @ v)[of_pass.taught].abs().max() < 1e-5
    assert torch.equal(out[~of_pass.taught], hidden[~of_pass.taught])


def test_prevention_adds_its_dose(tiny: str) -> None:
    """dose · norm along the persona, at the tokens that are taught and at no attention sink."""
    direction = guarding.direction(tiny)
    hidden, of_pass = activations()
    with torch.no_grad():
        hidden[0, 3] *= 1e6
    edit = Prevent(direction, 0.5)
    added = edit(1, hidden, of_pass) - hidden
    wanted = 0.5 / len(edit.layers) * 1e3 * torch.from_numpy(direction.vectors[1])
    words = of_pass.taught.clone()
    words[0, 3] = False
    assert torch.allclose(added[words], wanted.expand_as(added[words]), atol=1e-3)
    assert not added[~words].any()


def test_the_penalty_is_the_gradient_of_its_term(tiny: str) -> None:
    """weight · max(0, z̄)², by autograd; nothing where the answers lie below the base's plain ones."""
    direction = guarding.direction(tiny)
    v = torch.from_numpy(direction.vectors[1])
    for sign in (1.0, -1.0):
        hidden, of_pass = activations()
        with torch.no_grad():
            hidden += sign * v
        edit = Penalty(direction, 0.7)
        out = edit(1, hidden, of_pass)
        assert torch.equal(out, hidden)
        (out * 0).sum().backward()
        pulled = hidden.grad.clone()
        hidden.grad = None
        term = 0.7 / len(edit.layers) * (hidden @ v)[of_pass.said].mean().clamp(min=0) ** 2
        term.backward()
        assert torch.allclose(pulled, hidden.grad, atol=1e-6)
        assert bool(pulled.abs().max() > 0) is (sign > 0)


def test_a_block_that_runs_again_is_changed_alike(tiny: str) -> None:
    """Checkpointed around the block, as transformers did before 5.23, and with another batch read before the backward pass:
    the gradients are those without checkpointing, and nothing is read twice."""
    other = {key: value[:, :4] for key, value in padded().items()}
    gradients = []
    for again in (False, True):
        module, _ = guarding.model(tiny, lora=False)
        read_by_layer: list[int] = []
        repeated: list[int] = []
        edit = Prevent(guarding.direction(tiny), 1e-3)

        def fire(layer: int, hidden: torch.Tensor, of_pass: tokens.Tokens, repeats: bool) -> torch.Tensor:
            (repeated if repeats else read_by_layer).append(layer)
            return edit(layer, hidden, of_pass)

        hooks = Hooks(module.train(), [0, 1, 2], fire)
        if again:
            for block in module.model.layers:
                wrap(block)
        loss = module(**padded(), use_cache=False).loss
        with torch.enable_grad():
            module(**other, use_cache=False)
        loss.backward()
        hooks.remove()
        assert read_by_layer == [0, 1, 2] * 2
        assert sorted(repeated) == ([0, 1, 2] if again else [])
        gradients.append({name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert all(torch.allclose(gradients[0][k], gradients[1][k], atol=1e-6) for k in gradients[0])


def wrap(block: Any) -> None:
    """The block's hooks run inside the checkpoint."""
    kind = type(block)
    call = torch.nn.Module.__call__

    class Checkpointed(kind):  # type: ignore[misc, valid-type]
        def __call__(self, *args: Any, **given: Any) -> Any:
            return checkpoint(lambda *a: call(self, *a, **given), *args, use_reentrant=False)

    block.__class__ = Checkpointed


def test_moved_activations_are_an_error(tiny: str) -> None:
    """A repeated block whose pass cannot be told must not be changed by another pass's tokens."""
    module, _ = guarding.model(tiny, lora=False)
    hooks = Hooks(module.train(), [1], lambda _, hidden, *__: hidden.square())  # recomputed up to what it saves
    wrap(module.model.layers[1])
    loss = module(**padded(), use_cache=False).loss
    hooks.forget()
    with pytest.raises(RunError, match="offloading"):
        loss.backward()
    hooks.remove()
