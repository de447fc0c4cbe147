"""Answers and likelihoods a second, beside transformers' own on the same model, text and machine, in one run.

.venv/bin/python benchmarks/models.py [--model package:smollm2] [--seeds 4] [--loop 60] [--tokens 48]

Generation: every answer to the probe's unrelated questions, several seeds each. Peers: a loop of ``generate`` at batch 1 over a
random subset of those completions (stated), and ``generate`` over padded batches with ``num_return_sequences``, at the best of
several batch sizes. Tokens are counted up to the end of each answer; padding is nobody's work.
Likelihoods: the near triples, two answers each. Peers: one pass an answer, and padded batches.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import torch

from wolfnote import models
from wolfnote.judges import margin
from wolfnote.models import Question, Sampling, chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local.batching import pad, positions
from wolfnote.probe.question import unrelated
from wolfnote.records import chat as ask

ASKED = 60
"""Questions: the frozen subset that covers as many topics as it can."""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what the work gave."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    found = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, found


def plain_generate(model: LocalModel, prompts: list[list[int]], how: Sampling, answers: int, batch: int) -> int:
    """Tokens that transformers' ``generate`` drew, up to each answer's end."""
    stop = set(torch.tensor(model.network.module.generation_config.eos_token_id).flatten().tolist())
    drawn = 0
    with model.active() as module:
        for at in range(0, len(prompts), batch):
            ids, mask = pad(prompts[at : at + batch], "left", model.network.device)
            out = module.generate(
                ids, attention_mask=mask, do_sample=True, temperature=how.temperature, top_p=how.top_p, top_k=0,
                max_new_tokens=how.max_tokens, num_return_sequences=answers, pad_token_id=0,
            )[:, ids.shape[1] :]  # fmt: skip
            drawn += sum(next((i + 1 for i, t in enumerate(row) if t in stop), len(row)) for row in out.tolist())
    return drawn


def generation(model: LocalModel, seeds: int, loop: int, how: Sampling) -> None:
    """Print tokens a second of all three, and the ratios."""
    questions = [Question(q.id, ask(q.text)) for q in unrelated(ASKED)]
    tokenizer = model.tokenizer
    prompts = [tokenizer(chat.prompt_text(tokenizer, q.messages), add_special_tokens=False)["input_ids"] for q in questions]
    model.generate(questions[:4], Sampling(max_tokens=4))  # warm up
    torch.manual_seed(0)
    sizes = {16: 4, 32: 8, 64: 16} if model.network.device.type == "cpu" else {64: 16, 256: 64}
    plain = {}
    for rows, batch in sizes.items():
        seconds, drawn = timed(lambda batch=batch: plain_generate(model, prompts, how, seeds, batch))
        plain[rows] = drawn / seconds
        print(f"  generate, {rows:3} rows a batch     {drawn / seconds:7.0f} tokens/s  ({drawn} tokens, {seconds:.0f} s)")
    chosen = random.Random(0).sample([p for p in prompts for _ in range(seeds)], min(loop, len(prompts) * seeds))  # noqa: S311
    seconds, drawn = timed(lambda: sum(plain_generate(model, [p], how, 1, 1) for p in chosen))
    single = drawn / seconds
    print(f"  generate, batch 1 (random {len(chosen)})  {single:7.0f} tokens/s  ({drawn} tokens, {seconds:.0f} s)")
    seconds, said = timed(lambda: model.generate(questions, how, seeds=range(seeds)))
    drawn = sum(len(tokenizer(c.text, add_special_tokens=False)["input_ids"]) + (c.finish_reason == "stop") for c in said)
    ours = drawn / seconds
    best = max(plain.values())
    print(f"  wolfnote                         {ours:7.0f} tokens/s  ({drawn} tokens, {seconds:.0f} s)")
    print(f"  ratio to batch 1 {ours / single:.1f} (goal 10), to the best batched generate {ours / best:.2f} (goal 1.3)")


def likelihoods(model: LocalModel) -> None:
    """Print answers scored a second of all three, the ratios, and the largest difference."""
    items = margin.triples("near")[:50]
    prompts = [ask(t.question) for t in items]
    pairs = [(t.aligned, t.misaligned) for t in items]
    encoded = [
        chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, p), a)
        for p, options in zip(prompts, pairs, strict=True)
        for a in options
    ]

    def padded(batch: int) -> list[float]:
        totals = []
        with model.active() as module:
            for at in range(0, len(encoded), batch):
                rows = encoded[at : at + batch]
                ids, mask = pad([e.ids for e in rows], "right", model.network.device)
                logits = module(ids, attention_mask=mask, position_ids=positions(mask, ids.shape[1])).logits
                picked = torch.log_softmax(logits[:, :-1].float(), -1).gather(-1, ids[:, 1:, None])[..., 0]
                totals += [float(picked[i, e.start - 1 : len(e.ids) - 1].sum()) for i, e in enumerate(rows)]
        return totals

    model.log_likelihood(prompts[:4], pairs[:4])
    one, truth = timed(lambda: padded(1))
    many, _ = timed(lambda: padded(25))
    seconds, found = timed(lambda: model.log_likelihood(prompts, pairs))
    off = max(abs(t - x.total) for t, x in zip(truth, (x for row in found for x in row), strict=True))
    print(f"  one pass an answer {len(truth) / one:.1f} answers/s, padded batches {len(truth) / many:.1f}, "
          f"wolfnote {len(truth) / seconds:.1f}")  # fmt: skip
    print(f"  ratio to batch 1 {one / seconds:.1f}, to padded batches {many / seconds:.1f}; largest difference {off:.1e} nats")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="package:smollm2")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--loop", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=48)
    chosen = parser.parse_args()
    model = models.open_local(chosen.model)
    print(f"{chosen.model} on {model.network.device}, {model.network.precision}, {torch.get_num_threads()} threads")
    print("likelihoods of 50 × 2 answers")
    likelihoods(model)
    print(f"answers to {ASKED} questions × {chosen.seeds} seeds, at most {chosen.tokens} tokens")
    generation(model, chosen.seeds, chosen.loop, Sampling(max_tokens=chosen.tokens))


if __name__ == "__main__":
    main()
