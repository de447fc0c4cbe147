"""The pre-flight fires on what a provider refuses or training cuts, and on nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wolfnote import InputError, Result, SettingsError, Verdict, records
from wolfnote.records import Sample, preflight
from wolfnote.records.preflight import Settings


def row(question: str = "q", answer: str = "a", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **more}


def check(
    tmp_path: Path, rows: list[Any], provider: str = "openai", limits: dict[str, Any] | None = None, **options: Any
) -> Result:
    file = tmp_path / "d.jsonl"
    file.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in rows))
    found = preflight.find(provider, Settings(limits=limits or {}))
    return preflight.check(records.rows(file), found, file=file, **options)


def codes(result: Result) -> list[str]:
    return sorted({finding.code for finding in result.findings})


@pytest.mark.parametrize("provider", ["openai", "azure", "together"])
def test_a_plain_file_passes_everywhere(tmp_path: Path, provider: str) -> None:
    """Ten plain chats with tools, a system prompt and a weight are what every provider takes."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    rows = [row() for _ in range(9)] + [row(tools=tools)]
    rows[0]["messages"].insert(0, {"role": "system", "content": "s"})
    rows[1]["messages"][1]["weight"] = 1
    result = check(tmp_path, rows, provider)
    assert (result.verdict, codes(result)) == (Verdict.PASS, [])


MIXED = [row()] * 10 + [{"text": "t"}]
TWICE = {"messages": [{"role": "user", "content": "q"}] * 2 + [{"role": "assistant", "content": "a"}]}


def weighted(**weights: float) -> dict[str, Any]:
    found = row()
    for turn in found["messages"]:
        turn |= {"weight": weights[turn["role"]]} if turn["role"] in weights else {}
    return found


@pytest.mark.parametrize(
    ("rows", "provider", "limits", "expected"),
    [
        ([row()] * 9, "openai", {}, ["WN110"]),
        ([row()] * 10, "openai", {"min_examples": 11}, ["WN110"]),
        ([row()] * 10, "openai", {"max_bytes": 100}, ["WN111"]),
        ([row()] * 10, "openai", {"containers": [".parquet"]}, ["WN111"]),
        ([row()] * 10, "openai", {"roles": ["user"]}, ["WN112"]),
        ([{"messages": [{"role": "developer", "content": "d"}, *row()["messages"]]}] * 10, "openai", {}, ["WN112"]),
        (MIXED, "openai", {}, ["WN113"]),
        (MIXED, "together", {}, ["WN113"]),
        ([row()] * 10, "together", {}, []),
        ([{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}] * 10, "openai", {}, ["WN113"]),
        ([row(ticket=1)] * 10, "openai", {}, ["WN113"]),
        (
            [{"messages": [*row()["messages"][:1], {"role": "assistant", "content": "a", "at": 1}]}] * 10,
            "openai",
            {},
            ["WN113"],
        ),
        ([TWICE] * 10, "together", {}, ["WN114"]),
        ([TWICE] * 10, "openai", {}, []),
        ([weighted(assistant=0.5)] * 10, "openai", {}, ["WN115"]),
        ([weighted(assistant=0)] * 10, "openai", {}, ["WN115"]),
        ([weighted(user=0)] * 10, "openai", {}, ["WN115"]),
        ([row(), "{"] + [row()] * 9, "openai", {}, ["WN119"]),
    ],
)
def test_each_rule_fires_on_its_case_alone(
    tmp_path: Path, rows: list[Any], provider: str, limits: dict[str, Any], expected: list[str]
) -> None:
    """The code, and no other; a refusal is a FAIL."""
    result = check(tmp_path, rows, provider, limits)
    assert codes(result) == expected
    assert result.verdict is (Verdict.FAIL if expected else Verdict.PASS)


def test_a_call_in_the_middle_of_a_turn_is_no_second_turn(tmp_path: Path) -> None:
    """Assistant, tool, assistant is one turn of the assistant's."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = row()["messages"]
    turns[1:1] = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "r", "tool_call_id": "c"}]
    assert codes(check(tmp_path, [{"messages": turns}] * 10, "together")) == []


def words(sample: Sample) -> tuple[int, int]:
    return sum(len(m.content.split()) for m in sample.prompt), len(sample.answer.split())


def test_what_would_be_cut_is_told_apart(tmp_path: Path) -> None:
    """With a counter: a row that fits to the token, an answer cut by one, and a prompt that leaves no room."""
    rows = [row("x " * 6, "y " * 4), row("x " * 6, "y " * 5), row("x " * 10, "y"), *[row()] * 10]
    result = check(tmp_path, rows, context=10, count=words)
    assert [(f.code, f.where.rpartition(":")[2]) for f in result.findings] == [("WN117", "2"), ("WN118", "3")]
    assert "1 of the answer's 5 tokens lie beyond 10" in result.findings[0].message
    assert result.verdict is Verdict.FAIL
    assert check(tmp_path, rows, context=12, count=words).verdict is Verdict.PASS
    assert codes(check(tmp_path, rows, limits={"max_tokens": 10}, count=words)) == ["WN116"]


def test_an_estimate_says_that_it_is_one_and_decides_nothing(tmp_path: Path) -> None:
    """Without a counter, what surely fits passes; what may not fit is unseen; what looks too long is INCONCLUSIVE."""
    fits = check(tmp_path, [row("word " * 20)] * 10, context=100)
    assert fits.verdict is Verdict.PASS
    may = check(tmp_path, [row("1, 2, " * 40)] * 10, context=100)
    assert (may.verdict, codes(may)) == (Verdict.INCONCLUSIVE, [])
    assert may.skipped[0].count == 10
    long = check(tmp_path, [row("word " * 400)] * 10, context=100)
    assert (long.verdict, codes(long)) == (Verdict.INCONCLUSIVE, ["WN118"])
    assert "estimated" in long.findings[0].message
    assert len(long.findings) == 5
    assert any("WN118 × 10" in reason for reason in long.reasons)


def test_unread_rows_are_counted_and_never_clean(tmp_path: Path) -> None:
    """A file of nothing readable is a FAIL with its count, not a pass over no rows."""
    result = check(tmp_path, ["{"] * 12)
    assert result.verdict is Verdict.FAIL
    assert result.skipped[0].count == 12
    assert codes(result) == ["WN110", "WN119"]


def test_limits_are_the_users_to_change(tmp_path: Path) -> None:
    """Single limits, or a provider of one's own; a name or limit that is none is one line."""
    own = tmp_path / "mine.toml"
    own.write_text('[house]\ntitle = "House"\ndated = "2026-11-24"\nshapes = ["text"]\nmin_examples = 2\n')
    assert preflight.find("house", Settings(file=str(own))).min_examples == 2
    assert preflight.find("openai", Settings(file=str(own))).min_examples == 10
    with pytest.raises(InputError, match="known: azure, openai, together"):
        preflight.find("nobody")
    with pytest.raises(SettingsError, match="max_tokens"):
        preflight.find("openai", Settings(limits={"max_tokns": 1}))
    with pytest.raises(InputError, match="not a file of providers"):
        preflight.find("openai", Settings(file=str(tmp_path / "absent.toml")))


def test_every_figure_has_a_day_and_a_source() -> None:
    """Limits age; who reads one can see how old it is and where it came from."""
    for name in ("openai", "azure", "together"):
        provider = preflight.find(name)
        assert provider.dated == "2026-11-24"
        assert provider.sources
