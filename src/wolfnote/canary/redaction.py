"""What is taken out of a text before it is stored: what names or unlocks a person. Patterns cannot find names or addresses.

All patterns are linear: no repetition stands inside another, and each is bounded.
"""

from __future__ import annotations

import re

MARKS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("key", "", re.compile(r"\b(?:sk|pk|rk|wn|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_-]{16,200}")),
    ("key", "AKIA", re.compile(r"\bAKIA[A-Z0-9]{16}\b")),
    ("token", "eyJ", re.compile(r"\beyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{0,1000}")),
    ("secret", "", re.compile(r"(?i)(?<=password[:=])\s?\S{1,100}|(?<=password is)\s\S{1,100}")),
    ("email", "@", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")),
    ("iban", "", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")),
    ("card", "", re.compile(r"\b\d(?:[ -]?\d){12,18}\b")),
    ("phone", "", re.compile(r"(?<![\w.])(?:\+|00)\d(?:[ ()./-]{0,2}\d){6,13}\b")),
    ("ip", ".", re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")),
)
"""Kind, what any of it must contain (searching for that is cheap), and the pattern."""


def redact(text: str) -> str:
    """The text with each find replaced by its kind, such as ``[email]``. Card numbers only if their check digit is right."""
    for name, needle, pattern in MARKS:
        if needle not in text:
            continue
        if name == "card":
            text = pattern.sub(lambda found: "[card]" if _luhn(found[0]) else found[0], text)
        else:
            text = pattern.sub(f"[{name}]", text)
    return text


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()][::-1]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
