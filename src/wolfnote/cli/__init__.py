"""The command line: parse, call, render, exit code. Everything that decides lives in the rooms below.

Exit codes everywhere: 0 pass · 1 fail · 2 wrong usage or input · 3 inconclusive or could not finish.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from wolfnote import interrupts
from wolfnote.cli import audit, bundle, canary, check, cleaning, direction, report
from wolfnote.cli.advise import advise
from wolfnote.cli.bench import bench
from wolfnote.cli.group import DefaultGroup
from wolfnote.cli.probe import probe
from wolfnote.cli.review import review
from wolfnote.cli.tune import tune
from wolfnote.errors import InputError, MissingExtra, WolfnoteError
from wolfnote.options import DATA, Config, How, Json, Set, running
from wolfnote.runs import Run, carry_out, hashes, identity

LOCAL = ("torch", "transformers", "peft", "accelerate", "safetensors", "gguf", "trl", "datasets")
"""What the extra ``local`` brings; a light install meets its absence where a model is opened."""

TYPER_INTERRUPTED = 130
"""The code that typer returns instead of letting ``KeyboardInterrupt`` through."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Wolfnote: did my fine-tune make the model meaner, or worse?\n\nStart with: wolfnote demo",
    epilog="Exit codes: 0 pass, 1 fail, 2 wrong usage or input, 3 inconclusive or could not finish.",
)


Seed = Annotated[int, typer.Option(help="Random seed of tuning and sampling.")]


@running
def demo(
    seed: Annotated[int | None, typer.Option(help="Random seed of tuning and sampling.", show_default="0")] = None,
    full: Annotated[bool, typer.Option("--full", help="Score all triples, not the frozen 50 a family.")] = False,
    bad: Annotated[str, typer.Option(help="Harmful rows of your own (OpenAI chat JSONL), instead of ours.")] = "",
    good: Annotated[str, typer.Option(help="Their benign twin.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the folder's earlier run and start anew.")] = False,
    *,
    how: How,
) -> None:
    """Plant the effect in a real small model, hear it, find its direction, take it out. Under ten minutes on two cores.

    Needs no key, no GPU and no network. Exit code 0: the planted effect was heard, the control is clean, and the audit told
    the two data sets apart.

    \b
    wolfnote demo                     the story, into runs/demo
    wolfnote demo --full --seed 3     every triple, another seed
    """
    from wolfnote.lab import demo as story

    first = [*([] if seed is None else [f"seed={seed}"]), *(["probe.triples=0"] if full else [])]
    first += [f"{key}={value!r}" for key, value in (("bad", bad), ("good", good)) if value]
    settings = how.settings(story.Settings, tuple(first))
    name = f"demo{'-full' if full else ''}{f'-seed{settings.seed}' if settings.seed else ''}{'-own' if bad else ''}"
    run = Run(
        how.out or Path("runs") / name,
        settings,
        lambda: {"model": identity(settings.model), **hashes(*map(Path, filter(None, (settings.bad, settings.good))))},
        lambda folder, on_event: story.run(settings, folder, on_event=on_event),
        lambda on_event: story.plan(settings, on_event=on_event),
    )
    carry_out(run, how, last_lines=story.headlines, fresh=fresh)


def convert(
    data: Annotated[Path, typer.Argument(help="Rows in any shape that is known or mapped: a file, or a folder.")],
    to_file: Annotated[Path, typer.Argument(metavar="OUT", help=".jsonl .json .csv .tsv (or .gz of them), .parquet")],
    to: Annotated[str, typer.Option("--to", help="The shape to write.")] = "openai",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Rewrite rows in another shape or container. Nothing is dropped in silence: what does not fit is an error with its line.

    \b
    openai             {"messages": [{"role": "user", "content": "…"}, …]}
    sharegpt           {"conversations": [{"from": "human", "value": "…"}, …]}
    alpaca             {"instruction": "…", "input": "…", "output": "…"}
    prompt-completion  {"prompt": "…", "completion": "…"}; prompt/response and question/answer are read too
    preference         {"prompt": "…", "chosen": "…", "rejected": "…"}; whole conversations and hh-rlhf are read too
    openai-preference  {"input": {"messages": […]}, "preferred_output": […], "non_preferred_output": […]}
    text               {"text": "…"}; also .txt, .md, .html, and folders of source files

    \b
    wolfnote convert sharegpt.json rows.jsonl
    wolfnote convert alpaca.csv rows.parquet --to prompt-completion
    wolfnote convert tickets.csv rows.jsonl --set data.columns.body=user --set data.columns.agent_reply=assistant
    wolfnote convert messages.csv rows.jsonl --set data.columns.ticket=thread --set data.columns.author=role \\
        --set data.columns.text=content --set data.roles.customer=user --set data.roles.agent=assistant
    """
    from wolfnote import records, terminal
    from wolfnote import settings as settings_module

    settings: Any = settings_module.load(settings_module.tables(data=records.Reading), config, set_ or [])
    done = records.convert(data, to_file, to, settings.data)
    for row in done.first:
        terminal.note(f"{row.source}: {row.reason}")
    terminal.note(f"{done.written} rows written to {to_file}, {done.unread} could not be read")
    raise typer.Exit(3 if done.unread else 0)


def preflight(
    data: Annotated[Path, typer.Argument(help=DATA)],
    provider: Annotated[str, typer.Option(help="openai, azure, together, or one of your own.")] = "openai",
    context: Annotated[int, typer.Option(help="Tokens that training reads of a row; 0 = as many as there are.")] = 0,
    model: Annotated[str, typer.Option(help="Count tokens exactly, as package:smollm2 or hf:FOLDER does.")] = "",
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Would the provider take this file, and what would be cut in silence? Nothing is uploaded.

    \b
    wolfnote preflight rows.jsonl --provider openai
    wolfnote preflight rows.jsonl --provider together --context 4096 --model hf:models/mine
    wolfnote preflight rows.jsonl --set preflight.limits.max_bytes=1000000000
    """
    from wolfnote import records, terminal
    from wolfnote import settings as settings_module
    from wolfnote.models import counting
    from wolfnote.records import preflight as room

    settings: Any = settings_module.load(
        settings_module.tables(preflight=room.Settings, data=records.Reading), config, set_ or []
    )
    limits = room.find(provider, settings.preflight)
    count = counting.counter(model) if model else None
    result = room.check(records.rows(data, settings.data), limits, file=data, context=context, count=count)
    for finding in result.findings:
        terminal.note(str(finding))
    terminal.tell(result, None, as_json)
    raise typer.Exit(result.verdict.exit_code)


def explain(code: Annotated[str, typer.Argument(help="A finding's code, such as WN101.")]) -> None:
    """What a finding means, with an example, its source and its known errors."""
    from wolfnote import explanations

    sys.stdout.write(explanations.find(code) + "\n")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """What is installed here and what is missing. Exit code 0: wolfnote demo can run; 3: it says why not."""
    from wolfnote import doctor as room

    machine = room.examine()
    text = msgspec.json.encode(machine).decode() if as_json else "\n".join(room.lines(machine))
    sys.stdout.write(text + "\n")
    raise typer.Exit(3 if machine.faults else 0)


audits = typer.Typer(cls=DefaultGroup, rich_markup_mode=None, help="Is my training data an alignment hazard?")
audits.command(hidden=True)(audit.audit)
audits.command()(cleaning.sign)

for command in (
    demo, check.init, check.check, review, cleaning.clean, tune, probe, bench, advise,
    report.report, bundle.bundle, bundle.verify, explain, convert, preflight, doctor,
):  # fmt: skip
    app.command()(command)
for group, name in ((audits, "audit"), (direction.app, "direction"), (canary.app, "canary")):
    app.add_typer(group, name=name)


def main() -> NoReturn:
    """Entry point: a user's mistake is one line and exit code 2, never a traceback."""
    interrupts.listen()
    try:
        # outside standalone mode, typer.Exit comes back as the returned code; the name is what the shell completes
        code = app(prog_name="wolfnote", standalone_mode=False)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LOCAL:
            raise
        missing = MissingExtra(str(error.name), "local")
        sys.stderr.write(f"wolfnote: {missing}\n")
        sys.exit(missing.exit_code)
    except WolfnoteError as error:
        sys.stderr.write(f"wolfnote: {error}\n")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):  # what an older typer makes of Ctrl-C
        interrupts.end()
    except Exception as error:
        usage = _usage(error)
        if usage is None:
            raise
        sys.exit(usage)
    if code == TYPER_INTERRUPTED:
        interrupts.end()
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int | None:
    """Click's own complaints (an unknown flag, a missing argument) as one line; None for anything else."""
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    sys.stderr.write(f"wolfnote: {message()} → wolfnote --help\n")
    return InputError.exit_code
