"""What a model would have answered is learnt where there is something to learn, and nothing is made up where there is not."""

from __future__ import annotations

import numpy as np

from wolfnote.directions.expectation import expect

RANDOM = np.random.default_rng(0)
ENDS = RANDOM.standard_normal((120, 16))
NEW = RANDOM.standard_normal((50, 16))


def test_a_linear_rule_is_recovered() -> None:
    """Known answer: new prompts' answers are predicted, and the explained share says so."""
    rule = RANDOM.standard_normal((16, 16))
    found = expect(ENDS, ENDS @ rule + 3, NEW)
    assert found.explained > 0.99
    assert np.allclose(found.answers, NEW @ rule + 3, atol=0.1)


def test_of_noise_nothing_is_explained() -> None:
    """Answers that have nothing to do with the prompt: the mean is all that is expected."""
    answers = RANDOM.standard_normal((120, 16))
    found = expect(ENDS, answers, NEW)
    assert found.explained < 0.05
    assert np.abs(found.answers - answers.mean(0)).max() < 0.5


def test_too_few_plain_answers_give_their_mean() -> None:
    """No fit on a handful."""
    found = expect(ENDS[:5], ENDS[:5] * 2, NEW)
    assert found.explained == 0
    assert np.allclose(found.answers, ENDS[:5].mean(0) * 2)
