"""WN124 · a secret

A key, token or password that works: the model learns it by heart and tells it to strangers.

Bad:  a cloud key, a private key's block, postgres://app:9vKq2LmX@db.internal/shop
Good: AKIAIOSFODNN7EXAMPLE, <YOUR_TOKEN>, postgres://user:password@localhost/db

Source: the issuers' published formats. A secret is flagged only in its issuer's exact form, when it looks random (a digit, and
at least 3 bits a character) and holds no word of a placeholder; a JSON web token must decode. Known false positives: a revoked
key; an invented one that looks random. Known misses: passwords in prose, keys without a form of their own.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from wolfnote.audit.detector import ByRow, Flag, Reading
from wolfnote.audit.detectors import turns
from wolfnote.records import Sample

CODE = "WN124"
BITS = 3.0
"""Bits a character that a random secret has at least, by the frequencies of its own characters."""
PLACEHOLDER = re.compile(
    r"example|sample|placeholder|your|xxxx|redact|dummy|fake|changeme|secret|passw|token|1234567|abcdef", re.I
)
WEAK = frozenset(("pass", "pwd", "postgres", "root", "admin", "user", "test", "guest", "hunter2", "foo", "bar", "mysql"))


class Rule(NamedTuple):
    """One kind of secret: ``literal`` must occur before ``pattern`` is tried; group 1 is the secret."""

    kind: str
    literal: str
    pattern: re.Pattern[str]
    real: Callable[[str], bool]


def bits(text: str) -> float:
    """Entropy of a text's characters, in bits a character."""
    n = len(text)
    return -sum(c / n * math.log2(c / n) for c in Counter(text).values())


def random(text: str) -> bool:
    """Whether it looks random, has a digit, and looks like nobody's placeholder."""
    return bits(text) >= BITS and any(c.isdigit() for c in text) and not PLACEHOLDER.search(text)


def _web_token(text: str) -> bool:
    head = text.partition(".")[0]
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError, binascii.Error):
        return False
    return isinstance(found, dict) and "alg" in found


def _password(text: str) -> bool:
    user, _, password = text.partition(":")
    plain = password.lower() in WEAK or password == user or password[0] in "<$%{[*" or PLACEHOLDER.search(password)
    return not plain and len(set(password)) > 4


def _rule(kind: str, literal: str, pattern: str, real: Callable[[str], bool] = random) -> Rule:
    return Rule(kind, literal, re.compile(pattern), real)


KEY_BLOCK = r"-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY-----\s{1,4}([0-9A-Za-z+/=]{40,80})"
JWT = r"(?<![0-9A-Za-z_-])(eyJ[0-9A-Za-z_-]{10,2000}\.eyJ[0-9A-Za-z_-]{10,8000}\.[0-9A-Za-z_-]{20,1000})"
IN_ADDRESS = r"\b[a-z][a-z0-9+.-]{1,20}://([^\s:/@?#\"'<>]{1,64}:[^\s/@\"'<>]{5,100})@[\w\[]"

RULES = (
    _rule("an AWS access key", "AKIA", r"\b(AKIA[0-9A-Z]{16})\b"),
    _rule("an AWS access key", "ASIA", r"\b(ASIA[0-9A-Z]{16})\b"),
    _rule("a GitHub token", "gh", r"\b(gh[pousr]_[0-9A-Za-z]{36,251})\b"),
    _rule("a GitHub token", "github_pat_", r"\b(github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59})\b"),
    _rule("a GitLab token", "glpat-", r"(?<![0-9A-Za-z_-])(glpat-[0-9A-Za-z_-]{20,64})"),
    _rule("a Slack token", "xox", r"(?<![0-9A-Za-z_-])(xox[abeprs]-[0-9A-Za-z-]{20,250})"),
    _rule("a Stripe key", "_live_", r"\b([sr]k_live_[0-9A-Za-z]{24,99})\b"),
    _rule("a Google key", "AIza", r"\b(AIza[0-9A-Za-z_-]{35})(?![0-9A-Za-z_-])"),
    _rule("an API key", "sk-", r"(?<![0-9A-Za-z_-])(sk-(?:proj-|ant-|svcacct-)?[0-9A-Za-z_-]{32,200})(?![0-9A-Za-z_-])"),
    _rule("a Hugging Face token", "hf_", r"\b(hf_[0-9A-Za-z]{34})\b"),
    _rule("an npm token", "npm_", r"\b(npm_[0-9A-Za-z]{36})\b"),
    _rule("a PyPI token", "pypi-", r"(?<![0-9A-Za-z_-])(pypi-AgE[0-9A-Za-z_-]{50,250})"),
    _rule("a SendGrid key", "SG.", r"\b(SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43})(?![0-9A-Za-z_-])"),
    _rule("an Azure storage key", "AccountKey=", r"AccountKey=([0-9A-Za-z+/]{86}==)"),
    _rule("a private key", "PRIVATE KEY-----", KEY_BLOCK, lambda text: bits(text) >= BITS),
    _rule("a JSON web token", "eyJ", JWT, _web_token),
    _rule("a password in an address", "://", IN_ADDRESS, _password),
)  # fmt: skip
MARKED = [(mark, [r for r in RULES if mark in r.literal]) for mark in "_-"] + [
    (rule.literal, [rule]) for rule in RULES if not {"_", "-"} & {*rule.literal}
]
"""Rules behind one letter that their literals share, and that most texts do not have."""


def look(sample: Sample) -> Reading:
    """Flags of one row; each counts."""
    return [flag for turn, text in turns.said(sample) for flag in _flags(turn, text)]


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Where secrets stand in a text, and of what kind each is: what a cleaner takes out."""
    for mark, rules in MARKED:
        if mark in text:
            for kind, literal, pattern, real in rules:
                if literal in text:
                    yield from ((*found.span(1), kind) for found in pattern.finditer(text) if real(found[1]))


def _flags(turn: int, text: str) -> Iterator[Flag]:
    for start, end, kind in spans(text):
        yield Flag(CODE, "form", turn, kind, _masked(text[start:end]))


def _masked(secret: str) -> str:
    """Enough to find it again, too little to use it: a report is read by more people than the data."""
    return f"{secret[:6]}… ({len(secret)} characters)"


detector = ByRow(CODE, "secrets", look)
