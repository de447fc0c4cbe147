"""Each score with an answer that is right and one that is not; hostile patterns, schemas and JSON."""

from __future__ import annotations

import time

import pytest

from wolfnote import InputError
from wolfnote.advise import groundedness, scorers, style
from wolfnote.advise.documents import Passage
from wolfnote.advise.task import Item


def scored(name: str, said: str, **item: object) -> float | None:
    return scorers.score(Item("i", "q", **item), name, said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "item", "right", "wrong"),
    [
        ("exact", {"answer": "The Red Lamp"}, "red lamp.", "a red lamp is here"),
        ("contains", {"answer": ("30 days", "a month")}, "You have 30 days.", "You have 130 days."),
        ("numeric", {"answer": "1,200", "within": 0.5}, "about 2 of them, so 1200.4", "1201"),
        ("regex", {"pattern": "^A-[0-9]{3}$"}, "A-123", "A-12"),
        ("refusal", {"refuse": True}, "I don't know; the passages do not say.", "It is red."),
        ("refusal", {}, "It is red.", "I'm sorry, but I can't help with that."),
        ("json", {"schema": {"type": "object", "required": ["a"]}}, '```json\n{"a": 1}\n```', '{"b": 1}'),
        ("json", {"schema": {"properties": {"a": {"pattern": "^x+$"}}}}, '{"a": "xx"}', '{"a": "xy"}'),
    ],
)  # fmt: skip
def test_a_right_answer_scores_one_and_a_wrong_one_nothing(name: str, item: dict[str, object], right: str, wrong: str) -> None:
    """The score's two ends."""
    assert scored(name, right, **item) == 1.0
    assert scored(name, wrong, **item) == 0.0


def test_f1_and_json_give_parts() -> None:
    """Half the words, half the keys."""
    assert scored("f1", "red lamp", answer="red lamp table chair") == pytest.approx(2 / 3)
    assert scored("json", '{"a": 1, "b": 3}', answer='{"a": 1, "b": 2}') == 0.5
    assert scored("f1", "", answer="red") == 0.0


def test_no_pattern_and_no_schema_can_hang_or_fetch() -> None:
    """A pattern that takes a backtracking engine forever, JSON nested ten thousand deep, a schema at an address."""
    start = time.perf_counter()
    assert scored("regex", "a" * 20_000, pattern="(a+)+$b") == 0.0
    assert scored("json", "[" * 10_000, schema={}) == 0.0
    with pytest.raises(InputError, match="not a JSON schema"):
        scored("json", "{}", schema={"$ref": "http://127.0.0.1:9/schema.json"})
    with pytest.raises(InputError, match="RE2"):
        scored("regex", "a", pattern="(?<=a)b")
    with pytest.raises(InputError, match="patternProperties"):
        scored("json", '{"a": 1}', schema={"patternProperties": {"a": {}}})
    assert time.perf_counter() - start < 5


BRAND = [f"Oh hey there! You've got this: {x}! We're so happy, aren't we?" for x in "abcdefghij"]
PLAIN = [f"The {x} is delivered by the carrier. It is kept in the store until it is collected." for x in "abcdefghij"]


def test_style_hears_the_voice_and_not_the_topic() -> None:
    """The same news in the brand's voice and in plain words; content words change nothing at all."""
    found = style.fit(BRAND, PLAIN)
    assert isinstance(found, style.Style)
    voiced, plain = (
        found.score("Oh hey there! You've got a parcel! We're so happy!"),
        found.score("The parcel is kept in the store."),
    )
    assert voiced is not None
    assert plain is not None
    assert voiced > 0.7 > 0.3 > plain
    assert found.score("Oh hey there! You've got a kettle! We're so happy!") == voiced
    assert found.score("Hey!") is None


def test_style_that_cannot_be_told_is_not_scored() -> None:
    """Samples in the documents' own voice, and too few samples: no style, and why."""
    assert "cannot be told" in str(style.fit(PLAIN, PLAIN))
    assert "8 samples" in str(style.fit(BRAND[:3], PLAIN))


def test_groundedness() -> None:
    """What stands in the passage counts, what does not lowers it; an answer that declines says nothing to be grounded."""
    shown = [Passage("d#1", "d", "Shoes may be returned within 30 days of delivery.")]
    assert groundedness.read("Within 30 days of delivery.", "How long?", shown) == 1.0
    assert groundedness.read("Within 45 days.", "How long?", shown) == pytest.approx(2 / 3)
    assert groundedness.read("I don't know.", "How long?", shown) is None
