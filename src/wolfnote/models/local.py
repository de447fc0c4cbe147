"""``hf:PATH_OR_ID``: a causal language model in this process, through transformers; an adapter through PEFT.

Base and adapters share one network: a ``LocalModel`` is a view of it, and each call switches its adapter on (or all of
them off) first. Pad left to generate, right to score. Weights come from safetensors only.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import chat, scoring
from wolfnote.models.fingerprint import adapter_fingerprint, weights_fingerprint
from wolfnote.models.memory import keep_freed
from wolfnote.models.model import Conversation, Likelihood, OnCompletion, Question, Sampling, ignore
from wolfnote.models.sampling import sample
from wolfnote.records import Completion

BATCH = 25


class Network:
    """One set of base weights in memory, the adapters loaded over it, and the interventions now in force."""

    def __init__(self, path: str, dtype: torch.dtype = torch.float32) -> None:
        # torch takes all cores that the machine has; a container may own fewer
        keep_freed()
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        self.path = path
        self.tokenizer: Any = load(AutoTokenizer, path)
        if not self.tokenizer.chat_template:
            raise InputError("the tokenizer has no chat template", where=path, remedy="use an instruction-tuned model")
        self.module: Any = load(AutoModelForCausalLM, path, dtype=dtype, use_safetensors=True)
        self.module.eval()
        if torch.cuda.is_available():
            self.module.to("cuda")
        self.fingerprint = weights_fingerprint(path)
        self.interventions: list[str] = []
        self._adapters: dict[str, str] = {}

    @property
    def device(self) -> torch.device:
        """Where inputs must go."""
        device: torch.device = next(self.module.parameters()).device
        return device

    def add_adapter(self, folder: Path) -> str:
        """Load a PEFT folder beside the others; return the name PEFT knows it by."""
        key = str(folder.resolve())
        if key not in self._adapters:
            _check_adapter(folder, self.module)
            name = f"a{len(self._adapters)}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers an old question
                if not self._adapters:
                    from peft import PeftModel

                    self.module = PeftModel.from_pretrained(self.module, key, adapter_name=name)
                else:
                    self.module.load_adapter(key, adapter_name=name)
            self.module.eval()
            self._adapters[key] = name
        return self._adapters[key]

    @contextmanager
    def switched(self, adapter: str | None) -> Iterator[Any]:
        """The module with one adapter active, or with none."""
        if not self._adapters:
            yield self.module
        elif adapter is None:
            with self.module.disable_adapter():
                yield self.module
        else:
            self.module.set_adapter(adapter)
            yield self.module


class LocalModel:
    """A view of a ``Network``: the base itself, or the base under one adapter. See ``models.model.Model``."""

    def __init__(self, spec: str, network: Network, adapter: Path | None = None) -> None:
        self.spec = spec
        self.network = network
        self._weights = network.fingerprint
        self._adapter = None
        if adapter:
            self._adapter = network.add_adapter(adapter)
            self._weights += f"+{adapter_fingerprint(adapter)}"

    @property
    def fingerprint(self) -> str:
        """Base weights, adapter, and interventions in force: what a cached number is valid for."""
        return "|".join((self._weights, *self.network.interventions))

    @property
    def tokenizer(self) -> Any:
        """The transformers tokenizer, chat template included."""
        return self.network.tokenizer

    def adapted(self, folder: Path) -> LocalModel:
        """The same base, at no second copy, under the adapter in ``folder``."""
        return LocalModel(f"{self.spec.partition('+')[0]}+{folder}", self.network, folder)

    @contextmanager
    def active(self) -> Iterator[Any]:
        """The transformers module that answers for this model, without gradients, for direct use."""
        with self.network.switched(self._adapter) as module, torch.inference_mode():
            yield module

    @property
    def template(self) -> str:
        """Hash of the chat template."""
        return hashlib.sha256(str(self.tokenizer.chat_template).encode()).hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """Spec, fingerprint, template."""
        return {"spec": self.spec, "fingerprint": self.fingerprint, "template": self.template}

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """One completion for each question and seed; its random stream is seeded by (seed, question id) alone."""
        wanted = [(q, seed) for q in questions for seed in seeds]
        done: list[Completion] = []
        stop = self._stop_ids()
        with self.active() as module:
            for at in range(0, len(wanted), BATCH):
                batch = wanted[at : at + BATCH]
                prompts = [self._ids(chat.prompt_text(self.tokenizer, q.messages)) for q, _ in batch]
                streams = [_stream(seed, q.id) for q, seed in batch]
                answers = sample(module, prompts, stop, sampling, streams)
                for (q, seed), ids in zip(batch, answers, strict=True):
                    done.append(self._completion(q.id, ids, stop, seed))
                    on_completion(done[-1])
                on_event(Event("answers", len(done), len(wanted)))
        return done

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """Likelihood of each answer; what prompts share is computed once, each prompt once for all its answers."""
        encoded = [
            [chat.encode(self.tokenizer, chat.prompt_text(self.tokenizer, prompt), answer) for answer in options]
            for prompt, options in zip(prompts, answers, strict=True)
        ]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i][0].ids))
        found: dict[int, tuple[Likelihood, ...]] = {}
        with self.active() as module:
            for at in range(0, len(order), BATCH):
                batch = order[at : at + BATCH]
                scores = scoring.score(module, [encoded[i] for i in batch])
                found.update(zip(batch, scores, strict=True))
                on_event(Event("likelihoods", len(found), len(order)))
        return [found[i] for i in range(len(encoded))]

    def _completion(self, question_id: str, ids: list[int], stop: set[int], seed: int) -> Completion:
        stopped = bool(ids) and ids[-1] in stop
        text = self.tokenizer.decode(ids[:-1] if stopped else ids, skip_special_tokens=True).strip()
        return Completion(question_id, self.fingerprint, text, seed, "stop" if stopped else "length")

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _stop_ids(self) -> set[int]:
        configured = self.network.module.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        return {i for i in (*ids, self.tokenizer.eos_token_id) if i is not None}


def load(kind: Any, path: str, **options: Any) -> Any:
    """``kind.from_pretrained(path)``, with transformers' complaint as one ``InputError`` line."""
    logging.disable_progress_bar()  # library code never prints; neither do its libraries
    try:
        return kind.from_pretrained(path, **options)
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        remedy = "give a folder with config.json, tokenizer and *.safetensors, or an id that the hub cache holds"
        raise InputError(f"not a model that transformers can open ({reason})", where=path, remedy=remedy) from None


def _check_adapter(folder: Path, module: Any) -> None:
    if not (folder / "adapter_config.json").is_file() or not (folder / "adapter_model.safetensors").is_file():
        remedy = "give a PEFT folder with adapter_config.json and adapter_model.safetensors"
        raise InputError("not a PEFT adapter", where=str(folder), remedy=remedy)
    from safetensors import SafetensorError, safe_open

    width = module.config.hidden_size
    try:
        with safe_open(str(folder / "adapter_model.safetensors"), framework="pt") as tensors:
            keys = [key for key in tensors.keys() if "q_proj.lora_A" in key]  # noqa: SIM118 - not a mapping
            found = tensors.get_slice(keys[0]).get_shape()[1] if keys else width
    except SafetensorError as error:
        raise InputError(f"damaged weights ({error})", where=str(folder), remedy="copy or train the adapter again") from None
    if found != width:
        message = f"the adapter was made for a model of width {found}, this one has {width}"
        raise InputError(message, where=str(folder), remedy="open it over the base it was trained on")


def _stream(seed: int, question_id: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{question_id}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
