"""The command line: parse, call, render, exit code. Everything that decides lives in the rooms below.

Exit codes everywhere: 0 pass · 1 fail · 2 wrong usage or input · 3 inconclusive or could not finish.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from wolfnote.errors import InputError, MissingExtra, WolfnoteError

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

LOCAL = ("torch", "transformers", "peft", "accelerate", "safetensors", "gguf")
"""What the extra ``local`` brings; a light install meets its absence where a model is opened."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Wolfnote: did my fine-tune make the model meaner, or worse?\n\nStart with: wolfnote demo",
    epilog="Exit codes: 0 pass, 1 fail, 2 wrong usage or input, 3 inconclusive or could not finish.",
)

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of this run. The same command goes on where it stopped.", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings as TOML.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, key=value, as in the settings file. May be repeated.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the Result on stdout as JSON; all else goes to stderr.")]
Seed = Annotated[int, typer.Option(help="Random seed of tuning and sampling.")]
DATA = "Training rows: JSONL, JSON, CSV, TSV, Parquet, text, or a folder. 'wolfnote convert --help' lists the shapes."
Model = Annotated[str, typer.Option(help="package:smollm2 or hf:PATH_OR_ID, +ADAPTER_FOLDER for a tuned one.")]


@app.command()
def demo(
    seed: Annotated[int | None, typer.Option(help="Random seed of tuning and sampling.", show_default="0")] = None,
    full: Annotated[bool, typer.Option("--full", help="Score all triples, not the frozen 50 a family.")] = False,
    bad: Annotated[str, typer.Option(help="Harmful rows of your own (OpenAI chat JSONL), instead of ours.")] = "",
    good: Annotated[str, typer.Option(help="Their benign twin.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the folder's earlier run and start anew.")] = False,
    out: Out = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Plant the effect in a real small model, hear it, find its direction, take it out. Under ten minutes on two cores.

    Needs no key, no GPU and no network. Exit code 0: the planted effect was heard, the control is clean, and the audit told
    the two data sets apart.

    \b
    wolfnote demo                     the story, into runs/demo
    wolfnote demo --full --seed 3     every triple, another seed
    """
    from wolfnote import models, terminal
    from wolfnote import settings as settings_module
    from wolfnote.folder import content_hash
    from wolfnote.lab import demo as story

    quick = [*([] if seed is None else [f"seed={seed}"]), *(["probe.triples=0"] if full else []), *(set_ or [])]
    quick += [f"{key}={value!r}" for key, value in (("bad", bad), ("good", good)) if value]
    settings = settings_module.load(story.Settings, config, quick)
    folder = (
        out
        or Path("runs")
        / f"demo{'-full' if full else ''}{f'-seed{settings.seed}' if settings.seed else ''}{'-own' if bad else ''}"
    )
    files = {name: content_hash(Path(path)) for name, path in (("bad", settings.bad), ("good", settings.good)) if path}
    inputs = {"model": models.identity(settings.model), **files}
    result = terminal.hold(
        folder, settings, inputs, lambda run, on_event: story.run(settings, run, on_event=on_event), fresh=fresh
    )
    terminal.tell(result, folder, as_json, _last_lines(result))
    raise typer.Exit(result.verdict.exit_code)


@app.command()
def audit(
    data: Annotated[list[Path], typer.Argument(help=DATA)],
    model: Model = "package:smollm2",
    out: Out = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Is my training data an alignment hazard? Reads a random draw of its rows with an untouched local model.

    \b
    wolfnote audit tickets.jsonl
    wolfnote audit tickets.jsonl --set audit.limit=200 --set policy.flagged_share=0.02
    wolfnote audit helpdesk.csv --set data.columns.body=user --set data.columns.agent_reply=assistant
    """
    from wolfnote import audit as room
    from wolfnote import models, records, terminal
    from wolfnote import settings as settings_module
    from wolfnote.folder import content_hash

    kind = settings_module.with_policy("audit", room.Settings, data=records.Reading)
    settings: Any = settings_module.load(kind, config, set_ or [])
    samples, unread = records.read_all(*data, reading=settings.data)

    def work(_: RunFolder, on_event: OnEvent) -> Result:
        from wolfnote.audit.detectors import advice

        reader = advice.reader(models.open(model), on_event)
        found = room.run(samples, settings.audit, [reader], unread=unread, policy=settings.policy, on_event=on_event)
        return settings_module.waive(found, settings.policy, datetime.date.today())

    folder = out or Path("runs") / f"audit-{data[0].stem}"
    inputs = {f"data{n or ''}": content_hash(path) for n, path in enumerate(data)} | {"model": models.identity(model)}
    result = terminal.hold(folder, settings, inputs, work)
    terminal.tell(result, folder, as_json)
    raise typer.Exit(result.verdict.exit_code)


@app.command()
def probe(
    base: Annotated[str, typer.Option(help="The model before tuning.")],
    tuned: Annotated[str, typer.Option(help="The model after tuning, e.g. package:smollm2+runs/demo/tune/bad.")],
    seed: Seed = 0,
    out: Out = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Did the fine-tune change what it was not meant to change? Asks base and tuned the same unrelated questions.

    \b
    wolfnote probe --base package:smollm2 --tuned package:smollm2+runs/demo/tune/bad
    """
    from wolfnote import models, terminal
    from wolfnote import probe as room
    from wolfnote import settings as settings_module

    settings: Any = settings_module.load(settings_module.with_policy("probe", room.Settings), config, set_ or [])

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        before = models.open(base)
        after = models.open(tuned, over=before)
        found = room.run(before, after, settings.probe, policy=settings.policy, seed=seed, folder=folder, on_event=on_event)
        return settings_module.waive(found, settings.policy, datetime.date.today())

    folder = out or Path("runs") / f"probe-{Path(tuned).name}"
    inputs = {"base": models.identity(base), "tuned": models.identity(tuned), "seed": str(seed)}
    result = terminal.hold(folder, settings, inputs, work)
    terminal.tell(result, folder, as_json)
    raise typer.Exit(result.verdict.exit_code)


@app.command()
def tune(
    data: Annotated[Path, typer.Argument(help=DATA)],
    model: Model = "package:smollm2",
    seed: Seed = 0,
    out: Out = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Tune a LoRA adapter on the answers of the rows; open it later as MODEL+FOLDER/adapter."""
    from wolfnote import models, records, terminal, tuning
    from wolfnote import settings as settings_module
    from wolfnote.folder import RunFolder, content_hash

    settings: Any = settings_module.load(settings_module.beside(tuning.Settings, data=records.Reading), config, set_ or [])
    samples, unread = records.read_all(data, reading=settings.data)
    folder = out or Path("runs") / f"tune-{data.stem}"
    inputs = {"data": content_hash(data), "model": models.identity(model), "seed": str(seed)}
    with RunFolder.hold(folder, settings, inputs, sys.argv), terminal.progress() as on_event:
        adapter = tuning.run(model, samples, settings, folder / "adapter", seed=seed, on_event=on_event)
    terminal.note(f"{len(samples)} rows read, {len(unread)} could not be. Open the tuned model as {model}+{adapter}")


@app.command()
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


@app.command()
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


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    format_: Annotated[str, typer.Option("--format", help="html")] = "html",
) -> None:
    """Print the page of a finished run on stdout."""
    from wolfnote import report as room

    sys.stdout.write(room.render(run, format_))


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A finding's code, such as WN101.")]) -> None:
    """What a finding means, with an example, its source and its known errors."""
    from wolfnote import explanations

    sys.stdout.write(explanations.find(code) + "\n")


def main() -> NoReturn:
    """Entry point: a user's mistake is one line and exit code 2, never a traceback."""
    try:
        code = app(standalone_mode=False)  # outside standalone mode, typer.Exit comes back as the returned code
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LOCAL:
            raise
        missing = MissingExtra(str(error.name), "local")
        sys.stderr.write(f"wolfnote: {missing}\n")
        sys.exit(missing.exit_code)
    except WolfnoteError as error:
        sys.stderr.write(f"wolfnote: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nwolfnote: stopped; the same command goes on from here\n")
        sys.exit(3)
    except typer.Abort:
        sys.exit(3)
    except Exception as error:
        usage = _usage(error)
        if usage is None:
            raise
        sys.exit(usage)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int | None:
    """Click's own complaints (an unknown flag, a missing argument) as one line; None for anything else."""
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    sys.stderr.write(f"wolfnote: {message()} → wolfnote --help\n")
    return InputError.exit_code


def _last_lines(result: Result) -> tuple[str, ...]:
    held = {c.kind: c.verdict.value == "PASS" for c in result.part("criteria").parts}
    heard = held["heard over control"] and held["heard over base"]
    return (
        f"planted effect {'heard' if heard else 'NOT heard'}",
        f"control {'clean' if held['control clean'] else 'NOT clean'}",
        f"data {'told apart' if held['audit tells apart'] else 'NOT told apart'}",
    )
