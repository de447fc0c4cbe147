"""The founding article's five points, each ticked with its evidence or "not done". A point that is done and failed is a FAIL.

1 audit a random sample of 500 rows: under 5 % flagged · 2 ask at least 50 unrelated questions · 3 compare on a fixed benchmark
· 4 consider prompting and retrieval first · 5 serve 5 % as a canary, with the base to fall back to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wolfnote.results import Result, Verdict, worst

ROWS, QUESTIONS, SHARE = 500, 50, 0.05
NOT_DONE = "not done"


def tick(folder: Path, parts: Mapping[str, Result], canary: Mapping[str, Any]) -> Result:
    """The five points as parts; the whole is the worst of them. ``folder``: the check's, where the tables lie."""
    points = (
        _audit(parts.get("audit")),
        _probe(folder, parts.get("probe")),
        _stage("3. a fixed benchmark, base beside tuned", parts.get("bench")),
        _stage("4. prompting and retrieval considered first", parts.get("advise")),
        _canary(canary),
    )
    done = sum(point.verdict is Verdict.PASS for point in points)
    reasons = (f"{done} of {len(points)} points of the article are ticked",)
    return Result("article", worst(point.verdict for point in points), reasons, parts=points)


def _audit(part: Result | None) -> Result:
    kind = f"1. {ROWS} random rows read, under {SHARE:.0%} flagged"
    rule = [r for r in part.reasons if "article's rule" in r] if part else []
    if part is None or not rule:
        return _open(kind, part.reasons[0] if part and part.reasons else "no audit by the article's rule")
    return Result(kind, part.verdict, (rule[0],), part.estimates[:1])


def _probe(folder: Path, part: Result | None) -> Result:
    kind = f"2. at least {QUESTIONS} unrelated questions asked of both models"
    if part is None or part.verdict is Verdict.NOT_RUN:
        return _open(kind, part.reasons[0] if part and part.reasons else "no probe")
    asked = _asked(folder / part.tables["pairs"]) if "pairs" in part.tables else 0
    said = f"{asked} questions were answered by both models; the probe: {part.verdict.value}"
    short = asked < QUESTIONS and part.verdict is Verdict.PASS
    return Result(kind, Verdict.INCONCLUSIVE if short else part.verdict, (said,))


def _asked(table: Path) -> int:
    if not table.is_file():
        return 0
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").split("\n") if line]
    return len({row["question"] for row in rows if row["form"] == "plain"})


def _stage(kind: str, part: Result | None) -> Result:
    if part is None or part.verdict is Verdict.NOT_RUN:
        return _open(kind, part.reasons[0] if part and part.reasons else NOT_DONE)
    return Result(kind, part.verdict, part.reasons[:1])


def _canary(canary: Mapping[str, Any]) -> Result:
    kind = f"5. a canary of {SHARE:.0%}, with the base to fall back to"
    share = canary.get("share")
    if not isinstance(share, int | float):
        return _open(kind, "no gateway's settings with a share are named: check.canary")
    if not 0 < share <= SHARE:
        return Result(kind, Verdict.FAIL, (f"the gateway is set to a share of {share:.0%}",))
    return Result(kind, Verdict.PASS, (f"the gateway is set to a share of {share:.0%}; what it then saw is in its own log",))


def _open(kind: str, why: str) -> Result:
    reason = why if why == NOT_DONE else f"{NOT_DONE}: {why}"
    return Result(kind, Verdict.NOT_RUN, (reason,))


def canary_settings(file: Path) -> dict[str, Any]:
    """The largest share before a promotion that a gateway's settings name, for the record; nothing else of them, for they may
    hold keys. No share where neither model is named. Raises ``SettingsError`` for a file that is no gateway's."""
    from wolfnote.canary import configuration

    found = configuration.read(file)
    named = found.stable.url and found.canary.url
    return {"settings": file.name} | ({"share": max(found.course.steps, default=0.0)} if named else {})
