"""Where converted weights, readers and the lab's organisms are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache() -> Path:
    """``$WOLFNOTE_CACHE``, else a folder in the user's cache."""
    if own := os.environ.get("WOLFNOTE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wolfnote"
