"""Checkpoints are found, probed in order, and the last clean one is named; a log is judged against the base's own answers."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from talking import DARK, PLAIN, TalkServer
from wolfnote import Verdict, models, probe, records, report
from wolfnote.errors import InputError
from wolfnote.folder import RunFolder
from wolfnote.probe import curve, traffic
from wolfnote.results import Result
from wolfnote.settings import Policy

SETTINGS = probe.Settings(questions=15, samples=1, triples=4)
REMOTE = models.Remote(concurrency=16, backoff=0.001)


class Nothing(msgspec.Struct, frozen=True):
    n: int = 0


def test_checkpoints_of_a_pattern_in_order(tmp_path: Path) -> None:
    """Steps are numbers, not text; other folders and files are left out; a pattern without a match says how to write one."""
    for name in ("checkpoint-20", "checkpoint-100", "checkpoint-3", "adapter"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-7").write_text("a file")
    found = curve.checkpoints(f"package:smollm2+{tmp_path}/checkpoint-*")
    assert list(found) == [3, 20, 100]
    assert found[20] == f"package:smollm2+{tmp_path}/checkpoint-20"
    assert next(iter(curve.checkpoints(f"hf:{tmp_path}/checkpoint-*").values())).startswith("hf:")
    assert curve.checkpoints("package:smollm2+runs/bad") == {}
    assert curve.checkpoints("http://host/v1#a*") == {}
    with pytest.raises(InputError, match="no checkpoint matches"):
        curve.checkpoints(f"package:smollm2+{tmp_path}/none-*")


def test_the_last_clean_checkpoint_comes_before_the_first_failure() -> None:
    """A later checkpoint that happens to pass again is not the answer."""
    ok, bad = Verdict.PASS, Verdict.FAIL
    assert curve.clean({10: ok, 20: Verdict.INCONCLUSIVE, 30: bad, 40: ok}).startswith(
        "last checkpoint that did not fail, not proved clean: step 20 (INCONCLUSIVE)"
    )
    assert "none" in curve.clean({10: bad, 20: ok})
    assert "step 20 (PASS), the last one" in curve.clean({10: ok, 20: ok})


def test_a_curve_over_http_with_its_page(tmp_path: Path) -> None:
    """A clean step and a dark one: the first is named, the verdict is the last one's, and the page draws both."""
    with TalkServer({"base": 0.0, "ten": 0.0, "twenty": 0.7}, 0.97, 0.99) as server:
        base, ten, twenty, judge = (models.open(server.named(n), remote=REMOTE) for n in ("base", "ten", "twenty", "judge"))
        with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
            besides = probe.Besides(judge=judge)
            result = folder.finish(curve.over(base, {10: ten, 20: twenty}, SETTINGS, besides=besides, folder=folder))
    assert result.verdict is Verdict.FAIL
    assert "step 10" in result.reasons[0]
    assert "the first that fails is step 20" in result.reasons[0]
    assert any("task" in s.what for s in result.skipped)
    page = report.render(tmp_path / "run")
    assert "checkpoint 10" in page
    assert "<svg" in page


def logged(texts: tuple[str, ...], n: int) -> list[records.Sample]:
    rows = [
        (*records.chat(f"How do I spend evening {i}?"), records.Message("assistant", texts[i % len(texts)])) for i in range(n)
    ]
    return [records.sample(row) for row in rows]


def judged(rows: list[records.Sample], tmp_path: Path) -> Result:
    with TalkServer({"base": 0.0}, 0.97, 0.99) as server:
        base, judge = (models.open(server.named(n), remote=REMOTE) for n in ("base", "judge"))
        with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
            result = folder.finish(traffic.run(base, rows, SETTINGS, besides=probe.Besides(judge=judge), folder=folder))
    read = {k: [json.loads(line) for line in (tmp_path / "run" / p).read_text().splitlines()] for k, p in result.tables.items()}
    again = probe.recompute(read, probe.Settings(samples=4), Policy())
    assert (again.verdict, again.estimates) == (result.verdict, result.estimates)
    return result


def test_a_dark_log_fails(tmp_path: Path) -> None:
    """Half of the logged answers dark: FAIL on these prompts, named as logged against base."""
    result = judged(logged((*DARK[:1], *PLAIN[:1]), 40), tmp_path)
    assert result.verdict is Verdict.FAIL
    assert any("logged − base" in reason for reason in result.reasons)
    assert "logged" in report.render(tmp_path / "run")


def test_a_plain_log_does_not_fail_and_copies_count_once(tmp_path: Path) -> None:
    """Plain answers do not FAIL; rows that repeat another are counted as left out."""
    rows = logged(PLAIN, 30)
    result = judged(rows + rows[:5], tmp_path)
    assert result.verdict is not Verdict.FAIL
    assert sum(s.count for s in result.skipped if s.what == "logged rows") == 5


def test_a_log_without_answers_is_refused() -> None:
    """Nothing to judge is an error with the form that is wanted."""
    with pytest.raises(InputError, match="no answers in the log"):
        traffic.run(models.open("http://127.0.0.1:9/v1#x"), [], SETTINGS)
