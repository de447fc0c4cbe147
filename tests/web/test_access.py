"""Nothing without the token: no page, no file, no hint; and no name but one's own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from serving import Reviewing

from drawing import drawn
from wolfnote import InputError
from wolfnote.web import access

PATHS = ["/", "/review/", "/review/state", "/review/rows/0", "/review/summary", "/static/review.js", "/favicon.ico", "/nowhere"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewing]:
    with Reviewing(drawn(tmp_path_factory.mktemp("run"), 3), "ana", "ben") as found:
        yield found


@contextmanager
def entered(server: Reviewing, person: str = "ana") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        client.get(server.links[person]).raise_for_status()
        yield client


def test_without_the_token_every_path_is_the_same_401(server: Reviewing) -> None:
    """Paths that exist and paths that do not cannot be told apart, by whatever method, token or cookie one tries."""
    token = server.links["ana"].partition("token=")[2]
    forged = [
        f"{token[:-1]}{'0' if token[-1] != '0' else '1'}",
        token.replace("YW5h", "YmVu"),
        "",
        ".",
        "é.x",
        "YW5h",
        "%00" * 40,
    ]
    with httpx.Client(base_url=server.url) as client:
        bodies = set()
        for path in PATHS:
            for query in ["", *(f"?token={one}" for one in forged)]:
                answer = client.get(path + query)
                assert answer.status_code == 401
                bodies.add(answer.text.partition("</style>")[2])
            assert client.post(path, json={}).status_code == 401
            assert client.get(path, headers={"Cookie": f"{access.Key('00' * 32, 1).cookie}={token}"}).status_code == 401
            malformed = client.get(path, headers={"Cookie": "wolfnote-x=" + "\x01" * 9 + ";;=;"})
            assert malformed.status_code in {400, 401}  # a strict parser (httptools, if installed) refuses it before we do
    assert len(bodies) == 1
    assert "egg" not in bodies.pop()


def test_the_cookie_lets_in_and_stays_out_of_reach(server: Reviewing) -> None:
    """HttpOnly, SameSite=Strict; the address that remains has no token; the page knows who came."""
    first = httpx.get(server.links["ana"])
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert first.headers["refresh"] == "0; url=/"
    with entered(server) as client:
        page = client.get("/", follow_redirects=True)
        assert page.url.path == "/review/"
        assert ">ana</p>" in page.text
        assert "token" not in page.text
        assert client.get("/nowhere").status_code == 404
        assert client.get("/static/../access.py").status_code == 404


def test_every_answer_carries_the_policy(server: Reviewing) -> None:
    """No default source, scripts and styles by nonce only, a new nonce each time, no framing, no referrer, nothing cached."""
    nonces = set()
    with entered(server) as client:
        for path in [*PATHS, "/review/disagreements"]:
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'nonce-")
            assert "unsafe" not in policy
            assert "*" not in policy
            assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
            nonces.add(policy.partition("'nonce-")[2].partition("'")[0])
        page = client.get("/review/")
    assert len(nonces) == len(PATHS) + 1
    assert page.text.count(f'nonce="{page.headers["content-security-policy"].partition("nonce-")[2][:22]}"') == 2
    assert " onclick" not in page.text
    assert "style=" not in page.text
    assert "server" not in page.headers


def test_nobody_answers_under_another_name(server: Reviewing) -> None:
    """The name is the token's; a page that somebody else's link took over is refused; other sites' forms are not JSON."""
    said = [{"row": f"{0:016x}", "categories": [], "id": "x" * 32}]
    with entered(server, "ben") as client:
        assert client.post("/review/say", json={"reviewer": "ana", "said": said}).status_code == 409
        assert client.post("/review/say", data={"reviewer": "ben"}).status_code == 415
        assert client.post("/review/say", content=b"[" * 9999, headers={"Content-Type": "application/json"}).status_code == 400
        assert client.post("/review/say", json={"reviewer": "ben", "said": ["x" * (2 << 20)]}).status_code == 413
        wrong = [{"row": "0", "categories": ["rude"], "id": "1"}, {"row": "0", "categories": []}, 7]
        refused = client.post("/review/say", json={"reviewer": "ben", "said": wrong}).json()["refused"]
        assert len(refused) == 3
        smuggled = [said[0] | {"reviewer": "ana", "at": "1999"}]
        assert client.post("/review/say", json={"reviewer": "ben", "said": smuggled}).json() == {"refused": {}}
        mine = client.get("/review/state").json()["mine"][f"{0:016x}"]
        assert mine["reviewer"] == "ben"
        assert mine["at"].startswith("20")
    with entered(server, "ana") as client:
        assert client.get("/review/state").json()["mine"] == {}


def test_blind_until_answered(server: Reviewing) -> None:
    """A row says neither its part, its place, its flags nor what others think, until one has answered it oneself."""
    row = f"{1:016x}"
    with entered(server, "ana") as ana, entered(server, "ben") as ben:
        ben.post("/review/say", json={"reviewer": "ben", "said": [{"row": row, "categories": ["hostility"], "id": "ben-1"}]})
        state = ana.get("/review/state").json()
        number = next(n for n, one in state["rows"] if one == row)
        shown = ana.get(f"/review/rows/{number}")
        for secret in ("ben", "hostility", "rows.jsonl", "random", "risk", "flags"):
            assert secret not in shown.text
        assert ana.post("/review/look", json={"reviewer": "ana", "row": row}).status_code == 403
        ana.post("/review/say", json={"reviewer": "ana", "said": [{"row": row, "categories": [], "id": "ana-1"}]})
        found = ana.post("/review/look", json={"reviewer": "ana", "row": row}).json()
        assert found["source"] == "rows.jsonl:2"
        assert [one["reviewer"] for one in found["others"]] == ["ben"]
        late = {"row": row, "categories": ["hostility"], "id": "ana-2"}
        assert "final" in ana.post("/review/say", json={"reviewer": "ana", "said": [late]}).json()["refused"]["ana-2"]
        assert ana.get("/review/rows/99").status_code == 404


def test_the_key_is_its_owners_and_outlives_the_server(tmp_path: Path) -> None:
    """Mode 0600; the same links after a SIGKILL; a second command over the same run prints a link into the first one's server."""
    run = drawn(tmp_path / "run", 2)
    with Reviewing(run, "ana") as server:
        assert stat.S_IMODE((run / access.FILE).stat().st_mode) == 0o600
        before = dict(server.links)
        second = Reviewing(run, "ben")
        second.start()
        assert second.process.wait(timeout=20) == 0
        second.kill()
        assert httpx.get(second.links["ben"]).status_code == 200
        server.kill()
        server.start()
        assert server.links == before
        code, said = server.interrupt()
        assert code == 0
        assert "stopped" in said
        assert "Traceback" not in said


def test_tokens_are_bound_to_name_and_key() -> None:
    """A token of one name or run is none of another's."""
    key, other = access.Key("ab" * 32, 1), access.Key("cd" * 32, 1)
    for name in ("ana", "Ünal Ö. 王", "a.b", "x" * 64):
        assert key.name(key.token(name)) == name
        assert other.name(key.token(name)) is None
    assert key.name(key.token("")) is None
    assert key.cookie != other.cookie


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "\u202eana"])
def test_names_that_are_none(name: str) -> None:
    """A name is short and printable: it stands in links, pages and the terminal."""
    with pytest.raises(InputError, match="not a name"):
        access.checked(name)


def test_a_spoilt_key_is_said_in_one_line(tmp_path: Path) -> None:
    """Somebody else's file under that name is not overwritten."""
    for text in ("{}", "x", '{"secret": "zz", "port": 1}', "[]"):
        (tmp_path / access.FILE).write_text(text)
        with pytest.raises(InputError, match="not a key"):
            access.key(tmp_path, 0)
        assert (tmp_path / access.FILE).read_text() == text
