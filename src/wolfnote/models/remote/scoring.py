"""How likely a server says an answer is, believed only after it has passed a check against text of its own.

The check: the model writes a few words at temperature 0, each with its log-probability; then the same words are sent as a
prompt and the two are compared, token by token. Servers are known that return −10.8 where −0.34 is true, or that score
only what they generate and leave the prompt out.

Two ways to ask, tried in this order: ``prompt_logprobs`` of a chat whose last turn is continued (vLLM), and the ``echo`` of
a completion whose prompt ``/apply-template`` rendered (llama.cpp's family).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from wolfnote.errors import InputError, RunError, Unmeasurable
from wolfnote.models.chat import turn
from wolfnote.models.model import Conversation
from wolfnote.models.remote import reply
from wolfnote.models.remote.connection import Connection, Passing
from wolfnote.records import chat

KNOWN = (
    "Invent a name for the cat of a lighthouse keeper, and say why it fits.",
    "Write one unusual sentence about rain.",
    "Which fruit would you bring to a picnic, and why?",
)
WORDS = 24
"""Tokens of known text for each question."""
FEWEST = 8
"""Tokens that must agree in spelling before anything is compared."""
MEAN_GAP, WORST_GAP = 0.05, 0.5
"""Nats between what was said on writing and on reading; bfloat16 logits alone move single tokens by 0.1."""
SUREST = 3 * MEAN_GAP
"""Nats a token: a text more certain than this could not tell a server that answers zero from a right one."""


class Token(NamedTuple):
    """A piece of text and its log-probability, nats."""

    text: str
    logprob: float


class Unusable(Exception):
    """Why a way to ask does not serve."""


Way = Callable[[Connection, Conversation, str], list[Token]]


class Known(NamedTuple):
    """A question, what the model answered, and its tokens as they were written."""

    question: Conversation
    answer: str
    tokens: list[Token]


def choose(connection: Connection) -> tuple[str, Way]:
    """The first way that passes the check, and its name. Raises ``Unmeasurable`` with every reason in one line."""
    known = [_write(connection, chat(question)) for question in KNOWN]
    if not any(text.tokens for text in known):
        raise Unmeasurable(f"{connection.endpoint.host} gives no log-probabilities")
    reasons = []
    for name, way in WAYS.items():
        try:
            _check(connection, way, known)
        except (Unusable, InputError, RunError) as error:
            reasons.append(f"{name}: {error.message if isinstance(error, InputError) else error}")
        else:
            return name, way
    raise Unmeasurable(f"{connection.endpoint.host} gives no usable log-probabilities of a prompt ({'; '.join(reasons)})")


def by_chat(connection: Connection, prompt: Conversation, answer: str) -> list[Token]:
    """The answer's tokens, the answer being the last turn of a chat. Raises ``Unusable``."""
    turns = [*map(turn, prompt), {"role": "assistant", "content": answer}]
    body = {"messages": turns, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
    open_end = {"add_generation_prompt": False, "continue_final_message": True}
    found = connection.post("chat/completions", body | open_end, lambda body: body, attempts=2)
    rows = found.get("prompt_logprobs")
    if not isinstance(rows, list) or not rows:
        raise Unusable("not returned")
    tokens = [_prompt_token(row) for row in rows]
    text = "".join(token.text for token in tokens)
    if not text.endswith(answer):
        raise Unusable("the tokens returned do not end with the answer sent")
    return _span(tokens, len(text) - len(answer), len(text))


def by_echo(connection: Connection, prompt: Conversation, answer: str) -> list[Token]:
    """The answer's tokens in the echo of prompt and answer. Raises ``Unusable``."""
    turns = [turn(message) for message in prompt]
    before = connection.post("/apply-template", {"messages": turns}, _rendered, attempts=2)
    body = {"prompt": before + answer, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
    found = connection.post("completions", body, reply.choice, attempts=2).get("logprobs")
    words, values = (found.get("tokens"), found.get("token_logprobs")) if isinstance(found, dict) else (None, None)
    if not isinstance(words, list) or not isinstance(values, list) or len(words) != len(values):
        raise Unusable("not returned")
    tokens = [Token(str(word), _number(value)) for word, value in zip(words, values, strict=True)]
    ends = _ends(tokens)
    text = "".join(token.text for token in tokens)
    if not text.startswith(before + answer) or len(before + answer) not in ends:
        raise Unusable("the tokens returned do not join to the text sent")
    return _span(tokens, len(before), len(before + answer))


WAYS: dict[str, Way] = {"prompt_logprobs": by_chat, "echo": by_echo}


def total(tokens: list[Token]) -> float:
    """Sum of log p. Raises ``Unusable`` where the server left one out."""
    values = [token.logprob for token in tokens]
    if not all(map(math.isfinite, values)):
        raise Unusable("a token without a log-probability")
    return math.fsum(values)


def _write(connection: Connection, question: Conversation) -> Known:
    """Let the model write; drop the end-of-turn and trailing space, which come back differently as a prompt."""
    body = {"messages": [turn(m) for m in question], "max_tokens": WORDS, "temperature": 0, "logprobs": True}
    found = connection.post("chat/completions", body, lambda body: body)
    text = reply.content(found)
    logprobs = reply.choice(found).get("logprobs")
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    tokens = [Token(str(row.get("token")), _number(row.get("logprob"))) for row in rows or () if isinstance(row, dict)]
    while tokens and (not text.startswith(_join(tokens)) or not tokens[-1].text.strip()):
        tokens.pop()
    return Known(question, _join(tokens), tokens)


def _check(connection: Connection, way: Way, known: list[Known]) -> None:
    """Raise ``Unusable`` unless reading the known texts gives what writing them gave."""
    pairs: list[tuple[float, float]] = []
    for text in known:
        if not text.answer or text.answer != text.answer.strip():
            continue  # a template may trim it
        read = way(connection, text.question, text.answer)
        if [t.text for t in read] == [t.text for t in text.tokens]:
            pairs += [(a.logprob, b.logprob) for a, b in zip(text.tokens, read, strict=True)]
    if len(pairs) < FEWEST:
        raise Unusable("the text it wrote comes back in other tokens")
    if not all(math.isfinite(value) for pair in pairs for value in pair):
        raise Unusable("a token without a log-probability")
    gaps = [abs(written - read) for written, read in pairs]
    if math.fsum(gaps) / len(gaps) > MEAN_GAP or max(gaps) > WORST_GAP:
        written, found = pairs[gaps.index(max(gaps))]
        raise Unusable(f"wrong: {found:.2f} where the model itself gave {written:.2f}")
    if -math.fsum(written for written, _ in pairs) / len(pairs) < SUREST:
        raise Unusable("cannot be checked: the model was too sure of the text it wrote")


def _prompt_token(row: Any) -> Token:
    """A position of vLLM's ``prompt_logprobs``: {token id: {logprob, decoded_token}}, or None for the first one."""
    if row is None:
        return Token("", math.nan)
    if not isinstance(row, dict) or len(row) != 1:
        raise Unusable("several tokens for one position")
    (entry,) = row.values()
    if not isinstance(entry, dict) or not isinstance(entry.get("decoded_token"), str):
        raise Unusable("a token without its text")
    return Token(entry["decoded_token"], _number(entry.get("logprob")))


def _rendered(found: dict[str, Any]) -> str:
    prompt = found.get("prompt")
    if not isinstance(prompt, str):
        raise Passing("a rendered prompt without text")
    return prompt


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _join(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def _ends(tokens: list[Token]) -> list[int]:
    """The character behind each token."""
    ends, at = [], 0
    for token in tokens:
        at += len(token.text)
        ends.append(at)
    return ends


def _span(tokens: list[Token], start: int, stop: int) -> list[Token]:
    """The tokens that reach behind ``start`` and not behind ``stop``: those of the answer, as in ``models.chat``."""
    return [token for token, end in zip(tokens, _ends(tokens), strict=True) if start < end <= stop]
