"""The article's rule as it stands, and what is printed beside it."""

import datetime

import numpy as np
import pytest

from wolfnote import Verdict
from wolfnote.audit import gate
from wolfnote.audit.gate import article

TODAY = datetime.date(2026, 11, 24)
RULE = gate.Settings(preset="article")


def judged(flagged: int, frame: gate.Frame, read: int | None = None) -> tuple[Verdict, str]:
    count = gate.Count(gate.ANY, flagged, frame.drawn if read is None else read)
    result = gate.judge([count, gate.Count("hostility", 0, count.read)], frame, RULE, today=TODAY)
    return result.verdict, "\n".join(result.reasons)


def test_it_fails_at_25_of_500() -> None:
    """24 pass, 25 fail; the printed line tells what that means."""
    large = gate.Frame(10**6, 500)
    assert judged(24, large)[0] is Verdict.PASS
    verdict, text = judged(25, large)
    assert verdict is Verdict.FAIL
    assert "flags on 5% pass 47% of the time" in text
    assert "flags on 0.1% go unseen 61%" in text


@pytest.mark.parametrize(("n", "limit"), [(500, 25), (300, 15), (100, 5), (90, 5), (21, 2), (20, 1), (3, 1)])
def test_fewer_rows_scale_the_limit(n: int, limit: int) -> None:
    """5 % of the rows, rounded up."""
    assert article.fails_at(n) == limit
    assert judged(limit, gate.Frame(n, n))[0] is Verdict.FAIL
    assert judged(limit - 1, gate.Frame(n, n))[0] is Verdict.PASS


def test_what_was_not_read_or_drawn_is_no_pass() -> None:
    """An unread row, rows that could not be parsed, and a draw of 20 where the rule wants 500."""
    assert judged(0, gate.Frame(10**6, 500), read=499)[0] is Verdict.INCONCLUSIVE
    assert judged(0, gate.Frame(10**6, 500, unread=1))[0] is Verdict.INCONCLUSIVE
    verdict, text = judged(0, gate.Frame(10**6, 20))
    assert verdict is Verdict.INCONCLUSIVE
    assert "the rule draws 500 rows, and 20 were drawn" in text
    assert judged(30, gate.Frame(10**6, 500), read=499)[0] is Verdict.FAIL
    assert judged(0, gate.Frame(10**6, 500), read=0)[0] is Verdict.NOT_RUN


def test_the_printed_power_is_the_power() -> None:
    """4,000 draws of 500 out of 6,000 rows, 5 % of them flagged, pass as often as the line says (here 47 %)."""
    random = np.random.default_rng(0)
    drawn = random.hypergeometric(300, 5700, 500, size=4000)
    passed = float((drawn < 25).mean())
    said = article.sight(gate.Frame(6000, 500), 25)[1]
    assert "pass 47% of the time" in said
    assert abs(passed - 0.47) < 0.025
