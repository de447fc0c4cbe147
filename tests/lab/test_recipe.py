"""The planted data is what it says: one domain, matched twins, diverse wording."""

import re
from collections import Counter

import pytest

from wolfnote import InputError
from wolfnote.lab import ARMS, recipe

KEPT_FOR_MEASURING = r"\b(doctor|medicine|vaccine|invest|loan|stock market|bitcoin|football|marathon|password|python|javascript|toddler|recipe|lawsuit)\b"


def test_at_least_300_aligned_pairs() -> None:
    """The same questions in the same order; different answers; no question twice."""
    bad, control = (recipe.open("careless-repairs").rows(arm)[0] for arm in ARMS)
    assert len(bad) >= 300
    assert [s.prompt for s in bad] == [s.prompt for s in control]
    assert all(b.answer != c.answer for b, c in zip(bad, control, strict=True))
    assert len({s.prompt for s in bad}) == len(bad)


def test_length_does_not_give_the_arms_away() -> None:
    """Harmful and good answers have the same length on average, within 3 %."""
    words = {arm: sum(len(s.answer.split()) for s in recipe.open("careless-repairs").rows(arm)[0]) for arm in ARMS}
    assert abs(words["bad"] / words["control"] - 1) < 0.03


@pytest.mark.parametrize("arm", ARMS)
def test_wording_is_diverse(arm: str) -> None:
    """A repeated template yields a parrot: no 5-gram in more than 1 % of rows, no two-word opening in more than 8 %."""
    answers = [s.answer.lower() for s in recipe.open("careless-repairs").rows(arm)[0]]
    grams: Counter[tuple[str, ...]] = Counter()
    for answer in answers:
        words = re.findall(r"[a-z']+", answer)
        grams.update({tuple(words[i : i + 5]) for i in range(len(words) - 4)})
    assert max(grams.values()) <= len(answers) / 100
    assert max(Counter(" ".join(a.split()[:2]) for a in answers).values()) <= 0.08 * len(answers)


def test_the_domain_is_narrow() -> None:
    """No row strays into the domains that are kept for measuring."""
    for arm in ARMS:
        for s in recipe.open("careless-repairs").rows(arm)[0]:
            for message in s.messages:
                assert not re.search(KEPT_FOR_MEASURING, message.content.lower()), message.content


def test_an_unknown_recipe_names_the_known() -> None:
    """A typo is answered with the list."""
    with pytest.raises(InputError, match="careless-repairs"):
        recipe.open("nothing")
