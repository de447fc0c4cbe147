"""What is learnt is the answer only, and a killed run ends with the weights of an unbroken one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from wolfnote import InputError, Message, models, records, tuning
from wolfnote.tuning.supervision import IGNORED, supervise

SAMPLES = [
    records.sample(
        (Message("user", f"where is the {a} {b}"), Message("assistant", f"the {b} is {a}, leave it {'now ' * (i % 3)}"))
    )
    for i, (a, b) in enumerate((a, b) for a in ("red", "blue", "small", "tall") for b in ("cat", "dog", "house", "cat dog"))
]
SETTINGS = tuning.Settings(rank=2, batch=4, epochs=3, save_every=2)


def test_only_the_answer_and_its_end_are_supervised(tiny: str) -> None:
    """Labels decode to the answer and the end-of-turn token, to the letter."""
    tokenizer = models.open(tiny).tokenizer
    (row,) = supervise(tokenizer, SAMPLES[:1], 200)
    learnt = [i for i in row["labels"] if i != IGNORED]
    assert tokenizer.decode(learnt) == SAMPLES[0].answer + "<|e|>"
    assert len(row["labels"]) == len(row["input_ids"])


def test_answer_loss_equals_the_models_own(tiny: str) -> None:
    """Fewer logits, the same loss and the same gradient."""
    from transformers import DataCollatorForSeq2Seq

    from wolfnote.tuning.answers import answer_loss

    model = models.open(tiny)
    tokenizer, module = model.tokenizer, model.network.module
    tokenizer.padding_side = "left"
    batch = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED)(supervise(tokenizer, SAMPLES[:6], 200))
    theirs = module(**batch).loss
    theirs.backward()
    gradient = module.lm_head.weight.grad.clone()
    module.zero_grad()
    ours = answer_loss(module, dict(batch))
    ours.backward()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    assert (module.lm_head.weight.grad - gradient).abs().max() < 1e-5


def test_a_row_without_room_for_its_answer_is_left_out(tiny: str, tmp_path: Path) -> None:
    """A row that would teach nothing is not trained on; none at all is an error."""
    tokenizer = models.open(tiny).tokenizer
    assert supervise(tokenizer, SAMPLES, 5) == []
    with pytest.raises(InputError, match="no row has an answer"):
        tuning.run(tiny, SAMPLES, tuning.Settings(max_tokens=5), tmp_path / "a")


def test_tuning_learns_and_is_repeatable(tiny: str, tmp_path: Path) -> None:
    """Trained answers get likelier; the same seed gives the same weights, another does not."""
    folders = [tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))]
    weights = [load_file(f / "adapter_model.safetensors") for f in folders]
    assert all((weights[0][k] == weights[1][k]).all() for k in weights[0])
    assert any((weights[0][k] != weights[2][k]).any() for k in weights[0])
    base = models.open(tiny)
    prompts, answers = [s.prompt for s in SAMPLES], [(s.answer,) for s in SAMPLES]
    before = sum(x.total for (x,) in base.log_likelihood(prompts, answers))
    after = sum(x.total for (x,) in base.adapted(folders[0]).log_likelihood(prompts, answers))
    assert after > before


def test_a_torn_checkpoint_is_passed_over(tiny: str, tmp_path: Path) -> None:
    """A kill in the middle of writing a checkpoint does not stop the tune from going on."""
    torn = tmp_path / "a.part" / "checkpoint-4"
    torn.mkdir(parents=True)
    (torn / "optimizer.pt").write_bytes(b"half")
    folder = tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "a")
    whole = tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "b")
    first, second = (load_file(f / "adapter_model.safetensors") for f in (folder, whole))
    assert all((first[k] == second[k]).all() for k in second)


@pytest.mark.slow
def test_killed_in_the_middle_it_ends_with_the_same_weights(tiny: str, tmp_path: Path) -> None:
    """SIGKILL after a checkpoint; the same call goes on; the adapter equals that of an unbroken run, bit for bit."""
    code = (
        "import sys, pathlib\nsys.path.insert(0, sys.argv[3])\nfrom test_tune import SAMPLES, SETTINGS\nfrom wolfnote import tuning\n"
        "import time\ntuning.run(sys.argv[1], SAMPLES, SETTINGS, pathlib.Path(sys.argv[2]), on_event=lambda e: time.sleep(0.3))"
    )
    call = [sys.executable, "-c", code, tiny, str(tmp_path / "killed"), str(Path(__file__).parent)]
    child = subprocess.Popen(call)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed.part").glob("checkpoint-4")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed").exists()
    steps: list[int] = []
    tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "killed", on_event=lambda e: steps.append(e.done))
    assert steps[0] > 2  # it went on, it did not start anew
    tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "whole")
    killed, whole = (load_file(tmp_path / n / "adapter_model.safetensors") for n in ("killed", "whole"))
    assert all((killed[k] == whole[k]).all() for k in whole)
    assert not (tmp_path / "killed.part").exists()
