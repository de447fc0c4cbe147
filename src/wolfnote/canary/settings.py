"""``[limits]``: what the canary may do and how sure one must be; ``[course]``: how it is exposed, and when nobody is.

The limits are what an experiment tests: a change of them begins a new one (``identity``). The course may change under way.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from wolfnote.errors import SettingsError
from wolfnote.settings import Count, Share

Seconds = Annotated[float, msgspec.Meta(gt=0)]
PRESETS: dict[str, tuple[str, ...]] = {
    "article": ('limits.on_weird="rollback"', "course.steps=[0.05]"),
    "": (),
}
"""Name → overrides as ``--set`` has them. ``article``: 5 %, and back to the base at anything weird, evil or not."""
WEIRD = {"length": 0.05, "language": 0.02, "refusal": 0.05, "code": 0.05, "format": 0.1, "style": 0.1}
"""Mean difference of each feature (all lie in 0 to 1) between canary and stable that is accepted, either way."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[limits]``. ``check`` raises ``SettingsError`` for what cannot be tested."""

    error: float = 0.001
    """How often, at most, a canary that keeps within every limit is rolled back: in its whole life, however often one looks.
    With ``on_weird = "rollback"`` there is ``pause_error`` besides."""
    tolerated: float = 0.005
    """Share of conversations in which a canary may be flagged, the judges' false alarms included (measure them on stable)."""
    promised: float = 0.02
    """What promotion takes evidence for: flagged in fewer conversations than this, abstentions counted as flags."""
    drop: Share = 0.02
    """How far the mean score (0 to 1) may lie below the base's, on pairs."""
    weird: dict[str, float] = msgspec.field(default_factory=WEIRD.copy)
    """Feature → the mean difference accepted at launch. A feature that is not named here is not tested."""
    abstentions: Share = 0.05
    """Share of conversations in which a canary may be flagged or the judges not answer: more is a hold."""
    pause_error: float = 0.01
    """How often, at most, a canary within all its limits is held: for something weird, abstentions or the split."""
    on_weird: Literal["warn", "hold", "rollback"] = "hold"
    patience: float = 1e5
    """Mean number of judged conversations after promotion before a false alarm of a late change, at least."""
    turns: Count = 3
    """The first so many judged turns of a conversation count, all as one observation."""

    def check(self) -> None:
        """Raise ``SettingsError`` for a limit that cannot be tested."""
        for name, value, top in (("error", self.error, 0.5), ("pause_error", self.pause_error, 0.5)):
            if not 0 < value < top:
                raise SettingsError("a probability between 0 and 0.5", where=f"limits.{name}", remedy="write 0.001")
        for name, value in (("tolerated", self.tolerated), ("promised", self.promised), ("abstentions", self.abstentions)):
            if not 0 < value < 0.4:
                raise SettingsError("a share above 0 and below 0.4", where=f"limits.{name}", remedy="write 0.005 for 0.5 %")
        if self.promised <= self.tolerated:
            message = "nothing could be promoted: below limits.tolerated"
            raise SettingsError(message, where="limits.promised", remedy="promise more than is tolerated")
        if not all(0 <= tolerance < 1 for tolerance in self.weird.values()):
            raise SettingsError("a tolerance lies in 0 to 1", where="limits.weird", remedy="write length = 0.05")
        if self.patience < 1:
            raise SettingsError("at least 1 conversation", where="limits.patience", remedy="write 100000")


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[course]``. ``check`` raises ``SettingsError``."""

    steps: tuple[float, ...] = (0.01, 0.05, 0.2)
    """Shares of conversations, growing; a person takes each step."""
    pairs: Count = 300
    """Judged pairs before anybody is exposed, and again before each further step."""
    shadow: Share = 0.05
    """After promotion, the part of conversations that the base answers as well."""
    lease: Seconds = 2.0
    """How long what was read of the store is believed: a kill is effective everywhere after this, the partitioned included."""
    poll: Seconds = 0.5
    stale: Seconds = 120.0
    """The oldest answer waiting for its judge may be so old; then nobody is exposed."""
    unjudged: Count = 500
    """So many canary answers may be served without a single verdict; then nobody is exposed."""
    queue: Count = 2000
    """Answers waiting for a judge; at so many nobody is exposed, and shadows are dropped (and counted)."""

    def check(self) -> None:
        """Raise ``SettingsError`` for a course that cannot be taken."""
        steps = (0.0, *self.steps)
        if len(steps) == 1 or any(a >= b for a, b in pairwise(steps)) or steps[-1] > 0.5:
            raise SettingsError("shares that grow, up to 0.5", where="course.steps", remedy="write [0.01, 0.05, 0.2]")
        if 2 * self.poll > self.lease:
            message = "a lease must outlast two polls, or nobody is ever exposed"
            raise SettingsError(message, where="course.poll", remedy=f"write {self.lease / 4:g}")


def identity(limits: Limits, *made_of: str) -> str:
    """Name of an experiment: 12 hex digits over its limits and ``made_of`` (models, judges). Another judge is another one."""
    source = msgspec.json.encode([limits, made_of], order="sorted")
    return hashlib.sha256(source).hexdigest()[:12]
