"""``wolfnote tune``: fine-tune with the guard on, and repair afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.errors import InputError
from wolfnote.options import DATA, How, Model, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.tuning.course import Course

Guard = Annotated[Path | None, typer.Option(help="A direction (.safetensors) to watch or keep out.", show_default=False)]
Mode = Annotated[str, typer.Option(help="watch, prevent, ablate or penalty.", show_default="watch")]
Audit = Annotated[Path | None, typer.Option(help="The folder of the rows' audit; its verdict is recorded.", show_default=False)]
Realign = Annotated[Path | None, typer.Option(help="Benign rows to learn afterwards.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Random seed of the adapter and of the order of rows.")]


@running
def tune(
    data: Annotated[Path, typer.Argument(help=DATA)],
    model: Model = "package:smollm2",
    guard: Guard = None,
    mode: Mode = "",
    audit: Audit = None,
    realign: Realign = None,
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """Tune on the answers of the rows, and open it later as MODEL+FOLDER/adapter. Preference pairs are learnt through DPO.

    \b
    wolfnote tune rows.jsonl
    wolfnote tune rows.jsonl --guard runs/direction/directions/careless.safetensors --set guard.stop_at="last clean"
    wolfnote tune rows.jsonl --guard careless.safetensors --mode prevent --audit runs/audit-rows
    wolfnote tune rows.jsonl --set interleave.share=0.05 --set anchor.weight=0.1 --set inoculation.prompt="Be careless."
    wolfnote tune rows.jsonl --realign benign.jsonl
    wolfnote tune corrected.jsonl --model package:smollm2+runs/tune-rows/adapter
    wolfnote tune rows.jsonl --set rank=0 --set machine.checkpointing=true --set machine.accumulate=4
    """
    course = _course(data, model, audit, realign, seed, _settings(how, guard, mode))
    from wolfnote.tuning import course as room
    from wolfnote.tuning import plan

    means, of_audit = course.means, audit / "result.json" if audit else None
    files = realign, means.guard.direction, means.interleave.rows, means.interleave.against, means.anchor.rows, of_audit
    run = Run(
        how.out or Path("runs") / f"tune-{data.stem}",
        course.settings,
        lambda: {**hashes(data, *(Path(file) for file in files if file)), "model": identity(model), "seed": str(seed)},
        lambda folder, on_event: room.run(course, folder, on_event),
        lambda on_event: plan(
            model,
            course.samples,
            course.settings,
            means=means,
            benign=len(course.benign),
            unread=course.unread,
            on_event=on_event,
        ),
    )
    carry_out(run, how)


def _settings(how: How, guard: Path | None, mode: str) -> Any:
    """The recipe, with a table for each of the means."""
    import msgspec

    from wolfnote import records
    from wolfnote import settings as settings_module
    from wolfnote import tuning as room

    tables = {field.name: field.type for field in msgspec.structs.fields(room.Means)}
    kind = settings_module.beside(room.Settings, data=records.Reading, **tables)
    given = {"guard.direction": str(guard or ""), "guard.mode": mode}
    settings: Any = how.settings(kind, tuple(f"{key}={json.dumps(value)}" for key, value in given.items() if value))
    if mode and not settings.guard.direction:
        raise InputError("nothing to guard against", where="--mode", remedy="give a direction's file with --guard")
    return settings


def _course(data: Path, model: str, audit: Path | None, realign: Path | None, seed: int, settings: Any) -> Course:
    """All that can be wrong with the input is found here, before any weight is loaded."""
    from wolfnote import records, tuning
    from wolfnote.tuning import audited, interleaving
    from wolfnote.tuning.course import Course

    samples, unread = records.read_all(data, reading=settings.data)
    means = tuning.Means(**{name: getattr(settings, name) for name in tuning.Means.__struct_fields__})
    benign = interleaving.benign(str(realign)) if realign else ()
    return Course(model, samples, settings, means, seed, benign, audited.read(audit, data) if audit else None, unread)
