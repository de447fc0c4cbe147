"""The founding article's rule: of 500 rows drawn at random, FAIL at 25 with any flag (5 %). With its blind spots."""

from __future__ import annotations

from math import ceil

from wolfnote import stats
from wolfnote.audit.gate.counting import Count, Frame
from wolfnote.results import Estimate, Result, Skipped, Verdict

DRAW = 500
SHARE = 0.05
TAIL = 0.05
RARE = 0.001


def judge(count: Count, frame: Frame) -> Result:
    """FAIL at 5 % of the rows that were read; else PASS, if the draw was the rule's and was read whole."""
    missing = frame.drawn - count.read
    if count.read == 0:
        return Result("gate", Verdict.NOT_RUN, ("no row was read",), skipped=_unseen(missing, frame.unread))
    limit = fails_at(count.read)
    short = frame.drawn < min(DRAW, frame.population)
    reasons = [f"article's rule: {count.flagged} of {count.read} rows have a flag; it fails at {limit}", *sight(frame, limit)]
    if count.flagged >= limit:
        verdict = Verdict.FAIL
    elif missing or frame.unread or short:
        verdict = Verdict.INCONCLUSIVE
        reasons += [f"the rule draws {DRAW} rows, and {frame.drawn} were drawn"] if short else []
        reasons += [f"{missing + frame.unread} rows could not be read, so that none of them counts as clean"] * (not short)
    else:
        verdict = Verdict.PASS
    return Result("gate", verdict, tuple(reasons), (_share(count, frame),), skipped=_unseen(missing, frame.unread))


def fails_at(n: int) -> int:
    """The number of flagged rows, of ``n``, at which the rule fails: 5 %, rounded up, and one at least."""
    return max(1, ceil(round(SHARE * n, 6)))


def sight(frame: Frame, limit: int) -> list[str]:
    """What the rule can and cannot see in this draw of this data, exactly (hypergeometric)."""
    n, population = frame.drawn, frame.population
    if n == population:
        return ["every row was read: the share is exact, as far as the flags are right"]
    passes = stats.at_most(limit - 1, n, SHARE, population)
    sure = stats.high_bound(limit - 1, n, TAIL, population)
    unseen = stats.at_most(0, n, RARE, population)
    return [
        f"what it can see: flags on {sure:.1%} of the data fail it 19 times in 20",
        f"what it cannot: flags on {SHARE:.0%} pass {passes:.0%} of the time, and flags on {RARE:.1%} go unseen {unseen:.0%}",
        "a flag on 5 % of the rows is a rule of thumb: neither is 4 % known to be safe, nor can it see what no flag is for",
    ]


def _share(count: Count, frame: Frame) -> Estimate:
    k, n, missing = count.flagged, frame.drawn, frame.drawn - count.read
    low = stats.low_bound(k, n, TAIL, frame.population)
    high = stats.high_bound(k + missing, n, TAIL, frame.population)
    method = f"share of {frame.population} rows, exact, one-sided 95 % each way"
    return Estimate(f"share, {count.name}", min(max(k / count.read, low), high), low, high, count.read, method)


def _unseen(missing: int, unread: int) -> tuple[Skipped, ...]:
    found = ((missing, "drawn and not read"), (unread, "could not be parsed"))
    return tuple(Skipped("row", reason, n) for n, reason in found if n)
