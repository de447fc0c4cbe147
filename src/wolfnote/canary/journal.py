"""A line of JSON a request, without what was said unless that is asked for. JSON escapes what could forge a line.

Lines are handed to a thread: a log that is slow to take them loses lines, counted, and delays nobody.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from typing import Any, BinaryIO, Literal

import msgspec

from wolfnote.canary.exchange import Exchange
from wolfnote.canary.redaction import redact

What = Literal["none", "requests", "bodies"]
ROOM = 10_000
SHOWN = 4_000


class Journal:
    """Where lines go. ``lost`` counts those that found no room."""

    def __init__(self, what: What, target: BinaryIO | None = None) -> None:
        self.what = what
        self.lost = 0
        self._target = target or sys.stderr.buffer
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue(ROOM)
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
        try:
            self._lines.put_nowait({"at": time.time(), **line})
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits, for a second at most."""
        try:
            self._lines.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(timeout=1)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._target.write(msgspec.json.encode(line) + b"\n")
                if self._lines.empty():
                    self._target.flush()
            except (OSError, ValueError):
                self.lost += 1
