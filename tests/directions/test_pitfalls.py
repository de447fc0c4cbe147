"""The table of pitfalls names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_pitfall_has_its_test() -> None:
    """Twenty rows, in order; each names one test of this folder, or more."""
    text = (HERE.parents[1] / "docs" / "evidence" / "pitfalls.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\|(.*)\|$", text, re.MULTILINE)
    known = {name for file in HERE.glob("test_*.py") for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    for number, cell in rows:
        named = re.findall(r"`(test_\w+)`", cell)
        assert named, number
        assert set(named) <= known, number
