"""One self-contained page a run: no network, no script, everything that came from data escaped by Jinja's autoescape.

Reads what lies in the run folder: the ``Result``, the tables it names, and for the footer ``run.json`` and the settings.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.report import ablate, canary, causes, demo, measure, monitor
from wolfnote.results import Result


def render(folder: Path, format: str = "html") -> str:
    """The page of a finished run. Raises ``InputError`` when the folder holds no result, or for an unknown format."""
    if format != "html":
        raise InputError(f"no such format: {format}", where="--format", remedy="html or sarif")
    result = read_result(folder)
    if result is None:
        raise InputError("no finished run here", where=str(folder), remedy="give the folder that --out named")
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    settings = (folder / "settings.toml").read_text(encoding="utf-8")
    name, view = _view(result, _tables(result, folder), settings)
    return _environment().get_template(name).render(result=result, about=about, settings=settings, **view)


def _view(result: Result, tables: dict[str, list[dict[str, Any]]], settings: str) -> tuple[str, dict[str, Any]]:
    """The template of a kind of result, and what it needs beside it."""
    if result.kind == "demo":
        return "demo.html", demo.view(result, tables, _tolerance(settings))
    if result.kind == "measure":
        return "measure.html", measure.view(result, tables)
    if result.kind == "screen":
        return "screen.html", measure.view(result, tables) | {"rows": tables.get("rows", [])[:25]}
    if result.kind == "ablate":
        return "ablate.html", ablate.view(tables)
    if result.kind == "monitor":
        return "monitor.html", monitor.view(tables)
    if result.kind == "canary":
        return "canary.html", canary.view(result, tables)
    if result.kind == "causes":
        return "causes.html", causes.view(tables)
    return "result.html", {"answers": tables.get("answers", [])}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wolfnote.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    environment.filters["number"] = lambda value: "–" if value is None else f"{value:+.3f}"
    return environment


def _tolerance(settings: str) -> float:
    return float(tomllib.loads(settings).get("policy", {}).get("margin_shift", 0.0))


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
