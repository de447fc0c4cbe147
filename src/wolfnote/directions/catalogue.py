"""Many directions of one model: found, put to the question, saved in a run folder, and read back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from wolfnote.directions import extraction, projection, stability
from wolfnote.directions.contrasts import CONTRASTS, QUESTIONS
from wolfnote.directions.direction import Direction, load
from wolfnote.directions.sources import Source
from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.results import Estimate, Result, Verdict, worst

FOLDER = "directions"
STABLE = 0.5
"""Cosine between directions from two halves of the contrasts, from which on a direction counts as one."""
BY_CHANCE = 0.05


def content(sources: Sequence[Source]) -> str:
    """Hash of all that the sources hold: what a finished run is valid for."""
    return hashlib.sha256(repr(sources).encode()).hexdigest()


def run(
    model: LocalModel,
    sources: Sequence[Source],
    settings: extraction.Settings,
    *,
    seed: int = 0,
    folder: RunFolder,
    on_event: OnEvent = silent,
) -> Result:
    """One direction a source, saved as ``directions/NAME.safetensors`` as soon as it is found; one part each.

    PASS: halves of the data agree and shuffled labels find nothing as long. INCONCLUSIVE: one of the two does not hold,
    so what was found may be no direction.
    """
    home = folder.path / FOLDER
    home.mkdir(exist_ok=True)
    parts = []
    for source in sources:
        file = home / f"{source.name}.safetensors"
        if not file.is_file():

            def tell(event: Event, name: str = source.name) -> None:
                on_event(Event(f"{name}: {event.step}", event.done, event.total))

            source.find(model, settings, seed, tell).save(file)
        parts.append(_judged(load(file), settings))
    skipped = tuple(s for source in sources for s in source.skipped)
    reasons = [reason for part in parts for reason in part.reasons]
    return Result("directions", worst(part.verdict for part in parts), tuple(reasons), skipped=skipped, parts=tuple(parts))


def files(path: Path) -> list[Path]:
    """The direction files of a run folder or a folder, or the one file. Raises ``InputError`` where there are none."""
    home = path / FOLDER if (path / FOLDER).is_dir() else path
    found = sorted(home.glob("*.safetensors")) if home.is_dir() else [path] if path.is_file() else []
    if not found:
        remedy = "give a file or folder that wolfnote direction extract made"
        raise InputError("no directions here", where=str(path), remedy=remedy)
    return found


def only(path: Path) -> Path:
    """The one direction file at ``path``. Raises ``InputError`` where there are none or several: nobody should guess which."""
    found = files(path)
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise InputError("several directions here", where=str(path), remedy=f"name one of {found[0].parent}: {names}")
    return found[0]


def unrelated(path: Path | None, but: Path) -> list[Path]:
    """The files at ``path`` whose personas have nothing to do with harm, without the one at ``but``; none without a path."""
    found = [] if path is None else files(path)
    return [file for file in found if file.resolve() != but.resolve() and load(file).receipts.get("kind") == "unrelated"]


def _judged(direction: Direction, settings: extraction.Settings) -> Result:
    layer = projection.layer_at(direction, settings.depth)
    receipts = direction.receipts
    unit = next((u for u in (CONTRASTS, QUESTIONS) if f"split_half_{u}" in receipts), None)
    if unit is None:
        reason = f"{direction.persona}: too few contrasts and questions to split in halves, so nothing shows that it holds"
        return Result(f"direction {direction.persona}", Verdict.INCONCLUSIVE, (reason,))
    n = int(receipts["pairs"])
    halves = float(receipts[f"split_half_{unit}"][layer])
    chance = float(receipts["permutation_p"][layer])
    estimates = (
        Estimate(f"split-half cosine over {unit}", halves, None, None, int(receipts[unit]), f"layer {layer}"),
        Estimate("p under shuffled labels", chance, None, None, stability.SHUFFLINGS, f"layer {layer}, signs flipped"),
        Estimate("persona minus anti-persona (z)", float(direction.gap[layer]), None, None, n, f"layer {layer}"),
    )
    held = halves >= STABLE and chance <= BY_CHANCE
    words = "holds" if held else "may be no direction: add to them"
    reason = (
        f"{direction.persona}: halves of the {unit} agree at cosine {halves:.2f} (≥ {STABLE}), "
        f"p {chance:.3f} under shuffled labels (≤ {BY_CHANCE}), layer {layer} of {direction.layers}: {words}"
    )
    verdict = Verdict.PASS if held else Verdict.INCONCLUSIVE
    return Result(f"direction {direction.persona}", verdict, (reason,), estimates)
