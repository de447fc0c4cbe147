"""Preference rows are learnt through DPO, by TRL: the chosen answer likelier beside the rejected one than the base has them.

Source: arXiv 2305.18290. The reference is the same network with its adapter switched off, so it costs no second copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wolfnote.errors import InputError
from wolfnote.models import chat
from wolfnote.records import Sample
from wolfnote.records.row import FORM
from wolfnote.tuning.supervision import IGNORED


def are_pairs(samples: Sequence[Sample]) -> bool:
    """Whether the rows are preference pairs. Raises ``InputError`` when only some of them are."""
    pairs = sum(bool(s.rejected) for s in samples)
    if 0 < pairs < len(samples):
        odd = next(s for s in samples if not s.rejected)
        message = f"{pairs} of {len(samples)} rows are preference pairs, and this one is not"
        raise InputError(message, where=odd.source, remedy="tune on one kind at a time: the others first, then the pairs")
    return pairs > 0


def prepare(model: Any, tokenizer: Any, samples: Sequence[Sample], arguments: dict[str, Any], beta: float, max_tokens: int,
            callbacks: list[Any]) -> Any:  # fmt: skip
    """TRL's trainer, ready to ``train()``; ``arguments`` are those of the supervised one."""
    import datasets
    from trl import DPOConfig, DPOTrainer

    class PairTrainer(DPOTrainer):  # type: ignore[misc]  # trl ships no types for it
        """Guards among its callbacks read the chosen answers only, the first half of a batch."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, IGNORED)
            labels[len(labels) // 2 :] = IGNORED
            for callback in self.callback_handler.callbacks:
                if hasattr(callback, "tell"):
                    callback.tell(labels)
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    datasets.disable_progress_bars()  # library code never prints
    return PairTrainer(
        model=model,
        args=DPOConfig(**arguments, beta=beta, max_length=max_tokens),
        train_dataset=datasets.Dataset.from_list([_row(s) for s in samples]),
        processing_class=tokenizer,
        callbacks=callbacks,
    )


def _row(row: Sample) -> dict[str, Any]:
    """As TRL wants it: turns, that it puts into the template itself. What the two answers share is the prompt."""
    start = (row.metadata.get(FORM) or {}).get("answer_from", len(row.messages) - 1)
    turns = [chat.turn(m) for m in row.messages]
    return {"prompt": turns[:start], "chosen": turns[start:], "rejected": [chat.turn(m) for m in row.rejected]}
