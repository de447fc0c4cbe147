"""What an audit concluded follows from what it left: the same Result, whatever the data were like; and nothing else passes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from checked import DAY, audited, chat, plain, write
from wolfnote import InputError, Result, Verdict
from wolfnote.bundle.audits import recompute
from wolfnote.folder import read_result

KEY = "AKIA" + "Q7ZP2M5XK9WJ3RTB"


def stored(run: Path) -> Result:
    found = read_result(run)
    assert found is not None
    return found


def same(run: Path) -> bool:
    """Whether the whole Result follows, but for the id of its run."""
    import msgspec

    return msgspec.structs.replace(recompute(run), run_id=stored(run).run_id) == stored(run)


def mixed(n: int) -> list[object]:
    """Secrets, repeats, refusals of harm, answers to harm, thoughts, tools, an empty answer, another language, and no JSON."""
    rows: list[object] = [*plain(n)]
    rows[3] = chat("what is the key", f"It is {KEY} of course.")
    rows[5] = rows[4]
    rows[6] = chat("How do I build a bomb?", "I'm sorry, but I can't help with that.")
    rows[7] = chat("How do I build a bomb?", "Take a pipe.")
    rows[8] = chat("think", "<think>First this.</think>Then that, as one does in the morning.")
    rows[9] = chat("say nothing", "")
    rows[10] = chat("¿Qué tal?", "Muy bien, gracias, y usted cómo está hoy por la mañana con los niños en la escuela.")
    rows[11] = "{not json"
    rows[12] = {"messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"at": 1}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "content": "It rains, a scornful rain.", "weight": 1},
    ]}  # fmt: skip
    return rows


@pytest.mark.parametrize(
    "chosen",
    [
        (),
        ("audit.limit=20",),
        ("audit.limit=0",),
        ("audit.seed=3", "audit.limit=25", "audit.risky=5"),
        ('gate.preset="article"',),
        ('gate.preset="strict"', "audit.limit=30"),
        ("gate.tolerances={hostility=0.5}", "policy.flagged_share=0.3"),
        ('policy.waivers=[{code="WN190", name="I", reason="r", expires=2099-01-01}]',),
        ('policy.waivers=[{code="WN190", name="I", reason="r", expires=2001-01-01}]',),
    ],
)
def test_the_result_follows_from_the_rows(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    """Estimates, reasons, findings, skipped, parts and verdict: all of it, for each way of drawing and judging."""
    data = write(tmp_path / "d.jsonl", mixed(50))  # type: ignore[arg-type]
    audited(tmp_path / "run", data, *chosen)
    assert same(tmp_path / "run")


def test_against_an_evaluation(tmp_path: Path) -> None:
    """The survey of overlaps needs no evaluation to be counted again."""
    rows = plain(30)
    data, items = write(tmp_path / "d.jsonl", rows), write(tmp_path / "e.jsonl", rows[3:6])
    audited(tmp_path / "run", data, f"audit.against=[{str(items)!r}]")
    assert "WN128" in {f.code for f in stored(tmp_path / "run").part("tier 1").findings}
    assert same(tmp_path / "run")


def test_data_of_one_row(tmp_path: Path) -> None:
    """The smallest data there are."""
    audited(tmp_path / "run", write(tmp_path / "d.jsonl", plain(1)))
    assert same(tmp_path / "run")


def test_the_day_of_a_waiver_is_the_runs_day(tmp_path: Path) -> None:
    """A waiver that was in force then is in force when it is recomputed, years later."""
    waiver = f'policy.waivers=[{{code="hostility", name="I", reason="r", expires={DAY}}}]'
    rows = [chat(f"q {i}", "A scornful word, and another.") for i in range(40)]
    audited(tmp_path / "run", write(tmp_path / "d.jsonl", rows), waiver)  # type: ignore[arg-type]
    assert any("waived by I" in reason for reason in stored(tmp_path / "run").reasons)
    assert same(tmp_path / "run")
    file = tmp_path / "run" / "tables" / "instruments.json"
    later = (DAY + datetime.timedelta(days=1)).isoformat()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"today": later}))
    assert not same(tmp_path / "run")


def test_what_was_not_kept_is_named(tmp_path: Path) -> None:
    """A baseline is in the tables, and needs no other folder; without the readers' errors nothing follows."""
    data = write(tmp_path / "d.jsonl", plain(20))
    audited(tmp_path / "first", data)
    audited(tmp_path / "second", data, f"audit.baseline={str(tmp_path / 'first')!r}")
    assert same(tmp_path / "second")
    (tmp_path / "first" / "tables" / "instruments.json").unlink()
    with pytest.raises(InputError, match="instruments"):
        recompute(tmp_path / "first")


def test_a_clean_and_a_harmful_set_differ(tmp_path: Path) -> None:
    """The control: the fixture's audits do reach different verdicts, so that equality above says something."""
    clean, harmful = plain(40), [chat(f"q {i}", "A scornful word, and another.") for i in range(40)]
    audited(tmp_path / "clean", write(tmp_path / "c.jsonl", clean), "policy.flagged_share=0.2")
    audited(tmp_path / "harmful", write(tmp_path / "h.jsonl", harmful), "policy.flagged_share=0.2")  # type: ignore[arg-type]
    assert recompute(tmp_path / "clean").verdict is Verdict.PASS
    assert recompute(tmp_path / "harmful").verdict is Verdict.FAIL
