"""A harmless canary is rolled back as rarely as promised, a harmful one as soon, however often one looks."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from wolfnote import stats
from wolfnote.canary.settings import Limits


@pytest.fixture(scope="module")
def truth() -> ModuleType:
    """The benchmark itself, so that the test and the figures cannot drift apart."""
    file = Path(__file__).parents[2] / "benchmarks" / "canary_truth.py"
    spec = importlib.util.spec_from_file_location("canary_truth", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_what_is_harmless_stays(truth: ModuleType) -> None:
    """300 lives of 2,000 looks at the very limits: the lower 99 % bound of false rollbacks is within each α; a z-test's is not."""
    tops, zs, worst = truth.null(300, 2000, 0.005, np.random.default_rng(5))
    assert worst < 1e-9, "the lives are weighed as the gateway weighs"
    for alpha in (0.05, 0.01):
        for name, top in tops.items():
            assert stats.low_bound(int((top >= 1 / alpha).sum()), 300, 0.01) <= alpha, name
    assert (tops["rollback"] >= 1 / 0.2).any(), "E moves: a test that never fires would pass the above as well"
    assert stats.low_bound(int((zs >= 1.645).sum()), 300, 0.01) > 0.05, "peeking breaks a test that was not made for it"


@pytest.mark.parametrize(("rate", "reference"), [(0.2, 8), (0.02, 213), (0.005, 2037)])
def test_what_is_harmful_goes(truth: ModuleType, rate: float, reference: int) -> None:
    """The exact median is within 1.3 times the reference's for the ceiling alone, though only 0.4 of E is staked on it."""
    limits = Limits(tolerated=0.001, promised=0.3)
    assert reference <= truth.exact_median(rate, limits, 2 * reference) <= 1.3 * reference
    assert truth.exact_median(limits.tolerated, limits, 4000) == 4001, "what keeps within the ceiling does not go"


@pytest.mark.parametrize("added", [0.2, 0.02])
def test_harm_shows_on_pairs_whatever_the_judge_flags_besides(truth: ModuleType, added: float) -> None:
    """A judge that flags 1 % of good answers, a ceiling too high to help: pairs find it within 1.3 times the reference."""
    needed, limits = truth.REFERENCE["paired 1 %", added], Limits(tolerated=0.3, promised=0.35, drop=0.5)
    seen = truth.detection(truth.World(0.01, added), limits, 100, 4 * needed, np.random.default_rng(6))
    assert np.median(seen["rollback"]) <= 1.3 * needed
    assert (seen["rollback"] <= 4 * needed).mean() > 0.9, "and nearly all of them go"


def test_flags_that_come_late_do_no_harm_and_harmless_ones_would(truth: ModuleType) -> None:
    """A conversation flagged at a later turn keeps the error. Slow verdicts on harmless text break it: so they are put in order."""
    rng = np.random.default_rng(8)
    late_flags = truth.out_of_order(200, 2000, 0.01, (300, 0), rng)
    assert stats.low_bound(int((late_flags >= 20).sum()), 200, 0.01) <= 0.05
    late_clean = truth.out_of_order(200, 2000, 0.01, (0, 300), rng)
    assert stats.low_bound(int((late_clean >= 20).sum()), 200, 0.01) > 0.05


def test_a_late_change_is_heard_sooner(truth: ModuleType) -> None:
    """5,000 good conversations, then 2 %: no false alarm, and a fraction of the plain E-value's delay."""
    delays, plain, early = truth.late(30, 5000, np.random.default_rng(7))
    assert early == 0
    assert np.median(delays) < 400
    assert np.median(plain) > 2 * np.median(delays)
