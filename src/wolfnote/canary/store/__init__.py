"""Where experiments are kept: ``open`` takes a path (SQLite) or ``postgresql://…``."""

from wolfnote.canary.store.store import Kept, Rule, Store, Unreachable

__all__ = ["Kept", "Rule", "Store", "Unreachable"]
