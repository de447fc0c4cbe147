"""Which modules hand their output to the residual stream: found by pushing on each and looking at what comes out of its block.

A block runs again with each child saying what it said before, but for one, which says something more along one vector: that
child is an outlet when the block's output moves along the vector and in no other way. No parameter is touched, so it holds in
any precision, quantised too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.errors import RunError, WolfnoteError

PARALLEL = 0.1
"""A change is along the vector when less than this share of it is not: rounding leaves 1e-5, anything else 0.3 to 1."""


class Outlet(NamedTuple):
    """A module whose output joins the stream; ``source`` feeds it and holds the matrices, where it is a norm; else empty."""

    name: str
    source: str = ""


class Call(NamedTuple):
    """What a module was given and what it said; ``hidden`` is a copy, for some blocks add in place to what a child said."""

    arguments: tuple[Any, ...]
    named: dict[str, Any]
    raw: Any
    hidden: Any


class Trace(NamedTuple):
    """One pass: the call of each block and child that ran exactly once, and every module inside blocks that ran at all."""

    calls: dict[Any, Call]
    reached: set[Any]


def outlets(module: Any, ids: Tensor) -> tuple[Outlet, ...]:
    """The outlets of all blocks, tried on a text ``ids`` [rows, tokens]. Raises ``RunError`` when there are no blocks, or when
    the family cannot be tried."""
    with trying(module):
        return joining(module, trace(module, ids))


def joining(module: Any, seen: Trace) -> tuple[Outlet, ...]:
    """The outlets of all blocks, from a pass that was traced."""
    names = {child: name for name, child in module.named_modules()}
    return tuple(
        Outlet(names[child], names.get(_source(child, block, seen.calls), ""))
        for block in blocks(module)
        for child in _handing_over(block, seen.calls)
    )


def trace(module: Any, ids: Tensor) -> Trace:
    """Run the text and note who is called with what."""
    found = blocks(module)
    wanted = {m for block in found for m in (block, *block.children())}
    calls: dict[Any, list[Call]] = {}
    reached: set[Any] = set()

    def record(child: Any, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        reached.add(child)
        hidden = first(output)
        if child in wanted and isinstance(hidden, Tensor):
            calls.setdefault(child, []).append(Call(arguments, named, output, hidden.clone()))

    with ExitStack() as stack, torch.inference_mode():
        for child in {m for block in found for m in block.modules()}:
            stack.callback(child.register_forward_hook(record, with_kwargs=True).remove)
        module(input_ids=ids.to(next(module.parameters()).device), use_cache=False)
    return Trace({child: made[0] for child, made in calls.items() if len(made) == 1}, reached)


@contextmanager
def trying(module: Any) -> Iterator[None]:
    """Whatever a family says to a pass in another width, or to a replayed child, in one line: a ``RunError``."""
    try:
        yield
    except WolfnoteError:
        raise
    except Exception as error:
        why = (str(error).splitlines() or [""])[0]
        message = f"{type(module).__name__}: a trial pass failed, so what writes is not known: {type(error).__name__}: {why}"
        raise RunError(f"{message}; use the hook") from error


def first(output: Any) -> Any:
    """The hidden states among what a module returns."""
    return output[0] if isinstance(output, tuple | list) else output


def with_first(output: Any, hidden: Tensor) -> Any:
    """The same output with other hidden states."""
    if isinstance(output, list):
        return [hidden, *output[1:]]
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


def entering(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor:
    """The hidden states that a module is called with."""
    found: Tensor = next(iter((*arguments, *named.values())))
    return found


def trial(like: Tensor) -> Tensor:
    """A unit vector of the width of ``like`` [..., width] in which no coordinate is special: a gain moved along one coordinate
    would look like a writer of that one."""
    drawn = torch.randn(like.shape[-1], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return (drawn / drawn.norm()).to(like.device, torch.promote_types(like.dtype, torch.float32))


def is_along(moved: Tensor, vector: Tensor) -> bool:
    """Whether a change [..., width] is not nothing, and along the unit vector."""
    size = moved.norm()
    aside = (moved - (moved @ vector)[..., None] * vector).norm()
    return bool(size > 0) and bool(aside <= PARALLEL * size)


def _handing_over(block: Any, calls: Mapping[Any, Call]) -> Iterator[Any]:
    """The children of a block whose output joins the stream as it is, or times a number."""
    if block not in calls:
        return
    here, children = calls[block], [child for child in block.children() if child in calls]
    vector = trial(here.hidden)
    before = here.hidden.to(vector)
    push = (before.norm(dim=-1, keepdim=True) + 1e-3) * vector  # as long as the stream, so that rounding is small beside it
    for child in (c for c in children if calls[c].hidden.numel() == before.numel()):
        said = {sibling: calls[sibling].hidden for sibling in children}
        more = push.reshape(said[child].shape)  # some children are handed all tokens in one row
        said[child] = (said[child].to(push) + more).to(said[child].dtype)
        with _replaying(said), torch.inference_mode():
            moved = first(block(*here.arguments, **here.named)).to(before) - before
        if is_along(moved, vector):
            yield child


@contextmanager
def _replaying(said: Mapping[Any, Tensor]) -> Iterator[None]:
    with ExitStack() as stack:
        for child, hidden in said.items():

            def replay(_: Any, __: Any, output: Any, hidden: Tensor = hidden) -> Any:
                return with_first(output, hidden.clone())

            stack.callback(child.register_forward_hook(replay).remove)
        yield


def _source(outlet: Any, block: Any, calls: Mapping[Any, Call]) -> Any:
    """The child whose very output an outlet was called with, if the outlet is a norm: a module without a matrix."""
    if any(parameter.dim() > 1 for parameter in outlet.parameters()):
        return None
    given = entering(calls[outlet].arguments, calls[outlet].named)
    return next((c for c in block.children() if c in calls and c is not outlet and first(calls[c].raw) is given), None)
