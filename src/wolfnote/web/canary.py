"""The dashboard of ``wolfnote canary serve``, mounted on its admin port: what is exposed, what the evidence says, and a kill.

GET  /canary             the page                  GET  /canary/state     what it shows, read again each second
GET  /canary/pairs       pairs side by side        POST /canary/decide    kill, resume, promote or roll back, by name
"""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wolfnote.canary.admin import Order, carry_out
from wolfnote.canary.service import Service
from wolfnote.errors import InputError, WolfnoteError
from wolfnote.web import pages
from wolfnote.web.site import Section

LARGEST = 1 << 14


class Sent(msgspec.Struct, frozen=True):
    """What the page sends: who it was opened by, what to do, why, and the state that was seen."""

    person: str
    what: Literal["kill", "resume", "promote", "rollback"]
    number: int
    why: str = ""


def section(service: Service) -> Section:
    """The dashboard of one gateway, to be mounted."""
    pages = _Pages(service)
    routes = [
        Route("/", pages.dashboard),
        Route("/state", pages.state),
        Route("/pairs", pages.pairs),
        Route("/decide", pages.decide, methods=["POST"]),
    ]
    return Section("/canary", [("Canary", "/canary/")], routes)


class _Pages:
    """The endpoints."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def dashboard(self, request: Request) -> Response:
        return pages.page(request, "canary.html", name=self._service.experiment.name)

    async def state(self, request: Request) -> Response:
        return pages.answer(self._service.status())

    async def pairs(self, request: Request) -> Response:
        try:
            return pages.answer(await self._service.pairs(flagged="flagged" in request.query_params, limit=30))
        except WolfnoteError as error:
            raise HTTPException(503, str(error)) from None

    async def decide(self, request: Request) -> Response:
        """A person's decision, under the name of their link."""
        sent = await pages.sent(request, Sent, LARGEST)
        try:
            state = await carry_out(self._service, sent.what, Order(sent.person, sent.why, sent.number))
        except InputError as error:
            raise HTTPException(409, f"{error.message}: {error.remedy}") from None
        except WolfnoteError as error:
            raise HTTPException(503, str(error)) from None
        return pages.answer(state)
