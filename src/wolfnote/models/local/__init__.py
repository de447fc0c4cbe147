"""``hf:PATH_OR_ID``: a causal language model in this process, through transformers; an adapter through PEFT.

Base and adapters share one network: a ``LocalModel`` is a view of it, and each call switches its adapter on (or all of
them off) first. Pad left to generate, right to score. Weights come from safetensors (or GGUF) only.
"""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import chat, placement
from wolfnote.models.fingerprint import adapter_fingerprint, weights_fingerprint
from wolfnote.models.local import adapter, sampling, scoring
from wolfnote.models.local.forward import Audience, Forward
from wolfnote.models.local.memory import keep_freed
from wolfnote.models.model import Conversation, Likelihood, OnCompletion, Question, Sampling, ignore
from wolfnote.models.placement import Local
from wolfnote.records import Completion

# peft imports it wherever it is installed, and it warns on stderr of kernels that it can do without
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

BATCH = 25
"""Prompts scored at once. Fixed, so that a resumed run scores the same batches and gets the same floats."""


class Network:
    """One set of base weights in memory, the adapters loaded over it, and the interventions now in force."""

    def __init__(self, path: str, settings: Local = Local()) -> None:  # noqa: B008 - frozen
        # torch takes all cores that the machine has; a container may own fewer
        keep_freed()
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        self.path = path
        place = placement.device(settings)
        options = placement.loading(settings, path, place)
        self.tokenizer: Any = _tokenizer(path, settings.template)
        self.module: Any = load(AutoModelForCausalLM, path, use_safetensors=True, **options)
        self.module.eval()
        if "device_map" not in options:
            self.module.to(place)
        self.precision = settings.precision if settings.precision == "4-bit" else str(self.module.dtype).removeprefix("torch.")
        # float32 is what a fingerprint means unless it says otherwise
        rounded = "" if self.precision == "float32" else f"@{self.precision}"
        self.fingerprint = weights_fingerprint(path) + rounded
        self.interventions: list[str] = []
        self.audience = Audience()
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
            bare = self.module.get_base_model() if self._adapters else self.module
            adapter.check(folder, bare, weights_fingerprint(self.path))
            name = f"a{len(self._adapters)}"
            with warnings.catch_warnings():
                # peft asks transformers an old question, and remarks on adapters of tied embeddings, which are meant here
                warnings.simplefilter("ignore")
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
        """Base weights, precision, adapter, and interventions in force: what a cached number is valid for."""
        return "|".join((self._weights, *self.network.interventions))

    @property
    def tokenizer(self) -> Any:
        """The transformers tokenizer, chat template included."""
        return self.network.tokenizer

    @property
    def template(self) -> str:
        """Hash of the chat template."""
        return hashlib.sha256(str(self.tokenizer.chat_template).encode()).hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """What a run's record says of this model, the template's silent system prompt in full."""
        return {
            "spec": self.spec,
            "fingerprint": self.fingerprint,
            "template": self.template,
            "before_the_first_question": chat.silent(self.tokenizer),
            "device": str(self.network.device),
            "precision": self.network.precision,
        }

    def adapted(self, folder: Path) -> LocalModel:
        """The same base, at no second copy, under the adapter in ``folder``."""
        return LocalModel(f"{self.spec.partition('+')[0]}+{folder}", self.network, folder)

    @contextmanager
    def active(self) -> Iterator[Any]:
        """The transformers module that answers for this model, without gradients, for direct use."""
        with self.network.switched(self._adapter) as module, torch.inference_mode():
            yield module

    def generate(
        self,
        questions: Sequence[Question],
        sampling_: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """One completion for each question and seed; its random stream is seeded by (seed, question id) alone."""
        jobs = [
            sampling.Job(self._ids(chat.prompt_text(self.tokenizer, q.messages)), [_stream(seed, q.id) for seed in seeds])
            for q in questions
        ]
        stop = self._stop_ids()
        found: dict[tuple[int, int], Completion] = {}

        def whole(job: int, answer: int, ids: list[int]) -> None:
            completion = self._completion(questions[job].id, ids, stop, seeds[answer])
            found[job, answer] = completion
            on_completion(completion)
            on_event(Event("answers", len(found), len(questions) * len(seeds)))

        with self.active() as module:
            sampling.sample(Forward(module, self.network.audience, len(jobs)), jobs, stop, sampling_, whole)
        return [found[job, answer] for job in range(len(jobs)) for answer in range(len(seeds))]

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """Likelihood of each answer; what prompts share is computed once, each prompt once for all its answers."""
        encoded = [
            [chat.encode(self.tokenizer, chat.prompt_text(self.tokenizer, prompt), answer) for answer in options]
            for prompt, options in zip(prompts, answers, strict=True)
        ]
        order = sorted(range(len(encoded)), key=lambda i: max(len(e.ids) for e in encoded[i]))
        found: dict[int, tuple[Likelihood, ...]] = {}
        with self.active() as module:
            call = Forward(module, self.network.audience, len(encoded))
            for at in range(0, len(order), BATCH):
                batch = order[at : at + BATCH]
                scores = scoring.score(call, [encoded[i] for i in batch], batch)
                found.update(zip(batch, scores, strict=True))
                on_event(Event("likelihoods", len(found), len(order)))
        return [found[i] for i in range(len(encoded))]

    def _completion(self, question_id: str, ids: list[int], stop: set[int], seed: int) -> Completion:
        stopped = bool(ids) and ids[-1] in stop
        text, reasoning = chat.split(self.tokenizer.decode(ids[:-1] if stopped else ids, skip_special_tokens=True))
        finish: Literal["stop", "length"] = "stop" if stopped else "length"
        return Completion(question_id, self.fingerprint, text, seed, finish, reasoning=reasoning)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _stop_ids(self) -> set[int]:
        configured = self.network.module.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        return {i for i in (*ids, self.tokenizer.eos_token_id) if i is not None}


def load(kind: Any, path: str, **options: Any) -> Any:
    """``kind.from_pretrained(path)``, with transformers' complaint as one ``InputError`` line."""
    disable_progress_bar()  # library code never prints; neither do its libraries
    try:
        return kind.from_pretrained(path, **options)
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        remedy = "give a folder with config.json, tokenizer and *.safetensors, or an id that the hub cache holds"
        raise InputError(f"not a model that transformers can open ({reason})", where=path, remedy=remedy) from None


def _tokenizer(path: str, template: str) -> Any:
    tokenizer = load(AutoTokenizer, path)
    if template:
        try:
            tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"not readable ({error})", where=template, remedy="give a Jinja file as local.template") from None
    if not tokenizer.chat_template:
        remedy = "use an instruction-tuned model, or give one: --set local.template=FILE.jinja"
        raise InputError("the tokenizer has no chat template", where=path, remedy=remedy)
    return tokenizer


def _stream(seed: int, question_id: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{question_id}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
