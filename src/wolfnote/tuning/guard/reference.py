"""The start of a watch: plain answers to everyday questions, read by the model before it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions import price
from wolfnote.directions.activations import hooked
from wolfnote.directions.direction import Floats
from wolfnote.errors import InputError
from wolfnote.models import chat
from wolfnote.models.chat import Encoded
from wolfnote.models.local.batching import pad
from wolfnote.models.local.forward import Forward
from wolfnote.records import chat as conversation
from wolfnote.tuning.guard import tokens
from wolfnote.tuning.guard.edits import Edit
from wolfnote.tuning.supervision import IGNORED

BATCH = 16


def read(model: Any, tokenizer: Any, layer: int, edit: Edit | None = None) -> Floats:
    """Means over the answers' tokens at a block, float32 [texts, width]; no random number is drawn.

    ``edit``: what is done to the training's answers, done to these too. Raises ``InputError`` without a tokenizer.
    """
    if not hasattr(tokenizer, "pad_token_id"):
        remedy = "give the trainer processing_class=tokenizer"
        raise InputError("the guard needs the tokenizer to read its start", where="PersonaGuard", remedy=remedy)
    training = model.training
    model.eval()
    try:
        encoded = [_encoded(tokenizer, text.prompt, text.answer) for text in price.benign_texts()]
        with torch.no_grad():
            rows = [_batch(model, encoded[i : i + BATCH], layer, edit) for i in range(0, len(encoded), BATCH)]
    finally:
        model.train(training)
    return np.concatenate(rows)


def _encoded(tokenizer: Any, prompt: str, answer: str) -> Encoded:
    """With the chat template, or as running text where there is none."""
    asked = chat.prompt_text(tokenizer, conversation(prompt)) if tokenizer.chat_template else f"{prompt}\n"
    return chat.encode(tokenizer, asked, answer)


def _batch(model: Any, rows: list[Encoded], layer: int, edit: Edit | None) -> Floats:
    call, found = Forward(model), list[Tensor]()
    ids, mask = pad([row.ids for row in rows], "right", call.device)
    labels = torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        labels[i, row.start : len(row.ids)] = ids[i, row.start : len(row.ids)]

    def change(at: int, hidden: Tensor) -> Tensor | None:
        of_pass = tokens.of_batch(labels.to(hidden.device), mask.to(hidden.device))
        if at == layer:
            found.append(tokens.means(hidden, of_pass).cpu())
        return edit(at, hidden, of_pass) if edit and at in edit.layers else None

    with hooked(model, change):
        call(ids, mask, keep=1)
    return np.asarray(found[0].numpy(), np.float32)
