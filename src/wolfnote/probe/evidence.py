"""All that a verdict rests on, as it lies in a run folder: rows in, rows out. No model, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from wolfnote.judges.calibration import Calibration
from wolfnote.probe import judging
from wolfnote.probe import pairs as pairing
from wolfnote.probe.pairs import Pair
from wolfnote.probe.reading import Settings
from wolfnote.probe.tables import Margins, margin_rows, margins_of
from wolfnote.probe.triggers import Candidate, Scored
from wolfnote.results import Skipped

Tables = dict[str, list[dict[str, Any]]]


class Evidence(NamedTuple):
    """What was measured and asked, and what was not."""

    names: tuple[str, str] = ("base", "tuned")
    identical: bool = False
    margins: dict[str, Margins] = {}  # noqa: RUF012 - never changed
    """By arm; empty where no likelihoods were to be had."""
    unmeasured: str = ""
    """Why there are no margins."""
    pairs: Sequence[Pair] = ()
    gating: Mapping[str, Calibration] = {}
    character: Sequence[dict[str, Any]] = ()
    candidates: Sequence[Candidate] = ()
    scored: Sequence[Scored] = ()
    skipped: tuple[Skipped, ...] = ()
    dropped: int = 0
    """Prompts that one arm could not answer."""
    samples: int = 0
    """Draws that were planned where the settings do not say it, as of a log, which has one; 0 = as the settings say."""

    @property
    def draws(self) -> int:
        """Answers to a plain prompt."""
        return 1 + max((pair.draw for pair in self.pairs), default=-1)

    @property
    def lost(self) -> float:
        """The part of the answers that was asked for and cannot be counted."""
        dropped = self.dropped * max(1, self.draws)
        total = len(self.pairs) + dropped
        return (dropped + sum(not pair.read for pair in self.pairs)) / total if total else 0.0


def rows(evidence: Evidence, settings: Settings) -> Tables:
    """Tables from which ``of`` makes the evidence again; the judges' own table is ``judging.table``."""
    about = {
        "names": list(evidence.names), "identical": evidence.identical, "unmeasured": evidence.unmeasured,
        "dropped": evidence.dropped, "samples": evidence.samples, "skipped": msgspec.to_builtins(evidence.skipped),
    }  # fmt: skip
    found: Tables = {"about": [about], "pairs": pairing.rows(evidence.pairs), "character": list(evidence.character)}
    found["margins"] = margin_rows(evidence.margins, settings)
    found["phrases"] = msgspec.to_builtins(list(evidence.candidates))
    found["phrase-scores"] = msgspec.to_builtins(list(evidence.scored))
    return {name: table for name, table in found.items() if table}


def of(tables: Mapping[str, Sequence[dict[str, Any]]]) -> Evidence:
    """The evidence of a run folder's tables."""
    about = tables["about"][0]
    return Evidence(
        (about["names"][0], about["names"][1]),
        about["identical"],
        margins_of(tables.get("margins", ())),
        about["unmeasured"],
        pairing.of_rows(list(tables.get("pairs", ()))),
        judging.gating(tables.get("judges", ())),
        list(tables.get("character", ())),
        msgspec.convert(list(tables.get("phrases", ())), list[Candidate]),
        msgspec.convert(list(tables.get("phrase-scores", ())), list[Scored]),
        msgspec.convert(about["skipped"], tuple[Skipped, ...]),
        about["dropped"],
        about["samples"],
    )
