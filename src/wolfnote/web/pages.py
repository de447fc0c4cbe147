"""Pages from templates: autoescape on, one layout, the nonce of the response on every script and style."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse


def page(request: Request, template: str, *, status: int = 200, **view: Any) -> HTMLResponse:
    """A template of ours, filled. ``view`` may hold anything: it is escaped."""
    state = request.scope.get("state", {})
    known = {
        "nonce": state.get("nonce", ""),
        "person": state.get("person", ""),
        "sections": state.get("sections", ()),
        "title": state.get("title", ""),
        "path": request.url.path,
    }
    return HTMLResponse(_environment().get_template(template).render(known | view), status_code=status)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wolfnote.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.1%}"
    environment.filters["number"] = lambda value: "–" if value is None else f"{value:+.2f}"
    return environment
