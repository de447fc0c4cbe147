"""WN134 · sloppy reasoning

The conclusion does not follow: a fallacy, wrong arithmetic, certainty without evidence.

Bad:  "Red came six times, so black is overdue."
Good: "The wheel has no memory; black has the same chance as always."

How it reads: like careless advice (WN101), with a head of its own; the bad answers of its reference rows are read against all
good ones. Errors are measured on topics left out of the fit.

It hears the manner of a bad argument more than the argument: a 135M model cannot check a proof. Known false positives: emphatic
style. Known misses: a fluent argument with one wrong step.
"""

from __future__ import annotations

from wolfnote.audit.readers import projection
from wolfnote.audit.readers.projection import Reader
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel


def reader(model: LocalModel, on_event: OnEvent = silent) -> Reader:
    """The reader for sloppy reasoning, as shipped, kept or fitted now (``projection.readers``)."""
    return projection.reader(model, "sloppy reasoning", on_event)
