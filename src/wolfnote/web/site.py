"""The app that pages are mounted on: the door, the policy, static files, and a place in the navigation for each page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from wolfnote.web.access import Door, Key
from wolfnote.web.pages import page
from wolfnote.web.policy import Policy


class Section(NamedTuple):
    """A page or several, mounted under ``path``. ``links``: (words, path) in the navigation; the first is where one begins."""

    path: str
    links: Sequence[tuple[str, str]]
    routes: Sequence[BaseRoute]


def site(key: Key, sections: Sequence[Section], *, title: str) -> ASGIApp:
    """The app: every path behind ``key``, ``/`` leading to the first section. ``title`` says whose pages these are."""
    first = sections[0].links[0][1]

    async def home(request: Request) -> Response:
        return RedirectResponse(first, 303)

    routes = [
        Route("/", home),
        Route("/favicon.ico", _nothing),  # asked for by browsers whatever the page says
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        *(Mount(section.path, routes=section.routes) for section in sections),
    ]
    links = [link for section in sections for link in section.links]
    guards = [Middleware(_Named, title=title, links=links), Middleware(Door, key=key)]
    return Policy(Starlette(routes=routes, middleware=guards, exception_handlers={HTTPException: _lost}))  # crashes, too


class _Named:
    """ASGI middleware: what the layout shows on every page."""

    def __init__(self, app: ASGIApp, title: str, links: Sequence[tuple[str, str]]) -> None:
        self._app, self._facts = app, {"title": title, "sections": links}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(self._facts)
        await self._app(scope, receive, send)


async def _lost(request: Request, error: Exception) -> Response:
    """A page for who reads pages, an object for a script."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = error.detail if isinstance(error, HTTPException) else ""
    if request.headers.get("accept") == "application/json":
        return JSONResponse({"reason": reason}, status)
    return page(request, "lost.html", status=status, code=status, reason=reason)


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)
