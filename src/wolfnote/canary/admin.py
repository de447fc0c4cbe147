"""The admin port: status, decisions, metrics and health, and the pages that are mounted on it. Never on the data port.

GET  /healthz · /readyz                     without a token
GET  /metrics                               Prometheus
GET  /api/status · /api/pairs?flagged=1     JSON
POST /api/kill · /api/resume · /api/promote · /api/rollback     {"who": "Ada", "why": "…", "number": 7}

All but health wants ``Authorization: Bearer TOKEN``. ``number`` is the state that the caller saw: a decision on an older one is
refused (409), so that nobody promotes what was rolled back while they were reading; a kill needs none.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from wolfnote.canary import controller
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.controller import State
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.service import Service
from wolfnote.errors import InputError, WolfnoteError

LARGEST = 1 << 16
Rule = Callable[[Snapshot], State | None]


class Order(msgspec.Struct, frozen=True):
    """What a person asks for."""

    who: str
    why: str = ""
    number: int | None = None


def app(service: Service, token: str, pages: ASGIApp | None = None) -> ASGIApp:
    """The admin app; ``pages`` (which guard themselves) answer whatever is not named above."""
    endpoints = _Endpoints(service, token)
    routes: list[Any] = [
        Route("/healthz", endpoints.health),
        Route("/readyz", endpoints.ready),
        Route("/metrics", endpoints.metrics),
        Route("/api/status", endpoints.status),
        Route("/api/pairs", endpoints.pairs),
        *(Route(f"/api/{name}", endpoints.decide, methods=["POST"]) for name in ("kill", "resume", "promote", "rollback")),
    ]
    return Starlette(routes=[*routes, Mount("/", app=pages)] if pages else routes)


class _Endpoints:
    """What is answered."""

    def __init__(self, service: Service, token: str) -> None:
        self._service, self._token = service, token.encode()

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def ready(self, request: Request) -> Response:
        well = self._service.ready
        return JSONResponse({"ok": well, "exposed": self._service.experiment.exposure.share > 0}, 200 if well else 503)

    async def metrics(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        return Response(self._service.measured(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def status(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        return Response(msgspec.json.encode(self._service.status()), media_type="application/json")

    async def pairs(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        try:
            found = await self._service.pairs(flagged="flagged" in request.query_params)
        except WolfnoteError as error:
            return JSONResponse({"error": str(error)}, 503)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def decide(self, request: Request) -> Response:
        """Carry out a person's decision, or say why not."""
        if refused := self._refused(request):
            return refused
        try:
            order = msgspec.json.decode(await _body(request), type=Order)
            state = await carry_out(self._service, request.url.path.rpartition("/")[2], order)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return JSONResponse({"error": f"not an order: {error}"}, 400)
        except InputError as error:
            return JSONResponse({"error": error.message, "remedy": error.remedy}, 409)
        except WolfnoteError as error:
            return JSONResponse({"error": str(error)}, 503)
        return Response(msgspec.json.encode(state), media_type="application/json")

    def _refused(self, request: Request) -> Response | None:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(shown.encode("utf-8", "replace"), self._token)
        return None if right and scheme.lower() == "bearer" else JSONResponse({"error": "the admin's token, please"}, 401)


async def carry_out(service: Service, what: str, order: Order) -> State:
    """Have a person's decision written. Raises ``InputError`` when it may not be, ``RunError`` when it could not be."""
    decided = rule(service.settings, what, order)
    return await service.experiment.act(_seen(order, decided, needed=what not in ("kill", "rollback")))


def rule(settings: Configuration, what: str, order: Order) -> Rule:
    """The decision as the store applies it."""
    now = time.time()
    rules: dict[str, Rule] = {
        "kill": lambda seen: controller.kill(seen.state, order.who, order.why, now),
        "rollback": lambda seen: controller.roll_back(seen.state, order.who, order.why, now),
        "resume": lambda seen: controller.resume(seen.state, seen.evidence, seen.limits, order.who, now),
        "promote": lambda seen: controller.promote(seen.state, seen.evidence, seen.limits, settings.course, order.who, now),
    }
    return rules[what]


def _seen(order: Order, decided: Rule, *, needed: bool) -> Rule:
    """The rule, for whoever saw the state as it is."""

    def apply(seen: Snapshot) -> State | None:
        if needed and order.number != seen.state.number:
            message = f"the state is number {seen.state.number} ({seen.state.stage}) meanwhile"
            raise InputError(message, where=seen.state.experiment, remedy="look at its status, then decide")
        return decided(seen)

    return apply


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise msgspec.DecodeError("too long")
    return body
