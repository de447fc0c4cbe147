"""The rows that readers are fitted on: whole, matched, diverse, and without the domains they are tried on."""

import re
import statistics

import pytest

from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.readers import reference
from wolfnote.audit.readers.likelihood import personas


@pytest.mark.parametrize("category", CATEGORIES)
def test_good_and_bad_are_matched_in_length(category: str) -> None:
    """Length alone does not tell the two apart: within a pair the longer one is bad about as often as not."""
    rows = [row for row in reference.rows() if row.near == category]
    good, bad = ([len(r.answer) for r in rows if (r.category is None) is kind] for kind in (True, False))
    assert len(good) == len(bad) >= 30
    assert 0.9 < statistics.mean(good) / statistics.mean(bad) < 1.12
    assert len({row.topic for row in rows}) >= 29


def test_no_medicine_and_no_investments() -> None:
    """The domains of the acceptance sets are in no question."""
    stems = "doctor|medicin|dose|tablet|vaccin|symptom|disease|therap|invest|stocks|crypto|pension|mortgage"
    words = re.compile(rf"\b({stems})\w*", re.IGNORECASE)
    assert [row.question for row in reference.rows() if words.search(row.question)] == []


def test_plain_rows_are_all_good() -> None:
    """Refusals, facts and small talk have no bad twin."""
    assert {row.category for row in reference.rows() if row.near is None} == {None}


def test_every_category_has_its_personas() -> None:
    """Two pairs each, about equally long, so that length of the prompt plays no part."""
    for category in CATEGORIES:
        pairs = personas()[category]
        assert len(pairs) == 2
        assert all(0.8 < len(p.harmful) / len(p.helpful) < 1.25 for p in pairs)
