"""One client's legacy shows; sources that differ by chance do not."""

import datetime
from collections.abc import Sequence

import numpy as np

from wolfnote import Message, Result, Verdict, records, stats
from wolfnote.audit import gate, profile
from wolfnote.audit.counted import Origin
from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.gate.sources import Source
from wolfnote.audit.reader import Accuracy
from wolfnote.settings import Policy

TODAY = datetime.date(2026, 11, 24)


RARELY = Accuracy(stats.share("f", 5, 1000), stats.share("s", 800, 1000))


def sources(accuracy: Accuracy | None = None, **flagged: tuple[int, int]) -> list[Source]:
    """For each source, (flagged, drawn) of ten times as many rows."""
    return [Source(gate.Count(name, k, n, accuracy), gate.Frame(10 * n, n)) for name, (k, n) in flagged.items()]


def judge(found: Sequence[Source], settings: gate.Settings = gate.Settings()) -> Result:  # noqa: B008 - frozen
    return gate.judge_sources(found, settings, policy=Policy(), today=TODAY)


def test_one_clients_legacy_shows() -> None:
    """3 % of the whole would pass; a quarter of one client's rows does not, and it is named first."""
    whole = [gate.Count("hostility", 15, 500)]
    assert gate.judge(whole, gate.Frame(5000, 500), today=TODAY).verdict is Verdict.PASS
    result = judge(sources(acme=(12, 48), byte=(1, 152), corn=(2, 300)))
    assert result.verdict is Verdict.FAIL
    assert result.reasons[0] == "3 sources, corrected for their number"
    assert result.reasons[1].startswith("acme: 12 of 48 rows flagged")
    assert "worse than the others" in result.reasons[1]
    assert "FAIL" not in "".join(result.reasons[2:])
    assert result.estimates[0].name == "share, acme"


def test_worse_than_the_others_but_within_the_tolerance_fails_nothing() -> None:
    """It is named all the same."""
    result = judge(sources(acme=(12, 500), byte=(0, 500)))
    assert result.verdict is Verdict.PASS
    assert "worse than the others" in result.reasons[1]


def test_many_sources_by_chance_name_nobody() -> None:
    """40 sources, each exactly at the tolerance: some one is failed, or named as worse, 5 % of the time at most."""
    random = np.random.default_rng(0)
    failed = named = 0
    for _ in range(100):
        result = judge(sources(**{f"s{i}x": (int(random.binomial(50, 0.05)), 50) for i in range(40)}))
        failed += result.verdict is Verdict.FAIL
        named += any("worse than" in reason for reason in result.reasons)
    assert failed / 100 <= 0.05 + 0.04
    assert named / 100 <= 0.05 + 0.04


def test_a_source_nobody_read_is_missing() -> None:
    """Unread rows of a source rule out its PASS; a draw of nothing is not run."""
    result = judge([Source(gate.Count("acme", 0, 299), gate.Frame(3000, 300))])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.skipped[0].count == 1
    assert judge([]).verdict is Verdict.NOT_RUN


def test_a_reader_that_errs_fails_no_source() -> None:
    """A tenth flagged by readers that flag a tenth of clean rows is nothing; by readers that hardly err it is over 5 %."""
    often = Accuracy(stats.share("f", 100, 1000), stats.share("s", 800, 1000))
    assert judge(sources(often, acme=(30, 300), byte=(30, 300))).verdict is Verdict.INCONCLUSIVE
    assert judge(sources(RARELY, acme=(30, 300), byte=(0, 300))).verdict is Verdict.FAIL


def test_errors_of_any_reader_are_at_most_their_sum() -> None:
    """False alarms add up over the readers, sensitivity is the weakest's; without a reader there are none."""
    weak = Accuracy(stats.share("f", 10, 500), stats.share("s", 10, 100))
    found = gate.any_of([RARELY, weak])
    assert found is not None
    assert (found.false_alarms.value, found.false_alarms.n) == (0.026, 500)
    assert found.sensitivity.value == 0.1
    assert gate.any_of([]) is None


def test_a_source_called_like_a_category_has_no_tolerance_of_its_own() -> None:
    """Names come from the data: "hostility" as a client's name takes nothing from [gate.tolerances]."""
    origins = [Origin("hostility", 3000, 60, 0, 0), Origin("byte", 3000, 0, 0, 0)]
    strict = gate.Settings(tolerances={"hostility": 0.001})
    none = gate.Flagged((), (), None)
    (part,) = gate.by_source(origins, [], none, strict, policy=Policy(), today=TODAY)
    assert part.verdict is Verdict.PASS
    assert part.estimates[0].name == "share, hostility"


def test_a_thousand_sources_are_judged_as_a_hundred_and_the_rest() -> None:
    """A column of ids makes as many sources as rows: the largest are told apart, no row is lost, and the last are together."""
    origins = [Origin(f"c{i}", 50, i % 2, 0, 0) for i in range(1000)]
    none = gate.Flagged((), (), None)
    (part,) = gate.by_source(origins, [], none, gate.Settings(), policy=Policy(), today=TODAY)
    assert len(part.estimates) == 101
    assert sum(e.n for e in part.estimates) == 50_000
    assert any(e.name == "share, 900 smaller sources" for e in part.estimates)
    assert len(part.reasons) == 22


def test_every_profile_says_what_it_allows() -> None:
    """Four kinds of data, each with a tolerance for every category and codes of the audit's; none allows more than the article."""
    assert profile.names() == ["agency", "code", "marketing", "support-tickets"]
    for name in profile.names():
        found = profile.find(name)
        assert set(found.tolerances) == set(CATEGORIES)
        assert max(found.tolerances.values()) <= Policy().flagged_share
        assert all(code.startswith("WN1") for code in found.first)
        assert len(found.about) > 80


def test_a_sources_name_can_be_shown() -> None:
    """It comes from the data: escapes, surrogates and line ends are replaced, long names cut, and an empty one is no name."""
    turns = (Message("user", "q"), Message("assistant", "a"))

    def named(value: object) -> str:
        return profile.source(records.sample(turns, "some/where.jsonl:7", client=value), ("client", "brand"))

    assert named("acme") == "acme"
    assert named("a\x1b[31m\ud800\n") == "a�[31m��"
    assert len(named("x" * 1000)) == profile.LONGEST
    assert named(7) == "7"
    assert {named(""), named(None), named(["acme"])} == {"where.jsonl"}
