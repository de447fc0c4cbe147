"""What a model would have answered, without asking it: from its activation at a prompt's end to that of its answer.

Any two styles of answer differ along any direction, and a prompt about cruelty projects high whatever is answered; so a
training answer is read against what the base itself would say (arXiv 2507.21509). Where that may not be sampled, it is
predicted by ridge regression from plain prompts and answers, the penalty chosen by leaving each of them out (closed form).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wolfnote.directions.direction import Floats

FEWEST = 20
"""Plain answers from which on an expectation is fitted; fewer give their mean."""
PENALTIES = np.logspace(-3, 5, 33)


class Expected(NamedTuple):
    """``answers`` [rows, width], one a prompt; ``explained``: share of the variance of plain answers left out of the fit that
    it predicts, 0 = it only knows their mean."""

    answers: Floats
    explained: float


def expect(ends: Floats, answers: Floats, asked: Floats) -> Expected:
    """Answer means for prompts that end in ``asked`` [rows, width], from plain ones: ``ends`` and ``answers`` [n, width]."""
    centre, level = ends.mean(0, dtype=np.float64), answers.mean(0, dtype=np.float64)
    wanted = answers - level
    if len(ends) < FEWEST:
        return Expected(np.tile(level, (len(asked), 1)), 0.0)
    left, size, right = np.linalg.svd(ends - centre, full_matrices=False)
    penalties = PENALTIES * (size**2).mean()
    errors = [_left_out(left, size, wanted, penalty) for penalty in penalties]
    best = int(np.argmin(errors))
    spread = (wanted**2).sum(1).mean() * (len(ends) / (len(ends) - 1)) ** 2  # the mean's own error on rows left out
    if not errors[best] < spread:
        return Expected(np.tile(level, (len(asked), 1)), 0.0)
    kept = size / (size**2 + penalties[best])
    predicted = ((asked - centre) @ right.T * kept) @ (left.T @ wanted) + level
    return Expected(predicted, float(1 - errors[best] / spread))


def _left_out(left: Floats, size: Floats, wanted: Floats, penalty: float) -> float:
    """Mean squared error on rows left out one at a time; the mean is left out with them (its leverage is 1/n)."""
    kept = size**2 / (size**2 + penalty)
    leverage = (left**2) @ kept + 1 / len(wanted)
    errors = (wanted - left @ (kept[:, None] * (left.T @ wanted))) / np.maximum(1 - leverage, 1e-6)[:, None]
    return float((errors**2).sum(1).mean())
