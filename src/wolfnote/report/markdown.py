"""A run as Markdown for a pull request: the verdict, what to do, what was not tested. Short enough to be read there.

What comes from data is spelled with character references wherever Markdown, HTML or a mention (@name) could begin.
"""

from __future__ import annotations

from pathlib import Path

from wolfnote.report import reading
from wolfnote.results import Estimate, Verdict

MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.NOT_RUN: "⬜"}
SPECIAL = set("\\`*_[]<>&@~#!|$:")
LONGEST = 400


def text(folder: Path) -> str:
    """The run in about a screen. Raises ``InputError`` when the folder holds no result."""
    result, about = reading.finished(folder)
    lines = [f"## {MARKS[result.verdict]} Wolfnote {plain(result.kind)}: {result.verdict.value}", ""]
    lines += ["| | stage | why |", "| --- | --- | --- |"]
    for part in reading.worst_first(reading.stages(result)):
        why = "; ".join(reading.decisive(part, 2)) or "no reason was given"
        lines.append(f"| {MARKS[part.verdict]} {part.verdict.value} | {plain(part.kind)} | {plain(why)} |")
    steps = reading.next_steps(result, 5)
    if steps:
        lines += ["", "**What to do next**", ""]
        for step in steps:
            why = "; ".join(step.messages[:3])
            lines.append(f"1. {plain(step.remedy)}: {plain(why)} ({plain(', '.join(step.codes))}, {step.times} ×)")
    lines += ["", "<details><summary>What was not tested</summary>", ""]
    lines += [f"- {plain(place)}, {plain(text)}" for place, text in reading.untested(result)]
    lines += ["", "</details>", "", f"Run {plain(result.run_id)}, started {plain(str(about.get('started', '–')))}.", ""]
    return "\n".join(lines)


def plain(words: str) -> str:
    """One line that Markdown shows as it is, cut at ``LONGEST`` characters."""
    short = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    flat = " ".join(short.split())
    return "".join(f"&#{ord(c)};" if c in SPECIAL else c for c in flat if c.isprintable())


def number(value: float | None) -> str:
    """A bound, or a dash for one that is not known."""
    return "–" if value is None else f"{value:+.3f}"


def estimate_rows(estimates: tuple[Estimate, ...]) -> list[str]:
    """A table row an estimate."""
    return [
        f"| {plain(e.name)} | {number(e.value)} | {number(e.low)} | {number(e.high)} | {e.n} | {plain(e.method)} |"
        for e in estimates
    ]
