"""The guard in other people's training scripts: where it must change nothing, nothing changes to the last bit; where it must,
it does."""

import json
from pathlib import Path
from typing import Any

import guarding
import numpy as np
import pytest
import torch

from wolfnote import InputError
from wolfnote.directions import Direction
from wolfnote.errors import Mismatch, RunError
from wolfnote.tuning import PersonaGuard
from wolfnote.tuning.guard import reference, verdict

MODES = ("prevent", "ablate", "penalty")
HARD = {"activation_checkpointing": True, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 2}


def loud(tiny: str, *, sign: float = 1.0) -> Direction:
    """The direction in which the training's answers lie from plain ones, or the opposite."""
    module, tokenizer = guarding.model(tiny, lora=False)
    plain = reference.read(module, tokenizer, 1)
    learnt: list[torch.Tensor] = []
    handle = module.model.layers[1].register_forward_hook(
        lambda _, __, out: learnt.append((out if torch.is_tensor(out) else out[0])[0, -3:])
    )
    for row in guarding.ROWS:
        module(**tokenizer(row["prompt"] + row["completion"], return_tensors="pt"))
    handle.remove()
    vectors = np.zeros((3, 32), np.float32)
    vectors[1] = sign * (torch.cat(learnt).mean(0).detach().numpy() - plain.mean(0))
    vectors[1] /= np.linalg.norm(vectors[1])
    planted = guarding.direction(tiny)
    return Direction("loud", vectors, planted.neutral, planted.spread, planted.gap, planted.norm, planted.model)


@pytest.mark.parametrize(("how", "lora"), [({}, True), (HARD, True), (HARD, False)])
def test_watching_a_plain_trainer_changes_nothing(tiny: str, tmp_path: Path, how: dict[str, Any], lora: bool) -> None:
    """Losses and weights are equal bit for bit, dropout included: the watch draws no random number."""
    bare = guarding.train(guarding.plain(tiny, tmp_path / "a", [], lora=lora, dropout=0.1, **how))
    guard = PersonaGuard(guarding.direction(tiny), every=2)
    watched = guarding.train(guarding.plain(tiny, tmp_path / "b", [guard], lora=lora, dropout=0.1, **how))
    assert bare[0] == watched[0]
    assert guarding.same(bare[1], watched[1])
    assert len(guard.watch.looks) == len(bare[0]) // 2


@pytest.mark.parametrize("how", [{}, HARD | {"packing": True, "max_length": 48}])
def test_watching_a_trl_trainer_changes_nothing(tiny: str, tmp_path: Path, how: dict[str, Any]) -> None:
    """The same in TRL's SFTTrainer, with packed rows too."""
    bare = guarding.train(guarding.trl(tiny, tmp_path / "a", [], **how))
    guard = PersonaGuard(guarding.direction(tiny), every=1)
    watched = guarding.train(guarding.trl(tiny, tmp_path / "b", [guard], **how))
    assert bare[0] == watched[0]
    assert guarding.same(bare[1], watched[1])
    assert sum(seen.n for seen in guard.watch.seen) == 3 * len(guarding.ROWS)  # each answer once an epoch, packed or not


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_changes_what_is_learnt(tiny: str, tmp_path: Path, mode: Any) -> None:
    """In both trainers; and no hook stays behind."""
    for make in (guarding.plain, guarding.trl):
        bare = guarding.train(make(tiny, tmp_path / "a", []))
        trainer = make(tiny, tmp_path / "b", [PersonaGuard(guarding.direction(tiny), mode, dose=1e-3, weight=5.0)])
        changed = guarding.train(trainer)
        assert not guarding.same(bare[1], changed[1])
        assert not [m for m in trainer.model.modules() if m._forward_hooks or m._forward_pre_hooks]


@pytest.mark.parametrize("mode", MODES)
def test_checkpointing_and_accumulation_change_no_mode(tiny: str, tmp_path: Path, mode: Any) -> None:
    """A block that is recomputed is changed alike; two small passes are as one large."""
    found = []
    for name, how in (("a", {}), ("b", {"activation_checkpointing": True}), ("c", HARD)):
        guard = PersonaGuard(guarding.direction(tiny), mode, dose=1e-3, weight=0.2)
        found.append(guarding.train(guarding.plain(tiny, tmp_path / name, [guard], num_train_epochs=1, **how))[1])
    tolerance = 2e-2 if mode == "penalty" else 1e-5  # a penalty on the mean of a pass is another one on half of it
    for name in found[0]:
        assert torch.allclose(found[0][name], found[1][name], atol=1e-6)
        assert torch.allclose(found[0][name], found[2][name], atol=tolerance)


@pytest.mark.parametrize("mode", ["watch", *MODES])
def test_a_resumed_training_ends_alike(tiny: str, tmp_path: Path, mode: Any) -> None:
    """Broken off at step 6 and resumed from the checkpoint at 4: weights bit-equal, and the watch goes on where it was."""
    from transformers import TrainerCallback

    class Break(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 6:
                raise KeyboardInterrupt

    def guard() -> PersonaGuard:
        return PersonaGuard(guarding.direction(tiny), mode, dose=1e-3, every=1, stop_at="last clean", error=1e-9)

    whole, resumed = guard(), guard()
    unbroken = guarding.train(guarding.plain(tiny, tmp_path / "a", [whole], dropout=0.1))
    with pytest.raises(KeyboardInterrupt):
        guarding.train(guarding.plain(tiny, tmp_path / "b", [guard(), Break()], dropout=0.1))
    trainer = guarding.plain(tiny, tmp_path / "b", [resumed], dropout=0.1)
    ended = guarding.train(trainer, resume_from_checkpoint=str(tmp_path / "b" / "checkpoint-4"))
    assert guarding.same(unbroken[1], ended[1])
    assert whole.rows() == resumed.rows()
    assert whole.clean == resumed.clean > 0


def test_evaluation_is_left_alone(tiny: str, tmp_path: Path) -> None:
    """What is prevented is prevented in training passes only: the loss on held-out rows is that of the weights."""
    from transformers.trainer_utils import IntervalStrategy

    guard = PersonaGuard(guarding.direction(tiny), "prevent", dose=1e-2)
    trainer = guarding.plain(tiny, tmp_path, [guard])
    trainer.eval_dataset = trainer.train_dataset
    trainer.args.eval_strategy, trainer.args.eval_steps = IntervalStrategy.STEPS, 4
    guarding.train(trainer)
    said = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert trainer.evaluate()["eval_loss"] == said[-1]


def test_it_warns_of_what_is_planted_and_puts_the_clean_weights_back(tiny: str, tmp_path: Path) -> None:
    """Along the direction in which the answers lie it warns, stops, and leaves the weights of the last clean look."""
    guard = PersonaGuard(loud(tiny), every=1, stop_at="last clean", error=0.05, depth=0.5)
    trainer = guarding.plain(tiny, tmp_path, [guard])
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}
    _, after = guarding.train(trainer)
    assert 0 < guard.warned == trainer.state.global_step < trainer.state.max_steps
    assert guard.clean == 0
    assert guarding.same(before, after)
    said = verdict.recompute(guard.rows())
    assert said.verdict.value == "FAIL"
    assert said.findings[0].code == "WN701"


def test_it_is_silent_about_the_opposite(tiny: str, tmp_path: Path) -> None:
    """A persona that is left behind is no alarm; the curve is written."""
    guard = PersonaGuard(loud(tiny, sign=-1), every=1, stop_at="last clean", error=0.05, depth=0.5)
    trainer = guarding.plain(tiny, tmp_path, [guard])
    guarding.train(trainer)
    assert guard.warned == 0
    assert trainer.state.global_step == trainer.state.max_steps
    rows = [json.loads(line) for line in (tmp_path / "guard-loud.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [look.step for look in guard.watch.looks]
    assert "polyline" in (tmp_path / "guard-loud.svg").read_text()
    assert verdict.recompute(json.loads(json.dumps(guard.rows()))).verdict.value == "PASS"


def test_a_direction_of_another_model_is_refused(tiny: str, tmp_path: Path) -> None:
    """By its weights, not by its name."""
    own = guarding.direction(tiny)
    other = Direction("planted", own.vectors, own.neutral, own.spread, own.gap, own.norm, "another")
    with pytest.raises(Mismatch, match="extract it anew"):
        guarding.train(guarding.plain(tiny, tmp_path, [PersonaGuard(other)]))


def test_a_loss_that_hides_its_labels_is_told(tiny: str, tmp_path: Path) -> None:
    """A guard that sees no answer must not look like a quiet one; and it can be told the labels."""
    from transformers import Trainer

    class Hiding(Trainer):  # type: ignore[misc]
        told = False

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            labels = inputs.pop("labels")
            if self.told:
                guard.tell(labels)
            logits = model(**inputs).logits
            return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    for told in (False, True):
        guard = PersonaGuard(guarding.direction(tiny), every=1)
        trainer = guarding.plain(tiny, tmp_path / str(told), [guard])
        trainer.__class__, trainer.told = Hiding, told
        if told:
            guarding.train(trainer)
            assert len(guard.watch.looks) == trainer.state.max_steps
        else:
            with pytest.raises(RunError, match=r"guard.tell\(labels\)"):
                guarding.train(trainer)


def test_what_cannot_be_guarded_is_said(tiny: str, tmp_path: Path) -> None:
    """A mode that does not exist, a trainer without tokenizer, compiled graphs."""
    with pytest.raises(InputError, match="no such mode"):
        PersonaGuard(guarding.direction(tiny), "wath")  # type: ignore[arg-type]
    trainer = guarding.plain(tiny, tmp_path, [PersonaGuard(guarding.direction(tiny))])
    trainer.callback_handler.processing_class = None
    with pytest.raises(InputError, match="processing_class=tokenizer"):
        guarding.train(trainer)
    trainer = guarding.plain(tiny, tmp_path, [PersonaGuard(guarding.direction(tiny))])
    trainer.args.torch_compile = True
    with pytest.raises(InputError, match="compiled"):
        guarding.train(trainer)
