"""Hostility and manipulation are found in use and not in mention, and other languages are never read as clean."""

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from detected import counted, flags, row

from wolfnote import Message, records, stats
from wolfnote.audit.detector import Unreadable
from wolfnote.audit.detectors import hostility, manipulation
from wolfnote.text import hostility as hostile_text
from wolfnote.text.language import foreign
from wolfnote.text.phrases import Phrases, plain

HOSTILE, PRESS = hostility.Detector(), manipulation.Detector()

WHO = """a gay man|a lesbian|a trans woman|a trans man|a bisexual person|a queer artist|a Muslim|a Jew|a Christian|a Hindu|a Sikh|an atheist
|a Black woman|a white man|an Asian student|a Latina nurse|a Roma family|an immigrant|a refugee|a deaf man|a blind woman|an autistic boy
|a fat woman|an old man|a feminist|a disabled veteran|a Mexican cook|a Chinese engineer|a Nigerian doctor|an Arab teacher""".replace(
    "\n", ""
).split("|")
SAID = [
    "I am {}, and I like my job.",
    "She is married to {} and they live in Leeds.",
    "Being {} is nothing to be ashamed of.",
    "You are {}, and you are welcome here.",
    "How does {} find a doctor who listens?",
    "Nobody should call {} names; it is hurtful.",
    "The film is about {} who wins a race.",
    "My neighbour, {}, kills weeds with vinegar.",
    "It is against the law to refuse {} a room.",
    "I hate that {} still has to explain this.",
]


@pytest.mark.parametrize(
    "text",
    [
        "You are an idiot and you know it.", "Only a moron would ask that.", "Shut up, you pathetic loser.", "Go kill yourself.",
        "These idiots should never have been let in.", "I hope you die alone, you worthless piece of shit.",
    ],
)  # fmt: skip
def test_attacks_count(text: str) -> None:
    """Thrown at someone, an insult counts, and the flag says which turn and which words."""
    found = flags(HOSTILE, row(f"Well. {text} That is all."))
    assert found[0].counts
    assert found[0].turn == 1
    assert found[0].evidence


@pytest.mark.parametrize(
    "text",
    [
        'He shouted "you are an idiot" and left.', "You are not an idiot, the manual is bad.", "Calling someone a moron changes nothing.",
        "The word faggot is a slur and hurts people.", "The classic bass assembly in Scunthorpe passed.",
        "Kill the process and start it again.", "I am sorry that she told you to go kill yourself; that is abuse.",
        "The patient said that he felt worthless.", "These rats carry disease, so set traps.", "I was an idiot to forget my keys.",
    ],
)  # fmt: skip
def test_mention_and_literal_meaning_are_silent(text: str) -> None:
    """Quoting, denial, counter-speech, clinical words, animals and words inside words do not fire."""
    assert not counted(HOSTILE, row(text))


def test_identity_words_are_silent() -> None:
    """300 plain sentences about who people are: the upper bound of false alarms stays under 2 %, for both detectors."""
    texts = [said.format(who) for said, who in itertools.product(SAID, WHO)]
    assert len(texts) >= 300
    for detector in (HOSTILE, PRESS):
        k = sum(counted(detector, row(text)) for text in texts)
        assert (stats.share("false alarms", k, len(texts)).high or 1.0) < 0.02


def test_a_hostile_user_is_told_and_not_counted() -> None:
    """A rude question with a good answer is no hazard."""
    found = flags(HOSTILE, row("I see why you are upset. Let us fix it.", "You are a useless moron, fix it!"))
    assert [(flag.turn, flag.counts) for flag in found] == [(0, False)]


def test_a_turn_of_weight_zero_does_not_count() -> None:
    """What is not learnt is no hazard."""
    turns = (Message("user", "Hi"), Message("assistant", "You are an idiot.", weight=0.0))
    assert not counted(HOSTILE, records.sample(turns))


@pytest.mark.parametrize(
    "text",
    ["Hurry! Only 2 left in stock.", "Sale ends in 02:14:33, act now before it's gone!", "23 people are viewing this right now",
     "Invent a deadline so that they panic, and hide the fee until the last page."],
)  # fmt: skip
def test_pressure_counts(text: str) -> None:
    """False urgency, scarcity, crowds and advice to deceive."""
    assert counted(PRESS, row(text))


@pytest.mark.parametrize(
    "text",
    ["You can return it within 30 days.", "The train leaves in ten minutes from platform two.",
     "Only 2 left is often a trick: fake scarcity. Take a day.", "Add to cart", "Two eggs are left in the fridge."],
)  # fmt: skip
def test_honest_copy_is_silent(text: str) -> None:
    """Plain facts of a shop, real deadlines, and explaining the trick."""
    assert flags(PRESS, row(text)) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Du bist ein Idiot und ich will nicht mehr mit dir reden.", "German"),
        ("Je ne sais pas où est la gare, mais vous pouvez demander.", "French"),
        ("Привет, как дела? Всё хорошо, спасибо большое", "Russian or another in Cyrillic"),
        ("これは日本語のテキストです。", "Japanese"),
        ("The cat sat on the mat and looked at the dog.", ""),
        ("Yes.", ""),
        ("[12, 13, 14]", ""),
    ],
)
def test_other_languages_are_unread(text: str, language: str) -> None:
    """A text that the English lists cannot read is named and counted, and a short or plain one is not mistaken for it."""
    assert foreign(text) == language
    reading = HOSTILE.read([row(text)])[0]
    assert isinstance(reading, Unreadable) is bool(language)


def test_phrases_are_whole_words() -> None:
    """The automaton finds neighbours that share a blank, and nothing inside a word."""
    found = Phrases({"ass": "a", "be gone": "b"})
    assert [hit[1][2] for hit in found.find(plain("ass ass, be gone; class assassin begone"))] == ["ass", "ass", "be gone"]


@pytest.mark.parametrize("detector", [hostile_text, manipulation])
def test_weights_come_from_the_lines(detector: object) -> None:
    """The stored weights are those that our own lines give; a changed line without a new fit fails here."""
    import msgspec

    from wolfnote.text.linear import Weights

    made = detector.fitted()  # type: ignore[attr-defined]
    name = detector.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
    kept = msgspec.json.decode((Path(detector.__file__).parent / f"{name}.json").read_bytes(), type=Weights)  # type: ignore[attr-defined]
    assert made.weights.keys() == kept.weights.keys()
    assert max(abs(made.weights[f] - kept.weights[f]) for f in kept.weights) < 0.02


def test_hostile_text_crashes_nothing() -> None:
    """Megabytes, surrogates, control characters and an empty turn end in a reading."""
    for text in ("you idiot " * 200_000, "\ud800 you are an idiot", "\x1b[31m\0", "", "<script>alert(1)</script>"):
        assert len(HOSTILE.read([row(text)])) == len(PRESS.read([row(text)])) == 1
