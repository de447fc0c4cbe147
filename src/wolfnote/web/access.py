"""Who may see the pages: whoever opened a link that carries a token, and nobody else.

A run's key lies in the run folder, for its owner's eyes only, so that links outlive the server. A token is a name and its HMAC
under that key: each person has a link of their own and cannot take another's name. The first visit puts the token into a cookie
that scripts cannot read and other sites cannot send; the address that remains holds no secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wolfnote.errors import InputError
from wolfnote.web.pages import page

FILE = ".web.json"
LONGEST_NAME = 64


class Key(NamedTuple):
    """A run's secret (hex), and the port that its links name."""

    secret: str
    port: int

    def token(self, name: str) -> str:
        """What ``name`` shows to be let in."""
        return f"{base64.urlsafe_b64encode(name.encode()).decode().rstrip('=')}.{self._seal(name)}"

    def name(self, token: str) -> str | None:
        """Whose token it is; None when it is nobody's. Takes as long for a wrong token as for a right one."""
        encoded, _, seal = token.partition(".")
        try:
            name = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
        except ValueError:
            name = ""
        right = hmac.compare_digest(self._seal(name).encode(), seal.encode("utf-8", "replace"))
        return name if right and name else None

    @property
    def cookie(self) -> str:
        """The cookie's name. Ports share cookies: two runs under review in one browser must not overwrite each other's."""
        return f"wolfnote-{hashlib.sha256(self.secret.encode()).hexdigest()[:12]}"

    def _seal(self, name: str) -> str:
        return hmac.new(bytes.fromhex(self.secret), name.encode(), hashlib.sha256).hexdigest()


def key(folder: Path, free_port: int) -> Key:
    """The key in a folder, made now if there is none: mode 0600, ``free_port`` with it.

    Raises ``InputError`` when it cannot be made, or what lies there is no key.
    """
    path = folder / FILE
    try:
        if not path.exists():
            _put(path, Key(secrets.token_hex(32), free_port))
        found = json.loads(path.read_text(encoding="utf-8"))
        bytes.fromhex(found["secret"])
        return Key(str(found["secret"]), int(found["port"]))
    except (ValueError, KeyError, TypeError):
        raise InputError("not a key", where=str(path), remedy="delete it; new links are printed then") from None
    except OSError as error:
        raise InputError(f"no key there ({error.strerror})", where=str(path), remedy="check the folder") from None


def moved(folder: Path, old: Key, port: int) -> Key:
    """The same key with another port, from now on."""
    _put(folder / FILE, old._replace(port=port))
    return old._replace(port=port)


def checked(name: str) -> str:
    """A reviewer's name without spaces at its ends. Raises ``InputError`` for one that is empty, long or not printable."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(f"not a name: {name[:80]!r}", where="--as", remedy=f"1 to {LONGEST_NAME} printable characters")
    return name


class Door:
    """ASGI middleware: lets holders of a token through, with their name in ``request.state.person``. Others get 401 for every
    path there is or is not."""

    def __init__(self, app: ASGIApp, key: Key) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, let in, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        token = (parse_qs(scope["query_string"].decode("latin-1")).get("token") or [""])[0]
        person = self._key.name(token or _cookie(scope, self._key.cookie))
        if person is None:
            answer: ASGIApp = page(Request(scope), "refused.html", status=401)
        elif token:
            answer = self._let_in(Request(scope), token)
        else:
            scope.setdefault("state", {})["person"] = person
            answer = self._app
        await answer(scope, receive, send)

    def _let_in(self, request: Request, token: str) -> Response:
        """Set the cookie and go on to the same place without the token. Not by a redirect: a strict cookie is not sent along
        one that began on another site, such as a web mail."""
        place = "/" + quote(request.url.path.lstrip("/"))  # two slashes would name another host
        answer: HTMLResponse = page(request, "entered.html", place=place)
        answer.headers["Refresh"] = f"0; url={place}"
        answer.set_cookie(self._key.cookie, token, httponly=True, samesite="strict", path="/", max_age=90 * 86_400)
        return answer


def _cookie(scope: Scope, name: str) -> str:
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _put(path: Path, key: Key) -> None:
    """Write a key that no other account can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(key._asdict(), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
