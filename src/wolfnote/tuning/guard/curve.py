"""What a watch leaves: one row a look, and a picture of them that any browser shows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from wolfnote.tuning.guard.warning import Look

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 24, 44
STYLE = (
    "text{font:12px system-ui,sans-serif}.band{fill:#8888;opacity:.4}.zero{stroke:#888}"
    ".curve{stroke:#3465a4;stroke-width:2;fill:none}.mark{stroke:#c0392b}"
)


def of(persona: str, mode: str, looks: Sequence[Look]) -> list[dict[str, Any]]:
    """One row a look; ``limit`` is None where no direction was flagged."""
    return [
        {"persona": persona, "mode": mode, **look._asdict(), "limit": look.limit if math.isfinite(look.limit) else None}
        for look in looks
    ]


def write(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """The rows, one a line, and the picture beside them, whole or not at all."""
    texts = {file: "".join(json.dumps(row) + "\n" for row in rows), file.with_suffix(".svg"): draw(rows, STYLE)}
    file.parent.mkdir(parents=True, exist_ok=True)
    for target, text in texts.items():
        draft = target.with_name(target.name + ".part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)


def draw(rows: Sequence[dict[str, Any]], style: str = "") -> Markup:
    """The level along the persona over the steps, with the band that random directions fill; a page has its own style."""
    if not rows:
        return Markup('<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="no look yet"></svg>')
    xs = [row["step"] for row in rows]
    ys = [row[key] for row in rows for key in ("level", "low", "high")] + [0.0]
    low, high = min(ys), max(ys) if max(ys) > min(ys) else min(ys) + 1

    def at(step: float, value: float) -> str:
        across = (step - xs[0]) / max(1, xs[-1] - xs[0])
        up = (value - low) / (high - low)
        return f"{LEFT + across * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM):.1f}"

    band = " ".join([at(r["step"], r["high"]) for r in rows] + [at(r["step"], r["low"]) for r in reversed(rows)])
    parts = [_shape("polygon", "band", band), _shape("polyline", "zero", f"{at(xs[0], 0)} {at(xs[-1], 0)}")]
    parts.append(_shape("polyline", "curve base", " ".join(at(r["step"], r["level"]) for r in rows)))
    warned = next((r["step"] for r in rows if r["flagged"]), None)
    if warned is not None:
        parts.append(_shape("polyline", "mark", f"{at(warned, low)} {at(warned, high)}"))
    persona = rows[0]["persona"]
    title = f"Level of the answers along {persona}, with the band of 95 % of random directions"
    ends = [(LEFT, HEIGHT - 24, str(xs[0])), (WIDTH - RIGHT - 30, HEIGHT - 24, str(xs[-1])), (WIDTH // 2, HEIGHT - 8, "step"),
            (8, TOP, f"{high:+.2f}"), (8, HEIGHT - BOTTOM, f"{low:+.2f}"), (LEFT, 14, f"level along {persona}")]  # fmt: skip
    parts += [Markup('<text class="note" x="{}" y="{}">{}</text>').format(*end) for end in ends]
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
    )
    begin = Markup(head).format(WIDTH, HEIGHT, title, title)  # noqa: S704 - a literal, one line up
    if style:
        parts.insert(0, Markup("<style>{}</style>").format(style))
    return begin + Markup("").join(parts) + Markup("</svg>")


def _shape(kind: str, tone: str, points: str) -> Markup:
    return Markup('<{} class="{}" points="{}"/>').format(kind, tone, points)
