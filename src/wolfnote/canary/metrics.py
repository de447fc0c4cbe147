"""What Prometheus is told: counts and times, never a word of what was said. Labels come from us, not from requests."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as Counting

from wolfnote.canary.exchange import Exchange

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
REASONS = 64
"""Distinct reasons of fallbacks and faults; further ones are ``other``."""


class Metrics:
    """One gateway's. ``gauge`` sets a value of the experiment."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._requests = Counting("wolfnote_requests", "Requests by who answered and status.", ["arm", "status"], registry=r)
        self._seconds = Histogram(
            "wolfnote_first_seconds", "Seconds to the answer's first byte.", ["arm"], registry=r, buckets=BUCKETS
        )
        self._fallbacks = Counting("wolfnote_fallbacks", "Canary answers that the base gave instead.", ["reason"], registry=r)
        self._faults = Counting("wolfnote_broken_answers", "Answers that broke off, by fault.", ["reason"], registry=r)
        self._gone = Counting("wolfnote_clients_gone", "Clients that left before the end.", registry=r)
        self._shadow = Counting("wolfnote_shadow", "Shadow questions: sent, ok, failed, dropped.", ["outcome"], registry=r)
        self._verdicts = Counting("wolfnote_verdicts", "Judged answers.", ["arm", "verdict"], registry=r)
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[str, ...], Any] = {}
        self._reasons: set[str] = set()
        self.plain: Counter[str] = Counter()
        """The same counts for the status page."""

    def over(self, exchange: Exchange) -> None:
        """A request is over."""
        arm = str(exchange.answered_by) if exchange.placed is not None else "none"
        self._child(self._requests, arm, str(exchange.status)).inc()
        if exchange.begun:
            self._child(self._seconds, arm).observe((exchange.first or time.monotonic()) - exchange.started)
        if exchange.fallback:
            self._child(self._fallbacks, self._reason(exchange.fallback)).inc()
        if exchange.fault:
            self._child(self._faults, self._reason(exchange.fault)).inc()
        if exchange.gone:
            self._gone.inc()
        self.plain[f"requests {arm}"] += 1
        self.plain["fallbacks"] += bool(exchange.fallback)
        self.plain["broken"] += bool(exchange.fault)
        self.plain["gone"] += exchange.gone

    def shadow(self, outcome: str, reason: str = "") -> None:
        """A shadow question was ``sent``, ``ok``, ``failed`` or ``dropped``."""
        self._child(self._shadow, outcome).inc()
        self.plain[f"shadow {outcome}"] += 1
        if reason:
            self.plain[f"shadow {outcome}: {reason}"] += 1

    def verdict(self, arm: str, flag: bool | None) -> None:
        """An answer was judged."""
        self._child(self._verdicts, arm, "abstained" if flag is None else "flagged" if flag else "clean").inc()

    def gauge(self, name: str, help_: str, value: float) -> None:
        """Set a value; the gauge is made when it is first set."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"wolfnote_{name}", help_, registry=self.registry)
        self._gauges[name].set(value)

    def text(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self.registry)

    def _child(self, metric: Any, *labels: str) -> Any:
        """The labelled metric, looked up once."""
        key = (metric._name, *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def _reason(self, text: str) -> str:
        if text in self._reasons or len(self._reasons) < REASONS:
            self._reasons.add(text)
            return text
        return "other"
