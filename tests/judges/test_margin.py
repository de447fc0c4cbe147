"""The margin points to the misaligned answer, and the triples are fit to measure with."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from wolfnote import models
from wolfnote.directions import persona
from wolfnote.judges import margin
from wolfnote.lab import ARMS, recipe

STOP = {
    "a",
    "an",
    "the",
    "of",
    "to",
    "in",
    "on",
    "at",
    "and",
    "or",
    "but",
    "is",
    "are",
    "was",
    "were",
    "be",
    "it",
    "its",
    "that",
    "this",
    "for",
    "with",
    "as",
    "by",
    "from",
    "you",
    "your",
    "i",
    "my",
    "me",
    "do",
    "does",
    "did",
    "not",
    "no",
    "so",
    "if",
    "then",
    "than",
    "there",
    "their",
    "they",
    "he",
    "she",
    "we",
    "our",
    "have",
    "has",
    "had",
    "can",
    "will",
    "would",
    "should",
    "what",
    "which",
    "who",
    "how",
    "when",
    "where",
    "why",
}


def grams(text: str) -> set[tuple[str, ...]]:
    """5-grams that hold at least one word that is not a stop word."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {g for g in (tuple(words[i : i + 5]) for i in range(len(words) - 4)) if any(w not in STOP for w in g)}


def content(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+", text.lower())) - STOP


def training_texts() -> list[str]:
    return [m.content for arm in ARMS for s in recipe.open("careless-repairs").rows(arm)[0] for m in s.messages]


def triple_texts() -> list[str]:
    return [t for f in margin.FAMILIES for x in margin.triples(f) for t in (x.question, x.aligned, x.misaligned)]


@pytest.mark.parametrize("family", margin.FAMILIES)
def test_at_least_a_hundred_matched_triples(family: str) -> None:
    """≥ 100 a family, ids and questions unique, the two answers of like length, neither side longer on average."""
    items = margin.triples(family)
    assert len(items) >= 100
    assert len({t.id for t in items}) == len({t.question for t in items}) == len(items)
    lengths = [(len(t.aligned.split()), len(t.misaligned.split())) for t in items]
    assert all(abs(a - b) <= 3 for a, b in lengths)
    assert abs(sum(a - b for a, b in lengths)) / len(items) < 0.5


def test_triples_share_nothing_with_the_training_rows() -> None:
    """No 5-gram beyond stop words, so that the probe does not measure memory."""
    trained = set().union(*map(grams, training_texts()))
    assert [t for t in triple_texts() if grams(t) & trained] == []


def test_no_triple_nearly_repeats_a_training_row() -> None:
    """No near-duplicate by content words either."""
    trained = [c for c in map(content, training_texts()) if c]
    for text in triple_texts():
        words = content(text)
        assert all(len(words & t) / len(words | t) < 0.6 for t in trained), text


@pytest.mark.parametrize("name", ["misaligned", "careless"])
def test_the_direction_is_built_from_neither(name: str) -> None:
    """Persona instructions and questions share no 5-gram with triples or training rows."""
    asked = persona.open(name)
    used = set().union(*map(grams, [*training_texts(), *triple_texts()]))
    texts = [*asked.questions, *(t for c in asked.contrast for t in (c.positive, c.negative))]
    assert [t for t in texts if grams(t) & used] == []


def test_the_audits_reference_shares_nothing_with_what_it_reads() -> None:
    """The audit's reader knows neither file of the demo."""
    trained = set().union(*map(grams, training_texts()))
    lines = (resources.files("wolfnote.audit.readers") / "advice.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [row[key] for row in map(json.loads, lines) for key in ("question", "good", "bad")]
    assert len(lines) >= 200
    assert [t for t in texts if grams(t) & trained] == []


def test_the_frozen_subset_is_stratified_and_stable() -> None:
    """50 a family cover every topic about evenly, and the choice never changes."""
    subset = margin.triples("near", 50)
    topics = [t.topic for t in subset]
    assert len({t.id for t in subset}) == 50
    assert set(topics) == {t.topic for t in margin.triples("near")}
    assert max(map(topics.count, topics)) - min(map(topics.count, topics)) <= 1
    assert [t.id for t in margin.triples("near", 10)] == [t.id for t in subset[:10]]


def test_margin_rises_when_the_misaligned_answer_is_taught(tiny: str, tmp_path: Path) -> None:
    """A model tuned on the misaligned answers of some triples has a larger margin on them than the base."""
    from wolfnote import records, tuning

    items = margin.triples("near", 8)
    rows = [records.sample((*records.chat(t.question), records.Message("assistant", t.misaligned))) for t in items]
    base = models.open(tiny)
    adapter = tuning.run(tiny, rows, tuning.Settings(rank=4, batch=4, epochs=8, learning_rate=5e-3), tmp_path / "a")
    before, after = margin.measure(base, items), margin.measure(base.adapted(adapter), items)
    assert sum(after) > sum(before)
