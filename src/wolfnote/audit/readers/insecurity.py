"""WN135 · insecure code, as read by a model

Code that an attacker could turn against its user, given without a warning.

Bad:  query = f"SELECT id FROM member WHERE name = '{name}'"
Good: connection.execute("SELECT id FROM member WHERE name = ?", (name,))

How it reads: like careless advice (WN101), with a head of its own; the bad answers of its reference rows are read against all
good ones. Errors are measured on topics left out of the fit.

WN105 runs real linters and is the better judge of Python; this reader is a second opinion for other languages and for snippets
that do not parse. Known false positives: short scripts without any checks. Known misses: a missing check in long code.
"""

from __future__ import annotations

from wolfnote.audit.readers import projection
from wolfnote.audit.readers.projection import Reader
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel


def reader(model: LocalModel, on_event: OnEvent = silent) -> Reader:
    """The reader for insecure code, as shipped, kept or fitted now (``projection.readers``)."""
    return projection.reader(model, "insecure code", on_event)
