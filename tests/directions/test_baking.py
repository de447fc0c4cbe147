"""Baked weights equal the hook, family by family, or are refused; what is saved cannot write along the direction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from editing import FAMILIES, NORMED, WIDE, Tiny, direction, hooked_by_name, likelihoods, opened
from safetensors import safe_open

from small import LLAMA
from wolfnote import InputError, Mismatch, RunError, models
from wolfnote.directions import ablation, antidote, baking, proof, weights, writers
from wolfnote.directions.direction import Direction
from wolfnote.models.local import LocalModel


def vector(model: LocalModel, *seeds: int) -> torch.Tensor:
    """The test directions' vectors at the layer that is baked."""
    return torch.stack([torch.from_numpy(direction(model, seed).vectors[1]) for seed in seeds or (0,)])


@pytest.mark.parametrize("name", FAMILIES)
def test_baked_equals_hooked_and_opens_again(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Opened from disk in float32, each logit is within 1e-4 of a hook that knows the family: tied embeddings, Conv1D, biases,
    fused experts both ways round, parallel blocks and hybrids; a writer forgotten in any moves them. The model is as it was."""
    model = opened(name, tiny_of)
    plain = likelihoods(model)
    found = baking.bake(model, direction(model), tmp_path / "baked", depth=0.4)
    baked = models.open_local(f"hf:{tmp_path / 'baked'}")
    ids = proof.text(model.tokenizer)
    with hooked_by_name(model.network.module, name, vector(model)):
        wanted, hooked = proof.logits(model.network.module, ids), likelihoods(model)
    logits = proof.logits(baked.network.module, ids)
    assert torch.allclose(logits, wanted, rtol=0, atol=1e-4 * max(1, float(wanted.abs().max()) / 5))
    assert likelihoods(baked) == pytest.approx(hooked, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(plain, hooked, strict=True)) > 0.01
    assert likelihoods(model) == plain
    assert found.left < 1e-5 < 0.1 < found.before
    assert found.held < 1e-6
    assert found.difference < 1e-4
    assert (found.norms, found.precision) == (0, "float32")
    assert found.untied is bool(model.network.module.config.tie_word_embeddings)
    assert found.untied or name != "Qwen2"


@pytest.mark.parametrize("name", NORMED)
def test_behind_a_norm_nothing_is_written_and_the_difference_is_told(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Gemma-like: orthogonal to the norm's gain times v, so the write along v is gone; the divisor makes the rest differ, by
    what is told. In front of the norm the hook is equalled, or nothing would be saved."""
    model = opened(name, tiny_of)
    found = baking.bake(model, direction(model), tmp_path / "baked", depth=0.4)
    baked, ids = models.open_local(f"hf:{tmp_path / 'baked'}").network.module, proof.text(model.tokenizer)
    with hooked_by_name(model.network.module, name, vector(model)):
        wanted = proof.logits(model.network.module, ids)
    left, difference = proof.left(baked, ids, vector(model)), float((proof.logits(baked, ids) - wanted).abs().max())
    assert left < 1e-5
    assert found.norms == 6
    assert difference > 1e-4
    assert found.difference == pytest.approx(difference, rel=1e-3)


def test_naive_orthogonalisation_would_leave_something(tiny_of: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trap itself: with v in place of gain times v, a Gemma writes along v still, and that is refused."""
    model = opened("Gemma2", tiny_of)
    monkeypatch.setattr(writers, "_through", lambda _, axes: axes)
    with pytest.raises(RunError, match="still lies along it"):
        baking.bake(model, direction(model), tmp_path / "baked")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Bloom", "Mpt"])
def test_a_family_whose_writers_are_not_all_found_is_refused(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Their feed-forward part is handed the stream and adds to it itself: one line names the family and says what is left."""
    shape = {"d_model": 32, "n_layers": 3, "max_seq_len": 256} if name == "Mpt" else {"hidden_size": 32, "n_layer": 3}
    fields = shape | {"n_heads" if name == "Mpt" else "n_head": 4, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1}
    model = models.open_local(f"hf:{tiny_of(name, getattr(transformers, f'{name}Config')(**fields))}")
    with pytest.raises(RunError, match=f"of the stream still lies along it: in {name}ForCausalLM something else writes"):
        baking.bake(model, direction(model), tmp_path / "baked")
    assert list(tmp_path.iterdir()) == []


def test_a_family_that_cannot_be_tried_is_refused_in_one_line(tiny_of: Tiny) -> None:
    """A child that stumbles over what it is given is no traceback: the family and its complaint are named."""
    module = transformers.AutoModelForCausalLM.from_pretrained(tiny_of("Llama", transformers.LlamaConfig(**LLAMA))).eval()

    def stumble(_: Any, given: tuple[torch.Tensor]) -> None:
        if given[0].shape[1] > 3:  # the blocks' own proof reads three tokens
            raise ValueError("too long\nfor me")

    module.model.layers[2].mlp.register_forward_pre_hook(stumble)
    with pytest.raises(RunError, match=r"LlamaForCausalLM: a trial pass failed, .*: ValueError: too long; use the hook"):
        writers.find(module, torch.arange(12)[None], torch.eye(32)[:1])


@pytest.mark.parametrize("name", ["Mixtral", "GptOss"])
def test_an_expert_that_no_token_reaches_is_cleaned_and_checked(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """A router that never chooses the last expert: its slice of the fused tensor holds nothing all the same, bias included."""
    model = opened(name, tiny_of)
    with torch.no_grad():
        for key, parameter in model.network.module.named_parameters():
            if key.endswith(("gate.weight", "router.weight")):
                parameter[-1] = 0
                parameter[:-1] = parameter[:-1].sign() * 9
            if key.endswith("router.bias"):
                parameter[-1] = -99
    model.network.module.save_pretrained(model.network.path)
    model = models.open_local(model.spec)
    baking.bake(model, direction(model), tmp_path / "baked", depth=0.4)
    tensors = dict(models.open_local(f"hf:{tmp_path / 'baked'}").network.module.named_parameters())
    experts = [p.detach() for key, p in tensors.items() if key.endswith("experts.down_proj")]
    assert len(experts) == 3
    for stacked in experts:
        across = stacked if name == "Mixtral" else stacked.transpose(1, 2)  # [experts, width, inner]
        assert float((vector(model)[0] @ across[-1]).abs().max()) < 1e-6 < float(across[-1].abs().max())
    biases = [p.detach() for key, p in tensors.items() if key.endswith("down_proj_bias")]
    assert all(float((p @ vector(model)[0]).abs().max()) < 1e-6 for p in biases)
    assert bool(biases) is (name == "GptOss")


class Listed(torch.nn.Module):
    """Experts in a list of modules, the last of which is never chosen."""

    def __init__(self, size: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleDict(
            {n: torch.nn.Sequential(torch.nn.Linear(32, size), torch.nn.Linear(size, 32)) for n in names}
        )
        self.used = names[:-1]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = sum(self.parts[name](hidden) for name in self.used)  # type: ignore[assignment]
        return found


def test_a_listed_expert_that_no_token_reaches_is_treated_like_its_likes(tiny_of: Tiny) -> None:
    """Its name differs by a number only; one whose name is like no other's is an error, for nobody knows what it does."""
    module = (
        transformers.AutoModelForCausalLM.from_pretrained(tiny_of("Llama", transformers.LlamaConfig(**LLAMA))).double().eval()
    )
    weights.untie(module)
    ids, axes = torch.arange(12)[None], torch.nn.functional.normalize(torch.randn(1, 32, dtype=torch.float64), dim=-1)
    block = module.model.layers[1]
    block.mlp = Listed(32, ("0", "1", "2")).double()
    found = writers.find(module, ids, axes)
    idle = [w for w in found.found if "mlp.parts.2." in w.name]
    assert found.unreached == 4
    assert sorted((w.name.rpartition("parts.2.")[2], w.axis) for w in idle) == [("1.bias", 0), ("1.weight", 0)]
    assert proof.held(module, found.found) > 0.01
    baking.orthogonalise(module, found)
    assert float((axes @ block.mlp.parts["2"][1].weight.detach()).abs().max()) < 1e-12
    assert proof.held(module, found.found) < 1e-12
    block.mlp = Listed(32, ("0", "1", "spare")).double()
    with pytest.raises(RunError, match=r"LlamaForCausalLM: no token .* reached model.layers.1.mlp.parts.spare"):
        writers.find(module, ids, axes)


def test_a_plane_is_baked_whole(tiny_of: Tiny, tmp_path: Path) -> None:
    """Two directions and the sum of them: nothing in their plane is left, something outside it is, and the hook is equalled."""
    model = opened("Qwen3", tiny_of)
    one, other = direction(model), direction(model, 1)
    both = Direction("sum", (one.vectors + other.vectors) / 2, *(np.ones(3, np.float32),) * 4, model.fingerprint)
    found = baking.bake(model, [one, other, both], tmp_path / "baked", depth=0.4)
    baked, ids = models.open_local(f"hf:{tmp_path / 'baked'}").network.module, proof.text(model.tokenizer)
    plane = ablation.axes(model, [one, other], 0.4)
    assert plane.shape == (2, 32)
    assert proof.left(baked, ids, plane) < 1e-5
    assert proof.left(baked, ids, vector(model, 2)) > 0.05
    with hooked_by_name(model.network.module, "Qwen3", vector(model, 0, 1)):
        assert torch.allclose(proof.logits(baked, ids), proof.logits(model.network.module, ids), rtol=0, atol=1e-4)
    assert found.difference < 1e-4


def test_half_of_it_is_taken_out(tiny_of: Tiny, tmp_path: Path) -> None:
    """A share of one half leaves each weight half of what it wrote along the direction."""
    model = opened("Llama", tiny_of)
    found = baking.bake(model, direction(model), tmp_path / "half", depth=0.4, share=0.5)
    key = "model.layers.1.mlp.down_proj"
    whole, half = (m.network.module.get_submodule(key).weight for m in (model, models.open_local(f"hf:{tmp_path / 'half'}")))
    assert torch.allclose(vector(model)[0] @ half, 0.5 * vector(model)[0] @ whole, atol=1e-6)
    assert found.difference < 1e-4
    assert 0.01 < found.left < found.before


def test_an_adapter_is_merged_first(tiny_of: Tiny, tmp_path: Path) -> None:
    """A LoRA on o_proj and down_proj writes to the stream too: baked equals the hooked tune, not the hooked base."""
    from peft import LoraConfig, get_peft_model

    base = opened("Llama", tiny_of)
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["o_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base.network.path), config).save_pretrained(
        tmp_path / "tune"
    )
    tuned = base.adapted(tmp_path / "tune")
    baking.bake(tuned, direction(base), tmp_path / "baked", depth=0.4)
    with hooked_by_name(base.network.module.get_base_model(), "Llama", vector(base)):
        hooked, other = likelihoods(tuned), likelihoods(base)
    baked = likelihoods(models.open_local(f"hf:{tmp_path / 'baked'}"))
    assert baked == pytest.approx(hooked, abs=1e-3)
    assert baked != pytest.approx(other, abs=0.01)


def test_files_keep_their_precision_and_the_rounding_is_told(tiny_of: Tiny, tmp_path: Path) -> None:
    """bfloat16 in, bfloat16 out, a tensor that was float32 beside it too; the proof is exact, and what rounding puts back along
    the direction is measured on what is saved."""
    model = opened("Llama", tiny_of, dtype=torch.bfloat16)
    module = transformers.AutoModelForCausalLM.from_pretrained(model.network.path)
    module.model.norm.weight.data = module.model.norm.weight.data.float()
    module.save_pretrained(model.network.path)
    model = models.open_local(model.spec)
    found = baking.bake(model, direction(model), tmp_path / "baked", depth=0.4)
    with safe_open(tmp_path / "baked" / "model.safetensors", framework="pt") as tensors:
        kinds = {key: tensors.get_slice(key).get_dtype() for key in tensors.keys()}  # noqa: SIM118 - not a mapping
    assert kinds.pop("model.norm.weight") == "F32"
    assert set(kinds.values()) == {"BF16"}
    assert json.loads((tmp_path / "baked" / "config.json").read_text())["dtype"] == "bfloat16"
    assert found.precision == "bfloat16"
    assert found.left < 1e-5 < found.rounded < 0.02
    again = models.open_local(f"hf:{tmp_path / 'baked'}").network.module
    assert proof.left(again, proof.text(model.tokenizer), vector(model)) == pytest.approx(found.rounded, rel=1e-2)


@pytest.mark.parametrize("write", [baking.bake, antidote.write])
def test_files_that_are_quantised_are_refused(write: Any, tiny_of: Tiny, tmp_path: Path) -> None:
    """Nothing can be taken out of packed numbers: one line that says which files to give."""
    model = opened("Llama", tiny_of, local=models.Local("cpu", "4-bit"), **WIDE)
    model.network.module.save_pretrained(tmp_path / "packed")
    model.tokenizer.save_pretrained(tmp_path / "packed")
    packed = models.open_local(f"hf:{tmp_path / 'packed'}")
    with pytest.raises(RunError, match="its files are quantised: give the model before quantisation"):
        write(packed, direction(packed), tmp_path / "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["packed"]


def test_a_wrong_request_is_one_line_and_leaves_nothing(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in use, another model's direction, a layer without one, a disk that is full half way."""
    model = models.open_local(tiny)
    found = direction(model)
    with pytest.raises(InputError, match="something here already → give a new folder"):
        baking.bake(model, found, tmp_path)
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch, match="extract it anew"):
        baking.bake(model, foreign, tmp_path / "new")
    empty = Direction("none", np.zeros((3, 32), np.float32), *(np.ones(3, np.float32),) * 4, model.fingerprint)
    with pytest.raises(InputError, match="no direction at layer 1"):
        baking.bake(model, empty, tmp_path / "new")

    def full(_: Any, folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(model.tokenizer), "save_pretrained", full)
    with pytest.raises(InputError, match="No space left on device"):
        baking.bake(model, found, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
