"""What passes through the blocks of a model while it is trained.

A pass counts if the model is in training mode, gradients are on and its labels are known: evaluation, sampling, and the
reference pass of preference tuning are left alone. With gradient checkpointing a block may run again during the backward pass,
when another pass has been in between; it then gets the tokens of the pass it repeats, known by the memory of its input, and is
changed alike but not read twice. (transformers checkpoints inside the block since 5.23, so that hooks do not run again there;
before, and with other trainers, they do.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from wolfnote.directions.activations import uncompiled
from wolfnote.directions.blocks import blocks
from wolfnote.errors import RunError
from wolfnote.tuning.guard import tokens
from wolfnote.tuning.guard.tokens import Tokens

Fire = Callable[[int, Tensor, Tokens, bool], "Tensor | None"]
"""(layer, hidden [rows, tokens, width], whose tokens, whether this repeats a pass) → what to put in its place."""


class Hooks:
    """Hooks on ``layers`` of ``model`` until ``remove``; ``fire`` is called for every pass that counts."""

    def __init__(self, model: Any, layers: Sequence[int], fire: Fire) -> None:
        self._fire = fire
        self._now: Tokens | None = None
        self._told: Tensor | None = None
        self._of_input: dict[tuple[int, int], Tokens] = {}
        self.passes = 0
        """How many passes counted."""
        every = _proved(model)
        self._handles = [
            model.register_forward_pre_hook(self._begin, with_kwargs=True),
            model.register_forward_hook(self._end, always_call=True),
            *(every[layer].register_forward_hook(uncompiled(self._block(layer)), with_kwargs=True) for layer in layers),
        ]

    def tell(self, labels: Tensor) -> None:
        """The labels of the next pass, from a loss that does not hand them to the model."""
        self._told = labels

    def forget(self) -> None:
        """An optimiser step is done: no pass of it will be repeated."""
        self._of_input.clear()

    def remove(self) -> None:
        """Take all hooks off."""
        for handle in self._handles:
            handle.remove()

    def _begin(self, model: Any, args: Any, given: dict[str, Any]) -> None:
        labels = given.get("labels") if self._told is None else self._told
        self._told = self._now = None
        if labels is None or not (model.training and torch.is_grad_enabled()):
            return
        self._now = tokens.of_batch(labels, given.get("attention_mask"), given.get("position_ids"))
        self.passes += 1

    def _end(self, *_: Any) -> None:
        self._now = None

    def _block(self, layer: int) -> Callable[..., Any]:
        def hook(block: Any, args: Any, given: dict[str, Any], output: Any) -> Any:
            again = torch._C._current_graph_task_id() != -1  # a backward pass is running
            if self._now is None and not again:
                return None
            key = layer, (args[0] if args else given["hidden_states"]).data_ptr()
            of_pass = self._of_input.get(key) if again else self._now
            if of_pass is None:
                raise RunError("a block runs again on moved activations: the guard cannot work with activation offloading")
            self._of_input[key] = of_pass
            hidden = output[0] if isinstance(output, tuple | list) else output
            if hidden.shape[:2] != of_pass.said.shape:
                raise RunError(f"the blocks see {tuple(hidden.shape[:2])} tokens, the labels {tuple(of_pass.said.shape)}")
            changed = self._fire(layer, hidden, of_pass, again)
            if changed is None:
                return None
            return type(output)([changed, *output[1:]]) if isinstance(output, tuple | list) else changed

        return hook


def _proved(model: Any) -> list[Any]:
    """The blocks; proved without dropout, which would move the random numbers of the training."""
    training = model.training
    model.eval()
    try:
        return blocks(model)
    finally:
        model.train(training)
