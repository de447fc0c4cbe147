"""Who answers for an audit: a name, a role and a day over the hash of its record. ``signatures.jsonl``, a line a signature.

The record is what the verdict rests on: result, settings, findings, draw, labels, the people's verdict (``gate.json``, written
here) and the data's hashes. A signature names the ledger's last entry as well, so that a ledger that is cut later shows. With
``--key`` it is also signed with an Ed25519 key; without, it holds against mistakes, not against whoever can write the folder.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote.audit import keys, ledger, people, provenance, recomputing
from wolfnote.audit.journal import Journal
from wolfnote.errors import InputError, RunError
from wolfnote.folder import content_hash, read_result

FILE = "signatures.jsonl"
GATE = "gate.json"
RECORD = ("result.json", "settings.toml", "findings.jsonl", "draw.jsonl", "labels.jsonl", "tables/instruments.json", GATE)
LONGEST = 64


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's word for a record. ``verdict`` is the people's where there was a review, else the detectors'."""

    name: str
    role: str
    at: str
    verdict: str
    record: str
    """SHA-256 over the record's files."""
    ledger: str
    """The hash of the ledger's last entry before this one."""
    author: str
    """Who made the data; empty = the audit was not told."""
    reviewers: tuple[str, ...]
    key: str = ""
    """Ed25519 public key in hex, if a key was given; ``value`` is its signature over everything else."""
    value: str = ""

    def content(self) -> bytes:
        """What is signed: all of it but ``value``."""
        return msgspec.json.encode(msgspec.structs.replace(self, value=""), order="sorted")


class Checked(NamedTuple):
    """A signature, and what is wrong with it; nothing = it holds."""

    signature: Signature
    faults: tuple[str, ...]


def sign(run: Path, name: str, role: str = "", *, key: Path | None = None) -> Signature:
    """Sign a finished audit. It is in the folder, and in its ledger, when this returns.

    Raises ``InputError`` when the run or its review is not complete, when nobody but the author of the data has read it, for a
    name that is none and a key that is none; ``RunError`` when the ledger is broken, or the result is not that of the tables.
    """
    for what, text in (("--as", name), ("--role", role)):
        if len(text) > LONGEST or not text.isprintable() or (what == "--as" and not text.strip()):
            raise InputError(f"not a name: {text[:LONGEST]!r}", where=what, remedy=f"up to {LONGEST} printable characters")
    secret = None if key is None else keys.read(key)
    about = provenance.read(run)
    broken = ledger.verify(run)
    if broken is not None:
        raise RunError(f"{run / ledger.FILE}: {broken}; a run whose ledger is broken is not signed")
    for fault in recomputing.faults(run):
        raise RunError(f"{run}: {fault}; a result that was changed is not signed")
    reviewers = _reviewed(run, about.author, name)
    verdict = _verdict(run)
    unsigned = Signature(
        " ".join(name.split()),
        role,
        datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        verdict,
        record(run),
        ledger.head(run),
        about.author,
        reviewers,
        "" if secret is None else keys.public(secret),
    )
    signature = msgspec.structs.replace(unsigned, value="" if secret is None else keys.sign(secret, unsigned.content()))
    # the ledger first: killed in between, a step without its signature is harmless, a signature without its step is not
    ledger.append(run, "sign", signature.name, role=role, verdict=verdict, record=signature.record, signature=_hash(signature))
    Journal(run / FILE, Signature).append([signature])
    return signature


def check(run: Path) -> list[Checked]:
    """Every signature of a run and whether it still holds. Raises ``RunError`` when one of the lines is no signature, and when
    the ledger is broken."""
    journal = Journal(run / FILE, Signature)
    signatures = journal.read()
    if journal.passed_over:
        raise RunError(f"{run / FILE}: {journal.passed_over} lines are no signatures")
    entries = ledger.read(run)
    chain = {ledger.START, *(entry.hash for entry in entries)}
    noted = {entry.facts.get("signature") for entry in entries if entry.what == "sign"}
    now = record(run)
    return [Checked(each, tuple(_faults(each, now, chain, noted))) for each in signatures]


def missing(run: Path) -> list[str]:
    """A line for every signature that the ledger tells of and that is not there."""
    held = {_hash(each) for each in Journal(run / FILE, Signature).read()}
    signed = [entry for entry in ledger.read(run) if entry.what == "sign"]
    return [f"the signature of {e.who}, {e.at[:10]}, is missing" for e in signed if e.facts.get("signature") not in held]


def record(run: Path) -> str:
    """SHA-256 over the names and contents of the files a verdict rests on, and over the hashes of the data."""
    result = read_result(run)
    if result is None:
        raise InputError("no finished audit here", where=str(run), remedy=provenance.REMEDY)
    names = [*RECORD, *sorted(result.tables.values())]
    about = provenance.read(run)
    rows = [about.run_id, about.population, about.unread, sorted(about.inputs.items())]
    hashes = [[name, content_hash(run / name)] for name in names]
    return hashlib.sha256(json.dumps([rows, hashes]).encode()).hexdigest()


def _reviewed(run: Path, author: str, name: str) -> tuple[str, ...]:
    """Who reviewed. Raises ``InputError`` while the review is not complete, or when only the author has looked."""
    review = people.review(run)
    if review.begun and review.settled < review.drawn:
        missing = review.drawn - review.settled
        message = f"the review is not complete: {missing} of {review.drawn} random rows are not settled"
        raise InputError(message, where=str(run), remedy=f"wolfnote review {run}")
    if author and {_person(each) for each in review.reviewers or (name,)} == {_person(author)}:
        what = "the sole reviewer" if review.begun else "the only one to look at it"
        raise InputError(f"{author}, who made the data, is {what}", where=str(run), remedy="have somebody else review it")
    return review.reviewers


def _verdict(run: Path) -> str:
    """The people's verdict, written down as ``gate.json``, where there was a review; else that of the run."""
    if people.review(run).begun:
        found = people.judge(run, today=datetime.datetime.now(datetime.UTC).date())
        (run / GATE).write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        return found.verdict.value
    result = read_result(run)
    return "" if result is None else result.verdict.value


def _faults(signature: Signature, now: str, chain: set[str], noted: set[str | None]) -> list[str]:
    found = []
    if signature.record != now:
        found.append("the record was changed after it was signed")
    if signature.ledger not in chain:
        found.append("the ledger no longer holds the entry that was signed")
    if _hash(signature) not in noted:
        found.append("the ledger does not know this signature, or it was changed")
    if signature.key and not keys.holds(signature.key, signature.value, signature.content()):
        found.append("its key did not make it")
    return found


def _hash(signature: Signature) -> str:
    return hashlib.sha256(msgspec.json.encode(signature)).hexdigest()


def _person(name: str) -> str:
    return " ".join(name.split()).casefold()
