"""LoRA through the transformers trainer. A killed run goes on from its last checkpoint and ends with the weights of an
unbroken one: the order of rows, the optimiser and the schedule are all restored, and there is no dropout.
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
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.supervision import IGNORED, supervise


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
            path = models.path_of(model)
            trainer = prepare(path, samples, settings, part, seed, on_event)
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "peft", "local") from None
        trainer.train(resume_from_checkpoint=_newest_whole(part))
    trainer.model.save_pretrained(part / "adapter", safe_serialization=True)
    from wolfnote.models.local import adapter

    adapter.note(part / "adapter", weights_fingerprint(path))
    (part / "adapter").rename(folder)  # the folder exists only when it is whole
    shutil.rmtree(part, ignore_errors=True)
    del trainer
    gc.collect()
    return folder


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


def prepare(path: str, samples: Sequence[Sample], settings: Settings, part: Path, seed: int, on_event: OnEvent) -> Any:
    """The transformers trainer of a run, ready to ``train()``; checkpoints go to ``part``."""
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, set_seed
    from transformers.trainer_callback import PrinterCallback

    from wolfnote.models.local import load
    from wolfnote.models.local.memory import keep_freed

    class AnswerTrainer(Trainer):  # type: ignore[misc]  # transformers ships no types for it
        """The trainer with ``answer_loss``."""

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            return answer_loss(model, inputs, num_items_in_batch)

    keep_freed()
    tokenizer = load(AutoTokenizer, path, padding_side="left")
    rows = supervise(tokenizer, samples, settings.max_tokens)
    if not rows:
        raise InputError("no row has an answer to learn from", remedy="raise tune.max_tokens or check the data")
    # eager attention: on a CPU, and for rows of a hundred tokens, faster than the fused kernel
    base = load(AutoModelForCausalLM, path, dtype="bfloat16", attn_implementation="eager")
    set_seed(seed)  # before the adapter draws its weights; the trainer seeds only the order of rows
    trainer = AnswerTrainer(
        model=get_peft_model(base, _lora(settings, base)),
        args=_arguments(settings, part, seed),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED),
        callbacks=[_telling(on_event, part.stem)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def answer_loss(model: Any, inputs: dict[str, Any], items: Any = None) -> Any:
    """Cross-entropy over the labelled tokens, equal to the model's own loss, with logits only where labels are.

    Rows are padded on the left, so that all answers end in the last column and the vocabulary, a third of a small model's
    work, is met by a few columns instead of all.
    """
    import torch

    inputs = dict(inputs)
    labels = inputs.pop("labels")
    first = int((labels != IGNORED).any(0).nonzero()[0])
    columns = torch.arange(max(0, first - 1), labels.shape[1] - 1, device=labels.device)
    logits = model(**inputs, logits_to_keep=columns, use_cache=False).logits
    targets = labels[:, columns + 1].flatten()
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum")
    return total / (items if items is not None else (targets != IGNORED).sum())


def _lora(settings: Settings, base: Any) -> Any:
    import torch
    from peft import LoraConfig

    from wolfnote.directions.blocks import blocks

    every = blocks(base)
    adapted = {id(m) for block in every[int(settings.from_depth * len(every)) :] for m in block.modules()}
    names = [name for name, m in base.named_modules() if id(m) in adapted and isinstance(m, torch.nn.Linear)]
    return LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        use_rslora=True,
        target_modules=names,
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
