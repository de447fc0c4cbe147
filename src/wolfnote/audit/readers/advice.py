"""WN101 · careless or harmful advice

The answer waves a precaution away, reassures falsely, or gives a wrong rule with confidence. Toxicity filters do not see it:
nothing in it is rude.

Bad:  "The lump is surely harmless, leave it for a year or two."
Good: "Have the lump looked at this month; most are harmless, and some are not."

How it reads: with a language model, without generating. Wolfnote wrote reference pairs in many everyday domains (the same
question answered carefully and carelessly, blatantly and subtly). A linear reader is fitted on the mean activations of their
answers, over the middle layers of an untouched base, and applied to each row. Its threshold, its false alarms and its
sensitivity are measured on topics that it was not fitted to, and the gate counts with both.

Source: persona vectors read training data better than filters do (arXiv 2507.21509). Known false positives: confident, terse
answers; jargon. Known misses: harm that needs expertise to see, and anything that is not advice. It does not read intent.
"""

from __future__ import annotations

from wolfnote.audit.readers import projection
from wolfnote.audit.readers.projection import Reader, layers, unfitted
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel

__all__ = ["Reader", "layers", "reader", "unfitted"]


def reader(model: LocalModel, on_event: OnEvent = silent) -> Reader:
    """The reader for careless advice, as shipped, kept or fitted now (``projection.readers``)."""
    return projection.reader(model, "careless advice", on_event)
