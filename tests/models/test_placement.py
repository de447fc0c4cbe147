"""Where a model lives and in which precision is chosen in one place, recorded, and part of its fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wolfnote import InputError, models
from wolfnote.models import Local, Question, Sampling
from wolfnote.records import chat


@pytest.fixture(scope="module")
def wide(tiny_of: Callable[[str, Any], Path]) -> str:
    """As ``tiny``, of width 64: four-bit weights come in blocks of 64."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=320, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, eos_token_id=1,
        bos_token_id=None, pad_token_id=1,
    )  # fmt: skip
    return f"hf:{tiny_of('wide', config)}"


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "cpu:1"])
def test_a_device_that_is_not_here_is_one_line(tiny: str, device: str) -> None:
    """Named, with what to choose instead."""
    with pytest.raises(InputError, match=r"^local\.device: .* → choose auto"):
        models.open(tiny, local=Local(device=device))


@pytest.mark.parametrize("precision", ["bfloat16", "4-bit"])
def test_precision_is_part_of_the_fingerprint(wide: str, precision: str) -> None:
    """Rounded weights answer a little differently, so nothing cached in one precision is taken for another's."""
    exact, rounded = models.open(wide, local=Local(device="cpu")), models.open(wide, local=Local("cpu", precision))
    assert rounded.fingerprint == f"{exact.fingerprint}@{precision}"
    assert rounded.about()["precision"] == precision
    ((a,),), ((b,),) = (m.log_likelihood([chat("where is the cat")], [("the cat sleeps",)]) for m in (exact, rounded))
    assert a.total != b.total
    assert a.per_token == pytest.approx(b.per_token, abs=1.0)
    assert rounded.generate([Question("q", chat("what is red"))], Sampling(max_tokens=4))[0].model == rounded.fingerprint


def test_a_template_of_ones_own(tiny: str, tmp_path: Path) -> None:
    """A model without a chat template takes one from a file; without either, the error says how."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for file in Path(tiny.removeprefix("hf:")).iterdir():
        if file.name != "chat_template.jinja":
            (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"local\.template=FILE"):
        models.open(f"hf:{folder}")
    (tmp_path / "t.jinja").write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: ")
    model = models.open(f"hf:{folder}", local=Local(template=str(tmp_path / "t.jinja")))
    assert model.about()["before_the_first_question"] == "user: "
    with pytest.raises(InputError, match="not readable"):
        models.open(f"hf:{folder}", local=Local(template=str(tmp_path / "absent.jinja")))
