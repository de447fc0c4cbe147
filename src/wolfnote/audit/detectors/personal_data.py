"""WN125 · personal data

A person's address, number or account: the model learns it by heart, and the law asks who allowed that.

Bad:  anna.berg@gmail.com · +49 30 9018 2044 · DE89 3704 0044 0532 0130 00 · a card number that passes its check
Good: info@example.com · 555-0142 · 4111 1111 1111 1111 (every shop's test card) · version 10.2.0.4

Source: IBAN (ISO 13616, modulus 97), cards (ISO 7812, Luhn), US social security numbers (areas 000, 666 and 900 to 999, group
00 and serial 0000 were never given out), reserved addresses (RFC 2606, 5737, 3849, 6890). Card, bank and social security
numbers count as a hazard; e-mail, telephone and network addresses are told and counted, and are none in themselves. Known false
positives: a made-up number that passes its check. Known misses: names, streets, telephone numbers without a country's code.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from wolfnote.audit.detector import ByRow, Flag, Reading
from wolfnote.audit.detectors import turns
from wolfnote.records import Sample

CODE = "WN125"
_NUMBERS = re.compile(r"[0-9][0-9 .()-]{6}")
"""Every number below has seven digits, blanks, points or dashes on end somewhere: a cheap first look."""
_MAIL = re.compile(r"(?<![\w.+%-])[A-Za-z0-9_+%-][\w.+%-]{0,63}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b", re.ASCII)
_PHONE = re.compile(r"(?<![\w+])\+[1-9][0-9]{0,2}[ .(-]{0,2}[0-9][0-9 .()-]{5,20}[0-9](?!\w)", re.ASCII)
_US_PHONE = re.compile(r"(?<![\w.+-])\(?([2-9][0-9]{2})\)?[ .-]([2-9][0-9]{2})[ .-]([0-9]{4})(?![\w-])", re.ASCII)
_CARD = re.compile(
    r"(?<![\w.-])[2-6][0-9]{3}(?:([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|([ -])[0-9]{6}\2[0-9]{5})(?![\w-])", re.ASCII
)
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII)
_SSN = re.compile(r"(?<![\w-])([0-9]{3})-([0-9]{2})-([0-9]{4})(?![\w-])", re.ASCII)
_IP = re.compile(r"(?<![\w.-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9])", re.ASCII)
_VERSION = re.compile(r"(?:version|release|firmware|build|v)[ :.]{0,2}$", re.I)

NOBODY = re.compile(r"(?:^|[.@])(?:example|test|invalid|localhost|domain|email|yourdomain|company|mydomain)(?:\.|$)", re.I)
"""Domains that are nobody's, or that everybody writes as a stand-in."""
IMPERSONAL = re.compile(
    r"^(?:no-?reply|info|support|sales|contact|hello|admin|help|office|team|user(?:name)?|git|your)\b", re.I
)
TEST_CARDS = frozenset((
    "4111111111111111", "4242424242424242", "4012888888881881", "5555555555554444", "5105105105105100", "378282246310005",
    "371449635398431", "6011111111111117", "6011000990139424", "30569309025904", "38520000023237", "3530111333300000",
))  # fmt: skip
"""What payment firms publish for trying things out."""
TEST_SSN = frozenset(("078-05-1120", "219-09-9999", "123-45-6789"))
IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
    "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24, "SE": 24, "SI": 19,
    "SK": 24, "TR": 26, "UA": 29,
}  # fmt: skip


class Span(NamedTuple):
    """Where personal data stands in a text, of what kind it is, and whether it counts as a hazard."""

    start: int
    end: int
    kind: str
    counts: bool


def look(sample: Sample) -> Reading:
    """Flags of one row."""
    return [
        Flag(CODE, "form", turn, span.kind, turns.excerpt(text, span.start, span.end, 0), counts=span.counts)
        for turn, text in turns.said(sample)
        for span in spans(text)
    ]


def spans(text: str) -> Iterator[Span]:
    """Personal data in a text: what a cleaner takes out."""
    if "@" in text:
        for found in _MAIL.finditer(text):
            if not NOBODY.search(found[1]) and not IMPERSONAL.search(found[0]):
                yield Span(*found.span(), "an e-mail address", False)
    if _NUMBERS.search(text):
        yield from _numbers(text)


def _numbers(text: str) -> Iterator[Span]:
    taken: list[tuple[int, int]] = []
    for kind, counts, pattern, real in KINDS:
        for found in pattern.finditer(text):
            start, end = found.span()
            if real(found) and not any(start < b and a < end for a, b in taken):
                taken.append((start, end))
                yield Span(start, end, kind, counts)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO 7812)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def _card(found: re.Match[str]) -> bool:
    digits = re.sub("[ -]", "", found[0])
    known = 13 <= len(digits) <= 19 and digits not in TEST_CARDS and len(set(digits)) > 3
    issuer = (
        digits[0] == "4"
        or "51" <= digits[:2] <= "55"
        or "2221" <= digits[:4] <= "2720"
        or digits[:2] in ("34", "37", "62", "65")
        or digits[:4] == "6011"
    )
    return known and issuer and luhn(digits)


def _iban(found: re.Match[str]) -> bool:
    text = found[0].replace(" ", "")
    if len(text) != IBAN_LENGTH.get(text[:2], 0):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _ssn(found: re.Match[str]) -> bool:
    area, group, serial = found.groups()
    given = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return given and found[0] not in TEST_SSN and len({*area, *group, *serial}) > 2


def _address(found: re.Match[str]) -> bool:
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return False
    return (
        address.is_global
        and not found[0].startswith(("8.8.", "1.1.1.", "1.0.0.", "9.9.9.9", "1.2.3."))
        and not _VERSION.search(found.string[max(0, found.start() - 12) : found.start()])
    )


def _phone(found: re.Match[str]) -> bool:
    digits = re.sub("[^0-9]", "", found[0])
    return 8 <= len(digits) <= 15 and len(set(digits)) > 3 and "555" not in digits[:7] and "123456" not in digits


def _us_phone(found: re.Match[str]) -> bool:
    area, exchange, line = found.groups()
    return "555" not in (area, exchange) and len({*area, *exchange, *line}) > 3 and area[1:] != "11"


KINDS = (
    ("a bank account (IBAN)", True, _IBAN, _iban),
    ("a card number", True, _CARD, _card),
    ("a US social security number", True, _SSN, _ssn),
    ("a network address", False, _IP, _address),
    ("a telephone number", False, _PHONE, _phone),
    ("a telephone number", False, _US_PHONE, _us_phone),
)

detector = ByRow(CODE, "personal data", look)
