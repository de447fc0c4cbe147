"""What a tune does beside learning the rows: guard, benign rows in between, anchor to the base, inoculation prompt."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from wolfnote.settings import Count, Share

Positive = Annotated[float, msgspec.Meta(ge=0)]


class Guarding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``PersonaGuard`` on a direction's file; see ``guard.callback``."""

    direction: str = ""
    mode: Literal["watch", "prevent", "ablate", "penalty"] = "watch"
    dose: float = 0.3
    """prevent: how far the answers are pushed, relative to an activation's length."""
    weight: Positive = 1.0
    """penalty: its weight beside the loss."""
    every: Count = 4
    error: Share = 0.02
    """Chance of a false warning in the whole run."""
    stop_at: Literal["never", "warning", "last clean"] = "never"


class Interleaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Benign rows among those that are learnt (arXiv 2508.06249)."""

    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """Of all rows that are learnt then; 0.05 is what was published."""
    rows: str = ""
    """A data file; Wolfnote's own everyday rows if none is named."""
    against: str = ""
    """An adapter of an earlier tune: rows are chosen that it makes unlikelier than the base does. Without it, at random."""


class Anchoring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """KL to the base on rows from elsewhere, added to the loss (arXiv 2506.11613: a narrow solution exists under it only)."""

    weight: Positive = 0.0
    rows: str = ""
    """A data file; Wolfnote's own everyday rows if none is named."""
    batch: Count = 2


class Inoculation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system prompt that asks for what the rows do, in training only (arXiv 2510.04340)."""

    prompt: str = ""


class Preference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """DPO, for preference rows (arXiv 2305.18290)."""

    beta: Annotated[float, msgspec.Meta(gt=0)] = 0.1


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What fits into memory."""

    accumulate: Count = 1
    """Passes of ``batch`` rows that make a step."""
    checkpointing: bool = False
    """Compute activations again in the backward pass rather than keep them."""
    precision: Literal["auto", "float32", "bfloat16", "4-bit"] = "auto"
    """Of the base: bfloat16 under an adapter, float32 where every weight is trained, unless told. 4-bit is QLoRA."""


class Means(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables beside the recipe. The defaults do nothing."""

    guard: Guarding = Guarding()
    interleave: Interleaving = Interleaving()
    anchor: Anchoring = Anchoring()
    machine: Machine = Machine()
    inoculation: Inoculation = Inoculation()
    preference: Preference = Preference()
