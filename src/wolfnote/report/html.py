"""One self-contained page a run: no network, no script, everything that came from data escaped by Jinja's autoescape.

Reads what lies in the run folder: the ``Result``, the tables it names, and for the footer ``run.json`` and the settings.
"""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wolfnote.report import ablate, advise, audit, bench, canary, causes, curve, demo, measure, monitor, probe, tune, whole
from wolfnote.report.reading import finished
from wolfnote.results import Result

MAIN = ('<main id="main">', "</main>")


def page(folder: Path) -> str:
    """The page of a finished run. Raises ``InputError`` when the folder holds no result."""
    result, about = finished(folder)
    settings = (folder / "settings.toml").read_text(encoding="utf-8")
    name, view = _view(Shown(result, _tables(result, folder), settings, folder))
    text: str = environment().get_template(name).render(result=result, about=about, settings=settings, **view)
    return text


def inside(folder: Path) -> Markup:
    """What a run's own page has between its top and its footer, to stand within another page."""
    _, _, rest = page(folder).partition(MAIN[0])
    return Markup(rest.rpartition(MAIN[1])[0])  # noqa: S704 - our own page, whose data are escaped


@functools.cache
def environment() -> Environment:
    """Our templates, with everything that is put into them escaped."""
    found = Environment(
        loader=PackageLoader("wolfnote.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["style"] = Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    found.filters["number"] = lambda value: "–" if value is None else f"{value:+.3f}"
    return found


class Shown(NamedTuple):
    """What a page is made of."""

    result: Result
    tables: dict[str, list[dict[str, Any]]]
    settings: str
    folder: Path


PAGES: dict[str, Callable[[Shown], dict[str, Any]]] = {
    "check": lambda s: whole.view(s.result, s.folder, inside),
    "demo": lambda s: demo.view(s.result, s.tables, _policy(s.settings, "margin_shift", 0.0)),
    "measure": lambda s: measure.view(s.result, s.tables),
    "screen": lambda s: measure.view(s.result, s.tables) | {"rows": s.tables.get("rows", [])[:25]},
    "ablate": lambda s: ablate.view(s.tables),
    "monitor": lambda s: monitor.view(s.tables),
    "audit": lambda s: audit.view(s.result, _policy(s.settings, "flagged_share", 0.05)),
    "canary": lambda s: canary.view(s.result, s.tables),
    "causes": lambda s: causes.view(s.tables),
    "probe": lambda s: probe.view(s.result, s.tables, s.settings) | {"headline": probe.headline(s.result)},
    "traffic": lambda s: probe.view(s.result, s.tables, s.settings) | {"headline": probe.headline(s.result)},
    "bench": lambda s: bench.view(s.result, s.tables),
    "advise": lambda s: advise.view(s.result, s.tables),
    "curve": lambda s: curve.view(s.result),
    "tune": lambda s: tune.view(s.result, s.tables),
}
"""Kind of result → what its template, of the same name, needs beside it. A kind that is not here has the plain page."""
TEMPLATES = {"traffic": "probe.html"}
NEEDED = {"audit": "tier 2", "probe": "pairs", "traffic": "pairs"}
"""A part or table without which a result of this kind has the plain page."""


def _view(shown: Shown) -> tuple[str, dict[str, Any]]:
    """The template of a kind of result, and what it needs beside it."""
    kind, has = shown.result.kind, {*shown.tables, *(part.kind for part in shown.result.parts)}
    if kind not in PAGES or (kind in NEEDED and NEEDED[kind] not in has):
        return "result.html", {"answers": shown.tables.get("answers", [])}
    return TEMPLATES.get(kind, f"{kind}.html"), PAGES[kind](shown)


def _policy(settings: str, name: str, default: float) -> float:
    return float(tomllib.loads(settings).get("policy", {}).get(name, default))


def _tables(result: Result, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of every JSONL table that the result or one of its parts names; a part's own name wins nothing over the
    whole's. Parquet may hold millions of rows and belongs on no page."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in (*reversed(result.parts), result):
        for name, place in part.tables.items():
            if not place.endswith(".jsonl"):
                continue
            lines = (folder / place).read_text(encoding="utf-8").split("\n")  # splitlines also splits inside strings
            found[name] = [json.loads(line) for line in lines if line]
    return found
