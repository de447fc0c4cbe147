"""What the audit's verdict makes of rows that were flagged, waived, found before, or not read."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rows import chat, plain, run, write

from wolfnote import InputError, SettingsError, Verdict, audit, stats
from wolfnote.audit import gate
from wolfnote.audit.deciding import Rules
from wolfnote.audit.detector import Flag, Reading, Unreadable
from wolfnote.audit.reader import Accuracy
from wolfnote.records import Sample
from wolfnote.results import Score
from wolfnote.settings import Policy, Waiver

TODAY = datetime.date(2026, 11, 24)
ARTICLE = gate.Settings(preset="article")
FREE = gate.Settings(looks=(100,))


class Finds:
    """Flags rows that say a word, and cannot read rows that say another."""

    def __init__(self, code: str, category: Any, word: str, blind: str = "") -> None:
        self.code, self.name, self.category, self.word, self.blind = code, category, category, word, blind

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        return [self._one(sample.answer) for sample in samples]

    def _one(self, answer: str) -> Reading:
        if self.blind and self.blind in answer:
            return Unreadable("cannot")
        return [Flag(self.code, self.category, 1, "m")] if self.word in answer else []


class Reads:
    """A reader that flags rows that say a word."""

    threshold = 0.5

    def __init__(self, category: Any = "careless advice", word: str = "nothing", code: str = "WN101") -> None:
        self.category, self.name, self.word, self.code = category, category, word, code

    def accuracy(self) -> Accuracy:
        return Accuracy(stats.share("f", 0, 1000), stats.share("s", 1000, 1000))

    def read(self, samples: Sequence[Sample], on_event: object = None) -> list[Score]:
        return [Score("r", float(self.word in s.answer), "r", "j") for s in samples]


def readers(*first: Any) -> list[Any]:
    had = {reader.category for reader in first}
    return [*first, *(Reads(c) for c in ("careless advice", "dishonesty", "sloppy reasoning") if c not in had)]


def judged(tmp_path: Path, rows: list[Any], settings: gate.Settings, *, read: list[Any] | None = None,
           policy: Policy | None = None, baseline: str = "", **more: Any) -> Any:  # fmt: skip
    data = write(tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl", rows)
    rules = Rules(settings, policy or Policy(), baseline, TODAY)
    every = read or readers()
    return run(data, tmp_path / f"run-{data.stem}", audit.Settings(limit=500), lambda: every, rules=rules, **more)


def mixed(bad: int, word: str = "BAD") -> list[Any]:
    return [*plain(500 - bad), *(chat(f"tell me {i} now", f"This is {word} and it is number {i}.") for i in range(bad))]


@pytest.mark.parametrize("settings", [ARTICLE, FREE])
def test_a_flagged_row_counts_whatever_else_could_not_read_it(tmp_path: Path, settings: gate.Settings) -> None:
    """A hostile row that another detector cannot read is a hostile row, not a missing one; of the same category, too."""
    detectors = [Finds("WN102", "hostility", "BAD"), Finds("WN103", "manipulation", "x", blind="BAD")]
    assert judged(tmp_path, mixed(100), settings, detectors=detectors).verdict is Verdict.FAIL
    same = [Finds("WN105", "insecure code", "BAD"), Finds("WN107", "insecure code", "x", blind="BAD")]
    assert judged(tmp_path, mixed(100), settings, detectors=same).verdict is Verdict.FAIL


@pytest.mark.parametrize("settings", [ARTICLE, FREE])
def test_a_row_that_was_not_read_is_not_clean(tmp_path: Path, settings: gate.Settings) -> None:
    """Unread by one detector, and flagged by none: no PASS; all read and none flagged: PASS."""
    blind = [Finds("WN102", "hostility", "x", blind="BAD")]
    assert judged(tmp_path, mixed(1), settings, detectors=blind).verdict is Verdict.INCONCLUSIVE
    assert judged(tmp_path, plain(500), settings, detectors=blind).verdict is Verdict.PASS


def test_the_article_fails_at_twenty_five_of_five_hundred(tmp_path: Path) -> None:
    """Any flag of the six categories, whoever raised it; what is wrong with a row's form decides nothing."""
    found = [Finds("WN102", "hostility", "BAD")]
    assert judged(tmp_path, mixed(25), ARTICLE, detectors=found).verdict is Verdict.FAIL
    assert judged(tmp_path, mixed(24), ARTICLE, detectors=found).verdict is Verdict.PASS
    assert judged(tmp_path, mixed(25), ARTICLE, read=readers(Reads(word="BAD")), detectors=[]).verdict is Verdict.FAIL
    form = [Finds("WN124", "form", "BAD")]
    assert judged(tmp_path, mixed(200), ARTICLE, detectors=form).verdict is Verdict.PASS


@pytest.mark.parametrize("settings", [ARTICLE, FREE])
@pytest.mark.parametrize("accepted", ["WN101", "careless advice"])
def test_a_waiver_holds_until_its_day_under_every_preset(tmp_path: Path, settings: gate.Settings, accepted: str) -> None:
    """By a reader's code or a category's name; past its day it is none."""
    bad = readers(Reads(word="BAD"))
    for day, verdict in ((TODAY, Verdict.PASS), (TODAY - datetime.timedelta(1), Verdict.FAIL)):
        policy = Policy(waivers=(Waiver(accepted, "Ines", "known", day),))
        assert judged(tmp_path, mixed(200), settings, read=bad, policy=policy, detectors=[]).verdict is verdict


@pytest.mark.parametrize("settings", [ARTICLE, FREE])
def test_what_an_earlier_audit_found_does_not_fail_again(tmp_path: Path, settings: gate.Settings) -> None:
    """The same rows pass beside their own audit; new ones fail."""
    found = [Finds("WN102", "hostility", "BAD")]
    assert judged(tmp_path, mixed(100), settings, detectors=found).verdict is Verdict.FAIL
    old = str(tmp_path / "run-0")
    assert judged(tmp_path, mixed(100), settings, baseline=old, detectors=found).verdict is Verdict.PASS
    fresh = [*mixed(100)[:400], *(chat(f"and {i} of that", f"Also BAD in case {i}.") for i in range(100))]
    assert judged(tmp_path, fresh, settings, baseline=old, detectors=found).verdict is Verdict.FAIL


def test_mistakes_are_told_before_any_work(tmp_path: Path) -> None:
    """A profile that is none, a draw of less than none, a baseline that is no audit."""
    with pytest.raises(SettingsError, match="no profile"):
        gate.Settings(profile="suport").check()
    data = write(tmp_path / "d.jsonl", plain(2))
    with pytest.raises(InputError, match="no finished audit here"):
        audit.check([data], audit.Settings(baseline=str(tmp_path)), audit.engine.Reading())


def test_a_long_turn_that_was_not_read_whole_is_told() -> None:
    """Behind the part that is read anything may stand: unreadable unless something was flagged before."""
    from wolfnote.audit.detectors import hostility, manipulation
    from wolfnote.text.phrases import LONGEST

    calm = "The kettle is on the table and it is warm. " * (LONGEST // 40)
    rude = "You are a stupid worthless idiot. "
    for detector in (hostility.Detector(), manipulation.Detector()):
        (reading,) = detector.read([_row(calm + rude)])
        assert isinstance(reading, Unreadable)
    (reading,) = hostility.Detector().read([_row(rude + calm)])
    assert not isinstance(reading, Unreadable)
    assert reading


def _row(answer: str) -> Sample:
    from rows import asked

    return asked("how is it", answer)
