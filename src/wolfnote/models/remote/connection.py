"""JSON to and from one OpenAI-compatible server: what may pass is tried again, what will not is one line.

tried again        no connection, a cut one, a timeout, 408, 409, 425, 429, 5xx, malformed JSON, a reply without its content
``InputError``     any other 4xx, a redirect (no request goes to a host that nobody named), a web page in place of JSON
``RunError``       the attempts are used up

The key appears in the request's header and nowhere else.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import logging
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import stamina

from wolfnote.errors import InputError, RunError
from wolfnote.models import endpoint as endpoints
from wolfnote.models.endpoint import Endpoint, Remote
from wolfnote.models.remote.usage import Usage

T = TypeVar("T")
PASSING = (408, 409, 425, 429)
LONGEST_PAUSE = 30.0
LONGEST_WAIT = 300.0
"""Seconds of Retry-After that are sat out; a server that asks for more ends the run, which can go on later."""

# stamina tells each retry to its logger, and a logger without a handler prints to stderr; whoever sets handlers still hears it
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Passing(Exception):
    """A failure that may be gone at the next attempt; ``wait``: the seconds that the server asked for, if it was reached."""

    def __init__(self, reason: str, wait: float | None = None, *, reached: bool = True) -> None:
        super().__init__(reason)
        self.wait, self.reached = wait, reached


class Unreachable(RunError):
    """No connection to the host came to stand."""


class Connection:
    """One server, one model name on it, one pool of sockets, safe to use from many threads."""

    def __init__(self, endpoint: Endpoint, settings: Remote) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self.usage = Usage()
        self._key = endpoints.key(settings, where=endpoint.url)
        try:
            httpx.URL(endpoint.url)
        except httpx.InvalidURL as error:
            raise InputError(f"not an address ({error})", where=endpoint.url, remedy=endpoints.FORM) from None
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            limits=httpx.Limits(max_connections=settings.concurrency),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            follow_redirects=False,
            trust_env=not endpoint.loopback,  # a proxy for this machine's own address would send it elsewhere
        )
        weakref.finalize(self, self._client.close)

    def post(
        self,
        path: str,
        body: dict[str, Any],
        read: Callable[[dict[str, Any]], T],
        *,
        attempts: int | None = None,
        stopped: threading.Event | None = None,
    ) -> T:
        """``read`` of the reply to a request for this model. ``read`` raises ``Passing`` for a reply that lacks its content.

        ``path`` lies under the address, or beside its ``/v1`` when it begins with a slash. Raises ``InputError`` and
        ``RunError`` as the module says; once ``stopped`` is set, nothing is tried again.
        """
        return self._ask("POST", self._url(path), {"model": self.endpoint.name, **body}, read, attempts, stopped)

    def names(self) -> dict[str, str]:
        """The models that the server offers, name → owner. Raises like ``post``, ``Unreachable`` after three attempts."""
        return self._ask("GET", self._url("models"), None, _names, min(3, self.settings.attempts), None)

    def _url(self, path: str) -> str:
        return self.endpoint.root + path if path.startswith("/") else f"{self.endpoint.url}/{path}"

    def _ask(
        self,
        method: str,
        url: str,
        body: dict[str, Any] | None,
        read: Callable[[dict[str, Any]], T],
        attempts: int | None,
        stopped: threading.Event | None,
    ) -> T:
        def pause(error: Exception) -> bool | float:
            if not isinstance(error, Passing) or (stopped is not None and stopped.is_set()):
                return False
            jitter = random.uniform(0, self.settings.backoff)  # noqa: S311 - spreads requests, keeps no secret
            return True if error.wait is None else error.wait + jitter

        limit = attempts or self.settings.attempts
        started = time.monotonic()
        try:
            for attempt in stamina.retry_context(
                on=pause,
                attempts=limit,
                timeout=None,
                wait_initial=self.settings.backoff,
                wait_max=LONGEST_PAUSE,
                wait_jitter=self.settings.backoff,
            ):
                with attempt:
                    if body is not None:
                        self.usage.asked(again=attempt.num > 1)
                    reply = self._once(method, url, body)
                    found = read(reply)
        except Passing as error:
            raise self._given_up(error, limit) from None
        if "choices" in reply:
            self.usage.answered(reply, time.monotonic() - started)
        return found

    def _once(self, method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()  # ASCII: a lone surrogate stays writable
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            response = self._client.request(method, url, content=content, headers=headers)
        except (httpx.TransportError, httpx.DecodingError) as error:
            reached = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
            raise Passing(str(error) or type(error).__name__, reached=reached) from None
        self._check(response)
        try:
            found = response.json()
        except (ValueError, RecursionError):
            raise Passing("malformed JSON") from None
        if not isinstance(found, dict):
            raise Passing("JSON without an object")
        return found

    def _check(self, response: httpx.Response) -> None:
        """Raise what the status calls for; return when there should be an answer in the body."""
        status = response.status_code
        if status in PASSING or status >= 500:
            raise self._passing(response)
        if response.is_redirect:
            target = response.next_request.url if response.next_request else None
            place = f"{target.scheme}://{target.netloc.decode()}{target.path}" if target else "elsewhere"
            message = f"the server sends requests on to {place}"
            raise InputError(message, where=self.endpoint.url, remedy="name that address if you trust it")
        if "html" in response.headers.get("content-type", "") or response.content[:64].lstrip().startswith(b"<"):
            message = "this is a web page, not an OpenAI-compatible endpoint"
            raise InputError(message, where=self.endpoint.url, remedy="check the address, it usually ends in /v1")
        if status >= 300:
            raise self._refusal(response)

    def _passing(self, response: httpx.Response) -> Exception:
        reason = f"HTTP {response.status_code}{self._said(response)}"
        wait = _retry_after(response.headers.get("retry-after", ""))
        if wait is not None and wait > LONGEST_WAIT:
            return RunError(f"{self.endpoint.host} asks to wait {wait:.0f} s ({reason}): later, {_GO_ON}")
        return Passing(reason, wait)

    def _given_up(self, error: Passing, attempts: int) -> RunError:
        host, count = self.endpoint.host, f"attempts: {attempts}"
        if error.reached:
            return RunError(f"{host} gave no usable answer ({error}; {count}): {_GO_ON}")
        remedy = f"start the server or check the address; then {_GO_ON}"
        return Unreachable(f"{host} cannot be reached ({error}; {count}): {remedy}")

    def _refusal(self, response: httpx.Response) -> InputError:
        status, where = response.status_code, self.endpoint.url
        if status in (401, 403):  # what the server says here may repeat the key
            variable = self.settings.key_variable
            message = "the server refused the key" if self._key else "the server asks for a key"
            return InputError(f"{message} (HTTP {status})", where=where, remedy=f"put a valid one into {variable}")
        names = self._offered() if response.url.path.endswith("/chat/completions") else []
        if names and self.endpoint.name not in names:
            return unknown_model(self.endpoint, names)
        remedy = "check the address, it usually ends in /v1" if status == 404 else "ask for what this server offers"
        return InputError(f"HTTP {status}{self._said(response)}", where=where, remedy=remedy)

    def _offered(self) -> list[str]:
        try:
            return list(self.names())
        except (InputError, RunError):
            return []

    def _said(self, response: httpx.Response) -> str:
        """The server's own words for an error, one short line, with the key blotted out."""
        try:
            found: Any = response.json()
        except (ValueError, RecursionError):
            return ""
        for step in ("error", "message"):
            found = found.get(step, found) if isinstance(found, dict) else found
        text = " ".join(found.split())[:200] if isinstance(found, str) else ""
        text = text.replace(self._key, "[key]") if self._key else text
        return f": {text}" if text else ""


_GO_ON = "the same command goes on from here"


def unknown_model(endpoint: Endpoint, names: list[str]) -> InputError:
    """The line for a name that the server does not offer, with those that it does."""
    offered = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return InputError(f"no model called {endpoint.name!r} here", where=endpoint.url, remedy=f"offered: {offered}")


def _names(reply: dict[str, Any]) -> dict[str, str]:
    rows = reply.get("data")
    if not isinstance(rows, list):
        raise Passing("a list of models without models")
    return {str(row["id"]): str(row.get("owned_by", "")) for row in rows if isinstance(row, dict) and "id" in row}


def _retry_after(text: str) -> float | None:
    """Seconds from a Retry-After header: a number, or a date to wait for."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(text) - datetime.datetime.now(datetime.UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds == seconds else None
