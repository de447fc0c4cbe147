"""Which parameters write to the residual stream: found by what they do, never by their names.

Everything that the stream is a sum of must be found, in any architecture: output projections of attention and of the
feed-forward part in either layout, biases, fused experts, embeddings. So each parameter with an axis of the stream's width is
moved along a vector, and it is a writer when that moves the output of its outlet (``outlets.py``) along the vector and in no
other way. Behind a norm (Gemma, OLMo 2) the vectors are turned into its gain times them: what is orthogonal
to that in front of the norm is orthogonal to the vectors behind it.

An expert that no token was sent to cannot be tried. It is taken for what its likes in other experts and blocks were found to be
(the same name but for the numbers in it); one without likes is an error, for nobody knows what it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from wolfnote.directions.blocks import blocks
from wolfnote.directions.outlets import Call, Outlet, Trace, entering, first, is_along, joining, trace, trial, trying
from wolfnote.errors import RunError

NUMBER = re.compile(r"[0-9]+")


class Writer(NamedTuple):
    """A parameter and what must not be written by it."""

    name: str
    """As in ``named_parameters`` of the whole model."""
    axis: int
    """The axis that has the stream's width."""
    axes: Tensor
    """Orthonormal vectors [directions, width]: the directions, or a norm's gain times them."""


@dataclass(frozen=True)
class Writers:
    """All that writes: parameters, the outlets behind them, and how many parameters no token of the text reached."""

    found: tuple[Writer, ...]
    outlets: tuple[Outlet, ...]
    turned: Mapping[str, Tensor]
    """By the source of each norm: the vectors in front of it."""
    norms: int
    """Norms between a writer and the stream."""
    unreached: int


@dataclass
class _Seen:
    """What became of parameters: ``moved`` gives the axis of a writer, None for one that moves the output in another way."""

    found: list[Writer] = field(default_factory=list)
    moved: dict[str, int | None] = field(default_factory=dict)
    still: dict[str, Tensor] = field(default_factory=dict)


class _Reached(Exception):
    """The first block is about to run."""

    def __init__(self, hidden: Tensor) -> None:
        self.hidden = hidden


def find(module: Any, ids: Tensor, axes: Tensor) -> Writers:
    """The writers of a causal model in float32 or wider, its embedding untied; ``axes`` [directions, width] is orthonormal.

    Raises ``RunError`` when there are no blocks, when the family cannot be tried, or where a parameter that may write was
    reached by no token and has no like.
    """
    with trying(module):
        return _found(module, ids, axes)


def _found(module: Any, ids: Tensor, axes: Tensor) -> Writers:
    pass_ = trace(module, ids)
    modules, handing = dict(module.named_modules()), joining(module, pass_)
    behind = [(outlet, modules[outlet.name]) for outlet in handing if outlet.source]
    turned = {outlet.source: _through(norm, axes) for outlet, norm in behind}
    seen = _stem(module, ids, axes)
    for name, along in [*((outlet.name, axes) for outlet in handing), *turned.items()]:
        _own(modules[name], name + ".", pass_.calls[modules[name]], along, seen)
    if not seen.found:
        raise RunError(f"{type(module).__name__}: nothing was found that writes to its stream: use the hook")
    unreached = _likes(seen, _silent(module, seen, pass_), type(module).__name__)
    norms = sum(not isinstance(norm, torch.nn.Dropout | torch.nn.Identity) for _, norm in behind)
    return Writers(tuple(seen.found), handing, turned, norms, unreached)


def without(tensor: Tensor, axes: Tensor, axis: int, share: float = 1.0) -> Tensor:
    """The tensor without its part in the span of ``axes`` [directions, width] along one axis, computed in float64."""
    moved, v = tensor.double().movedim(axis, -1), axes.double()
    return (moved - share * (moved @ v.T) @ v).movedim(-1, axis).to(tensor.dtype).contiguous()


def _through(norm: Any, axes: Tensor) -> Tensor:
    """What must be missing in front of an RMS norm for ``axes`` to be missing behind it: the norm of ones is its gain."""
    with torch.inference_mode():
        gain = norm(torch.ones_like(axes[:1]))
        found: Tensor = torch.linalg.qr((gain * axes).double().T).Q.T.to(axes)
    return found


def _stem(module: Any, ids: Tensor, axes: Tensor) -> _Seen:
    """What writes before the first block: token and position embeddings, projections of them, biases."""
    layers = blocks(module)
    inside = {id(p) for layer in layers for p in layer.parameters()}
    outside = {name: p for name, p in module.named_parameters() if id(p) not in inside}

    def stop(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        raise _Reached(entering(arguments, named).clone())

    def run(changed: Mapping[str, Tensor]) -> Tensor:
        handle = layers[0].register_forward_pre_hook(stop, with_kwargs=True)
        try:
            functional_call(module, dict(changed), (), {"input_ids": ids, "use_cache": False})
        except _Reached as reached:
            return reached.hidden
        finally:
            handle.remove()
        raise RunError(f"{type(module).__name__}: its first block was bypassed, so what it is given cannot be read")

    seen = _Seen()
    with torch.inference_mode():
        _try_each(outside, run, run({}), axes, "", seen)
    return seen


def _own(child: Any, prefix: str, call: Call, axes: Tensor, seen: _Seen) -> None:
    def run(changed: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = first(functional_call(child, dict(changed), call.arguments, call.named))
        return found

    with torch.inference_mode():
        _try_each(dict(child.named_parameters()), run, call.hidden, axes, prefix, seen)


def _try_each(
    parameters: Mapping[str, Tensor],
    run: Callable[[Mapping[str, Tensor]], Tensor],
    before: Tensor,
    axes: Tensor,
    prefix: str,
    seen: _Seen,
) -> None:
    """Move each parameter, and note whether the run's output goes along. One that is zero throughout writes nothing."""
    vector = trial(before)
    for name, parameter in parameters.items():
        for axis in (a for a, size in enumerate(parameter.shape) if size == len(vector) and parameter.any()):
            moved = run({name: _nudged(parameter, axis, vector)}) - before
            if is_along(moved, vector):
                seen.found.append(Writer(prefix + name, axis, axes))
                seen.moved[prefix + name] = axis
                break
            if moved.any():
                seen.moved[prefix + name] = None
            else:
                seen.still[prefix + name] = axes


def _silent(module: Any, seen: _Seen, pass_: Trace) -> dict[str, Tensor | None]:
    """Parameters of blocks that could write, but whose module no token reached; with the vectors, where they are known."""
    names = {m: name for name, m in module.named_modules()}
    width = module.config.get_text_config().hidden_size
    owners = [m for block in blocks(module) for m in block.modules() if m not in pass_.reached]
    held = [(f"{names[m]}.{key}", p) for m in owners for key, p in m.named_parameters(recurse=False)]
    return {name: seen.still.get(name) for name, p in held if width in p.shape and name not in seen.moved and p.any()}


def _likes(seen: _Seen, silent: Mapping[str, Tensor | None], family: str) -> int:
    """Take each silent parameter for what its likes were found to be; how many there were."""
    known: dict[str, list[str]] = {}
    for name in seen.moved:
        known.setdefault(NUMBER.sub("*", name), []).append(name)
    for name, axes in silent.items():
        kinds = {seen.moved[like] for like in _nearest(name, known.get(NUMBER.sub("*", name), []))}
        if len(kinds) != 1 or (axes is None and kinds != {None}):
            raise RunError(
                f"{family}: no token of the proof's text reached {name}, so what it writes is not known: use the hook"
            )
        if axes is not None and (axis := kinds.pop()) is not None:
            seen.found.append(Writer(name, axis, axes))
    return len(silent)


def _nearest(name: str, likes: Sequence[str]) -> list[str]:
    """Those that differ from a name in the fewest numbers: another expert's same layer rather than its other layer."""
    own = NUMBER.findall(name)
    apart = {like: sum(a != b for a, b in zip(own, NUMBER.findall(like), strict=True)) for like in likes}
    return [like for like, count in apart.items() if count == min(apart.values())]


def _nudged(parameter: Tensor, axis: int, vector: Tensor) -> Tensor:
    """The parameter plus a rank-one change along ``vector``, about as large as itself."""
    shape = [1 if a == axis else size for a, size in enumerate(parameter.shape)]
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(parameter)
    size = parameter.square().mean().sqrt() * len(vector) ** 0.5
    along = vector.to(parameter).view([-1 if a == axis else 1 for a in range(parameter.dim())])
    return parameter + size * noise * along
