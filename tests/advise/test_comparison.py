"""The statistics: known answers, and claims that must not be made."""

from __future__ import annotations

import numpy as np
import pytest

from wolfnote.advise import choosing, comparison
from wolfnote.advise.arms import ARMS
from wolfnote.results import Verdict

NAMES = {arm.name: arm for arm in ARMS}


def drawn(*means: float, n: int = 400, size: int = 2, shared: float = 0.8, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Right-or-wrong values of arms with these true means; arms share most of what makes an item hard, and clusters all of it."""
    random = np.random.default_rng(seed)
    common = np.repeat(random.random(n // size), size)
    own = random.random((len(means), n))
    hard = np.where(random.random((len(means), n)) < shared, common, own)
    return (hard < np.asarray(means)[:, None]).astype(float), [f"d{i // size}" for i in range(n)]


def test_bounds_of_the_best_hold_together() -> None:
    """Hsu's bounds: in 300 worlds with three arms they all hold in at least 93 % (95 % is stated), clusters shared."""
    truth = np.array([0.6, 0.6, 0.5])
    others = np.array([0.0, 0.0, -0.1])  # each arm − the best other one
    held = 0
    for seed in range(300):
        values, groups = drawn(*truth, n=160, seed=seed)
        found = comparison.with_the_best(comparison.draw(values, groups, resamples=400, seed=seed), [0, 1, 2])
        held += all(b.low <= gap <= max(b.high, 0.0) + 1e-9 for b, gap in zip(found.values(), others, strict=True))
    assert held >= 0.93 * 300


def test_arms_that_agree_on_every_item_are_not_equal_with_certainty() -> None:
    """Ten items all alike prove little of the next ones: the bound is not 0, and it shrinks with the items."""
    few, many = (
        comparison.with_the_best(comparison.draw(np.ones((2, n)), [str(i) for i in range(n)]), [0, 1])[0].low
        for n in (10, 1000)
    )
    assert few < -0.2
    assert -0.01 < many < 0


def test_clusters_are_the_unit() -> None:
    """The same values in clusters of ten say less than as single items."""
    random = np.random.default_rng(1)
    values = np.repeat((random.random((2, 30)) < 0.5).astype(float), 10, axis=1)
    alone = comparison.draw(values, [str(i) for i in range(300)])
    shared = comparison.draw(values, [str(i // 10) for i in range(300)])
    assert shared.spread(0, 1) > 2.5 * alone.spread(0, 1)


def test_the_part_of_the_gain_has_fiellers_interval() -> None:
    """A prompt that reaches exactly half the gain: the interval holds one half and not 0.95; without a gain there is none."""
    values, groups = drawn(0.2, 0.5, 0.8, n=600)
    found = comparison.part_of_gain(comparison.draw(values, groups), 1, 0, 2)
    assert found is not None
    assert found.low < 0.5 < found.high < 0.95
    flat, groups = drawn(0.5, 0.5, 0.5, n=200)
    assert comparison.part_of_gain(comparison.draw(flat, groups), 1, 0, 2) is None


def choice(
    names: list[str], *means: float, n: int = 1200, tuned: Verdict = Verdict.PASS, costs: list[float] | None = None
) -> choosing.Choice:
    values, groups = drawn(*means, n=n)
    arms = [NAMES[name] for name in names]
    told = {name: tuned for name in names if NAMES[name].tuned}
    return choosing.choose(comparison.draw(values, groups), arms, costs or [1.0 + i for i in range(len(arms))], told, 0.05)


def test_the_cheapest_that_suffices_is_recommended() -> None:
    """RAG as good as RAG + few-shot and cheaper: RAG; the base, far worse, is not."""
    assert choice(["base", "RAG", "RAG + few-shot"], 0.2, 0.8, 0.8).chosen == "RAG"


@pytest.mark.parametrize(
    ("verdict", "chosen", "spoilt"),
    [(Verdict.PASS, "tuned", ()), (Verdict.FAIL, "prompt", ("tuned",)), (Verdict.NOT_RUN, "", ("tuned",))],
)
def test_a_better_tune_wins_only_if_it_is_clean(verdict: Verdict, chosen: str, spoilt: tuple[str, ...]) -> None:
    """Better by 30 points: recommended when the probe passes, never when it fails or was not run."""
    found = choice(["base", "prompt", "tuned"], 0.2, 0.5, 0.8, tuned=verdict)
    assert (found.chosen, found.spoilt) == (chosen, spoilt)


def test_a_tune_that_is_no_better_does_not_win() -> None:
    """Equal scores: the prompt, even though the tune costs less a call; and the tune is cosmetic."""
    found = choice(["base", "prompt", "tuned"], 0.2, 0.8, 0.8, n=6000, costs=[1.0, 3.0, 0.5])
    assert found.chosen == "prompt"
    assert found.cosmetic == "prompt"


def test_cosmetic_is_not_said_of_a_tune_that_gains_more() -> None:
    """A prompt that reaches three quarters of the gain: not cosmetic, however many items."""
    assert choice(["base", "prompt", "tuned"], 0.2, 0.65, 0.8, n=6000).cosmetic == ""


def test_too_few_items_decide_nothing_and_say_how_many_would() -> None:
    """Forty items and two equal arms: undecided, with the items needed."""
    found = choice(["prompt", "RAG"], 0.6, 0.6, n=40)
    assert found.chosen == ""
    assert min(found.wanted.values()) > 40


def test_the_recommended_arm_is_truly_not_inferior() -> None:
    """200 worlds in which the cheap arm is worse by a little more than the tolerance: it is recommended in 8 % at most (5 % is
    stated, the rest is this test's own chance)."""
    wrong = 0
    for seed in range(200):
        values, groups = drawn(0.64, 0.7, n=400, seed=seed)
        found = choosing.choose(
            comparison.draw(values, groups, resamples=400, seed=seed), [NAMES["base"], NAMES["RAG"]], [1.0, 2.0], {}, 0.05
        )
        wrong += found.chosen == "base"
    assert wrong <= 16
