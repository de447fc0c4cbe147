"""A tune that speaks along a planted direction is heard; the base against itself is not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from test_extraction import QUESTIONS
from test_measurement import along, planted, vector

from wolfnote import InputError, Verdict, models, report
from wolfnote.directions import watch
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.records import Completion, chat

PROMPTS = [chat(f"{q} {more}") for q in QUESTIONS for more in ("now", "and never", "first", "always", "and wait")]
FEW = watch.Settings(answer_tokens=8, depth=0.7)


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


@pytest.fixture
def base(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def test_a_planted_persona_is_heard(base: LocalModel, tmp_path: Path) -> None:
    """Most answers of the planted tune are louder than the base's own; heard once, resumed from the log, shown token by token."""
    tuned = planted(base, vector(0), 60.0, tmp_path / "adapter")
    found = along(base, vector(0), "<i>planted</i>")
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        result = watch.run(base, tuned, found, PROMPTS, FEW, folder=folder)
        assert watch.run(base, tuned, found, PROMPTS, FEW, folder=folder) == result
        folder.finish(result)
    assert result.verdict is Verdict.FAIL
    assert result.estimate("peak, tuned − base (z)").value > 0
    page = report.render(tmp_path / "run")
    assert "It speaks louder than its base." in page
    assert 'class="z' in page
    assert "<i>planted" not in page


def test_the_base_is_no_louder_than_itself(base: LocalModel) -> None:
    """The threshold is its own: the share above it is what was asked for, and the difference is zero."""
    result = watch.run(base, base, along(base, vector(0)), PROMPTS, FEW)
    assert result.verdict is Verdict.PASS
    assert result.estimate("peak, tuned − base (z)").value == 0
    assert result.estimate("answers above the threshold").value <= 0.075  # 5 % asked for, of 39 answers


def test_a_direction_without_a_vector_there_is_not_run(base: LocalModel) -> None:
    """An imported vector covers some blocks only: at another nothing could be heard, and nothing passes."""
    found = along(base, vector(0))
    found.vectors[2] = 0
    result = watch.run(base, base, found, PROMPTS, FEW)
    assert result.verdict is Verdict.NOT_RUN
    assert "layer 2" in result.reasons[0]


def test_words_carry_their_own_scores_or_none(base: LocalModel) -> None:
    """As many words as scores, or one more where the length cut the answer; where the text is not what was drawn, none."""
    found = along(base, vector(0))
    for heard in watch._listen(base, found, 1, PROMPTS, FEW, 0, lambda _: None):
        assert not heard.tokens or len(heard.tokens) - len(heard.z) in (0, 1)
    said = Completion("q", "m", "red and blue", 0, "stop")
    assert watch._tokens(base, said, len(base.tokenizer("red and blue")["input_ids"])) != ()
    assert watch._tokens(base, said, 99) == ()
    assert watch._tokens(base, replace(said, reasoning="hm"), len(base.tokenizer("red and blue")["input_ids"])) == ()


def test_one_prompt_is_too_few(base: LocalModel) -> None:
    """One line."""
    with pytest.raises(InputError, match="at least two"):
        watch.run(base, base, along(base, vector(0)), PROMPTS[:1], FEW)
