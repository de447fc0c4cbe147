"""What it would take, and the check's stage."""

from __future__ import annotations

from pathlib import Path

import advising
import pytest

from wolfnote.advise import Settings, draft, material, plan, task
from wolfnote.advise.cost import break_even, thousand
from wolfnote.advise.measures import latencies
from wolfnote.forecast import Prices
from wolfnote.pipeline import Settings as Check
from wolfnote.pipeline.stages import STAGES


def test_a_dry_run_counts_and_contacts_nobody(tmp_path: Path) -> None:
    """Two servers that are not there: questions over all arms, tokens and money are told, minutes are not."""
    tasks = task.read(advising.tasks(tmp_path / "tasks.jsonl"), Settings())
    found = material(Settings(), draft("", tasks.examples, []), tasks.examples, None, None)
    specs = ["http://127.0.0.1:9/v1#a", "http://127.0.0.1:9/v1#b"]
    told = plan(specs, tasks, found, Settings(), Prices(1.0, 2.0))
    assert told.estimate("rows").value == 60 * 4  # base, prompt, few-shot, tuned: no documents are named
    assert told.estimate("money").value > 0
    assert [s.what for s in told.skipped] == ["minutes"]


def test_the_stage_of_the_check() -> None:
    """Left out without tasks; with them its command names documents and tune, but not a tune that the check has yet to make."""
    stage = next(stage for stage in STAGES if stage.name == "advise")
    assert "check.tasks" in stage.lacks(Check())
    asked = Check(tasks="t.jsonl", docs="kb", base="hf:b", tuned="hf:b+a")
    assert stage.lacks(asked) == ""
    assert stage.command(asked, Path("s")) == ["advise", "t.jsonl", "--docs", "kb", "--base", "hf:b", "--tuned", "hf:b+a"]
    assert "--tuned" not in stage.command(Check(tasks="t.jsonl", tuned="tune"), Path("s"))


def test_break_even_and_cost() -> None:
    """A tune of 100 that saves 0.01 a call pays after 10,000; one that saves nothing never does."""
    groups = [str(i) for i in range(100)]
    found = break_even([0.03] * 100, [0.02] * 100, groups, 100.0, "money")
    assert found is not None
    assert found.value == pytest.approx(10_000)
    assert break_even([0.02] * 100, [0.02] * 100, groups, 100.0, "money") is None
    assert thousand("cost", [0.01, 0.03] * 50, groups, "money").value == pytest.approx(20)


def test_latency_has_no_bound_where_calls_are_too_few() -> None:
    """Of twenty calls the median is bounded on both sides, the 95th percentile from below only; of a hundred, on both."""
    p50, p95 = latencies([float(i) for i in range(1, 21)])
    assert (p50.value, p50.low, p50.high) == (10.5, 6.0, 15.0)
    assert p95.high is None
    assert latencies([float(i) for i in range(1, 101)])[1].high is not None
    assert latencies([]) == []
