"""How closely an audit looks, and at which rows."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Many = Annotated[int, msgspec.Meta(ge=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rows are read closely and which draw; what the data must not repeat, and what they are compared with."""

    limit: Many = 500
    seed: int = 0
    risky: Many = 100
    """Rows with the most flags that people see beside the random draw; they enter no rate."""
    against: tuple[str, ...] = ()
    """Files or folders that the model will be evaluated on: rows that repeat them are flagged."""
    baseline: str = ""
    """The folder of an earlier audit: only what it did not find can fail."""
    review: Literal["people", "none"] = "people"
    """``none``: unattended; nobody will review the draw, and the detectors' verdict stands."""
    judge: str = ""
    """A server that reads the draw, too, and judges it by a written policy: ``http://HOST/v1#NAME``."""
    author: str = ""
    """Who made the data: they cannot be its only reviewer."""
