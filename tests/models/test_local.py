"""Scoring equals transformers' own; batching and adapters change nothing they should not; bad input is one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from wolfnote import InputError, Message, models
from wolfnote.models import Question, Sampling, chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local import adapter as adapters
from wolfnote.records import chat as ask

PROMPTS = [
    ask("where is the cat"),
    ask("what is red"),
    ask("should you leave it now or wait, the house is small", system="You never sleep."),
]
ANSWERS = [("the cat sleeps", "the cat runs and runs"), ("blue", "the red house is red and tall"), ("wait", "leave")]


@pytest.fixture(scope="module")
def model(tiny: str) -> LocalModel:
    return models.open(tiny)


def reference(model: LocalModel, prompt: tuple[Message, ...], answer: str) -> tuple[float, int]:
    encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, prompt), answer)
    ids = torch.tensor([encoded.ids])
    with model.active() as module:
        logp = torch.log_softmax(module(ids).logits[0, :-1].double(), -1).gather(-1, ids[0, 1:, None])[:, 0]
    return float(logp[encoded.start - 1 :].sum()), len(encoded.ids) - encoded.start


def test_log_likelihood_equals_a_plain_forward(model: LocalModel) -> None:
    """Shared caches and padding give the number that one unbatched pass gives, in the order asked."""
    for prompt, options, found in zip(PROMPTS, ANSWERS, model.log_likelihood(PROMPTS, ANSWERS), strict=True):
        for answer, likelihood in zip(options, found, strict=True):
            total, tokens = reference(model, prompt, answer)
            assert likelihood.total == pytest.approx(total, abs=1e-3)
            assert likelihood.tokens == tokens


def test_one_answer_and_answers_with_a_common_start(model: LocalModel) -> None:
    """The tree of caches has no trunk to share, or shares part of the answers: same numbers."""
    for options in [("the cat sleeps",), ("the cat sleeps", "the cat runs"), ("the", "the cat")]:
        (found,) = model.log_likelihood(PROMPTS[:1], [options])
        for answer, likelihood in zip(options, found, strict=True):
            assert likelihood.total == pytest.approx(reference(model, PROMPTS[0], answer)[0], abs=1e-3)


def test_answer_span_holds_the_answer_and_nothing_else(model: LocalModel) -> None:
    """No token of the prompt, no end-of-turn, no second BOS."""
    text = chat.prompt_text(model.tokenizer, PROMPTS[0])
    encoded = chat.encode(model.tokenizer, text, "the cat sleeps")
    assert model.tokenizer.decode(encoded.ids[encoded.start :]) == "the cat sleeps"
    assert model.tokenizer.decode(encoded.ids[: encoded.start]) == text
    assert text.count("<|s|>system") == 1


def test_an_answer_does_not_depend_on_its_batch(model: LocalModel) -> None:
    """Each completion has its own random stream: alone or among others, the same text."""
    questions = [Question(f"q{i}", p) for i, p in enumerate(PROMPTS)]
    sampling = Sampling(temperature=1.0, top_p=0.95, max_tokens=12)
    together = model.generate(questions, sampling, seeds=(3,))
    alone = [model.generate([q], sampling, seeds=(3,))[0] for q in questions]
    assert [c.text for c in together] == [c.text for c in alone]
    other = model.generate(questions, sampling, seeds=(4,))
    assert [c.text for c in together] != [c.text for c in other]


def test_greedy_equals_transformers(model: LocalModel) -> None:
    """At T = 0 the loop gives what ``generate`` gives."""
    prompt = chat.prompt_text(model.tokenizer, PROMPTS[0])
    ids = model.tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    with model.active() as module:
        theirs = module.generate(**ids, max_new_tokens=10, do_sample=False)[0, ids["input_ids"].shape[1] :]
    (ours,) = model.generate([Question("q", PROMPTS[0])], Sampling(temperature=0, max_tokens=10), seeds=(0,))
    assert ours.text == model.tokenizer.decode(theirs, skip_special_tokens=True).strip()


def adapter(tiny: str, folder: Path, width: int = 32) -> Path:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    if width == 32:
        base = AutoModelForCausalLM.from_pretrained(tiny.removeprefix("hf:"))
    else:
        base = LlamaForCausalLM(
            LlamaConfig(vocab_size=64, hidden_size=width, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
        )
    torch.manual_seed(1)
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    tuned.save_pretrained(folder)
    return folder


def test_an_adapter_shares_its_base(tiny: str, tmp_path: Path) -> None:
    """Base and adapter are views of one network; using one leaves the other as it was; they have different fingerprints."""
    base = models.open(tiny)
    before = base.log_likelihood(PROMPTS, ANSWERS)
    tuned = base.adapted(adapter(tiny, tmp_path / "a"))
    changed = tuned.log_likelihood(PROMPTS, ANSWERS)
    assert tuned.network is base.network
    assert changed[0][0].total != pytest.approx(before[0][0].total, abs=0.1)
    assert base.log_likelihood(PROMPTS, ANSWERS) == before
    assert tuned.fingerprint != base.fingerprint
    apart = models.open(f"{tiny}+{tmp_path / 'a'}")
    assert apart.log_likelihood(PROMPTS, ANSWERS)[1][1].total == pytest.approx(changed[1][1].total, abs=1e-4)
    assert apart.fingerprint == tuned.fingerprint


def test_an_adapter_of_another_base_is_refused(tiny: str, tmp_path: Path) -> None:
    """One line that says which widths do not fit."""
    folder = adapter(tiny, tmp_path / "b", width=16)
    with pytest.raises(InputError, match=r"of width 64 at model\.layers\.0\.mlp\.down_proj, this one has 48"):
        models.open(f"{tiny}+{folder}")


@pytest.mark.parametrize("spec", ["", "smollm2", "package:nothing", "hf:", "hf:/nowhere/at/all"])
def test_a_wrong_model_is_one_line(spec: str) -> None:
    """No traceback of a library for a mistyped model."""
    with pytest.raises(InputError) as caught:
        models.open(spec)
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_not_loaded(tiny: str, tmp_path: Path) -> None:
    """Weights come from safetensors only: a pickle runs code."""
    folder = tmp_path / "pickled"
    folder.mkdir()
    for file in Path(tiny.removeprefix("hf:")).iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="not a model"):
        models.open(f"hf:{folder}")
    (tmp_path / "noadapter").mkdir()
    (tmp_path / "noadapter" / "adapter_config.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="not a PEFT adapter"):
        models.open(f"{tiny}+{tmp_path / 'noadapter'}")


def test_an_adapter_that_names_another_base_is_refused(tiny: str, tmp_path: Path) -> None:
    """Shapes fit any model of the kind; the note beside an adapter that Wolfnote tuned tells the bases apart."""
    folder = adapter(tiny, tmp_path / "a")
    adapters.note(folder, models.open(tiny).fingerprint)
    models.open(f"{tiny}+{folder}")
    adapters.note(folder, "0123456789abcdef")
    with pytest.raises(InputError, match="tuned on weights 0123456789abcdef"):
        models.open(f"{tiny}+{folder}")


def test_an_adapter_that_adds_tokens_is_refused(tiny: str, tmp_path: Path) -> None:
    """Virtual tokens shift every position: base and tuned could not be compared."""
    folder = adapter(tiny, tmp_path / "a")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "PROMPT_TUNING"}))
    with pytest.raises(InputError, match="PROMPT_TUNING adds tokens"):
        models.open(f"{tiny}+{folder}")


def test_a_file_is_a_model_only_when_it_is_gguf(tmp_path: Path) -> None:
    """A pickle is not even opened; something that merely ends in .gguf is told apart; both in one line."""
    torch.save({}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="can carry code"):
        models.open(f"hf:{tmp_path / 'weights.pt'}")
    (tmp_path / "weights.gguf").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="not a GGUF file"):
        models.open(f"hf:{tmp_path / 'weights.gguf'}")
    with pytest.raises(InputError, match="no such file"):
        models.open(f"hf:{tmp_path / 'absent.gguf'}")


@pytest.mark.model
def test_a_gguf_file_opens_like_the_package_that_holds_it(tmp_path: Path) -> None:
    """The same file, converted once, is the same model."""
    from wolfnote.models import package

    (tmp_path / "smollm2.gguf").symlink_to(package.weights_file("smollm2"))
    assert models.path_of(f"hf:{tmp_path / 'smollm2.gguf'}") == models.path_of("package:smollm2")


def test_opening_a_model_name_does_not_load_torch() -> None:
    """``from wolfnote import models`` is light; only opening one is not."""
    code = "import sys\nfrom wolfnote import models\nprint('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
