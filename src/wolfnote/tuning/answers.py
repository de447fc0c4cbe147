"""The transformers trainer with a loss that meets the vocabulary only where an answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wolfnote.tuning.supervision import IGNORED

if TYPE_CHECKING:
    from wolfnote.tuning.anchor import Anchor


def trainer(anchor: Anchor | None, weight: float, **given: Any) -> Any:
    """A transformers trainer with ``answer_loss``, and ``weight`` times the anchor's where there is one."""
    from transformers import Trainer

    class AnswerTrainer(Trainer):  # type: ignore[misc]  # transformers ships no types for it
        """The trainer with ``answer_loss``; guards among its callbacks are told the labels."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            for callback in self.callback_handler.callbacks:
                if hasattr(callback, "tell"):
                    callback.tell(inputs["labels"])
            loss = answer_loss(model, inputs, num_items_in_batch)
            if anchor is None:
                return loss
            passes = self.args.gradient_accumulation_steps if num_items_in_batch is not None else 1
            return loss + weight / passes * anchor.loss(model, self.state.global_step)

    return AnswerTrainer(**given)


def answer_loss(model: Any, inputs: dict[str, Any], items: Any = None) -> Any:
    """Cross-entropy over the labelled tokens, equal to the model's own loss, with logits only where labels are.

    Rows are padded on the left, so that all answers end in the last column and the vocabulary, a third of a small model's
    work, is met by a few columns instead of all.
    """
    import torch

    inputs = dict(inputs)
    labels = inputs.pop("labels")
    first = int((labels != IGNORED).any(0).nonzero()[0])
    columns = torch.arange(max(0, first - 1), labels.shape[1] - 1, device=labels.device)
    logits = model(**inputs, logits_to_keep=columns, use_cache=False).logits
    targets = labels[:, columns + 1].flatten()
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum")
    return total / (items if items is not None else (targets != IGNORED).sum())
