"""``PersonaGuard``: a persona watched, or kept out, while a model is tuned. Three lines in a script that people have:

    from wolfnote.tuning import PersonaGuard
    guard = PersonaGuard("misaligned.safetensors", mode="watch")
    trainer = SFTTrainer(..., callbacks=[guard])

It works in transformers' ``Trainer`` and TRL's SFT and DPO trainers (of a pair it reads both answers there; in ``wolfnote
tune``, the chosen one); padded or packed rows; LoRA, QLoRA and full tuning; with gradient checkpointing and accumulation; on
several ranks (DDP). A resumed training goes on with what the checkpoint kept of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from wolfnote.directions import direction as directions
from wolfnote.directions.direction import Direction
from wolfnote.directions.projection import layer_at, measurable
from wolfnote.errors import InputError, Mismatch, RunError
from wolfnote.models.fingerprint import weights_fingerprint
from wolfnote.tuning.guard import curve, ranks, reference, snapshot, tokens
from wolfnote.tuning.guard.edits import Ablate, Edit, Penalty, Prevent
from wolfnote.tuning.guard.hooks import Hooks
from wolfnote.tuning.guard.tokens import Tokens
from wolfnote.tuning.guard.warning import Look, Seen
from wolfnote.tuning.guard.watch import Kept, Watch

Mode = Literal["watch", "prevent", "ablate", "penalty"]
StopAt = Literal["never", "warning", "last clean"]

_log = logging.getLogger("wolfnote.guard")


class _State(msgspec.Struct):
    """What a checkpoint keeps of a guard."""

    persona: str
    mode: str
    watch: Kept
    clean: int = 0
    warned: int = 0


class PersonaGuard(TrainerCallback, ExportableState):  # type: ignore[misc]  # transformers ships no types for it
    """Watches the answers' projection on a persona direction in every mode, and warns (``guard.warned``, a step, or 0).

    ``direction``: a Direction, or the file of one. ``mode``: *watch* changes nothing; *prevent*, *ablate* and *penalty* are
    told in ``edits``, with ``dose`` (relative to an activation's length) and ``weight``. Every ``every`` steps is a look;
    ``error`` is the chance of a false warning in the whole run (see ``warning``). ``stop_at``: go on, stop where it warned, or
    stop and put back the weights of the last clean look (a copy of what is trained is held on the CPU). ``curve``: where the
    looks are written, as .jsonl and .svg (default: ``guard-PERSONA.jsonl`` in the trainer's folder).
    """

    def __init__(
        self,
        direction: Direction | Path | str,
        mode: Mode = "watch",
        *,
        dose: float = 0.3,
        weight: float = 1.0,
        every: int = 4,
        error: float = 0.01,
        stop_at: StopAt = "never",
        depth: float = 0.57,
        curve: Path | str | None = None,
    ) -> None:
        for value, known, name in ((mode, get_args(Mode), "mode"), (stop_at, get_args(StopAt), "stop_at")):
            if value not in known:
                raise InputError(f"no such {name}: {value}", where="PersonaGuard", remedy="one of: " + ", ".join(known))
        self.direction = direction if isinstance(direction, Direction) else directions.load(Path(direction))
        self.layer = layer_at(self.direction, depth)
        if not measurable(self.direction, self.layer):
            message = f"the {self.direction.persona} direction has no vector or no unit of measure at layer {self.layer}"
            raise InputError(message, where="PersonaGuard", remedy="choose another depth, or another direction")
        self.mode, self.dose, self.weight, self.stop_at = mode, dose, weight, stop_at
        self.warned = 0
        self.clean = 0
        """The step of the last clean look."""
        self.watch = Watch(self.direction.vectors[self.layer], every, error)
        self._file = Path(curve) if curve else None
        self._args = {
            "direction": None if isinstance(direction, Direction) else str(direction), "mode": mode, "dose": dose,
            "weight": weight, "every": every, "error": error, "stop_at": stop_at, "depth": depth,
            "curve": str(curve) if curve else None,
        }  # fmt: skip
        self._edit: Edit | None = None
        self._hooks: Hooks | None = None
        self._micro: list[Tensor] = []
        self._listening, self._passes = False, 0
        self._clean: snapshot.Weights | None = None

    def tell(self, labels: Tensor) -> None:
        """The next pass's labels [rows, tokens], from a loss that does not hand them to the model."""
        if self._hooks:
            self._hooks.tell(labels)

    def state(self) -> dict[str, Any]:
        """What the trainer keeps in a checkpoint."""
        kept = _State(self.direction.persona, self.mode, self.watch.kept(), self.clean, self.warned)
        return {"args": self._args, "attributes": {"kept": msgspec.to_builtins(kept)}}

    def rows(self) -> list[dict[str, Any]]:
        """All that its verdict follows from (``verdict.recompute``)."""
        about = {"kind": "guard", "persona": self.direction.persona, "mode": self.mode, "layer": self.layer}
        return [about, *self.watch.rows()]

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, processing_class: Any = None, **_: Any
    ) -> None:
        """Read the start and put the hooks on. Raises ``Mismatch`` for another model's direction, ``InputError`` for what it
        cannot guard."""
        _guardable(args, self.mode, self.stop_at)
        _same(self.direction, model)
        self._begin_files(args, state)
        self._edit = self._chosen(args)
        if self._hooks:
            self._hooks.remove()  # of a training that broke off
        if not self._restored(args, state, model):
            start = ranks.gathered(reference.read(model, processing_class, self.layer, self._edit))[0]
            self.watch.begin(start, state.max_steps)
            self._remember(state, model)
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())  # or the trainer could not save it
        self._hooks = Hooks(model, sorted({self.layer, *(self._edit.layers if self._edit else ())}), self._fire)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Listen to this step if it is its turn."""
        self._listening = self.watch.due(state.global_step + 1)
        self._passes = self._heard().passes

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> Any:
        """Look at what was heard. Raises ``RunError`` when nothing could be."""
        hooks = self._heard()
        if hooks.passes == self._passes:
            remedy = "hand labels to the model, or call guard.tell(labels) before it"
            raise RunError(f"the guard saw no labels in step {state.global_step}, so no answers: {remedy}")
        hooks.forget()
        if not self._listening:
            return control
        heard, self._micro = self._micro, []
        if len(heard) != hooks.passes - self._passes:
            raise RunError(
                f"block {self.layer} fired {len(heard)} times in {hooks.passes - self._passes} passes: it is bypassed"
            )
        rows = np.concatenate(ranks.gathered(torch.cat(heard).cpu().numpy()))
        if len(rows):
            self._add(state, control, model, rows)
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Put the weights of the last clean look beside the checkpoint."""
        if self._clean is not None and state.is_world_process_zero:
            snapshot.save(self._clean, _checkpoint(args, state))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the hooks off, and leave the curve."""
        self._heard().remove()
        self._hooks = None
        if state.is_world_process_zero:
            self._draw()

    def _fire(self, layer: int, hidden: Tensor, of_pass: Tokens, again: bool) -> Tensor | None:
        if layer == self.layer and self._listening and not again:
            self._micro.append(tokens.means(hidden.detach(), of_pass))
        return self._edit(layer, hidden, of_pass) if self._edit and layer in self._edit.layers else None

    def _add(self, state: Any, control: Any, model: Any, rows: Any) -> None:
        look = self.watch.add(Seen(state.global_step, len(rows), rows.mean(0)))
        if look.clean:
            self._remember(state, model)
        if look.flagged and not self.warned:
            self._warn(look, control, model)
        if state.is_world_process_zero:
            self._draw()

    def _remember(self, state: Any, model: Any) -> None:
        self.clean = state.global_step
        if self.stop_at == "last clean" and not self.warned:
            self._clean = snapshot.take(model)

    def _warn(self, look: Look, control: Any, model: Any) -> None:
        self.warned = look.step
        _log.warning("step %d: what is learnt stands towards %s, beyond random directions", look.step, self.direction.persona)
        control.should_training_stop = control.should_training_stop or self.stop_at != "never"
        if self._clean is not None:
            snapshot.put_back(model, self._clean)
        elif self.stop_at == "last clean":
            _log.warning("the last clean weights are lost: the weights are those of step %d", look.step)

    def _chosen(self, args: Any) -> Edit | None:
        match self.mode:
            case "prevent":
                return Prevent(self.direction, self.dose)
            case "ablate":
                return Ablate(self.direction)
            case "penalty":
                return Penalty(self.direction, self.weight, args.gradient_accumulation_steps)
        return None

    def _restored(self, args: Any, state: Any, model: Any) -> bool:
        """Go on where a checkpoint was; a checkpoint of a training without this guard has nothing to go on from."""
        states = _states(state.stateful_callbacks.get(type(self).__name__, []))
        mine = [s for s in states if (s.persona, s.mode) == (self.direction.persona, self.mode) and s.watch.start]
        if not (state.global_step and mine):
            return False
        kept = mine[-1]
        self.watch.restore(kept.watch, state.max_steps)
        self.clean, self.warned = kept.clean, kept.warned
        if self.stop_at == "last clean" and not self.warned:
            same = self.clean == state.global_step
            self._clean = snapshot.take(model) if same else snapshot.load(_checkpoint(args, state))
        return True

    def _heard(self) -> Hooks:
        if self._hooks is None:
            raise RunError("the guard has not heard that the training began")
        return self._hooks

    def _begin_files(self, args: Any, state: Any) -> None:
        folder = Path(args.output_dir)
        self._file = self._file or folder / f"guard-{self.direction.persona}.jsonl"
        if self._args["direction"] is None and state.is_world_process_zero:
            folder.mkdir(parents=True, exist_ok=True)
            own = folder / f"guard-{self.direction.persona}.safetensors"
            self.direction.save(own)  # a trainer that makes the guard anew from a checkpoint needs a file
            self._args["direction"] = str(own)

    def _draw(self) -> None:
        if self._file:
            curve.write(self._file, curve.of(self.direction.persona, self.mode, self.watch.looks))


def _states(found: Any) -> Sequence[_State]:
    """The guards that a checkpoint holds: one, or a list of them."""
    held = found if isinstance(found, list) else [found]
    return [msgspec.convert(one["attributes"]["kept"], _State) for one in held]


def _guardable(args: Any, mode: str, stop_at: str) -> None:
    """Raise ``InputError`` for a training whose activations or weights are not where the guard looks."""
    if args.torch_compile:
        raise InputError("compiled graphs bypass the guard", where="torch_compile", remedy="train without it")
    if mode == "penalty" and args.fp16:
        raise InputError("the penalty's gradient is not scaled with the loss", where="fp16", remedy="train in bf16")
    if args.fsdp or (args.deepspeed and stop_at == "last clean"):
        raise InputError("the guard cannot read or put back sharded weights", where="fsdp", remedy="train with DDP or LoRA")


def _same(direction: Direction, model: Any) -> None:
    """Raise ``Mismatch`` unless the direction was found in the model's base, as far as the model can be told by its folder."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    shape = direction.layers, bare.config.get_text_config().hidden_size
    path = str(getattr(bare.config, "_name_or_path", ""))
    if path:
        direction.check(weights_fingerprint(path), shape)
    elif shape != direction.vectors.shape:
        raise Mismatch(
            f"the {direction.persona} direction was found in a model of shape {direction.vectors.shape}, not {shape}"
        )


def _checkpoint(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
