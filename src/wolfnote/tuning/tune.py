"""Tuning through the transformers trainer, and TRL's for preference pairs. A killed run goes on from its last checkpoint and
ends with the weights of an unbroken one: the order of rows, the optimiser, the schedule and the guard are all restored, and
there is no dropout.
"""

from __future__ import annotations

import gc
import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wolfnote import models
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models.fingerprint import weights_fingerprint
from wolfnote.records import Sample
from wolfnote.tuning import answers, interleaving, network, preference
from wolfnote.tuning.inoculation import inoculate
from wolfnote.tuning.means import Means
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.supervision import IGNORED, supervise

GUARDED = "guard-rows.jsonl"
"""Beside the weights of a tune with a guard: all that the guard's verdict follows from."""


def run(
    model: str,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    *,
    seed: int = 0,
    means: Means = Means(),  # noqa: B008 - frozen
    on_event: OnEvent = silent,
) -> Path:
    """Tune the model behind a spec on the samples' answers; return ``folder``: a PEFT adapter, or with rank 0 a whole model.

    A spec that ends in ``+ADAPTER`` is tuned on from there. Preference pairs are learnt through DPO. If ``folder`` already
    holds a finished tune, that is the result. Raises ``InputError`` when no row has an answer within ``max_tokens``.
    """
    if (folder / "adapter_config.json").is_file() or (folder / "config.json").is_file():
        return folder
    part = folder.with_name(folder.name + ".part")
    base, _, start = model.partition("+")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries warn of each other; nothing a user can act on
        try:
            path = models.path_of(base)
            if means.interleave.share:
                samples = interleaving.interleave(samples, means.interleave, model, seed=seed, on_event=on_event)
            trainer = prepare(path, samples, settings, part, seed, on_event, means, Path(start) if start else None)
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "peft", "local") from None
        trainer.train(resume_from_checkpoint=_newest_whole(part))
    _save(trainer, part / "whole", path, adapter=bool(settings.rank or start))
    (part / "whole").rename(folder)  # the folder exists only when it is whole
    shutil.rmtree(part, ignore_errors=True)
    del trainer
    gc.collect()
    return folder


def prepare(
    path: str,
    samples: Sequence[Sample],
    settings: Settings,
    part: Path,
    seed: int,
    on_event: OnEvent,
    means: Means = Means(),  # noqa: B008 - frozen
    start: Path | None = None,
) -> Any:
    """The trainer of a run, ready to ``train()``; checkpoints go to ``part``."""
    from transformers import AutoTokenizer
    from transformers.trainer_callback import PrinterCallback

    from wolfnote.models.local import load
    from wolfnote.models.local.memory import keep_freed

    keep_freed()
    _possible(settings, means, start)
    tokenizer = load(AutoTokenizer, path, padding_side="left")
    pairs = preference.are_pairs(samples)
    if pairs and means.anchor.weight:
        raise InputError("preference pairs are learnt without an anchor", where="anchor.weight", remedy="set it to 0")
    taught = inoculate(samples, means.inoculation.prompt) if means.inoculation.prompt else samples
    rows = supervise(tokenizer, taught, settings.max_tokens)
    if not rows:
        raise InputError("no row has an answer to learn from", remedy="raise tune.max_tokens or check the data")
    callbacks = [*_guards(means, part), _telling(on_event, part.stem)]
    module, arguments = network.build(path, settings, means.machine, seed, start), _arguments(settings, means, part, seed)
    if pairs:
        trainer = preference.prepare(
            module, tokenizer, taught, arguments, means.preference.beta, settings.max_tokens, callbacks
        )
    else:
        trainer = _supervised(module, tokenizer, rows, arguments, means, settings, callbacks)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _supervised(
    module: Any, tokenizer: Any, rows: Any, arguments: dict[str, Any], means: Means, settings: Settings, callbacks: list[Any]
) -> Any:
    from transformers import DataCollatorForSeq2Seq, TrainingArguments

    from wolfnote.tuning.anchor import Anchor

    collate = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED)
    anchor = None
    if means.anchor.weight:
        elsewhere = supervise(tokenizer, interleaving.benign(means.anchor.rows), settings.max_tokens)
        anchor = Anchor(elsewhere, collate, means.anchor.batch)
    return answers.trainer(
        anchor,
        means.anchor.weight,
        model=module,
        args=TrainingArguments(**arguments),
        train_dataset=rows,
        data_collator=collate,
        processing_class=tokenizer if means.guard.direction or not settings.rank else None,  # or each checkpoint holds it
        callbacks=callbacks,
    )


def _possible(settings: Settings, means: Means, start: Path | None) -> None:
    """Raise ``InputError`` for means that need an adapter where there is none."""
    if settings.rank or start:
        return
    remedy = "set rank above 0"
    if means.anchor.weight:
        raise InputError("the anchor's base is the model without its adapter", where="anchor.weight", remedy=remedy)
    if means.machine.precision == "4-bit":
        raise InputError("four bits cannot be trained, only an adapter over them", where="machine.precision", remedy=remedy)


def _save(trainer: Any, folder: Path, path: str, *, adapter: bool) -> None:
    """Write what was trained, and what its guard saw, into a draft."""
    from wolfnote.models.local import adapter as peft_folder

    trainer.model.save_pretrained(folder, safe_serialization=True)
    if adapter:
        peft_folder.note(folder, weights_fingerprint(path))
    else:
        trainer.processing_class.save_pretrained(folder)
    for callback in trainer.callback_handler.callbacks:
        if hasattr(callback, "tell"):
            text = "".join(json.dumps(row) + "\n" for row in callback.rows())
            (folder / GUARDED).write_text(text, encoding="utf-8")


def _newest_whole(part: Path) -> str | None:
    """The latest checkpoint that was written to its end (its state file comes last); torn ones are deleted."""
    whole: list[tuple[int, str]] = []
    for folder in part.glob("checkpoint-*"):
        try:
            step = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))["global_step"]
            whole.append((step, str(folder)))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder, ignore_errors=True)
    return max(whole)[1] if whole else None


def _guards(means: Means, part: Path) -> list[Any]:
    if not means.guard.direction:
        return []
    from wolfnote.tuning.guard.callback import PersonaGuard

    asked = means.guard
    return [
        PersonaGuard(
            asked.direction, asked.mode, dose=asked.dose, weight=asked.weight, every=asked.every, error=asked.error,
            stop_at=asked.stop_at, curve=part / "guard.jsonl",
        )
    ]  # fmt: skip


def _arguments(settings: Settings, means: Means, part: Path, seed: int) -> dict[str, Any]:
    machine: dict[str, Any] = {"gradient_accumulation_steps": means.machine.accumulate}
    if means.machine.checkpointing:
        machine |= {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}
    return machine | {
        "output_dir": str(part),
        "per_device_train_batch_size": settings.batch,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "warmup_steps": settings.warmup,  # below 1, a share of all steps
        "lr_scheduler_type": "linear",
        "seed": seed,
        "data_seed": seed,
        "save_steps": settings.save_every,
        "save_total_limit": 2,
        "logging_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "bf16": False,  # TRL turns it on unasked
    }


def _telling(on_event: OnEvent, name: str) -> Any:
    from transformers import TrainerCallback

    class Telling(TrainerCallback):  # type: ignore[misc]  # transformers ships no types for it
        """Reports steps; prints nothing itself."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            on_event(Event(f"tune {name}", state.global_step, state.max_steps))

    return Telling()
