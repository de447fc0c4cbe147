"""Every number of a run as CSV: one row an estimate, of the whole and of each part, with the part's verdict."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from wolfnote.report import reading

COLUMNS = ("part", "verdict", "estimate", "value", "low", "high", "n", "method")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(folder: Path) -> str:
    """The CSV; a part without estimates has a row too. Raises ``InputError`` when the folder holds no result."""
    result, _ = reading.finished(folder)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for name, part in reading.walk(result):
        for e in part.estimates:
            table.writerow([cell(name), part.verdict.value, cell(e.name), e.value, e.low, e.high, e.n, cell(e.method)])
        if not part.estimates:
            table.writerow([cell(name), part.verdict.value, "", "", "", "", "", ""])
    return out.getvalue()


def cell(words: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{words}" if words.startswith(FORMULA) else words
