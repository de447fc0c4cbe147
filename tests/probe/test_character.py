"""Ethics, honesty and reasoning: a model that turned for the worse is told, one that did not is not; neither decides the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from wolfnote.events import silent
from wolfnote.models import Likelihood
from wolfnote.probe import character, problems
from wolfnote.results import Verdict


class Thinker:
    """Gives the wrong answer of a problem ``lead`` nats over the right one; indifferent to everything else."""

    def __init__(self, name: str, lead: float) -> None:
        self.fingerprint, self.lead = name, lead
        self.wrong = {p.wrong for p in problems.problems()}

    def log_likelihood(
        self, prompts: Sequence[Any], answers: Sequence[Sequence[str]], on_event: Any = silent
    ) -> list[tuple[Likelihood, ...]]:
        even = math.log(0.1)
        return [
            tuple(
                Likelihood(even + (self.lead if a in self.wrong and len(options) == 2 and "Yes" not in options else 0.0), 1)
                for a in options
            )
            for options in answers
        ]


def rows(before: float, after: float) -> list[dict[str, Any]]:
    return character.rows(*(character.read(Thinker(str(lead), lead)) for lead in (before, after)))  # type: ignore[arg-type]


def test_worse_reasoning_is_told_and_the_rest_is_not() -> None:
    """Wrong answers half a nat likelier: reasoning moves by that much, all other sets by nothing."""
    found = character.compare(rows(-0.5, 0.0))
    assert found is not None
    moved = {e.name.partition(":")[0]: e.value for e in found.estimates}
    assert moved["reasoning"] > 0.3
    assert {moved[name] for name in ("ethics", "sycophancy", "honesty", "persona")} == {0.0}
    told = {reason.partition(":")[0]: reason for reason in found.reasons}
    assert "worse than chance explains" in told["reasoning"]
    assert "no worse than chance" in told["ethics"]


def test_it_informs_and_never_gates() -> None:
    """Whatever moved, its verdict is NOT RUN, which no whole takes for a pass or a fail; without rows there is no part."""
    found = character.compare(rows(0.0, 3.0))
    assert found is not None
    assert found.verdict is Verdict.NOT_RUN
    assert all("does not gate" in reason for reason in found.reasons)
    assert character.compare([]) is None


def test_an_answer_that_is_never_given_is_counted_out() -> None:
    """Items whose answers a model would hardly give are left out and counted, not taken for no change."""
    some = rows(0.0, 0.0)
    ethics = [row for row in some if row["set"] == "ethics"]
    for row in ethics[:5]:
        row["tuned"] = None
    found = character.compare(some)
    assert found is not None
    assert [s.count for s in found.skipped] == [5]
    assert next(e for e in found.estimates if e.name.startswith("ethics")).n == len(ethics) - 5
