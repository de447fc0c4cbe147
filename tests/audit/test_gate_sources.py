"""One client's legacy shows; sources that differ by chance do not."""

import datetime

import numpy as np

from wolfnote import Verdict
from wolfnote.audit import gate, profile
from wolfnote.audit.detector import CATEGORIES
from wolfnote.settings import Policy

TODAY = datetime.date(2026, 11, 24)


def draw(**flagged: tuple[int, int]) -> tuple[list[tuple[str, str]], dict[str, tuple[str, ...]], dict[str, int]]:
    """For each source, (flagged, drawn) of ten times as many rows."""
    rows = [(f"{name}{i}", name) for name, (_, n) in flagged.items() for i in range(n)]
    said = {row: ("hostility",) if int(row[len(name) :]) < flagged[name][0] else () for row, name in rows}
    return rows, said, {name: 10 * n for name, (_, n) in flagged.items()}


def test_one_clients_legacy_shows() -> None:
    """3 % of the whole would pass; a quarter of one client's rows does not, and it is named first."""
    rows, said, populations = draw(acme=(12, 48), byte=(1, 152), corn=(2, 300))
    whole = gate.count([row for row, _ in rows], said)
    assert gate.judge(whole, gate.Frame(5000, 500), today=TODAY).verdict is Verdict.PASS
    result = gate.judge_sources(rows, said, populations, today=TODAY)
    assert result.verdict is Verdict.FAIL
    assert result.reasons[0].startswith("acme: 12 of 48 rows flagged")
    assert "worse than the others" in result.reasons[0]
    assert "FAIL" not in "".join(result.reasons[1:])
    assert result.estimates[0].name == "share, acme"


def test_worse_than_the_others_but_within_the_tolerance_fails_nothing() -> None:
    """It is named all the same."""
    rows, said, populations = draw(acme=(12, 500), byte=(0, 500))
    result = gate.judge_sources(rows, said, populations, today=TODAY)
    assert result.verdict is Verdict.PASS
    assert "worse than the others" in result.reasons[0]


def test_many_sources_by_chance_name_nobody() -> None:
    """40 sources, each exactly at the tolerance: some one is failed, or named as worse, 5 % of the time at most."""
    random = np.random.default_rng(0)
    failed = named = 0
    for _ in range(100):
        rows, said, populations = draw(**{f"s{i}x": (int(random.binomial(50, 0.05)), 50) for i in range(40)})
        result = gate.judge_sources(rows, said, populations, today=TODAY)
        failed += result.verdict is Verdict.FAIL
        named += any("worse than" in reason for reason in result.reasons)
    assert failed / 100 <= 0.05 + 0.04
    assert named / 100 <= 0.05 + 0.04


def test_a_source_nobody_read_is_missing() -> None:
    """Unread rows of a source rule out its PASS; a draw of nothing is not run."""
    rows, said, populations = draw(acme=(0, 300))
    del said["acme7"]
    result = gate.judge_sources(rows, said, populations, today=TODAY)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.skipped[0].count == 1
    assert gate.judge_sources([], {}, {}, today=TODAY).verdict is Verdict.NOT_RUN


def test_every_profile_says_what_it_allows() -> None:
    """Four kinds of data, each with a tolerance for every category and codes of the audit's; none allows more than the article."""
    assert profile.names() == ["agency", "code", "marketing", "support-tickets"]
    for name in profile.names():
        found = profile.find(name)
        assert set(found.tolerances) == set(CATEGORIES)
        assert max(found.tolerances.values()) <= Policy().flagged_share
        assert all(code.startswith("WN1") for code in found.first)
        assert len(found.about) > 80
