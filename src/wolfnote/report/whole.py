"""The page of ``wolfnote check``: verdict and what to do, each stage's pictures, what was not tested, where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from wolfnote.report import plots, reading
from wolfnote.report.plots import Row
from wolfnote.results import Result, Verdict

HEADLINES = {
    Verdict.PASS: "Ship it: all that was asked for passed.",
    Verdict.FAIL: "Don't ship it.",
    Verdict.INCONCLUSIVE: "Not yet: it could not be told.",
    Verdict.NOT_RUN: "Not yet: something that is required was not run.",
}
MOST = 14
"""Intervals in one picture."""


class Section(NamedTuple):
    """A stage on the page: its pictures, and everything else of its own page."""

    part: Result
    anchor: str
    pictures: list[Markup]
    rest: Markup
    about: dict[str, Any]


def view(result: Result, folder: Path, inside: Callable[[Path], Markup]) -> dict[str, Any]:
    """What the template needs beside the Result. ``inside``: folder → a run's own page, without top and footer."""
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    places = {name: folder / place for name, place in about.get("stages", {}).items()}
    sections = [
        _section(part, places[part.kind], number, inside)
        for number, part in enumerate(part for part in result.parts if part.kind in places)
    ]
    return {
        "headline": HEADLINES[result.verdict],
        "stages": reading.worst_first(part for part in result.parts if part.kind != "article"),
        "why": reading.decisive,
        "article": [part for part in result.parts if part.kind == "article"],
        "steps": reading.next_steps(result),
        "sections": sections,
        "untested": reading.untested(result),
    }


def _section(part: Result, place: Path, number: int, inside: Callable[[Path], Markup]) -> Section:
    text = re.sub(r'<(h[23]) id="[^"<>]*"', r"<\1", str(inside(place)))  # two stages may use one name
    for old, new in (("h3", "h4"), ("h2", "h3")):
        text = text.replace(f"<{old}", f"<{new}").replace(f"</{old}>", f"</{new}>")
    pictures, rest = _apart(text)
    about = json.loads((place / "run.json").read_text(encoding="utf-8"))
    return Section(part, f"stage-{number}", pictures or _intervals(part), rest, about)


def _apart(text: str) -> tuple[list[Markup], Markup]:
    """The figures of a page and the page without them."""
    figures, rest = [], []
    while True:
        before, start, after = text.partition("<figure>")
        rest.append(before)
        if not start:
            break
        figure, _, text = after.partition("</figure>")
        figures.append(Markup(f"<figure>{figure}</figure>"))  # noqa: S704 - cut from our own page
    return figures, Markup("".join(rest))  # noqa: S704 - the same


def _intervals(part: Result) -> list[Markup]:
    """Every estimate that has an interval, a picture a gate; for a stage whose own page has none."""
    gates = [gate for gate in part.parts if gate.kind.startswith("gate")] or [part]
    return [_picture(gate) for gate in gates if any(e.low is not None for e in gate.estimates)]


def _picture(gate: Result) -> Markup:
    bounded = [e for e in gate.estimates if e.low is not None and e.high is not None][:MOST]
    rows = [Row(e.name[:38], e.value, e.low, e.high, _tone(e.name, gate.reasons)) for e in bounded]
    title = f"{gate.kind}: each estimate with its interval"
    drawn = plots.intervals(rows, title=title, unit="value, and the interval that its method gives")
    caption = (
        f"{gate.kind[:1].upper()}{gate.kind[1:]}. Red: over what is allowed, as the reasons say; grey: nothing of the kind."
    )
    shape = (
        '<figure><div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div><figcaption>{}</figcaption></figure>'
    )
    return Markup(shape).format(title, drawn, caption)  # noqa: S704 - a literal, one line up


def _tone(name: str, reasons: tuple[str, ...]) -> str:
    """Red for an estimate whose own reason says that it is over what is allowed."""
    short = name.removeprefix("share, ").replace(",", "")
    over = ("FAIL", "above the tolerance")
    return "bad" if any(r.replace(",", "").startswith(short) and any(w in r for w in over) for r in reasons) else "base"
