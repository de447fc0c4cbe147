"""Decoder blocks over every family of the installed transformers: how many are found and proved, which are refused, and why.

.venv/bin/python benchmarks/blocks.py

Families that one generic shrinking of their configuration cannot make small are listed with the reason: they say nothing.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from transformers.utils import logging

from wolfnote import RunError
from wolfnote.directions import blocks

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "directions"))
import families


def verdict(kind: str) -> tuple[str, str]:
    """proved, refused or not built, and the class of the blocks or the reason."""
    try:
        module = families.build(kind)
        with torch.inference_mode():
            module(input_ids=torch.tensor([[5, 6, 7]]), use_cache=False)
    except Exception as error:  # whatever a family says to numbers that it was not made for
        return "not built", (str(error).splitlines() or [""])[0][:80] or type(error).__name__
    try:
        return "proved", type(blocks.blocks(module)[0]).__name__
    except RunError as error:
        return "refused", str(error)


def main() -> None:
    """Print each family that is not proved, and the counts."""
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    found = {kind: verdict(kind) for kind in families.every()}
    for kind, (what, why) in sorted(found.items(), key=lambda item: item[1]):
        if what != "proved":
            print(f"{what:10} {kind:24} {why}")
    counts = {what: sum(v == what for v, _ in found.values()) for what in ("proved", "refused", "not built")}
    print(", ".join(f"{what} {n}" for what, n in counts.items()), f"of {len(found)} families")


if __name__ == "__main__":
    main()
