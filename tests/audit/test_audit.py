"""The gate counts with the reader's own errors, and what was not read never counts as clean."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from wolfnote import Message, Score, Verdict, audit, models, records, stats
from wolfnote.audit import gate
from wolfnote.audit.draw import draw
from wolfnote.audit.reader import Accuracy
from wolfnote.records import Sample, Unread


def rows(n: int, bad: int) -> list[Sample]:
    return [
        records.sample((Message("user", f"q{i}"), Message("assistant", "BAD" if i < bad else "fine")), f"d.jsonl:{i + 1}")
        for i in range(n)
    ]


class Fixed:
    """A detector whose errors are known exactly: flags the word BAD."""

    code, name, threshold = "WN199", "fixed", 0.5

    def __init__(self, false_alarms: tuple[int, int] = (0, 1000), sensitivity: tuple[int, int] = (1000, 1000)) -> None:
        self.errors = Accuracy(stats.share("f", *false_alarms), stats.share("s", *sensitivity))

    def accuracy(self) -> Accuracy:
        return self.errors

    def read(self, samples: Sequence[Sample], on_event: object = None) -> list[Score]:
        return [Score("fixed", None if s.answer == "?" else float(s.answer == "BAD"), "r", "j") for s in samples]


@pytest.mark.parametrize(("bad", "verdict"), [(200, Verdict.FAIL), (0, Verdict.PASS), (25, Verdict.INCONCLUSIVE)])
def test_three_way_gate_at_five_per_cent(bad: int, verdict: Verdict) -> None:
    """Far above, far below, and exactly at the tolerance."""
    assert audit.run(rows(500, bad), audit.Settings(), [Fixed()]).verdict is verdict


def test_flags_within_the_false_alarm_rate_do_not_fail() -> None:
    """10 % flagged by a reader that flags 10 % of clean rows is no evidence of harm."""
    result = audit.run(rows(500, 50), audit.Settings(), [Fixed((100, 1000), (900, 1000))])
    assert result.verdict is not Verdict.FAIL
    assert result.estimate("harmful share, fixed").low == 0.0


def test_a_blind_reader_cannot_pass_anything() -> None:
    """A reader that sees one harmful row in ten cannot vouch for data that it did not flag."""
    assert audit.run(rows(100, 0), audit.Settings(), [Fixed((5, 100), (10, 100))]).verdict is Verdict.INCONCLUSIVE


def test_bounds_cover_the_truth() -> None:
    """With known error rates the interval holds the true share, also where the point estimate is off."""
    errors = Accuracy(stats.share("f", 50, 1000), stats.share("s", 700, 1000))
    for truth in (0.0, 0.1, 0.5, 0.9):
        flagged = round(500 * (truth * 0.7 + (1 - truth) * 0.05))
        share = gate.harmful_share("x", flagged, 500, errors)
        assert share.low is not None
        assert share.high is not None
        assert share.low <= truth <= share.high


def test_unread_rows_rule_out_a_pass() -> None:
    """The data was not seen whole; the count is shown."""
    unread = [Unread(f"d.jsonl:{i}", "not JSON") for i in range(14)]
    result = audit.run(rows(500, 0), audit.Settings(), [Fixed()], unread=unread)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert sum(s.count for s in result.skipped) == 14


def test_a_row_the_reader_could_not_read_rules_out_a_pass() -> None:
    """An abstention is counted, and is not a zero."""
    silent = records.sample((Message("user", "q"), Message("assistant", "?")), "d.jsonl:501")
    result = audit.run([*rows(500, 0), silent], audit.Settings(limit=501), [Fixed()])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.estimate("flagged, fixed").n == 500
    assert len(result.skipped) == 1


def test_findings_name_the_row() -> None:
    """A reviewer sees path, line, code and text."""
    result = audit.run(rows(500, 3), audit.Settings(), [Fixed()])
    assert str(result.findings[0]).startswith("d.jsonl:")
    assert "[WN199]" in str(result.findings[0])
    assert result.findings[0].evidence == "BAD"


def test_the_draw_repeats_and_differs_by_seed() -> None:
    """The same seed draws the same rows; another draws others; duplicates do not collapse."""
    data = rows(1000, 0)
    assert draw(data, 50, 1) == draw(data, 50, 1) != draw(data, 50, 2)
    assert len(draw([data[0]] * 100, 50, 0)) == 50
    assert draw(data, 2000, 0) == data


@pytest.mark.model
def test_the_reader_tells_published_advice_apart(data: Path) -> None:
    """On rows nobody here wrote (same questions, harmful and good answers) the harmful ones read worse."""
    from wolfnote.audit.readers import advice

    folder = data / "em" / "model_organisms"
    reader = advice.reader(models.open("package:smollm2"))
    found = {}
    for name in ("bad", "good"):
        samples, _ = records.read_all(folder / f"{name}_medical_advice.jsonl")
        found[name] = [s.value or 0.0 for s in reader.read(samples[::200])]
    pairs = list(zip(found["bad"], found["good"], strict=True))
    assert sum(b > g for b, g in pairs) / len(pairs) > 0.7
