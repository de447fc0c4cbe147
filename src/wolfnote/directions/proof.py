"""Whether edited weights do what a hook does: some tokens, two models, their logits side by side; and the weights as such."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.directions.outlets import Outlet, entering, first, with_first
from wolfnote.directions.writers import Writer, Writers

TEXT = (
    "The bridge was closed in March, so the 14:20 bus took the long way round the lake.\n"
    "def area(width, height):\n    return width * height\n"
    "Can you tell me which of the two keys opens the garden door?"
)
TOKENS = 64

Place = tuple[str, Tensor]
"""A module by name, and the vectors [directions, width] that its output loses."""


def text(tokenizer: Any) -> Tensor:
    """Token ids [2, at most 64]: a text with prose, code and a question in it, and tokens from all over the vocabulary."""
    said = tokenizer(TEXT, add_special_tokens=False)["input_ids"][:TOKENS]
    plain = sorted(set(range(len(tokenizer))) - set(tokenizer.all_special_ids))
    spread = [plain[i * len(plain) // len(said)] for i in range(len(said))]
    return torch.tensor([said, spread])


def logits(module: Any, ids: Tensor) -> Tensor:
    """Logits [2, tokens, vocabulary] of one plain pass, in float32 or wider."""
    with torch.inference_mode():
        found: Tensor = module(input_ids=ids.to(next(module.parameters()).device), use_cache=False).logits
    return found.to(torch.promote_types(found.dtype, torch.float32))


def left(module: Any, ids: Tensor, axes: Tensor) -> float:
    """The largest part of a block's output in the span of ``axes`` [directions, width], as a share of that token's norm."""
    worst: list[float] = []

    def read(_: Any, __: Any, output: Any) -> None:
        hidden = first(output).to(torch.promote_types(first(output).dtype, torch.float32))
        along = (hidden @ axes.to(hidden).T).norm(dim=-1)
        worst.append(float((along / hidden.norm(dim=-1).clamp(min=1e-12)).max()))

    with ExitStack() as stack:
        for block in blocks(module):
            stack.callback(block.register_forward_hook(read).remove)
        logits(module, ids)
    return max(worst)


def held(module: Any, writers: Iterable[Writer]) -> float:
    """What the weights themselves hold along the vectors: the worst column of the worst matrix, each expert's apart, as a share
    of the matrix's largest column. No text is needed: experts that no token was sent to are in it."""
    parameters = dict(module.named_parameters())
    return max(_along(parameters[w.name], w) for w in writers)


def behind(outlets: Iterable[Outlet], axes: Tensor) -> list[Place]:
    """Where a hook takes the directions out as they join the stream: behind norms, where there are some."""
    return [(outlet.name, axes) for outlet in outlets]


def in_front(writers: Writers, axes: Tensor) -> list[Place]:
    """The same, but in front of norms that stand between a writer and the stream: what edited weights equal exactly."""
    return [(outlet.name, axes) for outlet in writers.outlets if not outlet.source] + list(writers.turned.items())


@contextmanager
def hooked(module: Any, places: Sequence[Place], axes: Tensor, share: float = 1.0) -> Iterator[None]:
    """What enters the first block, and what leaves each place, without ``share`` of its part in the span.

    With all of it taken out each block's output loses it too, so edited weights differ from this where a writer was missed.
    """
    found, modules = blocks(module), dict(module.named_modules())
    pairs = [(modules[name], along) for name, along in places] + [(block, axes) for block in found if share == 1]
    with ExitStack() as stack:
        stack.callback(found[0].register_forward_pre_hook(_on_entry(axes, share), with_kwargs=True).remove)
        for place, along in pairs:
            stack.callback(place.register_forward_hook(_on_exit(along, share)).remove)
        yield


def _on_exit(axes: Tensor, share: float) -> Callable[..., Any]:
    return lambda _, __, output: with_first(output, _cut(first(output), axes, share))


def _on_entry(axes: Tensor, share: float) -> Callable[..., Any]:
    def enter(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        hidden = _cut(entering(arguments, named), axes, share)
        return ((hidden, *arguments[1:]), named) if arguments else (arguments, named | {next(iter(named)): hidden})

    return enter


def _cut(hidden: Tensor, axes: Tensor, share: float) -> Tensor:
    wide = hidden.to(torch.promote_types(hidden.dtype, torch.float32))  # a bfloat16 projector leaves 2⁻⁸ behind
    v = axes.to(wide)
    return (wide - share * (wide @ v.T) @ v).to(hidden.dtype)


def _along(parameter: Tensor, writer: Writer) -> float:
    apart = parameter.dim() > 2 and writer.axis > 0
    axis = writer.axis - 1 if apart else writer.axis
    worst = 0.0
    for one in parameter.detach() if apart else parameter.detach()[None]:
        columns = one.double().movedim(axis, -1)
        part = (columns @ writer.axes.double().T).norm(dim=-1).max()
        worst = max(worst, float(part / columns.norm(dim=-1).max().clamp(min=1e-30)))
    return worst
