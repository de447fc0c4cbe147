"""Secrets and personal data: high precision. What checks out is flagged; what looks alike and is nobody's is not."""

from __future__ import annotations

import base64
import json
import time

import pytest
from rows import asked, flags_of

from wolfnote.audit.detectors import personal_data, secrets

NOISE = "q7Zp2M5xK9wJ3rTbV8nL4cH6yD1gF0sA5uE2iO7kRmXzQvWtPjBhYdNfGlCs"  # no key of anybody's: typed at random
HEAD = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
BODY = base64.urlsafe_b64encode(json.dumps({"sub": "8421907", "iat": 1}).encode()).decode().rstrip("=")
SECRETS = {
    "an AWS access key": "AKIA" + "Q7ZP2M5XK9WJ3RTB",
    "a GitHub token": "ghp_" + NOISE[:36],
    "a GitLab token": "glpat-" + NOISE[:20],
    "a Slack token": "xoxb-" + "2847501936-8830217465-" + NOISE[:24],
    "a Stripe key": "sk_live_" + NOISE[:24],
    "a Google key": "AIza" + NOISE[:35],
    "an API key": "sk-proj-" + NOISE[:48],
    "a Hugging Face token": "hf_" + NOISE[:34],
    "an npm token": "npm_" + NOISE[:36],
    "a PyPI token": "pypi-AgE" + NOISE[:55],
    "a SendGrid key": f"SG.{NOISE[:22]}.{NOISE[10:53]}",
    "an Azure storage key": "AccountKey=" + (NOISE + NOISE)[:86] + "==",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\n" + (NOISE + NOISE)[:64] + "\n-----END RSA PRIVATE KEY-----",
    "a JSON web token": f"{HEAD}.{BODY}.{NOISE[:43]}",
    "a password in an address": "postgres://shop:9vKq2LmX@db.internal:5432/shop",
}
NO_SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "x" * 36,
    "ghp_YOURTOKENHEREYOURTOKENHEREYOURTOKENH",
    "AIza" + "0" * 35,
    "sk-" + "1234567890" * 4,
    "the sk-learn-style-interface-of-a-very-long-named-package-in-prose",
    "postgres://user:password@localhost/db",
    "https://user:${PASSWORD}@example.com",
    "redis://default:<your-password>@host:6379",
    "https://example.com:8443/path?mail=a@b.c",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----\n" + NOISE,
    f"eyJhbGciOi.{BODY}.{NOISE[:43]}",
    "a commit: 9fceb02d0ae598e95dc970b74767f19372d61af8",
]
PERSONAL = {
    "anna.berg@gmail.com": "an e-mail address",
    "+49 30 9018 2044": "a telephone number",
    "(212) 736-5000": "a telephone number",
    "DE89 3704 0044 0532 0130 00": "a bank account (IBAN)",
    "GB29NWBK60161331926819": "a bank account (IBAN)",
    "4539 1488 0343 6467": "a card number",
    "4539148803436467": "a card number",
    "512-47-8830": "a US social security number",
    "81.2.69.142": "a network address",
}
NOBODYS = [
    "info@example.com", "you@example.org", "user@domain.com", "noreply@shop.de", "support@firm.com", "git@github.com",
    "@property", "5 @ 3.99", "a@b",
    "(212) 555-0142", "+1 555 010 9988", "123-456-7890",
    "DE89 3704 0044 0532 0130 01", "XX89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268",
    "4111 1111 1111 1111", "4539 1488 0343 6468", "4242424242424242", "1234567812345670", "0000 0000 0000 0000",
    "000-47-8830", "666-47-8830", "987-65-4321", "512-00-8830", "512-47-0000", "078-05-1120", "123-45-6789", "512-47-88301",
    "192.168.0.1", "127.0.0.1", "10.2.0.4", "203.0.113.7", "8.8.8.8", "999.1.1.1", "version 81.2.69.142", "1.2.3.4.5",
    "order 2024-11-23 10:15:00, 1,234,567.89 EUR, ISBN 978-3-16-148410-0", "pi is 3.14159265358979",
    "6f1ed002ab5595859014ebf0951522d9", "1700000000", "call me at 7",
]  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_are_found(kind: str) -> None:
    """In the issuer's form and random; counted as a hazard, and not repeated in the report."""
    secret = SECRETS[kind]
    (flag,) = flags_of(secrets.detector, asked("q", f"Use this: {secret}\nand go on."))
    assert (flag.message, flag.turn, flag.counts) == (kind, 1, True)
    assert NOISE[:20] not in flag.evidence
    assert "9vKq2LmX" not in flag.evidence


@pytest.mark.parametrize("text", NO_SECRETS)
def test_placeholders_are_no_secrets(text: str) -> None:
    """Documentation's keys, hashes, templates."""
    assert flags_of(secrets.detector, asked("q", f"Use this: {text} and go on.")) == []


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_are_found(text: str) -> None:
    """Each with its place, so that a cleaner can take it out; accounts count, addresses are told."""
    written = f"Please write: {text}, as soon as you can."
    (flag,) = flags_of(personal_data.detector, asked(written, "a"))
    assert (flag.message, flag.turn) == (PERSONAL[text], 0)
    assert flag.counts == (("number" in flag.message and "telephone" not in flag.message) or "IBAN" in flag.message)
    (span,) = personal_data.spans(written)
    assert written[span.start : span.end].strip(" (") in text


@pytest.mark.parametrize("text", NOBODYS)
def test_what_is_nobodys(text: str) -> None:
    """Reserved, fictional, invalid by its check digits, or something else altogether."""
    assert flags_of(personal_data.detector, asked("q", f"See {text} for more.")) == []


def test_one_wrong_digit_in_ten_passes_luhn_and_one_in_97_the_iban() -> None:
    """The checks are real: of all changes of one digit, Luhn and modulus 97 catch every one."""
    card, iban = "4539148803436467", "DE89370400440532013000"
    assert personal_data.luhn(card)
    for at in range(16):
        for digit in "0123456789".replace(card[at], ""):
            assert not personal_data.luhn(card[:at] + digit + card[at + 1 :])
    for at in range(4, 22):
        for digit in "0123456789".replace(iban[at], ""):
            assert not list(personal_data.spans(f"pay {iban[:at] + digit + iban[at + 1 :]} now"))


@pytest.mark.parametrize(
    "text",
    [
        "eyJ-" * 100_000, "eyJ" + "a" * 400_000, "a://" * 100_000, "x@" * 200_000, "a.b@" + "c." * 200_000, "+1 " * 150_000,
        "1-" * 200_000, "1." * 200_000, "DE12 " * 80_000, "4539 " * 80_000, "-----BEGIN PRIVATE KEY-----" * 15_000, "sk-" * 130_000,
        "a" * 400_000, "1" * 400_000,
    ],
)  # fmt: skip
def test_no_pattern_blows_up(text: str) -> None:
    """400 kB made to make patterns try again: the time stays near that of plain text."""
    start = time.process_time()
    secrets.detector.read([asked("q", text)])
    personal_data.detector.read([asked("q", text)])
    assert time.process_time() - start < 8
