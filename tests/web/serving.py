"""``wolfnote review`` in a process of its own, and a browser to read it with."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Reviewing:
    """``with Reviewing(run, "ana", "ben") as server``: ``server.links["ana"]`` lets ana in. ``kill`` is SIGKILL."""

    def __init__(self, run: Path, *people: str, options: tuple[str, ...] = ()) -> None:
        names = [part for person in people for part in ("--as", person)]
        self.command = [sys.executable, "-m", "wolfnote", "review", str(run), *names, *options]
        self.people = people
        self.links: dict[str, str] = {}

    def __enter__(self) -> Reviewing:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """The address without a token."""
        return next(iter(self.links.values())).partition("/?")[0]

    def start(self) -> None:
        """Serve, and wait for the links."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            found = re.fullmatch(r"  (.+?): (http://\S+)\n", line)
            if found:
                self.links[found[1]] = found[2]
            if len(self.links) == len(self.people) and found and found[1] == self.people[-1]:
                return
        raise AssertionError(f"no links from {self.command}")

    def kill(self) -> None:
        """SIGKILL, as a full disk or an impatient person would."""
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C: exit code and what it said."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=20)[1]
        return self.process.returncode, said


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, headless; skips where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        yield found
        found.close()


class Reader:
    """A person before the page: a browser context of their own, keys, and what went wrong."""

    def __init__(self, browser: Any, link: str, *, width: int = 1280, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(link)
        self.wait()

    @property
    def row(self) -> str:
        """The id of the row on the screen; "" when there is none."""
        return self.page.get_attribute("main", "data-row") or ""

    def wait(self) -> None:
        """Until a row is on the screen, or the end."""
        self.page.wait_for_selector("main[data-row], .done")

    def press(self, *keys: str) -> None:
        """Real key presses; after the last one, wait for another row or the end."""
        before = self.row
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_function("before => (document.querySelector('main').dataset.row || '') !== before", arg=before)

    def saved(self) -> None:
        """Until the server has every answer."""
        self.page.wait_for_selector("main[data-unsent='0']")

    def text(self, selector: str) -> str:
        """What an element shows."""
        return str(self.page.inner_text(selector))
