"""``wolfnote clean`` and ``wolfnote audit sign``: what follows a finding, and who answers for it."""

from __future__ import annotations

import datetime
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from wolfnote.errors import InputError
from wolfnote.options import How, Json, running
from wolfnote.runs import Run, carry_out, hashes, login

if TYPE_CHECKING:
    from wolfnote.audit.cleaning import Evidence
    from wolfnote.audit.provenance import Provenance
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

Audited = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished 'wolfnote audit'.")]
Key = Annotated[Path | None, typer.Option(help="Your Ed25519 key (openssl genpkey -algorithm ed25519).", show_default=False)]
As = Annotated[str, typer.Option("--as", help="Your name, as it goes into the ledger.", show_default=False)]


@running
def clean(
    run: Audited,
    corrections: Annotated[
        Path | None, typer.Option(help='Better answers, JSONL: {"row": ID, "answer": "…"}.', show_default=False)
    ] = None,
    benign: Annotated[Path | None, typer.Option(help="Rows to mix in, evenly.", show_default=False)] = None,
    share: Annotated[float, typer.Option(help="How much of what is written comes from --benign.")] = 0.1,
    as_: As = "",
    *,
    how: How,
) -> None:
    """Take out what an audit and its review found. Nothing is deleted: each row is kept, changed or set apart, with the reason.

    \b
    wolfnote clean runs/audit-tickets
    wolfnote clean runs/audit-tickets --corrections better.jsonl --as Mara
    wolfnote clean runs/audit-tickets --benign general.jsonl --share 0.2
    """
    from wolfnote import records
    from wolfnote import settings as settings_module
    from wolfnote.audit import cleaning, ledger, profile, provenance
    from wolfnote.folder import content_hash

    if not 0 <= share < 1:
        raise InputError("a share from 0 to below 1", where="--share", remedy="write 0.1 for 10 %")
    settings: Any = how.settings(settings_module.tables(clean=cleaning.Settings))
    about, evidence = provenance.read(run), _evidence(run, corrections)
    data, columns = about.unchanged(), profile.find(about.gate.profile).source if about.gate.profile else ()
    rules = cleaning.Rules(datetime.date.today(), settings.clean, about.policy, columns)
    out = how.out or run.with_name(f"{run.name}-clean")

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        mixed = cleaning.Benign(records.read(benign), share) if benign else None
        found = cleaning.run(
            data, folder.path, evidence, rules, reading=about.reading, benign=mixed, run_id=about.run_id, on_event=on_event
        )  # fmt: skip
        ledger.append(run, "clean", as_ or login(), into=str(out), said=list(found.reasons[:3]))
        return found

    used = {"labels": run / "labels.jsonl", "corrections": corrections, "benign": benign}
    inputs = {name: content_hash(path) for name, path in used.items() if path} | {"run": about.run_id, "share": str(share)}
    todo = Run(out, settings, lambda: {**hashes(*data), **inputs}, work, lambda _: _planned(about))
    carry_out(todo, how, last_lines=lambda _: [*_half_read(about), *_again(out, run)])


def sign(
    run: Audited,
    as_: As,
    role: Annotated[str, typer.Option(help="In what role, such as 'data steward'.")] = "",
    key: Annotated[
        Path | None, typer.Option(help="An Ed25519 key (openssl genpkey -algorithm ed25519).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer for an audit: name, role and day over the hash of its record. Whoever made the data cannot be its only reviewer.

    \b
    wolfnote audit sign runs/audit-tickets --as "Ines Ortega" --role risk
    """
    from wolfnote import terminal
    from wolfnote.audit import signing

    signature = signing.sign(run, as_, role, key=key)
    if as_json:
        sys.stdout.write(msgspec.json.encode(signature).decode() + "\n")
    terminal.note(f"{signature.name} signed {run}: {signature.verdict}, record {signature.record[:16]}…")
    terminal.note("reviewed by " + (", ".join(signature.reviewers) or "nobody: this is the detectors' verdict"))
    if not signature.author:
        terminal.note(
            "the audit was not told who made the data (audit.author), so that nothing shows they were not the reviewer"
        )


def _evidence(run: Path, corrections: Path | None) -> Evidence:
    from wolfnote.audit import cleaning, labels
    from wolfnote.audit.cleaning import corrections as corrected
    from wolfnote.audit.cleaning import flagged

    settled = labels.settled(labels.journal(run).read())
    return cleaning.Evidence(flagged.flags(run), settled, corrected.read(corrections) if corrections else {})


def _planned(about: Provenance) -> Result:
    from wolfnote import forecast

    return forecast.plan((forecast.counted("rows", about.population), forecast.counted("money", 0, "this machine computes")))


def _half_read(about: Provenance) -> list[str]:
    """What a draw cannot clean."""
    if not 0 < about.read < about.population:
        return []
    some = f"a model has read {about.read:,} of {about.population:,} rows"
    return [f"{some}: what it would find in the others is still there (--set audit.limit={about.population})"]


def _again(out: Path, run: Path) -> list[str]:
    """The command that shows what was gained, if any row is left to audit."""
    from wolfnote.audit import manifest

    files = [str(out / file.name) for file in manifest.read(out).files]
    return [f"now: {shlex.join(['wolfnote', 'audit', *files, '--baseline', str(run)])}"] if files else []
