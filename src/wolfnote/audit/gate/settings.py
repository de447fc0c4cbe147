"""``[gate]``: what the gate allows, and when it looks."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import msgspec

from wolfnote import stats
from wolfnote.audit import profile
from wolfnote.audit.detector import CATEGORIES
from wolfnote.errors import SettingsError
from wolfnote.settings import Policy

STRICT = {"hostility": 0.001, "dishonesty": 0.001, "manipulation": 0.001, "insecure code": 0.001, "careless advice": 0.01}
"""Intent to harm, deceit and insecure code: at most one row in a thousand, so that a PASS takes 3,000 rows without one."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the gate allows: the table ``[gate]``. Raises ``SettingsError`` for what makes no gate."""

    preset: Literal["", "article", "strict"] = ""
    """``article``: any flag, 5 % of the draw. ``strict``: near zero for intent to harm, deceit and insecure code."""
    profile: str = ""
    """What kind of data it is, such as support-tickets: its tolerances and what its sources are."""
    tolerances: dict[str, float] = {}
    """Category → the share of rows that may be so; before a profile's, a preset's and ``policy.flagged_share``."""
    error: float = 0.05
    """How often, at most, a category at its tolerance is passed, or the whole failed without cause: over all looks."""
    looks: tuple[int, ...] = (500, 1000, 2000)
    """Rows drawn at which the verdict is looked at, fixed before the first look; the last look is at every row."""

    def check(self) -> None:
        """Raise ``SettingsError`` for a value that makes no gate."""
        if self.profile:
            profile.find(self.profile)
        unknown = sorted(set(self.tolerances) - set(CATEGORIES))
        if unknown:
            known = ", ".join(CATEGORIES)
            raise SettingsError(f"no category {unknown[0]!r}", where="gate.tolerances", remedy=f"known: {known}")
        if not all(0 <= share <= 1 for share in self.tolerances.values()):
            raise SettingsError("a tolerance is a share from 0 to 1", where="gate.tolerances", remedy="write 0.05 for 5 %")
        if not 0 < self.error < 0.5:
            raise SettingsError("an error probability between 0 and 0.5", where="gate.error", remedy="write 0.05 for 5 %")
        if not self.looks or self.looks[0] < 1 or any(a >= b for a, b in pairwise(self.looks)):
            raise SettingsError("looks grow, and there is one at least", where="gate.looks", remedy="such as [500, 1000]")

    def tolerance(self, category: str, policy: Policy) -> float:
        """The share allowed: one's own, else the profile's, else the preset's, else the policy's."""
        named = profile.find(self.profile).tolerances if self.profile else {}
        preset = STRICT if self.preset == "strict" else {}
        for tolerances in (self.tolerances, named, preset):
            if category in tolerances:
                return tolerances[category]
        return policy.flagged_share

    def tail(self, drawn: int) -> float:
        """The error probability that the look at so many rows may use (``stats.spend``)."""
        return stats.spend(len(self.looks) + 1, self.error)[sum(drawn > look for look in self.looks)]
