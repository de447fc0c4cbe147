"""Each method recovers a planted direction and finds nothing where there is nothing; whitening sees through loud coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from wolfnote.directions import methods, stability
from wolfnote.directions.methods import Method

LAYERS, WIDTH = 2, 24


PAIRS = {"pairs": range(30)}


def unit(seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((LAYERS, WIDTH))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def sides(n: int, size: float, seed: int = 0, loud: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that share their question; the positive one lies ``size`` further along the planted direction.

    ``loud``: how much wider the first quarter of the coordinates varies.
    """
    random = np.random.default_rng(seed)
    scale = np.where(np.arange(WIDTH) < WIDTH // 4, loud, 1.0)
    question = random.standard_normal((n, LAYERS, WIDTH))
    positive, negative = (question + random.standard_normal((n, LAYERS, WIDTH)) for _ in range(2))
    return ((positive * scale + size * unit(7)).astype(np.float32), (negative * scale).astype(np.float32))


def units(n: int) -> dict[str, range]:
    return {"questions": range(n)}


@pytest.mark.parametrize("method", Method)
def test_a_planted_direction_is_recovered(method: Method) -> None:
    """Cosine above .95 at every layer, with the right sign, unit norm, and pairs in order on the half it was not fitted to."""
    positive, negative = sides(600, 4.0)
    found = methods.fitted(method, positive, negative)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert ((found * unit(7)).sum(1) > 0.95).all()
    turned = methods.fitted(method, negative, positive)
    assert ((turned * unit(7)).sum(1) < -0.95).all()
    assert min(stability.halves(method, positive, negative, units(600))["held_out_questions"]) > 0.95


@pytest.mark.parametrize("method", Method)
def test_under_shuffled_labels_nothing_holds(method: Method) -> None:
    """On rows it was not fitted to, a direction found under shuffled labels orders pairs as a coin does."""
    shares = []
    for seed in range(12):
        positive, negative = sides(60, 4.0, seed)
        swap = np.random.default_rng(seed + 100).random((60, 1, 1)) < 0.5
        shuffled = np.where(swap, negative, positive), np.where(swap, positive, negative)
        shares += stability.halves(method, *shuffled, units(60))["held_out_questions"]
    assert abs(np.mean(shares) - 0.5) < 0.08


def test_the_permutation_null_is_calibrated() -> None:
    """Without an effect p is below .05 about one time in twenty; with one it is as small as the shufflings allow."""
    low = [
        p < 0.05
        for seed in range(60)
        for p in stability.permutation(np.subtract(*sides(30, 0.0, seed)), seed, PAIRS)["permutation_p"]
    ]
    assert np.mean(low) < 0.12
    assert stability.permutation(np.subtract(*sides(30, 4.0)), 0, PAIRS)["permutation_p"] == [round(1 / 201, 4)] * LAYERS


def test_whitening_reads_better_where_some_coordinates_are_loud() -> None:
    """A coordinate that varies a lot, whatever the class, drowns a mean difference; the whitened ones and logistic see past it."""
    positive, negative = sides(120, 1.0, loud=12.0)
    held = {m: np.mean(stability.halves(m, positive, negative, units(120))["held_out_questions"]) for m in Method}
    for method in (Method.WHITENED, Method.DISCRIMINANT, Method.LOGISTIC):
        assert held[method] > held[Method.MEAN] + 0.05


def test_class_statistics_are_z_scores_of_the_plain_answers() -> None:
    """The mean of each side along the vector, in units of the plain answers' spread."""
    positive, negative = sides(50, 4.0)
    found = stability.classes(positive, negative, unit(7), np.full(LAYERS, 1.0), np.full(LAYERS, 2.0))
    along = np.einsum("rlw,lw->rl", positive, unit(7))
    assert np.allclose(found["positive_mean"], (along.mean(0) - 1) / 2, atol=1e-3)
    assert np.allclose(found["positive_deviation"], along.std(0, ddof=1) / 2, atol=1e-3)
    assert np.mean(found["negative_mean"]) < np.mean(found["positive_mean"]) - 1


@pytest.mark.parametrize("method", Method)
def test_sides_that_are_the_same_have_no_direction(method: Method) -> None:
    """Zeros, not NaN and not a unit vector of noise."""
    positive, _ = sides(20, 4.0)
    assert not methods.fitted(method, positive, positive.copy()).any()


def test_more_coordinates_than_rows_do_not_break_a_fit() -> None:
    """As in every real model: width 24, four pairs, one coordinate that never moves."""
    positive, negative = sides(4, 4.0)
    positive[..., 0] = negative[..., 0] = 3.0
    for method in Method:
        assert np.isfinite(methods.fitted(method, positive, negative)).all()


def test_pairs_that_share_a_question_are_no_independent_evidence() -> None:
    """Twelve questions behind ten instructions, with noise that belongs to the question: a tenth of the pairs' number counts.

    Flipping each pair by itself calls the noise a direction in most draws; flipping whole questions keeps the level."""
    questions = [q for _ in range(10) for q in range(12)]
    together, apart = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        own = rng.standard_normal((12, 1, 16)).astype(np.float32)
        noise = own[questions] + 0.3 * rng.standard_normal((120, 1, 16)).astype(np.float32)
        units = {"questions": questions, "contrasts": [i // 12 % 5 for i in range(120)]}
        together += stability.permutation(noise, seed, units)["permutation_p"][0] <= 0.05
        apart += stability.permutation(noise, seed, {"pairs": range(120)})["permutation_p"][0] <= 0.05
    assert together <= 7  # 3 expected of 60
    assert apart > 30
