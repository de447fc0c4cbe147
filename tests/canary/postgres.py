"""A PostgreSQL of the test's own: initialised in a temporary folder, run by an unprivileged user, stopped afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

QUICK = ["-c", "fsync=on", "-c", "max_connections=60", "-c", "shared_buffers=16MB", "-c", "log_min_messages=fatal"]


class Server:
    """A server that can be killed and started again. ``address`` is what a store is opened with."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self.folder, self._programs, self._user = folder, programs, user
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"postgresql://wolfnote@127.0.0.1:{self.port}/postgres"

    def initialise(self) -> None:
        data = self.folder / "data"
        command = [str(self._programs / "initdb"), "-D", str(data), "-U", "wolfnote", "-A", "trust", "-N", "--locale=C"]
        subprocess.run(command, user=self._user, check=True, capture_output=True, cwd=self.folder)

    def start(self) -> None:
        where = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        command = [str(self._programs / "postgres"), *where, "-c", "listen_addresses=127.0.0.1", *QUICK]
        self._process = subprocess.Popen(
            command, user=self._user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(300):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it; ``kill``: as the power cut would."""
        if self._process is None:
            return
        self._process.kill() if kill else self._process.send_signal(2)
        self._process.wait(20)
        self._process = None


@contextmanager
def serving() -> Iterator[Server]:
    """A running server; skips the test where none can be had."""
    programs = _programs()
    user = _user()
    with tempfile.TemporaryDirectory(prefix="wolfnote-pg-") as name:
        if user:
            shutil.chown(name, user)
        server = Server(Path(name), programs, user)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop(kill=True)


def _programs() -> Path:
    """The folder that has all three programs (Debian keeps them off the path)."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *map(Path, os.get_exec_path())]
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready")):
            return folder
    pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")


def _user() -> str | None:
    """Root may not run PostgreSQL: somebody else does."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("running as root, and there is no user 'postgres' or 'nobody' to run PostgreSQL as")
