"""Pictures as inline SVG: they follow light and dark by CSS variables, need no script, and carry their own alt text.

A plotting library would bring its own colours, fonts and 50 MB; what is drawn here is dots, lines and bars
(``docs/decisions/plots.md``). Everything that comes from data is escaped by the template that prints these strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 720


class Row(NamedTuple):
    """One line of an interval plot: a label, a point with bounds, and a colour class."""

    label: str
    value: float
    low: float | None
    high: float | None
    tone: str


class Series(NamedTuple):
    """One line of a curve plot, with a band around zero that chance would fill."""

    label: str
    values: Sequence[float]
    tone: str


class Mark(NamedTuple):
    """One dot of a scatter plot: where, its colour class, what stands beside it, and its tip."""

    x: float
    y: float
    tone: str
    label: str
    tip: str


class _Scale(NamedTuple):
    low: float
    factor: float
    start: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) * self.factor


def intervals(rows: Sequence[Row], *, title: str, unit: str, mark: float | None = None, mark_label: str = "") -> Markup:
    """Points with intervals, one a line, zero marked; ``mark`` draws a tolerance."""
    left, right, step, top = 250, 30, 30, 14
    ends = [e for r in rows for e in (r.value, r.low, r.high) if e is not None] + [0.0] + ([mark] if mark is not None else [])
    low, high = _widen(min(ends), max(ends))
    x = _scale(low, high, left, WIDTH - right)
    height = top + step * len(rows) + 40
    parts = [_grid(x, low, high, top, height - 40, unit, height)]
    if mark is not None:
        parts.append(_line(x(mark), top, x(mark), height - 40, "mark"))
        beyond = x(mark) > WIDTH - 120
        parts.append(_text(x(mark) + (-4 if beyond else 4), top + 2, mark_label, "note end" if beyond else "note"))
    for i, row in enumerate(rows):
        y = top + step * i + step / 2
        parts.append(_text(left - 12, y + 4, row.label, "label end"))
        if row.low is not None and row.high is not None:
            parts.append(_line(x(row.low), y, x(row.high), y, f"bar {row.tone}"))
        tip = f"{row.label}: {row.value:+.3f}" + (
            f" [{row.low:+.3f}, {row.high:+.3f}]" if row.low is not None and row.high is not None else ""
        )
        parts.append(_dot(x(row.value), y, 5, row.tone, tip))
    return _svg(height, title, parts)


def strips(groups: Sequence[tuple[str, Sequence[tuple[str, Sequence[float], str]]]], *, title: str, unit: str) -> Markup:
    """Every item as a dot: one strip a model in each group, the mean as a bar. ``groups``: (name, [(label, values, tone)])."""
    left, right, step, top = 250, 30, 40, 14
    every = [v for _, strips_ in groups for _, values, _ in strips_ for v in values] or [0.0]
    low, high = _widen(min([*every, 0.0]), max([*every, 0.0]))
    x = _scale(low, high, left, WIDTH - right)
    lines = [(name, *strip) for name, strips_ in groups for strip in strips_]
    height = top + step * len(lines) + 40
    parts = [_grid(x, low, high, top, height - 40, unit, height)]
    for i, (name, label, values, tone) in enumerate(lines):
        y = top + step * i + step / 2
        parts.append(_text(left - 12, y + 4, f"{name} · {label}", "label end"))
        for k, value in enumerate(values):
            parts.append(_dot(x(value), y + ((k * 7) % 17 - 8), 2.6, f"{tone} faint", f"{value:+.2f}"))
        if values:
            centre = sum(values) / len(values)
            parts.append(_line(x(centre), y - 13, x(centre), y + 13, f"mean {tone}"))
    return _svg(height, title, parts)


def rows(counts: Sequence[tuple[int, str, str]], *, title: str) -> Markup:
    """Every row as a dot, fifty a line. ``counts``: how many, their colour class, their tip; at most two thousand are drawn."""
    each, left, top = 14, 10, 12
    total = sum(n for n, _, _ in counts)
    shown = [max(1, n * 2000 // total) if n and total > 2000 else n for n, _, _ in counts]
    dots = [(tone, tip) for n, (_, tone, tip) in zip(shown, counts, strict=True) for _ in range(n)]
    parts = [_dot(left + at % 50 * each, top + at // 50 * each, 4.6, tone, tip) for at, (tone, tip) in enumerate(dots)]
    return _svg(top + (len(dots) + 49) // 50 * each, title, parts)


def moves(rows: Sequence[tuple[str, float, float]], *, title: str, unit: str, tones: tuple[str, str]) -> Markup:
    """Two dots a line on 0–100, before and after, joined: (label, before, after)."""
    left, right, step, top = 330, 30, 18, 10
    x = _scale(-3.0, 103.0, left, WIDTH - right)
    height = top + step * len(rows) + 40
    parts = [_grid(x, 0.0, 100.0, top, height - 40, unit, height)]
    for i, (label, before, after) in enumerate(rows):
        y = top + step * i + step / 2
        parts.append(_text(left - 12, y + 4, label, "tick end"))
        parts.append(_line(x(before), y, x(after), y, f"bar faint {tones[after > before]}"))
        for value, tone, radius in ((before, tones[0], 4.0), (after, tones[1], 4.0)):
            parts.append(_dot(x(value), y, radius, tone, f"{label}: {before:.0f} → {after:.0f}"))
    return _svg(height, title, parts)


def scatter(marks: Sequence[Mark], *, title: str, across: str, up: str) -> Markup:
    """Dots over two measures, with zero marked on both."""
    left, right, top, height = 60, 30, 26, 340
    x = _scale(*_widen(min([0.0, *(m.x for m in marks)]), max([0.0, *(m.x for m in marks)])), left, WIDTH - right)
    low, high = _widen(min([0.0, *(m.y for m in marks)]), max([0.0, *(m.y for m in marks)]))
    y = _scale(low, high, height - 50, top)
    parts = [_grid(x, x.low, x.low + (WIDTH - right - left) / x.factor, top, height - 50, across, height)]
    for value in _ticks(low, high):
        parts += [
            _line(left, y(value), WIDTH - right, y(value), "zero" if value == 0 else "grid"),
            _text(left - 8, y(value) + 4, f"{value:g}", "tick end"),
        ]
    parts.append(_text(left, top - 10, up, "note"))
    for m in marks:
        beyond = x(m.x) > WIDTH - 160
        parts.append(_dot(x(m.x), y(m.y), 5, m.tone, m.tip))
        parts.append(_text(x(m.x) + (-9 if beyond else 9), y(m.y) + 4, m.label, "note end" if beyond else "note"))
    return _svg(height, title, parts)


def curves(
    series: Sequence[Series], low: Sequence[float], high: Sequence[float], *, title: str, unit: str, mark: int
) -> Markup:
    """Lines over layers, with the band that random directions fill, and the layer named beforehand."""
    left, right, top, height = 60, 20, 14, 320
    n = len(low)
    ends = [*low, *high, *(v for s in series for v in s.values), 0.0]
    bottom, ceiling = _widen(min(ends), max(ends))
    x = _scale(0, max(1, n - 1), left, WIDTH - right)
    y = _scale(bottom, ceiling, height - 50, top)
    band = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in [*enumerate(high), *reversed(list(enumerate(low)))])
    parts = [Markup('<polygon class="band" points="{}"><title>95 % of random directions</title></polygon>').format(band)]
    for value in _ticks(bottom, ceiling):
        parts += [
            _line(left, y(value), WIDTH - right, y(value), "zero" if value == 0 else "grid"),
            _text(left - 8, y(value) + 4, f"{value:g}", "tick end"),
        ]
    for i in range(0, n, 5):
        parts.append(_text(x(i), height - 32, str(i), "tick middle"))
    parts += [
        _text((left + WIDTH) / 2, height - 12, "decoder block (0 = first)", "note middle"),
        _text(left, top - 2, unit, "note"),
    ]
    parts += [
        _line(x(mark), top, x(mark), height - 50, "mark"),
        _text(x(mark) + 4, top + 10, f"layer {mark}, named beforehand", "note"),
    ]
    for s in series:
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(s.values))
        parts.append(
            Markup('<polyline class="curve {}" points="{}"><title>{}</title></polyline>').format(s.tone, points, s.label)
        )
    return _svg(height, title, parts)


def _svg(height: float, title: str, parts: Sequence[str]) -> Markup:
    body = Markup("").join(parts)
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>').format(
        WIDTH, f"{height:g}", title, title, body
    )


def _grid(x: _Scale, low: float, high: float, top: float, bottom: float, unit: str, height: float) -> Markup:
    parts = []
    for value in _ticks(low, high):
        parts += [
            _line(x(value), top, x(value), bottom, "zero" if value == 0 else "grid"),
            _text(x(value), bottom + 16, f"{value:g}", "tick middle"),
        ]
    parts.append(_text((x(low) + x(high)) / 2, height - 6, unit, "note middle"))
    return Markup("").join(parts)


def _dot(x: float, y: float, radius: float, tone: str, tip: str) -> Markup:
    shape = '<circle class="dot {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
    return Markup(shape).format(tone, f"{x:.1f}", f"{y:.1f}", radius, tip)  # noqa: S704 - a literal, one line up


def _line(x1: float, y1: float, x2: float, y2: float, tone: str) -> Markup:
    shape = '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>'
    return Markup(shape).format(tone, *(f"{v:.1f}" for v in (x1, y1, x2, y2)))  # noqa: S704 - a literal, one line up


def _text(x: float, y: float, text: str, tone: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(tone, f"{x:.1f}", f"{y:.1f}", escape(text))


def _scale(low: float, high: float, start: float, stop: float) -> _Scale:
    return _Scale(low, (stop - start) / ((high - low) or 1.0), start)


def _widen(low: float, high: float) -> tuple[float, float]:
    room = 0.06 * ((high - low) or 1.0)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    span = high - low
    size = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e9) if span / s <= 7)
    first = int(low // size)
    return [round(k * size, 6) for k in range(first, int(high // size) + 1) if low <= k * size <= high]
