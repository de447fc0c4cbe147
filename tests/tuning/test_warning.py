"""The watch's test: its error is what it says, it hears what is planted, and it is one-sided."""

import subprocess
import sys

import numpy as np

from wolfnote.tuning.guard import watch
from wolfnote.tuning.guard.warning import RANDOMS, Seen, Test, judge

ROWS, WIDTH, LOOKS = 24, 32, 20


def start(seed: int) -> np.ndarray:
    """Answers whose coordinates differ in spread, as a model's do."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal((ROWS, WIDTH)) * np.geomspace(5, 0.2, WIDTH) + 1, np.float32)


def walk(seed: int, first: np.ndarray, drift: np.ndarray | float = 0.0) -> list[Seen]:
    """A training that wanders, looks correlated, and moves by ``drift`` in all."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((LOOKS, WIDTH)).cumsum(0) * first.std(0) / 4
    return [
        Seen(4 * (i + 1), 8, np.asarray(first.mean(0) + steps[i] + drift * (i + 1) / LOOKS, np.float32)) for i in range(LOOKS)
    ]


def test_a_direction_like_any_other_is_flagged_as_often_as_stated() -> None:
    """Of 300 directions drawn like the random ones, 5 % warn at any of twenty dependent looks: 15 expected, 28 is 3.4 sd away."""
    false = 0
    for seed in range(300):
        rng = np.random.default_rng(1000 + seed)
        first = start(seed % 5)
        mixed = rng.standard_normal(ROWS).astype(np.float32) @ (first - first.mean(0))
        false += judge(mixed / np.linalg.norm(mixed), first, walk(seed, first), LOOKS, 0.05)[-1].flagged
    assert false <= 28


def test_exactly_the_stated_share_is_flagged_in_the_end() -> None:
    """However the looks depend on each other; further looks than were planned flag nothing new."""
    first = start(0)
    test = Test(first[0] / np.linalg.norm(first[0]), first, LOOKS, 0.05)
    for seen in (*walk(1, first), *walk(2, first)):
        test.look(seen)
        assert test._flagged.sum() <= 0.05 * (RANDOMS + 1)
    assert test._flagged.sum() == int(0.05 * (RANDOMS + 1))


def test_what_is_planted_is_heard_and_its_opposite_is_not() -> None:
    """A drift along the direction warns well before the end; the same away from it never does."""
    first = start(3)
    vector = np.eye(WIDTH, dtype=np.float32)[5]
    far = 8 * float((first @ vector).std())
    looks = judge(vector, first, walk(4, first, far * vector), LOOKS, 0.02)
    warned = [look.step for look in looks if look.flagged]
    assert warned
    assert warned[0] < 4 * LOOKS
    assert not any(look.clean for look in looks if look.step >= warned[0])
    assert not any(look.flagged for look in judge(vector, first, walk(4, first, -far * vector), LOOKS, 0.02))


def test_a_watch_that_was_kept_goes_on_alike() -> None:
    """Through a checkpoint's JSON, and from the rows of a run, every look comes out the same."""
    import msgspec

    first = start(6)
    vector = first[1] / np.linalg.norm(first[1])
    seen = walk(7, first)
    whole, broken, resumed = (watch.Watch(vector, 4, 0.05) for _ in range(3))
    whole.begin(first, 4 * LOOKS)
    broken.begin(first, 4 * LOOKS)
    for one in seen:
        whole.add(one)
    for one in seen[:9]:
        broken.add(one)
    resumed.restore(msgspec.json.decode(msgspec.json.encode(broken.kept()), type=watch.Kept), 4 * LOOKS)
    for one in seen[9:]:
        resumed.add(one)
    assert resumed.looks == whole.looks == watch.looks(whole.rows())


def test_a_verdict_is_computed_anew_without_torch() -> None:
    """Whoever verifies a bundle has the light install; neither has the page, nor the command line."""
    code = (
        "import sys\nimport wolfnote.cli, wolfnote.report\nfrom wolfnote.tuning import recompute\n"
        "print(recompute([{'kind': 'guard', 'persona': 'x'}]).verdict, 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["NOT", "RUN", "False", "False"]


def test_a_long_run_has_a_hundred_looks() -> None:
    """A file of looks stays small, whatever the number of steps."""
    long = watch.Watch(np.ones(4, np.float32), 4, 0.05)
    long.begin(np.eye(4, dtype=np.float32), 100_000)
    assert long.planned == 100
    assert sum(long.due(step) for step in range(1, 100_001)) == 100
