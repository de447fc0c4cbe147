"""LoRA through the transformers trainer. A killed run goes on from its last checkpoint and ends with the weights of an
unbroken one: the order of rows, the optimiser and the schedule are all restored, and there is no dropout.
"""

from __future__ import annotations

import gc
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wolfnote import models
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import Event, OnEvent, silent
from wolfnote.records import Sample
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.supervision import supervise


def run(
    model: str, samples: Sequence[Sample], settings: Settings, folder: Path, *, seed: int = 0, on_event: OnEvent = silent
) -> Path:
    """Tune the base behind ``model`` on the samples' answers; return ``folder``, a PEFT adapter.

    The base is held in bfloat16, the adapter is trained in float32. If ``folder`` already holds a finished adapter, that is
    the result. Raises ``InputError`` when no row has an answer within ``max_tokens``.
    """
    if (folder / "adapter_config.json").is_file():
        return folder
    part = folder.with_name(folder.name + ".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries warn of each other; nothing a user can act on
        try:
            trainer = _trainer(models.path_of(model), samples, settings, part, seed, on_event)
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "peft", "local") from None
        trainer.train(resume_from_checkpoint=any(part.glob("checkpoint-*")))
    trainer.model.save_pretrained(part / "adapter", safe_serialization=True)
    (part / "adapter").rename(folder)  # the folder exists only when it is whole
    shutil.rmtree(part, ignore_errors=True)
    del trainer
    gc.collect()
    return folder


def _trainer(path: str, samples: Sequence[Sample], settings: Settings, part: Path, seed: int, on_event: OnEvent) -> Any:
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer
    from transformers.trainer_callback import PrinterCallback

    from wolfnote.models.local import load
    from wolfnote.models.memory import keep_freed

    keep_freed()
    tokenizer = load(AutoTokenizer, path)
    rows = supervise(tokenizer, samples, settings.max_tokens)
    if not rows:
        raise InputError("no row has an answer to learn from", remedy="raise tune.max_tokens or check the data")
    # eager attention: on a CPU, and for rows of a hundred tokens, faster than the fused kernel
    base = load(AutoModelForCausalLM, path, dtype="bfloat16", attn_implementation="eager")
    trainer = Trainer(
        model=get_peft_model(base, _lora(settings, base)),
        args=_arguments(settings, part, seed),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100),
        callbacks=[_telling(on_event, part.stem)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _lora(settings: Settings, base: Any) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        use_rslora=True,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _arguments(settings: Settings, part: Path, seed: int) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(part),
        per_device_train_batch_size=settings.batch,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,  # below 1, a share of all steps
        lr_scheduler_type="linear",
        seed=seed,
        data_seed=seed,
        save_steps=settings.save_every,
        save_total_limit=2,
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )


def _telling(on_event: OnEvent, name: str) -> Any:
    from transformers import TrainerCallback

    class Telling(TrainerCallback):  # type: ignore[misc]  # transformers ships no types for it
        """Reports steps; prints nothing itself."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            on_event(Event(f"tune {name}", state.global_step, state.max_steps))

    return Telling()
