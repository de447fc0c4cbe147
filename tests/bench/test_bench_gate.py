"""The verdict follows from rows alone: proven losses fail, proven safety passes, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from wolfnote.bench import comparison, gate, null, reading
from wolfnote.bench.reading import Measure, Row
from wolfnote.results import Result, Verdict
from wolfnote.settings import Policy


def rows(
    task: str, base: list[float], tuned: list[float], *, kind: reading.Kind = "ability", chance: float = 0.0, per: int = 1
) -> list[Row]:
    pairs = enumerate(zip(base, tuned, strict=True))
    return [Row(task, "accuracy", kind, True, f"{i}", f"{i // per}", chance, {"base": b, "tuned": t}) for i, (b, t) in pairs]


def right(n: int, k: int) -> list[float]:
    return [1.0] * k + [0.0] * (n - k)


def judged(*found: Row) -> Result:
    return gate.judge(found, "base", "tuned", Policy())


def test_a_clear_loss_fails_with_its_finding() -> None:
    """90 % to 60 % of 200: FAIL, its code, and the exact test beside it."""
    result = judged(*rows("sums", right(200, 180), right(200, 120)))
    assert result.verdict is Verdict.FAIL
    assert [f.code for f in result.findings] == ["WN401"]
    part = result.parts[0]
    assert part.estimates[0].value == pytest.approx(-0.3)
    assert part.estimate("McNemar's p").value < 1e-15


@pytest.mark.parametrize(("kind", "code"), [("harm", "WN402"), ("over-refusal", "WN403"), ("safety", "WN404")])
def test_each_kind_has_its_finding(kind: reading.Kind, code: str) -> None:
    """A lost refusal, a needless one, and lost honesty are different things to look at."""
    assert judged(*rows("x", right(200, 180), right(200, 100), kind=kind)).findings[0].code == code


def test_no_change_passes_when_there_are_enough_items() -> None:
    """The same answers: 400 items pass, 40 do not, and the reason says how many would."""
    assert judged(*rows("sums", right(400, 300), right(400, 300))).verdict is Verdict.PASS
    few = judged(*rows("sums", right(40, 30), right(40, 30)))
    assert few.verdict is Verdict.INCONCLUSIVE
    assert "items would settle it" in few.reasons[0]


def test_safety_is_held_tighter() -> None:
    """100 unchanged items are enough for a tolerance of five points and not for one of three."""
    assert judged(*rows("sums", right(100, 90), right(100, 90))).verdict is Verdict.PASS
    assert judged(*rows("refusals", right(100, 90), right(100, 90), kind="harm")).verdict is Verdict.INCONCLUSIVE


def test_a_base_at_chance_is_not_run() -> None:
    """A quarter right of four choices: nothing can be lost, so equality proves nothing. Never PASS."""
    result = judged(*rows("letters", right(1000, 250), right(1000, 250), chance=0.25))
    assert result.verdict is Verdict.NOT_RUN
    assert "floor" in result.reasons[0]


def test_a_proven_loss_fails_even_from_chance() -> None:
    """A base that answers at chance, and a tuned model that is reliably wrong: that is evidence, not a missing one."""
    assert judged(*rows("praise", right(400, 200), right(400, 20), chance=0.5, kind="safety")).verdict is Verdict.FAIL


def test_holm_is_for_failing_and_not_for_passing() -> None:
    """A loss that fails alone is INCONCLUSIVE beside nine other measures, and says so; ten clean ones pass uncorrected."""
    base = [1.0] * 180 + [0.0] * 20
    tuned = [1.0] * 162 + [0.0] * 38
    alone = rows("odd", base, tuned)
    assert judged(*alone).verdict is Verdict.FAIL
    clean = [row for i in range(9) for row in rows(f"clean {i}", right(400, 300), right(400, 300))]
    both = judged(*alone, *clean)
    assert both.verdict is Verdict.INCONCLUSIVE
    assert "not after correction" in both.reasons[0]
    assert judged(*clean, *rows("tenth", right(400, 300), right(400, 300))).verdict is Verdict.PASS


def test_measures_without_a_gate_decide_nothing() -> None:
    """An undeclared measure may lose everything: shown, and not in the verdict."""
    shown = [Row("sums", "odd one", "ability", False, f"{i}", f"{i}", 0.0, {"base": 1.0, "tuned": 0.0}) for i in range(300)]
    result = judged(*rows("sums", right(400, 300), right(400, 300)), *shown)
    assert result.verdict is Verdict.PASS
    assert result.parts[1].verdict is Verdict.FAIL
    assert result.findings == ()


def test_what_one_model_lacks_is_counted() -> None:
    """Items without a tuned value are told, and as if all of them were lost there is no PASS; without any, it is NOT RUN."""
    found = rows("sums", right(400, 300), right(400, 300))
    short = [Row(*[getattr(r, f) for f in r.__struct_fields__[:7]], {"base": r.values["base"]}) for r in found[:30]]
    result = judged(*short, *found[30:])
    assert result.skipped[0].count == 30
    assert judged(*found).verdict is Verdict.PASS
    assert result.verdict is Verdict.INCONCLUSIVE
    assert judged(*short).verdict is Verdict.NOT_RUN


def test_a_refused_task_is_never_a_pass() -> None:
    """One task compares well, the other could not be compared: NOT RUN."""
    result = gate.judge(rows("sums", right(400, 300), right(400, 300)), "base", "tuned", Policy(), {"lore": "other prompts"})
    assert result.verdict is Verdict.NOT_RUN
    assert any("other prompts" in s.reason for s in result.skipped)


def test_the_verdict_can_be_repeated_from_the_table() -> None:
    """Written to JSON and read again, the rows give the same result: verify needs no model."""
    import json

    base, tuned = rows("a", right(200, 180), right(200, 150)), rows("b", [0.61] * 90 + [0.4] * 90, [0.6] * 90 + [0.41] * 90)
    lines = json.loads(json.dumps(reading.table([*base, *tuned])))
    direct = comparison.recompute(reading.table([*base, *tuned]), {"tuned": {}}, Policy())
    assert comparison.recompute(lines, {"tuned": {}}, Policy()) == direct
    assert direct.parts[0].estimates[0].value == pytest.approx(-0.15)


def twins(shift: float, per: int = 1) -> list[Row]:
    rng = np.random.default_rng(3)
    first = rng.uniform(0.4, 0.9, 200)
    second = np.clip(first - shift + rng.normal(0, 0.05, 200), 0, 1)
    names = zip(first, second, strict=True)
    return [
        Row("x", "p(correct)", "safety", True, f"{i}", f"{i // per}", 0.0, dict(zip(null.NAMES, pair, strict=True)))
        for i, pair in enumerate(names)
    ]


@pytest.mark.parametrize("per", [1, 4])
def test_two_harmless_twins_raise_no_alarm(per: int) -> None:
    """Noise of five points and no shift: no false alarm, with a rate and its interval, clustered or not."""
    result = null.judge(twins(0.0, per), Policy(), draws=40)
    assert result.verdict is Verdict.PASS
    rate = result.estimate("false alarms, items drawn anew")
    assert (rate.value, rate.n) == (0.0, 40)
    assert rate.high is not None
    assert rate.high > 0


def test_twins_that_differ_show_that_the_gate_cries_wolf() -> None:
    """Ten points between two harmless tunes: the gate fires in every draw, which is said and is no PASS."""
    result = null.judge(twins(0.1), Policy(), draws=20)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.estimate("false alarms, items drawn anew").value == 1.0


def test_measures_of_two_logs_match_by_name() -> None:
    """Which measure decides is the base's matter: the other log's order does not lose it."""
    here, there = Measure("t", "acc", "ability", True), Measure("t", "acc", "ability", False)
    value = reading.Value(1.0, 0.0, "s")
    found = reading.rows(reading.Readings("base", {here: {"1": value}}), [reading.Readings("tuned", {there: {"1": value}})])
    assert found[0].values == {"base": 1.0, "tuned": 1.0}


def test_another_chat_template_is_told() -> None:
    """Base and tuned wrap questions differently: compared, for that is what users would meet, and said."""
    items = {Measure("t", "acc", "ability", True): {f"{i}": reading.Value(float(i % 4 > 0), 0.0, f"{i}") for i in range(200)}}
    pair = [reading.Readings(name, items, template) for name, template in (("base", "a"), ("tuned", "b"))]
    result = comparison.compare(pair[0], pair[1:], policy=Policy())
    assert result.verdict is Verdict.PASS
    assert "another chat template" in result.skipped[0].reason
    assert comparison.compare(pair[0], [pair[1]._replace(template="a")], policy=Policy()).skipped == ()
