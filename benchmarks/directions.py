"""Reading activations beside the straightforward loop and beside a bare pass of the same blocks, in one run.

.venv/bin/python benchmarks/directions.py [--pairs 40] [--depth 0.57] [--repeats 3] [--model package:smollm2]

Rows: good and bad answers of the near triples. The loop: one row at a time, all hidden states, logits, no gradients. The bare
pass: the decoder cut behind the deepest wanted block, without head or hooks, over the same padded batches. Ours is
``answer_means`` from text to means, tokenising included. The best of the repeats counts for each. The vectors compared are the
mean differences of bad and good, a layer at a time.
Models: a random 16-layer Llama (width 512) and the given one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from wolfnote import models
from wolfnote.directions import activations, blocks
from wolfnote.judges import margin
from wolfnote.models import chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local.batching import pad, positions
from wolfnote.records import chat as ask

GOAL_LOOP, GOAL_BARE, GOAL_EQUAL = 2.5, 1.15, 1e-6


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what the work gave."""
    start = time.perf_counter()
    found = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, found


def random_llama(like: LocalModel, folder: str) -> LocalModel:
    """A random Llama with the tokenizer of ``like``."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(like.tokenizer), hidden_size=512, intermediate_size=1536, num_hidden_layers=16, num_attention_heads=8,
        num_key_value_heads=4,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    like.tokenizer.save_pretrained(folder)
    return models.open_local(f"hf:{folder}")


def loop(model: LocalModel, encoded: list[chat.Encoded], layers: int) -> np.ndarray:
    """Answer means as most code takes them; block l's output is ``hidden_states[l + 1]``."""
    found = []
    with model.network.switched(None) as module, torch.no_grad():
        for row in encoded:
            states = module(torch.tensor([row.ids], device=model.network.device), output_hidden_states=True).hidden_states
            found.append(np.stack([states[at + 1][0, row.start :].float().mean(0).cpu().numpy() for at in range(layers)]))
    return np.stack(found)


@contextmanager
def cut(module: Any, layers: int) -> Any:
    """The decoder with its first blocks only."""
    decoder = module.get_decoder()
    whole = decoder.layers
    decoder.layers = whole[:layers]
    decoder.config.num_hidden_layers = layers
    try:
        yield decoder
    finally:
        decoder.layers = whole
        decoder.config.num_hidden_layers = len(whole)


def bare(model: LocalModel, encoded: list[chat.Encoded], layers: int) -> None:
    """The same batches through the same blocks, and nothing else."""
    with model.active() as module, cut(module, layers) as decoder:
        for batch in activations._by_length(encoded):
            ids, mask = pad([encoded[i].ids for i in batch], "right", model.network.device)
            decoder(ids, attention_mask=mask, position_ids=positions(mask, ids.shape[1]), use_cache=False)


def compare(name: str, model: LocalModel, pairs: int, depth: float, repeats: int) -> None:
    """Print the three times, the two ratios, and how far the vectors are apart."""
    triples = margin.triples("near", pairs)
    rows = [(ask(t.question), answer) for t in triples for answer in (t.aligned, t.misaligned)]
    encoded = [chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, p), a) for p, a in rows]
    count = len(blocks.blocks(model.network.module))
    last = min(count - 1, int(depth * count))
    work = {
        "loop": lambda: loop(model, encoded, last + 1),
        "bare": lambda: bare(model, encoded, last + 1),
        "ours": lambda: activations.answer_means(model, rows, last=last),
    }
    work["ours"]()  # warm up, and the live proof of the blocks
    best: dict[str, float] = {}
    found: dict[str, Any] = {}
    for _ in range(repeats):  # interleaved: the machine's mood falls on all three
        for key, one in work.items():
            seconds, found[key] = timed(one)
            best[key] = min(seconds, best.get(key, seconds))
    tokens = sum(len(e.ids) for e in encoded)
    print(f"{name}: {len(rows)} rows, {tokens} tokens, to block {last} of {count}")
    print("  " + ", ".join(f"{key} {seconds:.2f} s ({tokens / seconds:.0f} tokens/s)" for key, seconds in best.items()))
    print(f"  ratio to the loop {best['loop'] / best['ours']:.2f} (goal ≥ {GOAL_LOOP}), "
          f"to the bare pass {best['ours'] / best['bare']:.2f} (goal ≤ {GOAL_BARE})")  # fmt: skip
    one, other = (
        found[key][1::2].mean(0, dtype=np.float64) - found[key][0::2].mean(0, dtype=np.float64) for key in ("loop", "ours")
    )
    norms = np.linalg.norm(one, axis=1)
    apart = np.linalg.norm(one - other, axis=1) / norms
    cosine = (one * other).sum(1) / norms / np.linalg.norm(other, axis=1)
    means = np.linalg.norm(found["loop"] - found["ours"], axis=2) / np.linalg.norm(found["loop"], axis=2)
    print(f"  largest 1 − cosine of the vectors {1 - cosine.min():.1e}, relative difference {apart.max():.1e}, "
          f"of the means {means.max():.1e} (goal ≤ {GOAL_EQUAL})")  # fmt: skip


def main() -> None:
    """Print the comparison for both models."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="package:smollm2")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--depth", type=float, default=0.57)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    model = models.open_local(chosen.model)
    print(f"{model.network.device}, {model.network.precision}, {torch.get_num_threads()} threads")
    compare(chosen.model, model, chosen.pairs, chosen.depth, chosen.repeats)
    with tempfile.TemporaryDirectory() as folder:
        compare("random Llama, 16 × 512", random_llama(model, folder), chosen.pairs, chosen.depth, chosen.repeats)


if __name__ == "__main__":
    main()
