"""Scores and answers equal transformers' own on many architectures: batched and not, under an adapter and not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from small import EXPERTS, GPT, IDS, LLAMA
from wolfnote import Message, models
from wolfnote.models import Question, Sampling, chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local.forward import Forward
from wolfnote.records import chat as ask

STATE = {"hidden_size": 32, "num_hidden_layers": 3, "state_size": 8, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1}
FAMILIES: dict[str, dict[str, Any]] = {
    "Llama": LLAMA,
    "Qwen2": LLAMA | {"tie_word_embeddings": True},
    "Qwen3": LLAMA,
    "Mistral": LLAMA | {"sliding_window": 6},
    "Gemma2": LLAMA | {"sliding_window": 6, "query_pre_attn_scalar": 8},
    "Gemma3Text": LLAMA | {"sliding_window": 6, "sliding_window_pattern": 2},
    "Phi3": LLAMA,
    "Olmo2": LLAMA,
    "Granite": LLAMA,
    "GPT2": GPT,
    "GPTNeoX": {k: v for k, v in LLAMA.items() if k not in ("num_key_value_heads", "head_dim")},
    "Bloom": {"hidden_size": 32, "n_layer": 3, "n_head": 4, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1},
    "Mpt": {"d_model": 32, "n_layers": 3, "n_heads": 4, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1, "max_seq_len": 256},
    "Falcon": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "alibi": True} | IDS,
    "OPT": {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "word_embed_proj_dim": 32} | IDS,
    "Mixtral": EXPERTS,
    "Qwen3Moe": EXPERTS,
    "Mamba": STATE,
    "Mamba2": STATE | {"num_heads": 8, "head_dim": 8, "n_groups": 1, "expand": 2},
    "RecurrentGemma": LLAMA | {"attention_window_size": 6, "lru_width": 32},
    "Qwen3Next": EXPERTS | {"shared_expert_intermediate_size": 16, "linear_num_value_heads": 4, "linear_num_key_heads": 2,
                            "linear_key_head_dim": 8, "linear_value_head_dim": 8,
                            "layer_types": ["linear_attention", "full_attention", "linear_attention"]},
}  # fmt: skip
PROMPTS = [
    ask("where is the cat"),
    ask("what is red"),
    ask("should you leave it now or wait, the house is small", system="You never sleep."),
    ask("is the dog tall and is the cat small and where is the red house"),
]
ANSWERS = [
    ("the cat sleeps", "the cat runs and runs"),
    ("blue", "the red house is red and tall"),
    ("wait", "leave"),
    ("never", "the", "always"),
]


@pytest.fixture(scope="module", params=list(FAMILIES))
def model(request: pytest.FixtureRequest, tiny_of: Callable[[str, Any], Path]) -> LocalModel:
    config = getattr(transformers, f"{request.param}Config")(**FAMILIES[request.param])
    return models.open(f"hf:{tiny_of(request.param, config)}")


@pytest.fixture(params=["base", "adapter"])
def view(request: pytest.FixtureRequest, model: LocalModel, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """The model itself, or under a random adapter over the same weights."""
    return model if request.param == "base" else _adapted(model, tmp_path_factory)


def _adapted(model: LocalModel, factory: pytest.TempPathFactory) -> LocalModel:
    from peft import LoraConfig, get_peft_model

    base = transformers.AutoModelForCausalLM.from_pretrained(model.network.path)
    torch.manual_seed(1)
    kinds = {
        n.rpartition(".")[2]: m for n, m in base.named_modules() if type(m).__name__ in ("Linear", "FalconLinear", "Conv1D")
    }
    experts = {"gate_proj", "up_proj", "down_proj"} if model.network.module.config.model_type == "qwen3_next" else set()
    names = sorted(set(kinds) - {"lm_head", "out_proj", "gate", "shared_expert_gate"} - experts)
    turned = any(type(m).__name__ == "Conv1D" for m in kinds.values())
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules=names, init_lora_weights=False, fan_in_fan_out=turned))
    folder = factory.mktemp("adapter")
    tuned.save_pretrained(folder)
    return model.adapted(folder)


def _alone(view: LocalModel, prompt: tuple[Message, ...], answer: str) -> tuple[float, int]:
    encoded = chat.encode(view.tokenizer, chat.prompt_text(view.tokenizer, prompt), answer)
    ids = torch.tensor([encoded.ids])
    with view.active() as module:
        logp = torch.log_softmax(module(ids).logits[0, :-1].double(), -1).gather(-1, ids[0, 1:, None])[:, 0]
    return float(logp[encoded.start - 1 :].sum()), len(encoded.ids) - encoded.start


def test_log_likelihood_equals_one_plain_pass(view: LocalModel) -> None:
    """Shared prefixes, padding and caches change no likelihood, whatever the architecture."""
    for prompt, options, found in zip(PROMPTS, ANSWERS, view.log_likelihood(PROMPTS, ANSWERS), strict=True):
        for answer, likelihood in zip(options, found, strict=True):
            total, tokens = _alone(view, prompt, answer)
            assert likelihood.total == pytest.approx(total, abs=2e-3)
            assert likelihood.tokens == tokens


def test_greedy_equals_transformers_generate(view: LocalModel) -> None:
    """At T = 0 a batch gives, row by row, what ``generate`` gives for the row alone."""
    ours = view.generate([Question(str(i), p) for i, p in enumerate(PROMPTS)], Sampling(temperature=0, max_tokens=14))
    for prompt, completion in zip(PROMPTS, ours, strict=True):
        ids = view.tokenizer(chat.prompt_text(view.tokenizer, prompt), add_special_tokens=False, return_tensors="pt")
        with view.active() as module:
            theirs = module.generate(**ids, max_new_tokens=14, do_sample=False)[0, ids["input_ids"].shape[1] :]
        assert completion.text == view.tokenizer.decode(theirs, skip_special_tokens=True).strip()


def test_an_answer_depends_on_its_seed_and_on_nothing_else(model: LocalModel) -> None:
    """Many seeds at once give what each seed gives alone, in the order asked, and each is told as it ends."""
    questions = [Question(f"q{i}", p) for i, p in enumerate(PROMPTS)]
    how = Sampling(temperature=1.0, top_p=0.95, max_tokens=10)
    told: list[tuple[str, int]] = []
    together = model.generate(questions, how, seeds=(3, 1, 2), on_completion=lambda c: told.append((c.question_id, c.seed)))
    alone = [model.generate([q], how, seeds=(seed,))[0] for q in questions for seed in (3, 1, 2)]
    assert together == alone
    assert sorted(told) == sorted((c.question_id, c.seed) for c in alone)
    assert len({c.text for c in together}) > len(questions)


def test_which_models_share_their_cache(model: LocalModel) -> None:
    """State-space and linear-attention models are read one row at a time; all others are batched."""
    kind = model.network.module.config.model_type
    assert Forward(model.network.module).alone == (kind in ("mamba", "mamba2", "recurrent_gemma", "qwen3_next"))
