"""The review page: one row at a time, by keyboard; the answers go to ``audit.review``, which holds the rules.

GET  /review               the page                     GET  /review/disagreements   the same page, to decide
GET  /review/state         rows and one's own answers   GET  /review/rows/N          one row, without what others say of it
POST /review/say           judgements, kept when 200    POST /review/look            what others say; makes one's answer final
GET  /review/summary       progress, agreement, rates
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wolfnote.audit import tally
from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.labels import Label, Opinions
from wolfnote.audit.review import Review
from wolfnote.errors import RunError
from wolfnote.web import conversation, pages
from wolfnote.web.site import Section

LARGEST = 1 << 20
"""Bytes of a request."""
Many = Annotated[list[msgspec.Raw], msgspec.Meta(max_length=100)]


class Sent(msgspec.Struct, frozen=True):
    """What the page sends: who it was opened by, and judgements or one row to look at."""

    person: str = msgspec.field(name="reviewer")
    said: Many = []
    row: str = ""


def section(review: Review, browser: str) -> Section:
    """The review of one run, to be mounted. Browsers keep what they could not send yet under the name ``browser``."""
    pages = _Pages(review, browser)
    routes = [
        Route("/", pages.review),
        Route("/disagreements", pages.disagreements),
        Route("/summary", pages.summary),
        Route("/state", pages.state),
        Route("/rows/{number:int}", pages.row),
        Route("/say", pages.say, methods=["POST"]),
        Route("/look", pages.look, methods=["POST"]),
    ]
    links = [("Review", "/review/"), ("Disagreements", "/review/disagreements"), ("Summary", "/review/summary")]
    return Section("/review", links, routes)


class _Pages:
    """The endpoints. Those without ``async`` run in a thread: they read files."""

    def __init__(self, review: Review, browser: str) -> None:
        self._review, self._browser = review, browser

    def review(self, request: Request) -> Response:
        return pages.page(request, "review.html", categories=CATEGORIES, deciding=False, run=self._browser)

    def disagreements(self, request: Request) -> Response:
        return pages.page(request, "review.html", categories=CATEGORIES, deciding=True, run=self._browser)

    def summary(self, request: Request) -> Response:
        return pages.page(request, "summary.html", tally=tally.of(self._review), places=self._review.drawn.places)

    def state(self, request: Request) -> Response:
        person: str = request.state.person
        opinions = self._review.opinions()
        if "deciding" in request.query_params:
            return pages.answer(self._to_decide(person, opinions))
        mine = {row: found.reviewers[person] for row, found in opinions.items() if person in found.reviewers}
        looked = [look.row for look in self._review.looks.read() if look.reviewer == person]
        rows = [place.row for place in self._review.drawn.places]
        return pages.answer({"rows": list(enumerate(rows)), "mine": mine, "final": looked, "elsewhere": 0, "reviewing": True})

    def row(self, request: Request) -> Response:
        try:
            row = self._review.drawn.load(request.path_params["number"])
        except IndexError:
            raise HTTPException(404, "no such row") from None
        except RunError as error:
            raise HTTPException(409, str(error)) from None
        return pages.answer(conversation.read(row, whole="whole" in request.query_params))

    async def say(self, request: Request) -> Response:
        sent = await pages.sent(request, Sent, LARGEST)
        said: list[Label] = []
        wrong: dict[str, str] = {}
        for raw in sent.said:
            try:
                said.append(_label(raw, sent.person))
            except (msgspec.DecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
                wrong[f"#{len(wrong)}"] = f"not a judgement ({error})"
        try:
            refused = await run_in_threadpool(self._review.say, said)
        except RunError as error:
            raise HTTPException(507, str(error)) from None
        return pages.answer({"refused": wrong | refused})

    async def look(self, request: Request) -> Response:
        sent = await pages.sent(request, Sent, LARGEST)
        try:
            found = await run_in_threadpool(self._seen, sent.row, sent.person)
        except RunError as error:
            raise HTTPException(507, str(error)) from None
        if found is None:
            raise HTTPException(403, "answer the row first")
        return pages.answer(found)

    def _seen(self, row: str, person: str) -> dict[str, Any] | None:
        number = self._review.number.get(row)
        if number is None or not self._review.look(row, person):
            return None
        place = self._review.drawn.places[number]
        opinions = self._review.opinions()[row]
        findings = self._review.found(self._review.drawn.load(number))
        others = [label for label in opinions.every() if label.adjudicated or label.reviewer != person]
        return {"source": place.source, "part": place.part, "findings": findings, "others": others}

    def _to_decide(self, person: str, opinions: dict[str, Opinions]) -> dict[str, Any]:
        """Rows on which reviewers differ. One's own are for somebody else to decide."""
        differ = [(n, p.row) for n, p in enumerate(self._review.drawn.places) if p.row in opinions and opinions[p.row].differ]
        rows = [(n, row) for n, row in differ if person not in opinions[row].reviewers]
        mine = {row: opinions[row].decisions[person] for _, row in rows if person in opinions[row].decisions}
        elsewhere = sum(opinions[row].disputed for _, row in differ if person in opinions[row].reviewers)
        reviewing = any(person in found.reviewers for found in opinions.values())
        return {"rows": rows, "mine": mine, "final": [], "elsewhere": elsewhere, "reviewing": reviewing}


def _label(raw: msgspec.Raw, person: str) -> Label:
    fields = msgspec.json.decode(raw, type=dict[str, Any])
    if not fields.get("id"):
        raise ValueError("no id")
    return msgspec.convert(fields | {"reviewer": person, "at": ""}, Label)
