"""A line of JSON a request, without what was said unless that is asked for. JSON escapes what could forge a line.

Lines are handed to a thread: a log that is slow to take them loses lines, counted, and delays nobody.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any, BinaryIO, Literal

import msgspec

from wolfnote.canary.exchange import Exchange
from wolfnote.canary.redaction import redact

What = Literal["none", "requests", "bodies"]
ROOM = 10_000
SHOWN = 4_000
EVERY = 0.1
"""Seconds between two writes."""


class Journal:
    """Where lines go. ``lost`` counts those that found no room."""

    def __init__(self, what: What, target: BinaryIO | None = None) -> None:
        self.what = what
        self.lost = 0
        self._target = target or sys.stderr.buffer
        self._lines: deque[dict[str, Any]] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def over(self, exchange: Exchange) -> None:
        """A request is over."""
        if self.what == "none":
            return
        placed = exchange.placed
        line: dict[str, Any] = {
            "event": "request",
            "id": exchange.id,
            "path": exchange.path[:200],
            "key": exchange.key.name,
            "arm": str(exchange.answered_by) if placed else None,
            "why": placed.why if placed else None,
            "status": exchange.status,
            "bytes": exchange.body_bytes,
            "first_ms": round(1000 * (exchange.first - exchange.started), 1) if exchange.begun else None,
            "ms": round(1000 * (time.monotonic() - exchange.started), 1),
        }
        extra = {"fallback": exchange.fallback, "fault": exchange.fault, "gone": exchange.gone}
        line |= {key: value for key, value in extra.items() if value}
        if self.what == "bodies" and placed is not None:
            line["question"] = redact(placed.question[:SHOWN])
            line["answers"] = {str(arm): redact(said.text[:SHOWN]) for arm, said in exchange.said.items()}
        self.tell(line)

    def tell(self, line: dict[str, Any]) -> None:
        """Another event, such as a decision."""
        if self.what == "none":
            return
        if len(self._lines) >= ROOM:
            self.lost += 1
            return
        self._lines.append({"at": time.time(), **line})

    def close(self) -> None:
        """Write what waits, for a second at most."""
        self._ended.set()
        self._thread.join(timeout=1)

    def _write(self) -> None:
        # a thread that was woken for each line would cost the loop more than the line
        while not self._ended.wait(EVERY):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        try:
            while self._lines:
                self._target.write(msgspec.json.encode(self._lines.popleft()) + b"\n")
            self._target.flush()
        except (OSError, ValueError):
            self.lost += 1
