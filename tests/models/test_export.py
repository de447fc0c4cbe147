"""A packaged model and its tune, served by llama.cpp, say what they say in transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from servers import LlamaServer
from wolfnote import InputError, Unmeasurable, models
from wolfnote.models import Question, Sampling, export
from wolfnote.records import chat

QUESTIONS = ["What is the capital of France?", "Name three colours.", "How do I boil an egg?"]
GREEDY = Sampling(temperature=0, max_tokens=16)


def asked() -> list[Question]:
    return [Question(f"q{i}", chat(text)) for i, text in enumerate(QUESTIONS)]


def test_rows_change_places_as_transformers_changes_them_back() -> None:
    """The order of query and key rows is the inverse of what transformers does when it reads a GGUF file."""
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    rows = torch.arange(6 * 8 * 5, dtype=torch.float32).reshape(48, 5).numpy()
    moved = export.interleaved(rows, 6)
    back = LlamaTensorProcessor()._reverse_permute_weights(moved, 6, 6)
    assert (back == rows).all()
    assert (moved != rows).any()
    assert (moved[:4] == rows[[0, 4, 1, 5]]).all()


@pytest.mark.parametrize("spec", ["", "smollm2", "hf:somewhere", "package:nothing", "http://host/v1#m"])
def test_what_is_not_packaged_is_one_line(spec: str, tmp_path: Path) -> None:
    """Only packaged models bring the metadata that a server needs; nothing is written."""
    with pytest.raises(InputError, match="→"):
        export.gguf(spec, tmp_path / "x.gguf")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of the packaged model with small random weights."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("tune")
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(models.path_of("package:smollm2"))
    tuned = get_peft_model(base, LoraConfig(r=4, lora_alpha=1, target_modules="all-linear", init_lora_weights=False))
    tuned.save_pretrained(folder)
    return folder


@pytest.mark.model
def test_an_adapter_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    """A folder that is no adapter is one line, and no half-written file stays."""
    with pytest.raises(InputError, match="not a PEFT adapter"):
        export.gguf(f"package:smollm2+{tmp_path / 'none'}", tmp_path / "out" / "x.gguf")
    assert list((tmp_path / "out").iterdir() if (tmp_path / "out").exists() else ()) == []


@pytest.mark.model
def test_base_and_merged_tune_are_served_as_they_are(adapter: Path, tmp_path: Path) -> None:
    """A real server gives transformers' greedy words and log-probabilities, for base and tune; the two are told apart."""
    specs = {"base": "package:smollm2", "tuned": f"package:smollm2+{adapter}"}
    said: dict[str, list[str]] = {}
    base = models.open_local(specs["base"])
    for name, spec in specs.items():
        local = models.open(spec, over=base)
        with LlamaServer(export.gguf(spec, tmp_path / f"{name}.gguf"), name) as server:
            served = models.open(server.spec)
            found = served.generate(asked(), GREEDY)
            said[name] = [completion.text for completion in found]
            assert said[name] == [completion.text for completion in local.generate(asked(), GREEDY)]
            assert gap(server, local) < 0.01
            usage = served.about()["usage"]
            assert usage["requests"] == 3
            assert 3 <= usage["completion_tokens"] <= 48
            assert usage["prompt_tokens"] > usage["completion_tokens"]
            assert served.about()["answered_as"] == [name]
            with pytest.raises(Unmeasurable, match="no usable log-probabilities of a prompt"):
                served.log_likelihood([chat(QUESTIONS[0])], [("Paris.",)])
            with pytest.raises(InputError, match=f"offered: {name}"):
                models.open(f"{server.url}#mistyped").generate(asked(), GREEDY)
    assert said["base"] != said["tuned"]


def gap(server: LlamaServer, local: models.Model) -> float:
    """Nats a token between what the server gives its own greedy words and what transformers gives them."""
    import httpx

    worst = 0.0
    for text in QUESTIONS:
        turns = [{"role": "user", "content": text}]
        body = {"model": server.name, "messages": turns, "temperature": 0, "max_tokens": 12, "logprobs": True}
        choice = httpx.post(f"{server.url}/chat/completions", json=body, timeout=60).json()["choices"][0]
        rows = [row for row in choice["logprobs"]["content"] if row["token"]]  # end-of-turn has no text
        answer = "".join(row["token"] for row in rows)
        ((likelihood,),) = local.log_likelihood([chat(text)], [(answer,)])
        assert likelihood.tokens == len(rows)
        worst = max(worst, abs(likelihood.total - sum(row["logprob"] for row in rows)) / len(rows))
    return worst
