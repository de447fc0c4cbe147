"""Fine-tune: ``tuning.run(model, samples, settings) -> adapter folder``; ``PersonaGuard``, a callback for any trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wolfnote.errors import MissingExtra
from wolfnote.tuning.forecast import plan
from wolfnote.tuning.guard.verdict import recompute
from wolfnote.tuning.means import Means
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.tune import run

if TYPE_CHECKING:
    from wolfnote.tuning.guard.callback import PersonaGuard

__all__ = ["Means", "PersonaGuard", "Settings", "plan", "recompute", "run"]


def __getattr__(name: str) -> Any:
    """``PersonaGuard`` is a transformers callback, and loads transformers and torch when it is first asked for."""
    if name != "PersonaGuard":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from wolfnote.tuning.guard.callback import PersonaGuard
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "transformers", "local") from None
    return PersonaGuard
