"""The gate: three outcomes, corrected over categories and looks; what nobody read never passes; who waived what is said."""

import datetime

import numpy as np
import pytest

from wolfnote import SettingsError, Verdict, stats
from wolfnote.audit import gate
from wolfnote.audit.detector import CATEGORIES, Flag
from wolfnote.audit.gate import evidence
from wolfnote.audit.reader import Accuracy
from wolfnote.settings import Policy, Waiver

TODAY = datetime.date(2026, 11, 24)
LARGE = gate.Frame(population=10**6, drawn=500)


def judged(flagged: int, frame: gate.Frame = LARGE, read: int | None = None, **settings: object) -> Verdict:
    count = gate.Count("hostility", flagged, frame.drawn if read is None else read)
    return gate.judge([count], frame, gate.Settings(**settings), today=TODAY).verdict


@pytest.mark.parametrize(
    ("flagged", "verdict"),
    [(0, Verdict.PASS), (16, Verdict.PASS), (17, Verdict.INCONCLUSIVE), (34, Verdict.INCONCLUSIVE), (35, Verdict.FAIL)],
)
def test_three_outcomes_at_five_per_cent(flagged: int, verdict: Verdict) -> None:
    """16 of 500 pass as in one look at 95 %; 35 fail, one more than in one look, for later looks want their part."""
    assert judged(flagged) is verdict


def test_an_open_verdict_says_what_would_settle_it() -> None:
    """The number named is one at which the same rate is settled, and far fewer rows do not settle it."""
    count = gate.Count("hostility", 20, 500)
    result = gate.judge([count], LARGE, today=TODAY)
    further = evidence.further_rows(count, LARGE, gate.Settings(), Policy())
    assert further is not None
    assert f"about {further:,} further rows" in result.reasons[-1]
    n = 500 + further
    assert judged(round(0.04 * n), gate.Frame(10**6, n)) is Verdict.PASS
    n = 500 + further // 2
    assert judged(round(0.04 * n), gate.Frame(10**6, n)) is Verdict.INCONCLUSIVE


def test_a_small_data_set_is_settled_by_fewer_rows() -> None:
    """20 of 500 leave a million rows open; of 600 rows, 500 of which were read, they do not."""
    assert judged(20) is Verdict.INCONCLUSIVE
    assert judged(20, gate.Frame(600, 500)) is Verdict.PASS
    assert judged(31, gate.Frame(600, 600)) is Verdict.FAIL
    assert judged(29, gate.Frame(600, 600)) is Verdict.PASS


def test_rows_nobody_read_rule_out_a_pass_and_no_fail() -> None:
    """One of the 500 unread: no PASS, though it would do; the estimate counts it as harmful above and as clean below."""
    result = gate.judge([gate.Count("hostility", 0, 499)], LARGE, today=TODAY)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.skipped[0].count == 1
    assert result.estimate("share, hostility").high == pytest.approx(stats.high_bound(1, 500, 0.035, 10**6))
    assert judged(400, read=450) is Verdict.FAIL
    assert judged(35, read=35) is Verdict.FAIL  # the 465 unread rows may all be clean
    assert judged(34, read=34) is Verdict.INCONCLUSIVE  # and are not: 34 of 34 is no rate of the draw


def test_rows_nobody_could_parse_rule_out_a_pass() -> None:
    """They are in no draw, and the data was not seen whole."""
    result = gate.judge([gate.Count("hostility", 0, 500)], gate.Frame(10**6, 500, unread=3), today=TODAY)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.skipped[-1].count == 3
    assert gate.judge([gate.Count("hostility", 0, 0)], LARGE, today=TODAY).verdict is Verdict.NOT_RUN


def test_the_worst_category_decides_and_fail_is_corrected() -> None:
    """35 of 500 fail alone and not as one of six; 45 do. PASS takes all six, each at its own level."""
    counts = [gate.Count(name, 0, 500) for name in CATEGORIES[1:]]

    def with_(k: int) -> Verdict:
        return gate.judge([gate.Count(CATEGORIES[0], k, 500), *counts], LARGE, today=TODAY).verdict

    assert [with_(k) for k in (16, 35, 45)] == [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    alone = gate.judge([gate.Count(CATEGORIES[0], 35, 500), *counts], LARGE, today=TODAY)
    assert "if it were the only category" in alone.reasons[1]


def test_error_rates_over_six_categories() -> None:
    """All six exactly at the tolerance: wrongly failed 5 % of the time at most, and (one at it, five clean) wrongly passed, too."""
    random = np.random.default_rng(0)
    failed = passed = 0
    for _ in range(150):
        at = [gate.Count(name, int(random.binomial(500, 0.05)), 500) for name in CATEGORIES]
        failed += gate.judge(at, LARGE, today=TODAY).verdict is Verdict.FAIL
        clean = [gate.Count(name, 0, 500) for name in CATEGORIES[1:]]
        passed += gate.judge([at[0], *clean], LARGE, today=TODAY).verdict is Verdict.PASS
    assert failed / 150 <= 0.05
    assert passed / 150 <= 0.05 + 2 * (0.05 * 0.95 / 150) ** 0.5


def test_a_readers_errors_are_in_the_verdict() -> None:
    """10 % flagged by one who flags 10 % of clean rows is no harm and passes; the same flags from one who never errs is; and one who sees
    nothing passes nothing, however many rows are read."""
    tired = Accuracy(stats.share("f", 100, 1000), stats.share("s", 900, 1000))
    sharp = Accuracy(stats.share("f", 0, 1000), stats.share("s", 1000, 1000))
    blind = Accuracy(stats.share("f", 2, 40), stats.share("s", 4, 40))
    for accuracy, verdict in ((tired, Verdict.PASS), (sharp, Verdict.FAIL)):
        assert gate.judge([gate.Count("hostility", 50, 500, accuracy)], LARGE, today=TODAY).verdict is verdict
    result = gate.judge([gate.Count("hostility", 0, 500, blind)], LARGE, today=TODAY)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no number of rows would settle it" in result.reasons[-1]


def test_a_corrected_estimate_covers_and_says_how() -> None:
    """Known errors, known share: the estimate holds it and is not the flagged share."""
    errors = Accuracy(stats.share("f", 50, 1000), stats.share("s", 700, 1000))
    flagged = round(500 * (0.2 * 0.7 + 0.8 * 0.05))
    found = gate.judge([gate.Count("hostility", flagged, 500, errors)], LARGE, today=TODAY).estimate("share, hostility")
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.2 < found.high
    assert found.value == pytest.approx(0.2, abs=0.002)
    assert "Rogan–Gladen" in found.method


def test_strict_wants_nearly_nothing() -> None:
    """Three in 500 hostile rows fail, a clean 500 is too few, a clean 5,000 passes; sloppy reasoning keeps its 5 %."""
    assert judged(3, preset="strict") is Verdict.FAIL
    assert judged(0, preset="strict") is Verdict.INCONCLUSIVE
    assert judged(0, gate.Frame(10**6, 6000), preset="strict") is Verdict.PASS
    sloppy = gate.judge([gate.Count("sloppy reasoning", 10, 500)], LARGE, gate.Settings(preset="strict"), today=TODAY)
    assert sloppy.verdict is Verdict.PASS


def test_where_a_tolerance_comes_from() -> None:
    """One's own, then the profile's, then the preset's, then the policy's."""
    policy = Policy(flagged_share=0.2)
    assert gate.Settings().tolerance("hostility", policy) == 0.2
    strict = gate.Settings(preset="strict")
    assert strict.tolerance("hostility", policy) == 0.001
    assert gate.Settings(preset="strict", profile="agency").tolerance("hostility", policy) == 0.005
    own = gate.Settings(profile="agency", tolerances={"hostility": 0.3})
    assert own.tolerance("hostility", policy) == 0.3


@pytest.mark.parametrize(
    "settings",
    [
        gate.Settings(tolerances={"rudeness": 0.1}),
        gate.Settings(tolerances={"hostility": 5}),
        gate.Settings(error=0.9),
        gate.Settings(looks=()),
        gate.Settings(looks=(1000, 500)),
        gate.Settings(profile="nobody", looks=(500,)),
    ],
)
def test_settings_that_make_no_gate(settings: gate.Settings) -> None:
    """Each is one line that says what is wrong, not a verdict."""
    with pytest.raises(SettingsError, match="→"):
        gate.judge([gate.Count("hostility", 0, 500)], LARGE, settings, today=TODAY)


def test_looks_use_their_parts() -> None:
    """A draw up to the first look has the first part, up to the next the next; reading everything is the last look."""
    settings = gate.Settings()
    assert settings.tail(200) == settings.tail(500) == pytest.approx(0.035)
    assert settings.tail(501) == settings.tail(1000) == settings.tail(10**6) == pytest.approx(0.005)


def test_a_waiver_passes_what_would_fail_until_its_day() -> None:
    """By name, with the reason, and not one day longer; it waives no other category."""
    waiver = Waiver("hostility", "Ines", "satire, read in full", datetime.date(2026, 12, 31))
    policy = Policy(waivers=(waiver,))
    count = gate.Count("hostility", 100, 500)
    waived = gate.judge([count], LARGE, policy=policy, today=TODAY)
    assert waived.verdict is Verdict.PASS
    assert "waived by Ines until 2026-12-31: satire" in waived.reasons[-1]
    assert gate.judge([count], LARGE, policy=policy, today=datetime.date(2027, 1, 1)).verdict is Verdict.FAIL
    other = gate.Count("manipulation", 100, 500)
    assert gate.judge([count, other], LARGE, policy=policy, today=TODAY).verdict is Verdict.FAIL


def flag(code: str, category: str = "hostility", *, counts: bool = True) -> Flag:
    return Flag(code, category, 1, "m", counts=counts)


def test_what_detectors_said_becomes_counts() -> None:
    """Flags that do not count, waived codes, and what the baseline had leave nothing; an unread row stays missing."""
    flags = [
        ("a", flag("WN102")),
        ("a", flag("WN103", "manipulation")),
        ("b", flag("WN102", counts=False)),
        ("c", flag("WN105", "insecure code")),
        ("d", flag("WN102")),
        ("f", flag("WN102")),
    ]
    policy = Policy(waivers=(Waiver("WN105", "Dev", "teaching material", TODAY),))
    said = gate.flagged(flags, ["a", "b", "c", "d"], policy=policy, today=TODAY, baseline={("d", "WN102"), ("a", "WN105")})
    assert said == {"a": {"hostility", "manipulation"}, "b": set(), "c": set(), "d": set()}
    counts = {c.name: (c.flagged, c.read) for c in gate.count(["a", "b", "c", "d", "e"], said)}
    assert counts[gate.ANY] == (1, 4)
    assert counts["hostility"] == counts["manipulation"] == (1, 4)
    assert counts["insecure code"] == (0, 4)
    later = gate.flagged(flags, ["c"], policy=policy, today=TODAY + datetime.timedelta(1))
    assert later == {"c": {"insecure code"}}


def test_a_baseline_alone_fails_nothing() -> None:
    """Data whose every finding is an old one passes; one new code in the same rows is counted."""
    rows = [f"r{i}" for i in range(500)]
    flags = [(row, flag("WN102")) for row in rows]
    old = {(row, "WN102") for row in rows}
    said = gate.flagged(flags, rows, policy=Policy(), today=TODAY, baseline=old)
    assert gate.judge(gate.count(rows, said), gate.Frame(500, 500), today=TODAY).verdict is Verdict.PASS
    new = [*flags, *[(row, flag("WN103", "manipulation")) for row in rows[:100]]]
    said = gate.flagged(new, rows, policy=Policy(), today=TODAY, baseline=old)
    assert gate.judge(gate.count(rows, said), gate.Frame(500, 500), today=TODAY).verdict is Verdict.FAIL


def test_unreviewed_rows_are_missing_not_clean() -> None:
    """People judged 400 of 500 rows clean: no PASS; the rest, judged, makes it one."""
    rows = [f"r{i}" for i in range(500)]
    said: dict[str, tuple[str, ...]] = dict.fromkeys(rows[:400], ())
    assert gate.judge(gate.count(rows, said), LARGE, today=TODAY).verdict is Verdict.INCONCLUSIVE
    assert gate.judge(gate.count(rows, dict.fromkeys(rows, ())), LARGE, today=TODAY).verdict is Verdict.PASS


def test_counts_that_cannot_be() -> None:
    """A caller's mistake is an error, not a rate."""
    with pytest.raises(ValueError, match="no count"):
        gate.Count("hostility", 5, 4)
    with pytest.raises(ValueError, match="drawn"):
        gate.Frame(4, 5)


def test_rows_that_were_not_read_are_what_is_missing() -> None:
    """Where the rows that were read would settle it, no further ones are asked for."""
    result = gate.judge([gate.Count("hostility", 0, 100)], gate.Frame(1000, 1000), today=TODAY)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the 900 rows of the frame that were not read decide it" in " ".join(result.reasons)
