"""One pass, batched, padded and stopped early, gives what each block gives for each row alone. Named for what sank others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from wolfnote import InputError, RunError, models
from wolfnote.directions import activations
from wolfnote.directions.activations import Position, gather
from wolfnote.directions.blocks import blocks
from wolfnote.models import chat
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

IDS = {"vocab_size": 320, "eos_token_id": 1, "bos_token_id": None, "pad_token_id": 1}
LLAMA = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "head_dim": 8, "max_position_embeddings": 256} | IDS  # fmt: skip
FAMILIES: dict[str, dict[str, Any]] = {
    "Llama": LLAMA,
    "Gemma2": LLAMA | {"sliding_window": 6, "query_pre_attn_scalar": 8},
    "Mixtral": LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "GPT2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256} | IDS,
    "Bloom": {"hidden_size": 32, "n_layer": 3, "n_head": 4} | IDS,
    "Mamba": {"hidden_size": 32, "num_hidden_layers": 3, "state_size": 8} | IDS,
}
ROWS = [
    (ask("where is the cat"), "the cat sleeps now"),
    (ask("what is red"), "the house"),
    (ask("should you leave it now or wait, the house is small", system="You never sleep."), "never leave it, wait and wait"),
    ((), "the dog runs and the cat sleeps"),
]
EVERYWHERE = tuple(p for p in Position if p is not Position.PROMPT_END)


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def alone(model: LocalModel, row: activations.Row) -> tuple[torch.Tensor, int]:
    """Outputs of every block for one unpadded row [layers, tokens, width], by hooks of our own, and where the answer begins."""
    encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, row[0]), row[1])
    seen: list[torch.Tensor] = []
    with model.active() as module:
        handles = [
            block.register_forward_hook(lambda _, __, out: seen.append((out[0] if isinstance(out, tuple) else out)[0].clone()))
            for block in blocks(module)
        ]
        module(torch.tensor([encoded.ids]), use_cache=False)
    for handle in handles:
        handle.remove()
    return torch.stack(seen), encoded.start


@pytest.mark.filterwarnings("ignore")  # families warn of missing fast kernels
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_and_batching_change_no_number_at_any_position(tiny_of: Callable[[str, Any], Path], family: str) -> None:
    """Dense, windowed, sandwich-normed, experts, tuple outputs (Bloom), state space without attention mask (Mamba)."""
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family])
    model = models.open_local(f"hf:{tiny_of(family, config)}")
    found = gather(model, ROWS[:3], positions=tuple(Position))
    for i, row in enumerate(ROWS[:3]):
        outputs, start = alone(model, row)
        wanted = [outputs[:, start:].mean(1), outputs[:, start - 1], outputs[:, start], outputs[:, -1]]
        apart = np.linalg.norm(found[:, i] - torch.stack(wanted).numpy(), axis=-1)
        assert (apart < 1e-5 * np.linalg.norm(found[:, i], axis=-1)).all()


def test_layer_l_is_the_output_of_block_l_not_hidden_states_l(model: LocalModel) -> None:
    """Off by one: ``hidden_states[0]`` is the embeddings, and block l's output is entry l + 1."""
    (found,) = gather(model, ROWS[:1], positions=(Position.ANSWER_END,))
    encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, ROWS[0][0]), ROWS[0][1])
    with model.active() as module:
        states = module(torch.tensor([encoded.ids]), output_hidden_states=True).hidden_states
    for layer in range(2):
        assert np.allclose(found[0, layer], states[layer + 1][0, -1].numpy(), atol=1e-4)
        assert not np.allclose(found[0, layer], states[layer][0, -1].numpy(), atol=1e-2)


def test_the_last_layer_is_read_before_the_final_norm(model: LocalModel) -> None:
    """The last of ``hidden_states`` lies behind the final norm, in other units than every other layer."""
    (found,) = gather(model, ROWS[:1], positions=(Position.ANSWER_END,))
    encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, ROWS[0][0]), ROWS[0][1])
    with model.active() as module:
        last = module(torch.tensor([encoded.ids]), output_hidden_states=True).hidden_states[-1][0, -1]
        normed = module.model.norm(torch.from_numpy(found[0, -1]))
    assert np.allclose(normed.numpy(), last.numpy(), atol=1e-4)
    assert not np.allclose(found[0, -1], last.numpy(), atol=1e-1)


def test_stopping_at_the_deepest_wanted_layer_changes_no_number(model: LocalModel) -> None:
    """Wanted layers are the same numbers, and no block behind them, nor the head, is computed."""
    everything = gather(model, ROWS, positions=EVERYWHERE)
    ran: list[int] = []
    handles = [
        module.register_forward_pre_hook(lambda *_: ran.append(1))
        for module in (model.network.module.model.layers[2], model.network.module.lm_head)
    ]
    some = gather(model, ROWS, positions=EVERYWHERE, layers=range(1, 2))
    for handle in handles:
        handle.remove()
    assert np.array_equal(some, everything[:, :, 1:2])
    assert not ran


def test_the_first_token_is_never_read_because_it_is_the_attention_sink(model: LocalModel) -> None:
    """Running text has no prompt: its first token is left out of the mean, and is no last prompt token either."""
    (found,) = gather(model, ROWS[3:])
    outputs, start = alone(model, ROWS[3])
    assert start == 1
    assert np.allclose(found[0], outputs[:, 1:].mean(1).numpy(), atol=1e-4)
    with pytest.raises(InputError, match="row 0: no prompt before the answer → read it at another position"):
        gather(model, ROWS[3:], positions=(Position.PROMPT_END,))


def test_the_chat_boundary_is_where_prompt_and_answer_tokenised_together_part(model: LocalModel) -> None:
    """The last prompt token is what the template writes before an answer, the first answer token the answer's first word."""
    text = chat.prompt_text(model.tokenizer, ROWS[0][0])
    ids, start = chat.encode(model.tokenizer, text, ROWS[0][1])
    assert text.endswith(model.tokenizer.decode(ids[:start])[-10:])
    found = gather(model, ROWS[:1], positions=(Position.PROMPT_END, Position.ANSWER_START))
    outputs, _ = alone(model, ROWS[0])
    assert model.tokenizer.decode(ids[start:]) == ROWS[0][1]
    whole, head, tail = (model.tokenizer(text)["input_ids"] for text in ("the cat runs", "the c", "at runs"))
    assert chat.encode(model.tokenizer, "the c", "at runs").ids == whole != head + tail  # a word over the boundary is one word
    assert np.allclose(found[:, 0], outputs[:, [start - 1, start]].transpose(0, 1).numpy(), atol=1e-4)


def test_means_over_a_bfloat16_model_are_taken_in_float32(tiny: str) -> None:
    """Summed in bfloat16, a mean over some tokens is off by one part in 256."""
    model = models.open_local(tiny, local=models.Local("cpu", "bfloat16"))
    (found,) = gather(model, ROWS[2:3])
    outputs, start = alone(model, ROWS[2])
    answer = outputs[:, start:]
    assert answer.dtype == torch.bfloat16
    exact, rough = answer.double().mean(1), torch.stack(list(answer.transpose(0, 1))).sum(0) / answer.shape[1]
    apart = [float((torch.from_numpy(found[0]).double() - other.double()).norm() / exact.norm()) for other in (exact, rough)]
    assert apart[0] < 1e-6 < 1e-4 < apart[1]


def test_an_empty_answer_is_refused_rather_than_read_as_zero(model: LocalModel) -> None:
    """Nothing to read is an error that names the row, never a number."""
    with pytest.raises(InputError, match="row 1: the answer has no token"):
        gather(model, [ROWS[0], (ROWS[1][0], "")])


def test_a_model_that_changes_after_its_proof_is_told(model: LocalModel) -> None:
    """As a fast path switched on later: blocks that no longer fire end the pass, and give no partial result."""
    gather(model, ROWS)

    block = model.network.module.model.layers[1]
    kind = type(block)
    # the same block stays in the list: only its call no longer passes the hooks
    block.__class__ = type(kind.__name__, (kind,), {"__call__": lambda self, *args, **more: self.forward(*args, **more)})
    with pytest.raises(RunError, match="2 of 3 blocks fired"):
        gather(model, ROWS)


def test_an_adapter_reads_as_its_merged_weights(tiny: str, tmp_path: Path) -> None:
    """PEFT's path to the blocks is longer, the numbers are those of the merged model, and the base's own stay what they were."""
    from peft import LoraConfig, get_peft_model

    base = models.open_local(tiny)
    before = gather(base, ROWS)
    torch.manual_seed(1)
    lora = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    tuned = get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base.network.path), lora)
    tuned.save_pretrained(tmp_path / "adapter")
    found = gather(base.adapted(tmp_path / "adapter"), ROWS)
    merged = models.open_local(tiny)
    merged.network.module = tuned.merge_and_unload().eval()
    assert np.allclose(found, gather(merged, ROWS), rtol=1e-3, atol=1e-3)
    assert np.array_equal(gather(base, ROWS), before)
    assert not np.allclose(found, before, atol=1e-2)
