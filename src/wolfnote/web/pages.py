"""Pages from templates: autoescape on, one layout, the nonce of the response on every script and style. And what they send."""

from __future__ import annotations

import functools
from typing import Any, Protocol, TypeVar

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response


class Signed(Protocol):
    """What a page sends says by whom it was opened."""

    @property
    def person(self) -> str:
        """The name in the link."""
        ...


T = TypeVar("T", bound=Signed)


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


async def sent(request: Request, kind: type[T], largest: int) -> T:
    """The body of a request from our page, and of no other site's form. Whoever's browser was opened by somebody else meanwhile
    must not answer for them. Raises ``HTTPException`` (400, 409, 413, 415)."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "JSON, please")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > largest:
            raise HTTPException(413, "too much at once")
    try:
        found = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, f"not what the page sends ({error})") from None
    if found.person != request.state.person:
        raise HTTPException(409, f"this browser was opened by {request.state.person} meanwhile: open your own link again")
    return found


def answer(value: Any) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wolfnote.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.1%}"
    environment.filters["number"] = lambda value: "–" if value is None else f"{value:+.2f}"
    return environment
