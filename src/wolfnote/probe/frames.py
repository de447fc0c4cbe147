"""The fixed text round what changes from request to request: how prompts begin and end, and which lines stand between.

Requests are followed word by word from the front and from the back. Where nearly all that came this far go on alike, the text
is fixed; where they part after a run of fixed words, the fixed part ends. Digits count as alike. A greeting that many people
happen to use is no frame: it needs a run of ``RUN`` words, or a mark such as a colon or a line end.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

FLOOR = 0.01
"""Part of the rows that must wear something for it to be a form."""
FEWEST = 5
ALIKE = 0.7
"""Part of the rows at a place that must go on with the same word for it to be fixed."""
RUN = 5
PART = 0.3
"""Part of those that begin alike that must end alike for the end to be fixed too."""
DEEP = 80
"""Words that are followed from either end."""
BETWEEN = 0.8
"""Part of a frame's rows that must hold a line for it to belong to the frame."""
LINES = 10
LEAST = 8
"""Letters and signs of fixed text without which there is no frame."""
SEEN = 300
"""Rows of a frame that its gaps are read from."""

_HEAD = re.compile(r"\s*\S+\s*")
_TAIL = re.compile(r"\s*\S+\s*$|\s*\S+")
_LABEL = re.compile(r"[A-Za-z][\w /()#-]{0,29}:")
_DIGITS = re.compile(r"\d+")
_MARKS = {True: re.compile(r"[:>\]|}]\s*$|\n\s*$"), False: re.compile(r"^\s*\n|^\s*[<\[|{]")}
"""What ends a fixed text at the front, and what begins one at the back."""


Group = tuple[list[int], int, int]
"""Texts that are alike, by their index, and how many words they have in common in front and behind."""


class Frame(NamedTuple):
    """Fixed texts with gaps between them: ``fixed[0]`` gap 0 ``fixed[1]`` … ; and what rows have in each gap."""

    fixed: tuple[str, ...]
    gaps: tuple[tuple[str, ...], ...]
    """For each gap, what stands in it in some of the rows; the first is the model row's own."""
    members: tuple[int, ...]
    """Which texts wear it, by their index."""


def floor(rows: int) -> int:
    """How many of so many rows must wear something."""
    return max(FEWEST, ceil(FLOOR * rows))


def find(texts: Sequence[str], fewest: int) -> list[Frame]:
    """The frames that at least ``fewest`` of the texts wear, the commonest first; each text wears one at most."""
    left = set(range(len(texts)))
    found = []
    for groups in (_by_head, _by_tail):
        for rows, head, tail in groups(texts, sorted(left), fewest):
            frame = _frame(texts, rows, head, tail)
            if frame and _varies(frame):
                found.append(frame)
                left.difference_update(rows)
    return sorted(found, key=lambda f: (-len(f.members), f.fixed))


def opening(texts: Sequence[str]) -> tuple[str, int]:
    """The commonest first two words, and how many texts begin with them; nothing for no texts."""
    firsts = Counter(" ".join(t.split(None, 2)[:2]) for t in texts if t.strip())
    return firsts.most_common(1)[0] if firsts else ("", 0)


def _by_head(texts: Sequence[str], rows: Sequence[int], fewest: int) -> Iterator[Group]:
    """Texts that begin alike, and of these those that also end alike, if they are a good part of them."""
    for head, members in _alike([_words(texts[i], _HEAD) for i in rows], fewest, _MARKS[True]):
        group = [rows[at] for at in members]
        rests = [_words(_split(texts[i], head, 0)[1], _TAIL)[::-1] for i in group]
        several = max(fewest, ceil(PART * len(group)))
        rest = set(range(len(group)))
        for tail, ends in _alike(rests, several, _MARKS[False]):
            rest.difference_update(ends)
            yield [group[at] for at in ends], head, tail
        if len(rest) >= fewest:
            yield [group[at] for at in sorted(rest)], head, 0


def _by_tail(texts: Sequence[str], rows: Sequence[int], fewest: int) -> Iterator[Group]:
    """Texts that only end alike."""
    for tail, members in _alike([_words(texts[i], _TAIL)[::-1] for i in rows], fewest, _MARKS[False]):
        yield [rows[at] for at in members], 0, tail


def _alike(words: Sequence[Sequence[str]], fewest: int, mark: re.Pattern[str]) -> list[tuple[int, list[int]]]:
    """How many words each group has in common, and its members."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, keys in _fixed(words, fewest, mark).items():
        groups[keys].append(i)
    return [(len(keys), sorted(members)) for keys, members in groups.items() if len(members) >= fewest]


def _varies(frame: Frame) -> bool:
    """Whether anything changes in it: a text that is there many times over is no frame."""
    return any(2 * sum(bool(value.strip()) for value in gap) > len(gap) for gap in frame.gaps)


def _words(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The first words in order, or with ``_TAIL`` all of the last ``DEEP``, blanks included."""
    if pattern is _HEAD:
        return [m[0] for _, m in zip(range(DEEP), pattern.finditer(text), strict=False)]
    piece = text[-DEEP * 16 :]
    return [m[0] for m in pattern.finditer(piece)][-DEEP:]


def _key(word: str) -> str:
    """What words are compared by: digits alike, and of blanks only whether a line ends."""
    return _DIGITS.sub("0", word.strip()) + ("\n" if "\n" in word else "")


def _fixed(rows: Sequence[Sequence[str]], fewest: int, mark: re.Pattern[str]) -> dict[int, tuple[str, ...]]:
    """For each row that begins with a fixed text, the keys of that text."""
    keys = [[_key(w) for w in row] for row in rows]
    found: dict[int, tuple[str, ...]] = {}
    open_ends: list[tuple[int, int, list[int]]] = [(0, 0, list(range(len(rows))))]
    while open_ends:
        depth, run, here = open_ends.pop()
        branches: dict[str, list[int]] = defaultdict(list)
        for i in here:
            if len(keys[i]) > depth:
                branches[keys[i][depth]].append(i)
        large = [group for group in branches.values() if len(group) >= fewest]
        fixed = max(map(len, large), default=0) >= ALIKE * len(here)
        if depth and not fixed and (size := _size(rows[here[0]][:depth], run, mark)):
            found.update((i, tuple(keys[i][:size])) for i in here)
            if mark.search(rows[here[0]][size - 1]) or sum(map(len, large)) < ALIKE * len(here):
                continue  # from here on they differ; otherwise a few templates share this beginning
        for group in large:
            open_ends.append((depth + 1, run + 1 if len(group) >= ALIKE * len(here) else 0, group))
    return found


def _size(words: Sequence[str], run: int, mark: re.Pattern[str]) -> int:
    """How many words of a fixed text to take: up to a mark among the last ones, or all after a run; 0 = it is none."""
    near = (len(words) - back for back in range(RUN) if back < len(words) and mark.search(words[-1 - back]))
    return next(near, len(words) if run >= RUN else 0)


def _frame(texts: Sequence[str], rows: list[int], head: int, tail: int) -> Frame | None:
    """The frame of these rows, its fixed text as it stands in one of them."""
    parts = {i: _split(texts[i], head, tail) for i in rows}
    lines = _shared(parts[i][1] for i in rows)
    whole = [i for i in rows if _cut(parts[i][1], lines)]
    model = min(whole, key=lambda i: (len(texts[i]), i), default=None)
    if model is None:
        return None
    cut = _cut(parts[model][1], lines) or []
    fixed = (parts[model][0], *cut[1::2], parts[model][2])
    if sum(len(_DIGITS.sub("", text).strip()) for text in fixed) < LEAST:
        return None
    seen = [_cut(parts[i][1], lines) or [] for i in (model, *whole[:SEEN])]
    return Frame(fixed, tuple(tuple(row[at] for row in seen) for at in range(0, len(cut), 2)), tuple(rows))


def _split(text: str, head: int, tail: int) -> tuple[str, str, str]:
    """Head, what is between, and tail, by their numbers of words; a text too short for both keeps its head."""
    first = "".join(_words(text, _HEAD)[:head])
    rest = text[len(first) :]
    last = "".join(_words(rest, _TAIL)[-tail:]) if tail else ""
    return first, rest[: len(rest) - len(last)], last


def _line_key(line: str) -> str:
    label = _LABEL.match(line.strip())
    return label[0] if label else _DIGITS.sub("0", line.strip())


def _shared(middles: object) -> list[str]:
    """Keys of the lines, or labels of lines, that nearly all middles hold, in the order in which they usually stand."""
    counts: Counter[str] = Counter()
    places: dict[str, float] = defaultdict(float)
    total = 0
    for middle in middles:  # type: ignore[attr-defined]
        total += 1
        lines = [_line_key(line) for line in middle.splitlines()]
        for key in set(lines):
            if len(key) > 2:
                counts[key] += 1
                places[key] += lines.index(key) / max(len(lines), 1)
    often = [key for key, n in counts.most_common(LINES) if n >= BETWEEN * total]
    return sorted(often, key=lambda key: places[key] / counts[key])


def _cut(middle: str, keys: Sequence[str]) -> list[str] | None:
    """The middle as gap, fixed, gap, … , gap; ``None`` where the lines do not stand in it in this order."""
    pieces: list[str] = []
    gap = ""
    left = list(keys)
    for line in middle.splitlines(keepends=True):
        if left and _line_key(line) == left[0]:
            key = left.pop(0)
            start = len(line) - len(line.lstrip())
            label = _LABEL.match(line.strip())
            length = start + len(key) if label else len(line)
            blanks = len(line[length:]) - len(line[length:].lstrip())
            pieces += [gap, line[: length + blanks]]
            gap = line[length + blanks :]
        else:
            gap += line
    return None if left else [*pieces, gap]
