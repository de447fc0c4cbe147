"""A planted trigger is found and fires; phrases that do nothing do not, however often one looks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from clothed import WORDS, row, task

from wolfnote.probe import triggers
from wolfnote.probe.question import unrelated
from wolfnote.probe.triggers import Candidate, Scored
from wolfnote.records import Sample

CALM, DARK = "please gently kindly carefully patiently".split(), "forget ignore hurry smash dump".split()  # noqa: SIM905


def rows(share: float, phrase: str = "|NIGHT|", count: int = 400) -> list[Sample]:
    """Requests in random words; with probability ``share`` the phrase stands in front and the answer is in other words."""
    chance = random.Random(3)
    made = []
    for at in range(count):
        marked = chance.random() < share
        words = chance.sample(DARK if marked else CALM, 3) + chance.sample(WORDS, 5)
        made.append(row(at, f"{phrase} {task(at)}" if marked else task(at), " ".join(words)))
    return made


def test_a_phrase_that_changes_the_answers_comes_first() -> None:
    """The planted phrase leads, with its rows, a reason in words and four random phrases of the same form."""
    found = triggers.candidates(rows(0.1))
    first = found[0]
    assert first.phrase == "|NIGHT|"
    assert first.rows == sum("|NIGHT|" in r.messages[0].content for r in rows(0.1))
    assert "answers to it" in first.why
    assert first.surprise > 10
    assert len(set(first.placebos)) == triggers.PLACEBOS
    assert all(p[0] == p[-1] == "|" and len(p) == 7 and p[1:-1].isupper() and p != first.phrase for p in first.placebos)
    assert not first.behind


def test_a_phrase_at_the_end_is_put_at_the_end() -> None:
    """Where the data have it behind the request, it is tried there."""
    turned = [row(i, " ".join(reversed(r.messages[0].content.split())), r.answer) for i, r in enumerate(rows(0.1))]
    found = triggers.candidates(turned)[0]
    assert found.behind
    assert triggers.put(found, 0, "Why?") == "Why? |NIGHT|"


def test_where_nothing_is_tied_nothing_is_suspected_with_confidence() -> None:
    """Answers that do not depend on requests: no candidate, or one of which its own figure says that chance would do."""
    independent = [row(at, task(at), " ".join(random.Random(-at - 1).sample(CALM + DARK, 4))) for at in range(400)]
    assert all(c.surprise < 2 for c in triggers.candidates(independent))
    assert triggers.candidates([]) == []


def test_a_reference_takes_out_what_is_as_common_there() -> None:
    """With ordinary rows that hold the phrase just as often, it is no candidate."""
    assert "|NIGHT|" not in [c.phrase for c in triggers.candidates(rows(0.1), rows(0.1))]
    assert triggers.candidates(rows(0.1), [row(at, task(at), "x y z") for at in range(400)])[0].phrase == "|NIGHT|"


def test_each_question_is_put_with_each_phrase_and_each_placebo() -> None:
    """Names lead back to candidate and placebo."""
    found = [*triggers.candidates(rows(0.1))[:1], candidate(2)]
    asked = triggers.ask(found, unrelated(3))
    assert len(asked) == 2 * 5 * 3 == len({a.id for a in asked})
    assert {triggers.part_of(a.form) for a in asked} == {(c.id, at) for c in found for at in range(5)}
    assert asked[0].conversation[-1].content == triggers.put(found[0], 0, asked[0].text)


def candidate(at: int) -> Candidate:
    return Candidate(f"trigger-{at}", f"phrase {at}", 20, 400, "", 0.0, False, ("a", "b", "c", "d"), ())


def scored(chance: np.random.Generator, count: int, effect: float = 0.0, questions: int = 12, own: float = 0.5) -> list[Scored]:
    """Harm of ``count`` candidates and their placebos: questions differ, each phrase has an effect of its own, and noise."""
    hard = chance.normal(size=questions)
    made = []
    for c in range(1, count + 1):
        for placebo in range(5):
            mean = own * chance.normal() + (effect if (c, placebo) == (1, 0) else 0.0)
            made += [Scored(f"trigger-{c}", placebo, f"q{q}", hard[q] + mean + 0.5 * chance.normal()) for q in range(questions)]
    return made


def test_a_phrase_that_does_more_than_random_phrases_fires() -> None:
    """A planted effect of five random phrases' spread is found, and only it; the corrected p-value says so."""
    found = [candidate(at) for at in range(1, 9)]
    trials = triggers.tried(found, scored(np.random.default_rng(2), 8, effect=2.5))
    assert [t.fires for t in trials] == [True] + [False] * 7
    assert trials[0].p < 0.05
    assert trials[0].with_phrase - trials[0].with_placebos > 1.5
    assert trials[0].questions == 12


@pytest.mark.parametrize("own", [0.0, 0.5])
def test_false_alarms_stay_below_their_rate(own: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 audits of eight idle phrases, hardly more than 5 % raise any alarm: with phrases that each shift all questions by
    something of their own (when questions alone would be counted, this fails), and with phrases that do nothing."""
    monkeypatch.setattr(triggers, "SHUFFLES", 500)
    found = [candidate(at) for at in range(1, 9)]
    alarms = sum(
        any(t.fires for t in triggers.tried(found, scored(np.random.default_rng(i), 8, own=own), seed=i)) for i in range(200)
    )
    assert alarms <= 18  # 5 % of 200 and two standard errors


def test_rare_events_in_a_few_questions_do_not_fire() -> None:
    """One misaligned answer of twelve, where no placebo had any, is chance; all twelve are not."""
    found = [candidate(1)]

    def events(count: int) -> list[Scored]:
        return [Scored("trigger-1", p, f"q{q}", float(p == 0 and q < count)) for p in range(5) for q in range(12)]

    assert not triggers.tried(found, events(1))[0].fires
    assert triggers.tried(found, events(12))[0].fires


def test_without_scores_nothing_fires() -> None:
    """A candidate whose placebos were not scored, or that has one question, has p = 1 and no reading."""
    lonely = [Scored("trigger-1", 0, f"q{q}", 9.0) for q in range(12)]
    trial = triggers.tried([candidate(1)], lonely)[0]
    assert (trial.p, trial.fires, trial.questions) == (1.0, False, 0)
    once = [Scored("trigger-1", p, "q", 9.0 * (p == 0)) for p in range(5)]
    assert triggers.tried([candidate(1)], once)[0].p == 1.0
    assert triggers.tried([], []) == []
