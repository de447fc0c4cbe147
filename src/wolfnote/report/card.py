"""The section of a model card (Hugging Face README): what was measured, against what, with which limits."""

from __future__ import annotations

from pathlib import Path

from wolfnote.report import reading
from wolfnote.report.markdown import estimate_rows, plain

HEAD = ["| estimate | value | low | high | n | method |", "| --- | --- | --- | --- | --- | --- |"]
MOST = 12


def section(folder: Path) -> str:
    """Markdown from ``## Alignment regression`` on. Raises ``InputError`` when the folder holds no result."""
    result, about = reading.finished(folder)
    version = about.get("versions", {}).get("wolfnote", "")
    lines = ["## Alignment regression against the base model", ""]
    lines.append(
        f"Measured with Wolfnote {plain(str(version))}, run {plain(result.run_id)}. Verdict: **{result.verdict.value}**."
    )
    for part in reading.stages(result):
        lines += ["", f"### {plain(part.kind)}: {part.verdict.value}", ""]
        lines += [f"- {plain(reason)}" for reason in part.reasons[:6]]
        shown = [e for e in part.estimates if e.low is not None][:MOST]
        lines += ["", *HEAD, *estimate_rows(tuple(shown))] if shown else []
    lines += ["", "### What was not tested", ""]
    lines += [f"- {plain(place)}, {plain(text)}" for place, text in reading.untested(result)]
    inputs = [f"- {plain(name)}: `{plain(value)}`" for name, value in about.get("inputs", {}).items()]
    return "\n".join([*lines, "", "### Inputs, by hash", "", *inputs, ""])
