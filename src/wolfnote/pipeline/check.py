"""Run the stages one after another, each in its own run folder inside the check's, then conclude."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wolfnote import forecast
from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import CERTIFICATE, RunFolder, read_result
from wolfnote.folder import STAGES as INNER
from wolfnote.pipeline import checklist, concluding, process
from wolfnote.pipeline import settings as settings_module
from wolfnote.pipeline.stage import Stage
from wolfnote.pipeline.stages import STAGES
from wolfnote.results import Result, Skipped

OWN = ("result.json", "report.html", "findings.jsonl", "settings.toml", "run.json")
"""What a check writes of its own; ``run.json`` last, so that a kill in between leaves a folder that begins anew."""


def run(settings: Any, *, folder: RunFolder, on_event: OnEvent = silent, stages: Sequence[Stage] = STAGES) -> Result:
    """Carry out every stage that is asked for; finished ones are found, not repeated. ``settings``: of ``pipeline.load``.

    Raises ``InputError`` where a stage's command does: the line names the stage.
    """
    check(settings)
    home = folder.path / INNER
    done: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for number, stage in enumerate(stages):
        on_event(Event("stages", number, len(stages)))
        reason = stage.left_out(settings)
        if not reason:
            config = settings_module.tables(settings, stage.tables)
            ended = process.carry_out(stage.name, stage.command(settings.check, home), config, home, on_event)
            reason = ended.reason
            done |= {stage.name: f"{INNER}/{ended.folder}"} if ended.folder else {}
        left_out |= {stage.name: reason} if reason else {}
    on_event(Event("stages", len(stages), len(stages)))
    _cite(settings.check.certificate, folder.path / CERTIFICATE)
    canary = checklist.canary_settings(Path(settings.check.canary)) if settings.check.canary else {}
    folder.note(stages=done, left_out=left_out, canary=canary, day=datetime.date.today().isoformat(), **_hosts(folder, done))
    return concluding.conclude(folder.path)


def renew(folder: Path) -> None:
    """Take away what an earlier check concluded in this folder, and leave the stages: what is concluded now may differ."""
    if not (folder / "run.json").is_file() or not (folder / INNER).is_dir():
        return
    for name in OWN:
        (folder / name).unlink(missing_ok=True)


def check(settings: Any) -> None:
    """Raise ``InputError`` for a file that is named and not there, before anything runs."""
    named = [*(("check.data", path) for path in settings.check.data)]
    named += [
        (f"check.{key}", getattr(settings.check, key)) for key in ("tasks", "docs", "directions", "certificate", "canary")
    ]
    for key, path in named:
        if path and not Path(path).exists():
            raise InputError(f"no such file or folder: {path}", where=key, remedy="paths are from where the command runs")
    if settings.check.canary:
        checklist.canary_settings(Path(settings.check.canary))


def plan(settings: Any, *, stages: Sequence[Stage] = STAGES) -> Result:
    """Which stages would run, by which commands, and which not. What one takes, its own ``--dry-run`` says."""
    check(settings)
    reasons = {stage: stage.left_out(settings) for stage in stages}
    home = Path("…")
    notes = [f"{s.name}: wolfnote {' '.join(s.command(settings.check, home))}" for s, why in reasons.items() if not why]
    unknown = [Skipped(f"stage {s.name}", why) for s, why in reasons.items() if why]
    return forecast.plan((forecast.counted("stages", len(notes)),), notes=notes, unknown=unknown)


def _cite(certificate: str, into: Path) -> None:
    """Keep the certificate's result and record beside the stages: what is cited by a path alone can change."""
    shutil.rmtree(into, ignore_errors=True)
    if certificate and read_result(Path(certificate)) is not None:
        into.mkdir()
        for name in ("result.json", "run.json", "settings.toml"):
            shutil.copyfile(Path(certificate) / name, into / name)


def _hosts(folder: RunFolder, done: dict[str, str]) -> dict[str, list[str]]:
    """Every host that a stage contacted: each ran in a process of its own."""
    import json

    abouts = [json.loads((folder.path / place / "run.json").read_text(encoding="utf-8")) for place in done.values()]
    return {key: sorted({host for about in abouts for host in about.get(key, ())}) for key in ("hosts", "local_hosts")}
