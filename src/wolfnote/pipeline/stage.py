"""What a stage of the check is: one command, when it is asked for, and the tables that are its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from wolfnote.pipeline.settings import Settings


class Stage(NamedTuple):
    """``command(check, stages) -> arguments`` of ``wolfnote``, without --out and --config; ``stages``: the folder of the runs.

    ``lacks(check)`` is the reason why the stage is left out, "" when it is asked for.
    """

    name: str
    asks: str
    room: str
    command: Callable[[Settings, Path], list[str]]
    tables: tuple[str, ...]
    lacks: Callable[[Settings], str]

    def left_out(self, settings: Any) -> str:
        """Why this stage is not run: not in this installation, or not asked for; "" when it runs."""
        if importlib.util.find_spec(f"wolfnote.{self.room}") is None:
            return f"this installation has no room {self.room}"
        return self.lacks(settings.check)
