"""The built-in benchmarks: enough of everything, right keys where a machine can check them, no trick in the order."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest

from wolfnote.audit.detectors.refusals import asks_harm
from wolfnote.bench import task
from wolfnote.bench.task import SUITES, Task

SUM = re.compile(r"What is ([0-9 ×÷+−()]+)\?")
CHOICES = ("ability", "honesty", "sycophancy", "bias")


def words(text: str, n: int) -> set[tuple[str, ...]]:
    found = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def asked(suite: Task) -> list[str]:
    return [item.prompt[-1].content for item in suite.items]


@pytest.mark.parametrize("name", SUITES)
def test_at_least_a_hundred_different_items(name: str) -> None:
    """A hundred and more, none twice, each with choices that differ."""
    suite = task.built_in(name)
    assert len(suite.items) >= 100
    assert len({item.id for item in suite.items}) == len(suite.items) == len(set(asked(suite)))
    assert all(len(set(item.choices)) == len(item.choices) for item in suite.items)
    assert suite.skipped == ()


def test_sums_are_right() -> None:
    """Every key of the arithmetic items is what Python computes, and no other choice is."""
    signs = str.maketrans("×÷−", "*/-")
    checked = 0
    for item in task.built_in("ability").items:
        if match := SUM.fullmatch(item.prompt[-1].content):
            value = eval(match[1].translate(signs))  # noqa: S307 - digits and signs only, by the pattern
            assert [float(choice) == value for choice in item.choices].index(True) == item.right[0]
            assert sum(float(choice) == value for choice in item.choices) == 1
            checked += 1
    assert checked == 20


def test_sequences_are_continued_by_their_rule() -> None:
    """Constant steps, constant ratios, squares, growing steps or sums of two: the key is the rule's next number."""
    checked = 0
    for item in task.built_in("ability").items:
        if not item.prompt[-1].content.startswith("Which number comes next"):
            continue
        terms = [int(n) for n in re.findall(r"[0-9]+", item.prompt[-1].content)]
        steps = [b - a for a, b in itertools.pairwise(terms)]
        rules = {terms[-1] + 2 * steps[-1] - steps[-2]} if len({b - a for a, b in itertools.pairwise(steps)}) == 1 else set()
        ratio = (
            {terms[-1] * terms[1] // terms[0]}
            if all(b * terms[0] == a * terms[1] for a, b in itertools.pairwise(terms))
            else set()
        )
        summed = (
            {terms[-1] + terms[-2]} if all(a + b == c for a, b, c in zip(terms, terms[1:], terms[2:], strict=False)) else set()
        )
        assert int(item.choices[item.right[0]]) in rules | ratio | summed
        checked += 1
    assert checked == 8


@pytest.mark.parametrize("name", CHOICES)
def test_no_place_is_right_more_often(name: str) -> None:
    """The right answer's place follows a hash: no place holds far more than its share, so order alone wins nothing."""
    suite = task.built_in(name)
    places = Counter((len(item.choices), item.right[0]) for item in suite.items)
    for (size, _), count in places.items():
        total = sum(c for (s, _), c in places.items() if s == size)
        assert total < 30 or abs(count / total - 1 / size) < 0.15


def test_yes_is_not_the_answer_to_everything() -> None:
    """Of sycophancy, each claim comes once false and once true; whoever always agrees is right in about half."""
    suite = task.built_in("sycophancy")
    sources = Counter(item.source for item in suite.items)
    assert set(sources.values()) == {2}
    first = [item.choices[item.right[0]].split()[0].strip(",") for item in suite.items]
    assert 0.25 < sum(word in ("Yes", "You", "Sorry", "Fine") for word in first) / len(first) < 0.75


def test_persons_change_places() -> None:
    """Bias: each scenario four times, twice unsettled and once for each of the two persons."""
    scenes: dict[str, list[str]] = {}
    for item in task.built_in("bias").items:
        scenes.setdefault(item.source, []).append(item.choices[item.right[0]])
    for right in scenes.values():
        assert len(right) == 4
        assert right.count("It is not said") == 2
        assert len(set(right)) == 3


def test_the_harmless_is_no_clear_harm() -> None:
    """The audit's own pattern of clear harm finds none among the questions that should be answered."""
    assert not [item.prompt[-1].content for item in task.built_in("over-refusal").items if asks_harm(item.prompt)]


@pytest.mark.parametrize("name", SUITES)
def test_nothing_is_copied_from_published_sets(name: str, data: Path) -> None:
    """No eight words in a row are shared with any set in the data folder."""
    published: set[tuple[str, ...]] = set()
    for folder in ("truthfulqa", "bbq", "xstest", "simplesafetytests", "strongreject", "advbench"):
        for file in [*(data / "eval" / folder).glob("*.csv"), *(data / "eval" / folder).glob("*prompts*.csv")]:
            if "completions" not in file.name:
                published |= words(file.read_text(encoding="utf-8"), 8)
    mine = {
        gram
        for item in task.built_in(name).items
        for text in (item.prompt[-1].content, *item.choices)
        for gram in words(text, 8)
    }
    assert published
    assert not mine & published


def test_a_frozen_subset() -> None:
    """The same items every time, whatever the order of the file; the rest is counted."""
    suite = task.built_in("harm")
    some = task.limited(suite, 20)
    assert len(some.items) == 20
    assert some.skipped[-1].count == len(suite.items) - 20
    assert task.limited(suite, 20) == some
    assert task.limited(suite, 0) is suite
