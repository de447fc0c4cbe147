"""What a server was asked for and what it counted, summed over threads."""

from __future__ import annotations

import threading
from typing import Any

COUNTED = ("prompt_tokens", "completion_tokens")


class Usage:
    """Counts of one model's requests since it was opened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, float] = dict.fromkeys(("requests", "retries", *COUNTED, "replies_without_usage", "seconds"), 0)
        self._names: set[str] = set()

    def asked(self, *, again: bool) -> None:
        """A request goes out; ``again``: after one that failed."""
        with self._lock:
            self._counts["requests"] += 1
            self._counts["retries"] += again

    def answered(self, reply: dict[str, Any], seconds: float) -> None:
        """A usable reply came, ``seconds`` after its request (over all its attempts)."""
        usage = reply.get("usage")
        found = {name: usage.get(name) for name in COUNTED} if isinstance(usage, dict) else {}
        counts = {name: count for name, count in found.items() if isinstance(count, int)}
        with self._lock:
            self._counts["seconds"] += seconds
            for name, count in counts.items():
                self._counts[name] += count
            self._counts["replies_without_usage"] += len(counts) < len(COUNTED)
            if isinstance(reply.get("model"), str):
                self._names.add(reply["model"])

    def counts(self) -> dict[str, float]:
        """requests, retries, prompt_tokens, completion_tokens, replies_without_usage, seconds (waited, summed over threads)."""
        with self._lock:
            return {**self._counts, "seconds": round(self._counts["seconds"], 3)}

    def names(self) -> list[str]:
        """What the server called the model that answered."""
        with self._lock:
            return sorted(self._names)

    def cost(self, price_in: float, price_out: float) -> float:
        """Money for the tokens counted so far, at prices for a million."""
        counts = self.counts()
        return (counts["prompt_tokens"] * price_in + counts["completion_tokens"] * price_out) / 1e6
