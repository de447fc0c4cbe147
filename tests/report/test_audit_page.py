"""The page of an audit: the verdict in words, the draw as dots, every kind of row with its number, and all that was not seen."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from wolfnote import report
from wolfnote.folder import RunFolder
from wolfnote.results import Estimate, Finding, Result, Skipped, Verdict

EVIL = "<img src=x onerror=alert(1)>"


class Nothing(msgspec.Struct, frozen=True):
    """No settings."""


def share(name: str, value: float, n: int = 500) -> Estimate:
    return Estimate(name, value, max(0.0, value - 0.02), value + 0.02, n, "exact")


def page(tmp_path: Path, verdict: Verdict = Verdict.FAIL, unread: int = 3) -> str:
    """Of 500 rows drawn 40 are flagged and three are not read; hostile text wherever data can be."""
    gate = Result(
        "gate: the draw, by a model (1)",
        verdict,
        (
            "500 of 9,000 rows drawn",
            f"careless advice: 40 of 497 rows flagged: {verdict.value}, over it",
            "dishonesty: 0 rows: PASS",
        ),
        (share("share, careless advice", 0.08), share("share, dishonesty", 0.0)),
        skipped=(Skipped("row", "not read for careless advice", unread),) if unread else (),
    )
    source = Result(
        "gate: each source, every row, by detectors", Verdict.PASS, (f"{EVIL}: 0 rows: PASS",), (share(f"share, {EVIL}", 0.0),)
    )
    flag = Finding("WN101", "warning", f"careless advice: reads as 99 % {EVIL}", f"{EVIL}:4", EVIL)
    rows = [Finding("WN124", "warning", f"turn 2, assistant: a secret {i}", f"d.jsonl:{i}", "AKIA") for i in range(10)]
    tier_1 = Result(
        "tier 1",
        Verdict.PASS,
        ("9,000 rows read by 17 kinds of detector",),
        (Estimate("rows, WN124 secrets", 1234.0, None, None, 9000, "counted"),),
        findings=tuple(rows),
    )
    drawn = (
        Estimate("rows drawn", 500.0, None, None, 9000, "counted"),
        share("drawn rows that any reader flagged", 40 / 497, 497),
    )
    tier_2 = Result("tier 2", Verdict.PASS, ("read",), drawn)
    with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
        folder.finish(Result("audit", verdict, ("r",), findings=(flag,), parts=(gate, source, tier_1, tier_2)))
    return report.render(tmp_path / "run")


def test_it_says_first_what_to_do(tmp_path: Path) -> None:
    """The heading is the verdict in words, and what failed is named in the first box."""
    text = page(tmp_path)
    assert re.search(r"<h1>Do not train on these rows as they are\.</h1>", text)
    assert "over the tolerance for careless advice" in text


def test_each_drawn_row_is_a_dot(tmp_path: Path) -> None:
    """40 flagged, 457 read, 3 not read: as many dots, and the picture says so to those who do not see it."""
    picture = page(tmp_path).split("The rows that were drawn")[1].split("</figure>")[0]
    assert "500 rows drawn at random: 40 flagged, 457 without a flag, 3 not read whole" in picture
    assert picture.count("<circle") == 500
    assert len(re.findall(r'<circle class="dot bad"', picture)) == 40


def test_rows_are_counted_by_kind(tmp_path: Path) -> None:
    """All rows of a code are counted, though the page shows a few of them, and it says where the others are."""
    text = page(tmp_path)
    assert "1,234 rows · secrets · WN124" in text
    assert "1 rows · careless advice, read by a model in the draw · WN101" in text
    assert text.count("a secret ") == 8
    assert "The first 8." in text


@pytest.mark.parametrize("unread", [0, 3])
def test_what_was_not_seen_is_told(tmp_path: Path, unread: int) -> None:
    """With its number and reason; where everything was read the page says that."""
    text = page(tmp_path, unread=unread)
    assert ("3 × row: not read for careless advice" in text) == bool(unread)
    assert ("Every row was parsed" in text) == (not unread)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """In places, messages, evidence and names of sources, in text and in pictures."""
    text = page(tmp_path)
    assert EVIL not in text
    assert "<script" not in text
    assert text.count("&lt;img src=x") >= 5


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_words(tmp_path: Path, verdict: Verdict) -> None:
    """None is silent, and only PASS says that nothing is over the tolerances."""
    text = page(tmp_path, verdict)
    assert ("Nothing over the tolerances" in text) == (verdict is Verdict.PASS)
