"""A real model small enough for a test: a 3-layer Llama with random weights, its own tokenizer and a chat template."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # what a background job of a shell hands down: Ctrl-C could not be tested
    signal.signal(signal.SIGINT, signal.default_int_handler)

TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|s|>system\nYou are small.<|e|>\n{% endif %}"
    "{% for m in messages %}<|s|>{{ m['role'] }}\n{{ m['content'] }}<|e|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|s|>assistant\n{% endif %}"
)
VOCABULARY = 320
WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "runs",
    "sleeps",
    "where",
    "is",
    "what",
    "red",
    "blue",
    "house",
    "small",
    "tall",
    "and",
    "never",
    "always",
    "you",
    "should",
    "leave",
    "it",
    "now",
    "wait",
    "first",
]


Tiny = Callable[[str, "PreTrainedConfig"], Path]


@pytest.fixture(scope="session")
def tiny_of(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Makes a folder with random weights of any configuration, the small tokenizer and its template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE(unk_token=None))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<|s|>", "<|e|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    raw.train_from_iterator([" ".join(WORDS)] * 4, trainer)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|e|>", pad_token="<|e|>", chat_template=TEMPLATE)

    def make(name: str, config: PreTrainedConfig) -> Path:
        folder = tmp_path_factory.mktemp(name)
        tokenizer.save_pretrained(folder)
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
        with torch.no_grad():  # wider weights than a fresh model's: its answers must not all be alike
            for parameter in model.parameters():
                parameter.mul_(3.0) if parameter.dim() > 1 else None
        model.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny(tiny_of: Tiny) -> str:
    """``hf:`` spec of a random 3-layer Llama, width 32, in a folder of its own."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=1, bos_token_id=None, pad_token_id=1,
    )  # fmt: skip
    return f"hf:{tiny_of('tiny', config)}"


@pytest.fixture(scope="session")
def data() -> Path:
    """The shared data folder; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("WOLFNOTE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data folder is not here")
    return folder
