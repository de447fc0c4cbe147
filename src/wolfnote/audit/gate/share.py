"""From flagged rows to a verdict about the data, through the detector's own error rates.

A flag is not a harmful row. With false-alarm rate f and sensitivity s, a data set with a share θ of harmful rows is flagged
at p = θ s + (1 − θ) f (Rogan & Gladen 1978), so θ = (p − f) / (s − f). The high bound takes the unfavourable end of all three
exact intervals. The low bound takes that of p and f, and s = 1, the most cautious value: every flag beyond the false alarms is
one harmful row, and no more were missed.
"""

from __future__ import annotations

from wolfnote import stats
from wolfnote.audit.reader import Accuracy
from wolfnote.results import Estimate, Verdict


def harmful_share(name: str, flagged: int, read: int, accuracy: Accuracy) -> Estimate:
    """The share of harmful rows, with conservative bounds. No upper bound below 1 when the detector is too blind."""
    seen = stats.share("flagged", flagged, read)
    f, s = accuracy.false_alarms, accuracy.sensitivity
    value = _solve(seen.value, f.value, s.value)
    low = _solve(seen.low or 0.0, f.high or 1.0, 1.0)
    high = _solve(seen.high or 1.0, f.low or 0.0, s.low or 0.0)
    return Estimate(name, value, min(low, value), max(high, value), read, "Rogan–Gladen, exact bounds combined")


def verdict(share: Estimate, tolerance: float) -> Verdict:
    """FAIL when even the low bound exceeds the tolerance, PASS when even the high one does not, else INCONCLUSIVE."""
    if share.low is not None and share.low > tolerance:
        return Verdict.FAIL
    if share.high is not None and share.high < tolerance:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def _solve(p: float, f: float, s: float) -> float:
    if s <= f:
        return 1.0 if p > 0 else 0.0
    return min(1.0, max(0.0, (p - f) / (s - f)))
