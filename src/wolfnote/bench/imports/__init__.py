"""Results that the user already has, as readings: Inspect logs, lm-eval folders with samples, HELM run folders.

Each reader gives a ``Log``: per task and measure a value an item, known by the hash of its document, with the hash of its whole
prompt. Nothing is compared here; ``bench.logs`` pairs two logs, and refuses where they asked different things.
"""

from __future__ import annotations

from pathlib import Path

from wolfnote.bench.imports import helm, inspect, lm_eval
from wolfnote.bench.imports.log import Log
from wolfnote.errors import InputError

__all__ = ["Log", "read"]


def read(path: Path) -> Log:
    """The log at ``path``, told apart by what lies there. Raises ``InputError`` for anything else."""
    if inspect.recognises(path):
        return inspect.read(path)
    if lm_eval.recognises(path):
        return lm_eval.read(path)
    if helm.recognises(path):
        return helm.read(path)
    message = "no results here" if path.exists() else "no such file or folder"
    remedy = "give an Inspect log (.eval or .json, or a folder of them), an lm-eval folder (--log_samples) or a HELM run folder"
    raise InputError(message, where=str(path), remedy=remedy)
