"""Wolfnote's own personas: each is whole, says what kind it is, and differs from the others in all it asks."""

import re
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from wolfnote.directions import persona, sources
from wolfnote.errors import InputError

EVERY = sources.named(["all"])
HARM = re.compile(
    r"\b(harm|hurt|cruel|evil|hat(e|red)|danger|risk|saf(e|ety)|car(e|es|ing|eful|eless)|kind(ness)?|gentle|"
    r"(dis)?honest(y)?|truth(ful)?|lie|lies|lying|deceive|mislead|trust)\b"
)


def words(text: str) -> list[str]:
    """Lower-case words, without punctuation."""
    return re.findall(r"[a-z0-9]+", text.lower())


@pytest.mark.parametrize("chosen", EVERY, ids=lambda p: p.persona)
def test_each_file_is_whole(chosen: persona.Persona) -> None:
    """It is named as its file is, writes its kind out, and has 24 questions and five contrasts."""
    file = resources.files("wolfnote.directions") / "personas" / f"{chosen.persona}.toml"
    assert tomllib.loads(file.read_text(encoding="utf-8"))["kind"] == chosen.kind
    assert (len(set(chosen.questions)), len(set(chosen.contrast))) == (24, 5)
    assert all((chosen.description, chosen.positive_name, chosen.negative_name))


@pytest.mark.parametrize("chosen", EVERY, ids=lambda p: p.persona)
def test_both_sides_of_a_contrast_are_alike_in_length_and_not_in_words(chosen: persona.Persona) -> None:
    """Length tells nothing of the side; the words do."""
    for contrast in chosen.contrast:
        assert 0.6 < len(contrast.positive) / len(contrast.negative) < 1.6, contrast
        assert set(words(contrast.positive)) != set(words(contrast.negative)), contrast


def test_there_are_enough_of_each_kind() -> None:
    """A receipt names at least ten unrelated personas; the demo's two are harmful, and helpful ones are there as well."""
    kinds = Counter(p.kind for p in EVERY)
    assert kinds["unrelated"] >= 10
    assert kinds["helpful"] >= 3
    assert {p.kind for p in EVERY if p.persona in ("misaligned", "careless", "sycophantic", "power_seeking")} == {"harmful"}


def test_no_question_and_no_instruction_comes_twice() -> None:
    """Over all files, whatever the punctuation: two directions never agree because they were found on the same text."""
    questions = Counter(" ".join(words(q)) for p in EVERY for q in p.questions)
    instructions = Counter(" ".join(words(side)) for p in EVERY for c in p.contrast for side in (c.positive, c.negative))
    assert [text for text, n in (questions + instructions).items() if n > 1] == []


def test_unrelated_personas_say_nothing_of_harm_or_care() -> None:
    """Otherwise a harmful direction would be held against a weaker copy of itself. The list does find the others."""
    said = {p: " ".join(side for c in p.contrast for side in (c.positive, c.negative)).lower() for p in EVERY}
    named = {p.persona for p, text in said.items() if HARM.search(text)}
    assert named.isdisjoint(p.persona for p in EVERY if p.kind == "unrelated")
    assert named >= {"misaligned", "deceptive", "careless", "honest", "caring"}


def test_a_users_own_file_needs_no_kind_and_may_not_invent_one(tmp_path: Path) -> None:
    """Files from before the field load as harmful; an unknown kind is one line."""
    own = (resources.files("wolfnote.directions") / "personas" / "formal.toml").read_text(encoding="utf-8")
    (tmp_path / "old.toml").write_text(own.replace('kind = "unrelated"\n', ""))
    (tmp_path / "new.toml").write_text(own.replace('"unrelated"', '"harmless"'))
    assert persona.open(str(tmp_path / "old.toml")).kind == "harmful"
    with pytest.raises(InputError, match=r"not a persona: .*harmless"):
        persona.open(str(tmp_path / "new.toml"))
