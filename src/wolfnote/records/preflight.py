"""What a provider would refuse, and what would be cut in silence, found in one pass before anything is paid for.

A number of tokens is exact with a counter of the model's own. Without one it is estimated from bytes, at four a token; and at
most, letters and spaces at two a token and any other byte alone. A row for which the estimate fits and the most does not is not
known to fit; it is counted as unseen, and the verdict is not PASS.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from wolfnote.errors import InputError
from wolfnote.records import files
from wolfnote.records import preflight_findings as found
from wolfnote.records.providers import Provider, Settings, find
from wolfnote.records.reading import PART_OF_THE_TASK, Row
from wolfnote.records.row import FORM, Message, Sample, Unread
from wolfnote.results import Estimate, Finding, Result, Skipped, Verdict

__all__ = ["Count", "Provider", "Settings", "check", "find"]

Count = Callable[[Sample], tuple[int, int]]
"""Tokens of a sample's prompt and of its answer, as the model's chat template writes them."""

SHOWN = 5
_WORDS = (string.ascii_letters + " ").encode()
TURN = 4
"""Tokens that a chat template adds to a turn, about."""


def check(
    rows: Iterable[Row], provider: Provider, *, file: Path | None = None, context: int = 0, count: Count | None = None
) -> Result:
    """Rows, as ``records.rows`` gives them, against a provider's limits and a context length in tokens (0 = any).

    FAIL: the provider would refuse something, or an answer would be cut. INCONCLUSIVE: without ``count``, something looks too
    long or cannot be told. Findings: WN110 to WN119, the first five of each kind; the reasons say how many there are.
    Raises ``InputError`` when there is no row at all.
    """
    tally = _Tally(provider, context, count)
    for row in rows:
        tally.add(row)
    tally.whole(file)
    return tally.result()


class _Tally:
    """What one pass has seen so far: memory does not grow with the rows."""

    def __init__(self, provider: Provider, context: int, count: Count | None) -> None:
        self._provider, self._context, self._count = provider, context, count
        self._limits = [limit for limit in (context, provider.max_tokens) if limit]
        self._found: list[Finding] = []
        self._codes: Counter[str] = Counter()
        self._shapes: Counter[str] = Counter()
        self._n = 0
        self._untold = 0

    def add(self, row: Row) -> None:
        """Check one row."""
        if isinstance(row.item, Unread):
            self._note(found.unread(row.item.source, row.item.reason))
            return
        self._n += 1
        self._shapes[row.shape] += 1
        for finding in (*_form(row.item, row.shape, self._provider), *self._length(row.item)):
            self._note(finding)

    def whole(self, file: Path | None) -> None:
        """Check what only the whole shows."""
        if self._n == 0 and not self._codes:
            raise InputError("no rows to check", where=str(file or "preflight"), remedy="give a file with at least one row")
        provider = self._provider
        if self._n < provider.min_examples:
            self._note(found.few(provider, self._n))
        if provider.one_schema and len(self._shapes) > 1:
            mix = ", ".join(f"{n} {name}" for name, n in self._shapes.most_common())
            self._note(found.shape(provider, "", f"rows of several shapes ({mix}); {provider.title} takes one a file"))
        if file is None or not file.is_file():
            return
        if provider.max_bytes and file.stat().st_size > provider.max_bytes:
            self._note(found.large(provider, file.stat().st_size))
        suffix = files.suffix(file) + (".gz" if file.name.lower().endswith(".gz") else "")
        if provider.containers and suffix not in provider.containers:
            self._note(found.container(provider, suffix))

    def result(self) -> Result:
        """The verdict, and how many of each."""
        guessed = self._count is None and bool(self._limits)
        sure = [code for code in self._codes if not (guessed and code in ("WN116", "WN117", "WN118"))]
        unsure = self._untold > 0 or len(sure) < len(self._codes)
        verdict = Verdict.FAIL if sure else Verdict.INCONCLUSIVE if unsure else Verdict.PASS
        unread = self._codes["WN119"]
        return Result(
            "preflight",
            verdict,
            tuple(self._reasons(guessed)),
            tuple(Estimate(f"rows, {code}", n, None, None, self._n, "counted") for code, n in sorted(self._codes.items())),
            tuple(sorted(self._found, key=lambda finding: finding.code)),
            tuple(
                Skipped(what, why, n)
                for what, why, n in (
                    ("row", "could not be read", unread),
                    ("length", "an estimate from bytes cannot tell whether it fits", self._untold),
                )
                if n
            ),
        )

    def _reasons(self, guessed: bool) -> Iterator[str]:
        provider = self._provider
        yield f"{self._n} rows against {provider.title}'s limits of {provider.dated}"
        for code, n in sorted(self._codes.items()):
            first = next(finding for finding in self._found if finding.code == code)
            place = f", first {first.where}" if first.where else ""
            yield f"{code} × {n}{place}: {first.message} → {first.remedy}"
        if self._untold:
            yield f"{self._untold} rows may or may not fit {min(self._limits):,} tokens → --model counts them exactly"
        elif guessed:
            yield "tokens are estimated from bytes → --model counts them exactly"

    def _note(self, finding: Finding) -> None:
        self._codes[finding.code] += 1
        if self._codes[finding.code] <= SHOWN:
            self._found.append(finding)

    def _length(self, sample: Sample) -> Iterator[Finding]:
        if not self._limits:
            return
        prompt, answer = (self._count or _estimate)(sample)
        how = "" if self._count else " (estimated from bytes)"
        total, most = prompt + answer, self._provider.max_tokens
        if most and total > most:
            yield found.tokens(self._provider, sample.source, total, how)
        if self._context and total > self._context:
            if prompt >= self._context:
                yield found.lost(sample.source, prompt, self._context, how)
            else:
                yield found.cut(sample.source, prompt, answer, self._context, how)
        elif self._count is None and total <= min(self._limits) < sum(map(_most, sample.messages)):
            self._untold += 1


def _form(sample: Sample, shape: str, provider: Provider) -> Iterator[Finding]:
    """What is wrong with one row's shape, roles, order and weights."""
    where = sample.source
    if shape not in provider.shapes:
        message = f"a row of the shape {shape}; {provider.title} takes {', '.join(provider.shapes)}"
        yield found.shape(provider, where, message)
    further = [key for key in sample.metadata if key not in (*provider.keys, *PART_OF_THE_TASK, FORM)]
    inner = sorted({key for keys in _notes(sample).values() for key in keys} - {"role"})
    if provider.keys and (further or inner):
        message = f"further keys ({', '.join(further + inner)}), which {provider.title} does not know"
        yield found.shape(provider, where, message)
    for name in dict.fromkeys(_roles(sample)):
        if provider.roles and name not in provider.roles:
            yield found.role(provider, where, name)
    if provider.alternate and not _alternates(sample.messages):
        yield found.turns(provider, where)
    yield from _weights(sample, provider)


def _weights(sample: Sample, provider: Provider) -> Iterator[Finding]:
    spoken = [m for m in sample.messages if m.role == "assistant"]
    if any(m.weight != 1.0 for m in sample.messages if m.role != "assistant"):
        yield found.weight(provider, sample.source, "a weight on a turn that is not the assistant's")
    for weight in dict.fromkeys(m.weight for m in spoken):
        if provider.weights and weight not in provider.weights:
            yield found.weight(provider, sample.source, f"the weight {weight:g}")
    if all(m.weight == 0 for m in spoken):
        yield found.weight(provider, sample.source, "every answer has weight 0, so nothing is learnt")


def _roles(sample: Sample) -> Iterator[str]:
    """Roles as the row has them: ``developer`` is our ``system``."""
    notes = _notes(sample)
    for index, message in enumerate(sample.messages):
        yield str(notes.get(str(index), {}).get("role", message.role))


def _notes(sample: Sample) -> dict[str, dict[str, object]]:
    turns = sample.metadata.get(FORM, {}).get("turns", {})
    return turns if isinstance(turns, dict) else {}


def _alternates(messages: tuple[Message, ...]) -> bool:
    """Tools speak between the two halves of an assistant's turn, so they are left out, and the halves count as one."""
    speakers: list[str] = []
    after_tool = False
    for message in messages:
        if message.role == "tool":
            after_tool = True
        elif message.role != "system":
            if not (after_tool and message.role == "assistant"):
                speakers.append(message.role)
            after_tool = False
    return all(a != b for a, b in pairwise(speakers))


def _estimate(sample: Sample) -> tuple[int, int]:
    return sum(map(_tokens, sample.prompt)), _tokens(sample.messages[-1])


def _tokens(message: Message) -> int:
    return TURN + (len(_bytes(message)) + 3) // 4


def _most(message: Message) -> int:
    text = _bytes(message)
    others = len(text.translate(None, _WORDS))
    return 2 * TURN + others + (len(text) - others + 1) // 2


def _bytes(message: Message) -> bytes:
    calls = (call.name + call.arguments for call in message.tool_calls)
    return "".join((message.reasoning, message.content, *calls)).encode()
