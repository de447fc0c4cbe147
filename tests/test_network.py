"""Every host is listed, by name where there was one; offline, none is reached."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from wolfnote import InputError, network


class Listener:
    """An HTTP server on one of this machine's addresses that remembers what it heard."""

    def __init__(self, address: str) -> None:
        self.heard: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.heard.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer((address, 0), Handler)
        self.place = f"{address}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def outward() -> str:
    """This machine's own address on a network, if it has one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network at all")
        return str(probe.getsockname()[0])


@pytest.fixture(params=["loopback", "network"])
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    found = Listener("127.0.0.1" if request.param == "loopback" else outward())
    yield found
    found.server.shutdown()
    found.server.server_close()


RUN = """
import pathlib, sys, urllib.request, msgspec
from wolfnote import network
from wolfnote.folder import RunFolder
from wolfnote import InputError
Settings = msgspec.defstruct('Settings', [('n', int, 1)], frozen=True)
network.watch(offline=sys.argv[1] == 'offline')
with RunFolder.hold(pathlib.Path(sys.argv[2]), Settings()):
    try:
        urllib.request.urlopen(sys.argv[3], timeout=5).close()
        print('answered')
    except InputError as error:
        print(error)
"""


def visit(folder: Path, url: str, mode: str = "online") -> tuple[str, dict[str, list[str]]]:
    call = [sys.executable, "-c", RUN, mode, str(folder), url]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip(), json.loads((folder / "run.json").read_text())


def test_what_was_contacted_is_in_the_record(tmp_path: Path, listener: Listener) -> None:
    """A real server's address is in run.json; loopback stands apart."""
    said, about = visit(tmp_path / "r", f"http://{listener.place}/")
    host = listener.place.partition(":")[0]
    assert said == "answered"
    if host == "127.0.0.1":
        assert (about["hosts"], about["local_hosts"]) == ([], [listener.place])
    else:
        assert (about["hosts"], about["local_hosts"]) == ([host], [])


def test_offline_lets_loopback_through_and_nothing_else(tmp_path: Path, listener: Listener) -> None:
    """Offline, a real server beyond loopback hears nothing, and the one line names it."""
    said, about = visit(tmp_path / "r", f"http://{listener.place}/", "offline")
    host = listener.place.partition(":")[0]
    if host == "127.0.0.1":
        assert said == "answered"
        assert about["local_hosts"] == [listener.place]
    else:
        assert said.startswith(f"--offline: {host} was not contacted → ")
        assert listener.heard == []
        assert about["hosts"] == []


def test_offline_asks_for_no_name(tmp_path: Path) -> None:
    """The refusal comes before the resolver is asked: it takes no network time, and a list of contacts stays empty."""
    start = time.perf_counter()
    said, about = visit(tmp_path / "r", "http://example.com/", "offline")
    assert said.startswith("--offline: example.com was not contacted → ")
    assert "\n" not in said
    assert about["hosts"] == []
    assert time.perf_counter() - start < 5


def test_a_resumed_run_keeps_the_hosts_of_its_first_part(tmp_path: Path) -> None:
    """The list is merged, and a name that could not be resolved was still asked for."""
    with pytest.raises(subprocess.CalledProcessError):
        visit(tmp_path / "r", "http://b.invalid/")
    with pytest.raises(subprocess.CalledProcessError):
        visit(tmp_path / "r", "http://a.invalid/")
    assert json.loads((tmp_path / "r" / "run.json").read_text())["hosts"] == ["a.invalid", "b.invalid"]


def test_libraries_are_told_before_they_load(tmp_path: Path) -> None:
    """The hub's library is offline, silent and without its native downloader, from WOLFNOTE_OFFLINE alone."""
    code = (
        "from wolfnote import network; network.watch()\nimport huggingface_hub.constants as c\n"
        "print(c.HF_HUB_OFFLINE, c.HF_HUB_DISABLE_XET, c.HF_HUB_DISABLE_TELEMETRY)"
    )
    for offline in ("1", "0"):
        environment = {"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path), "WOLFNOTE_OFFLINE": offline}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        assert done.stdout.split() == [str(offline == "1"), "True", "True"]


@pytest.fixture
def watch() -> "network._Watch":
    return network._Watch()


def test_a_name_stands_for_its_addresses(watch: "network._Watch", monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry for a name and the address it led to; an address that no name led to stands for itself."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.5", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, port: answer)
    watch.resolved("Models.Example.")
    watch.connected(("203.0.113.5", 443))
    watch.connected(("203.0.113.9", 443))
    assert watch.hosts == {"models.example", "203.0.113.9"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "a.localhost", "::", b"localhost"]
)
def test_this_machine_is_not_a_host(watch: "network._Watch", host: str | bytes) -> None:
    """Every spelling of loopback is allowed offline and listed apart."""
    watch.where = "--offline"
    watch.resolved(host)
    watch.connected((host, 80))
    assert watch.hosts == set()
    assert len(watch.local) == 1


@pytest.mark.parametrize(
    "host", ["128.0.0.1", "10.0.0.1", "::ffff:8.8.8.8", "fe80::1", "localhost.example", "xn--bcher-kva.example"]
)
def test_every_other_machine_is(watch: "network._Watch", host: str) -> None:
    """Nothing that only resembles loopback is let through."""
    watch.where = "--offline"
    with pytest.raises(InputError, match="was not contacted"):
        watch.connected((host, 80))
    assert watch.hosts == watch.local == set()


def test_unix_sockets_and_digits_that_are_only_parsed_contact_nobody(watch: "network._Watch") -> None:
    """A path, a netlink address and a parsed address are not hosts."""
    watch.connected("/run/some.sock")
    watch.connected((12, 0))
    watch.resolved("203.0.113.5")
    watch.resolved(None)
    assert watch.hosts == watch.local == set()


def test_threads_lose_no_host(watch: "network._Watch") -> None:
    """Many threads at once: every host is told once, one call at a time."""
    told: list[int] = []
    inside = threading.Lock()

    def hear() -> None:
        assert inside.acquire(blocking=False)
        told.append(len(watch.hosts))
        inside.release()

    watch.tell(hear)
    work = [threading.Thread(target=lambda n=n: [watch.connected((f"10.0.{n}.{i}", 1)) for i in range(50)]) for n in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(watch.hosts) == 400
    assert sorted(told) == list(range(401))
