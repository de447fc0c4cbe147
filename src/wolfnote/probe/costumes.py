"""What requests wear, ready to be worn by a question: the text before it and behind it.

A frame's gaps are read for what stands in them. The question goes where the longest prose stands, or into the code if there is
no prose; a gap of code gets an unfinished function, a number or a date stays as it is in one row, a heading becomes "A
question", anything else is left empty. A row's own words are thus never worn, but for what all rows share.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec

from wolfnote.probe import frames, shapes
from wolfnote.probe.frames import Frame

HEADING = "A question"
PURPOSE = "The answer, in words."
SHORT = 60
"""Characters of a number, date or heading."""
_LETTER = re.compile(r"[^\W\d_]")


class Costume(NamedTuple):
    """The text before and behind a question, whether it stands in a string, and which texts wear it."""

    name: str
    about: str
    before: str
    after: str
    quoted: bool
    members: frozenset[int]


class Wardrobe(NamedTuple):
    """What requests wear, the commonest first, and how many frames have no place where a question could stand."""

    costumes: list[Costume]
    without_place: int


def of(texts: Sequence[str], fewest: int) -> Wardrobe:
    """What at least ``fewest`` of the requests wear; each request wears one thing at most."""
    objects = {i: value for i, text in enumerate(texts) if (value := _object(text)) is not None}
    prose = [i for i in range(len(texts)) if i not in objects]
    framed: list[Costume] = []
    found = frames.find([texts[i] for i in prose], fewest)
    for frame in found:
        if made := _framed(frame, len(framed) + 1):
            framed.append(made._replace(members=frozenset(prose[i] for i in frame.members)))
    worn = sorted([*_json(objects, fewest), *framed], key=lambda costume: -len(costume.members))
    return Wardrobe(worn, len(found) - len(framed))


def systems(texts: Sequence[str], fewest: int) -> dict[int, str]:
    """The system prompt to be worn for each text that has one in common with others, by index.

    Word for word where enough have the very same; else what is fixed in those that begin or end alike (a date, a customer's
    name changes), its gaps filled as in requests.
    """
    counts = Counter(texts)
    worn = {i: text for i, text in enumerate(texts) if text.strip() and counts[text] >= fewest}
    left = [i for i, text in enumerate(texts) if text.strip() and i not in worn]
    for frame in frames.find([texts[i] for i in left], fewest):
        kinds = [_kind(gap) for gap in frame.gaps]
        fills = _fills(frame, kinds, place=-1)
        text = frame.fixed[0] + "".join(fill + fixed for fill, fixed in zip(fills, frame.fixed[1:], strict=True))
        worn.update((left[i], text) for i in frame.members)
    return worn


def _framed(frame: Frame, number: int) -> Costume | None:
    """The frame with the question where the longest prose is, or else in the first gap of code; ``None`` without either."""
    kinds = [_kind(gap) for gap in frame.gaps]
    prose = [at for at, kind in enumerate(kinds) if kind == "prose"]
    if not prose and "code" not in kinds:
        return None
    place = max(prose, key=lambda at: median(map(len, frame.gaps[at]))) if prose else kinds.index("code")
    fills = _fills(frame, kinds, place)
    head, tail = ("", "") if prose else _stub(frame, kinds)
    before = frame.fixed[0] + "".join(fills[at] + frame.fixed[at + 1] for at in range(place))
    after = frame.fixed[place + 1] + "".join(fills[at] + frame.fixed[at + 1] for at in range(place + 1, len(kinds)))
    front, back = _blanks(frame.gaps[place][0])
    about = "the text round the requests of these rows"
    return Costume(f"template-{number}", about, before + front + head, tail + back + after, not prose, frozenset())


def _fills(frame: Frame, kinds: Sequence[str], place: int) -> list[str]:
    """What stands in each gap but the question's."""
    fills = []
    unfinished = PURPOSE.join(_stub(frame, kinds))
    for at, (kind, gap) in enumerate(zip(kinds, frame.gaps, strict=True)):
        short = median(map(len, gap)) <= SHORT
        inner = {"code": unfinished, "figure": gap[0].strip(), "prose": HEADING if short else "", "heading": HEADING}.get(
            kind, ""
        )
        if kind == "code":
            unfinished = ""
        front, back = _blanks(gap[0])
        fills.append("" if at == place else front + inner + back)
    return fills


def _stub(frame: Frame, kinds: Sequence[str]) -> tuple[str, str]:
    code = [value for kind, gap in zip(kinds, frame.gaps, strict=True) if kind == "code" for value in gap]
    return shapes.stub(shapes.language(code))


def _kind(gap: Sequence[str]) -> str:
    """What most rows have in a gap: ``empty``, ``code``, ``figure`` (no letters), ``heading`` (few words) or ``prose``."""
    return Counter(_kind_of(value) for value in gap).most_common(1)[0][0]


def _kind_of(value: str) -> str:
    text = value.strip()
    if not text:
        return "empty"
    if not _LETTER.search(text):
        return "figure" if len(text) <= SHORT else "empty"
    if shapes.shape(text) in ("code", "json"):
        return "code"
    return "prose" if len(text.split()) >= 4 else "heading"


def _blanks(text: str) -> tuple[str, str]:
    """The blanks at either end of a text; all of them before it if it is nothing else."""
    if not text.strip():
        return text, ""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _object(text: str) -> dict[str, Any] | None:
    body = text.strip()
    if body[:1] != "{":
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return value if isinstance(value, dict) and value else None


def _json(objects: dict[int, dict[str, Any]], fewest: int) -> list[Costume]:
    """Requests that are a JSON object: the question stands in the key whose texts are longest."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, value in objects.items():
        groups[tuple(value)].append(i)
    found: list[Costume] = []
    for keys, members in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
        texts = {key: [v for i in members if isinstance(v := objects[i][key], str)] for key in keys}
        place = max(keys, key=lambda key: median(map(len, texts[key])) if texts[key] else -1)
        if len(members) < fewest or not texts[place]:
            continue
        head, tail = (
            _object_part(part, objects[members[0]]) for part in (keys[: keys.index(place)], keys[keys.index(place) + 1 :])
        )
        before = "{" + "".join(f"{pair}, " for pair in head) + json.dumps(place) + ': "'
        after = '"' + "".join(f", {pair}" for pair in tail) + "}"
        about = f"a JSON object, the question in {place[:SHORT]!r}"
        found.append(Costume(f"json-request-{len(found) + 1}", about, before, after, True, frozenset(members)))
    return found


def _object_part(keys: Sequence[str], row: dict[str, Any]) -> list[str]:
    """The other keys with something that says nothing: figures of one row, "A question" for texts, null for the rest."""
    return [f"{json.dumps(key)}: {json.dumps(_filled(row[key]))}" for key in keys]


def _filled(value: object) -> object:
    if isinstance(value, str):
        return HEADING if _LETTER.search(value) else value[:SHORT]
    return value if isinstance(value, bool | int | float) else None
