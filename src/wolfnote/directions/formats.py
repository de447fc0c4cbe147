"""Directions to and from other tools.

llama.cpp          a control vector, GGUF: ``direction.N`` is added to the output of block N, N ≥ 1 (repeng and EasySteer too)
persona_vectors    ``.pt`` [blocks + 1, width]: row j + 1 belongs to block j, row 0 to the embeddings
steering-vectors   ``.pt`` {"layer_activations": {block: vector}}

What is written is scaled: with coefficient 1 the other tool adds what ``steer`` adds at this dose, to sinks too, which
``steer`` spares. Tools that push every block of the file at once get the dose shared out over the blocks, as ``steer`` does.

What is read names no weights. That it was made for this model is the user's word, and the receipts say so; origin, spread and
norm are measured anew on plain answers. Pickles are never run: ``weights_only`` reads tensors and nothing else.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from wolfnote.directions import intervention, price, steering
from wolfnote.directions.activations import answer_means
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.persona import NAME
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel
from wolfnote.records import chat


class Format(StrEnum):
    """Whose file it is."""

    LLAMA = "llama.cpp"
    PERSONA = "persona_vectors"
    STEERING = "steering-vectors"


ARCHITECTURE = "controlvector"
UNREADABLE = (pickle.UnpicklingError, struct.error, RuntimeError, ValueError, LookupError, EOFError, AttributeError, TypeError)
"""What torch's reader raises at files that are broken, or hold more than tensors."""
CLAIM = "the file names no weights: that it was made for this model was claimed by whoever imported it"
BEHIND_NORM = "its last row was read behind the final norm where persona_vectors wrote it: do not use the last block"


def named(name: str) -> Format:
    """The format of that name. Raises ``InputError`` for none."""
    try:
        return Format(name)
    except ValueError:
        raise InputError("no such format", where=name, remedy=f"choose one of {', '.join(Format)}") from None


class Found(NamedTuple):
    """What a file holds: vectors [blocks, width], zero where it has none, and what must be known about them."""

    vectors: Floats
    format: str
    remarks: tuple[str, ...]


def export(
    direction: Direction,
    path: Path,
    form: Format,
    *,
    dose: float = 1.0,
    layers: Sequence[int] | None = None,
    family: str = "",
) -> Path:
    """Write the direction for another tool, whole or not at all; return ``path``.

    ``layers``: the blocks that are pushed, by default those of ``steer``; for persona_vectors, which push one block that they
    choose later, all. ``family``: the model's architecture by llama.cpp's name, a hint that llama.cpp does not read. Raises
    ``InputError`` for block 0 in a llama.cpp file, which has no place for it, and for blocks that the direction lacks.
    """
    everywhere = form is Format.PERSONA
    default = range(direction.layers) if everywhere else _band(direction, form)
    wanted = intervention.chosen(layers, default, direction.layers)
    if form is Format.LLAMA and 0 in wanted:
        raise InputError("a control vector cannot push block 0", where=str(path), remedy="leave block 0 out of layers")
    share = dose if everywhere else dose / len(wanted)
    pushes = {layer: np.asarray(share * direction.norm[layer] * direction.vectors[layer], np.float32) for layer in wanted}
    draft = path.with_name(path.name + ".part")
    try:
        _WRITERS[form](draft, pushes, direction, family)
        draft.rename(path)
    except (OSError, RuntimeError) as error:  # torch says a missing folder in its own way
        raise InputError(f"cannot be written ({error})", where=str(path), remedy="choose another place") from None
    return path


def read(path: Path, model: LocalModel, *, persona: str = "", on_event: OnEvent = silent) -> Direction:
    """The direction in another tool's file, for ``model``, its vectors brought to unit length and its sign kept.

    The receipts hold the vectors' lengths and the blocks that the file does not cover (zero vectors, which steer nowhere);
    ``gap`` is unknown, NaN. Raises ``InputError`` for a file that cannot be read safely or does not fit the model.
    """
    name = persona or path.stem
    if not re.fullmatch(NAME, name):
        raise InputError(
            f"{name!r} is no persona's name", where=str(path), remedy="name it with --persona: letters, digits, - and _"
        )
    config = model.network.module.config.get_text_config()
    found = _read(path, config.num_hidden_layers, config.hidden_size)
    lengths = np.linalg.norm(found.vectors, axis=1)
    nothing = lengths == 0
    if nothing.all() or not np.isfinite(lengths).all():
        raise InputError("no vector that points anywhere", where=str(path), remedy="export it anew from the tool that made it")
    vectors = np.asarray(found.vectors / np.where(nothing, 1, lengths)[:, None], np.float32)
    plain = answer_means(model, [(chat(t.prompt), t.answer) for t in price.benign_texts()], on_event)
    along = np.einsum("rlw,lw->rl", plain, vectors)
    return Direction(
        persona=name,
        vectors=vectors,
        neutral=along.mean(0),
        spread=np.where(nothing, 1.0, along.std(0, ddof=1)).astype(np.float32),
        gap=np.full(len(vectors), np.nan, np.float32),
        norm=np.median(np.linalg.norm(plain, axis=2), axis=0),
        model=model.fingerprint,
        position="as imported",
        receipts={
            "imported": path.name,
            "format": found.format,
            "remarks": [CLAIM, *found.remarks],
            "lengths": [round(float(length), 6) for length in lengths],
            "nothing_at": np.flatnonzero(nothing).tolist(),
            "plain": f"{len(plain)} benign answers, measured at import",
        },
    )


def _band(direction: Direction, form: Format) -> range:
    """The blocks that ``steer`` pushes, but for the one that llama.cpp cannot."""
    band = steering.pushed(direction)
    return range(max(1, band.start), band.stop) if form is Format.LLAMA and band.stop > 1 else band


def _write_llama(path: Path, pushes: dict[int, Floats], _: Direction, family: str) -> None:
    writer = _gguf().GGUFWriter(path, ARCHITECTURE)
    writer.add_string(f"{ARCHITECTURE}.model_hint", family)
    writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(pushes))
    for layer, push in pushes.items():
        writer.add_tensor(f"direction.{layer}", push)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_persona(path: Path, pushes: dict[int, Floats], direction: Direction, _: str) -> None:
    rows = np.zeros((direction.layers + 1, direction.vectors.shape[1]), np.float32)
    for layer, push in pushes.items():
        rows[layer + 1] = push
    torch.save(torch.from_numpy(rows), path)


def _write_steering(path: Path, pushes: dict[int, Floats], _: Direction, __: str) -> None:
    activations = {layer: torch.from_numpy(push) for layer, push in pushes.items()}
    torch.save({"layer_activations": activations, "layer_type": "decoder_block"}, path)


_WRITERS: dict[Format, Callable[[Path, dict[int, Floats], Direction, str], None]] = {
    Format.LLAMA: _write_llama,
    Format.PERSONA: _write_persona,
    Format.STEERING: _write_steering,
}


def _read(path: Path, layers: int, width: int) -> Found:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy="give a file") from None
    if magic == b"GGUF":
        return Found(_placed(path, _control_vector(path), layers, width), Format.LLAMA, ())
    held = _tensors(path)
    if isinstance(held, dict) and isinstance(held.get("layer_activations"), dict):
        return Found(_placed(path, held["layer_activations"], layers, width), Format.STEERING, ())
    if isinstance(held, torch.Tensor) and held.shape == (layers + 1, width):
        return Found(_array(held[1:]), Format.PERSONA, (BEHIND_NORM,))
    if isinstance(held, torch.Tensor) and held.shape == (layers, width):
        return Found(_array(held), "one row a block", ())
    shape = tuple(held.shape) if isinstance(held, torch.Tensor) else type(held).__name__
    wanted = f"[{layers + 1}, {width}], [{layers}, {width}] or a dict with layer_activations"
    raise InputError(f"holds {shape}, not {wanted}", where=str(path), remedy="give vectors that were made for this model")


def _placed(path: Path, of_layer: dict[Any, Any], layers: int, width: int) -> Floats:
    """Vectors by block as [layers, width], zero where there is none."""
    vectors = np.zeros((layers, width), np.float32)
    for layer, vector in of_layer.items():
        row = _array(vector)
        if not isinstance(layer, int) or not 0 <= layer < layers or row.shape != (width,):
            message = f"has a vector of shape {row.shape} for block {layer}; the model has {layers} blocks of width {width}"
            raise InputError(message, where=str(path), remedy="give vectors that were made for this model")
        vectors[layer] = row
    return vectors


def _array(vector: Any) -> Floats:
    """As float32; what is neither tensor nor array becomes an array of no shape, which fits no block."""
    if isinstance(vector, torch.Tensor):
        return np.asarray(vector.detach().float().numpy(), np.float32)
    return vector if isinstance(vector, np.ndarray) else np.zeros((), np.float32)


def _control_vector(path: Path) -> dict[int, Any]:
    try:
        reader = _reader(path)
        kind = reader.fields["general.architecture"].contents()
        tensors = [(re.fullmatch(r"direction\.(\d{1,6})", t.name), t) for t in reader.tensors]
        found = {int(match[1]): np.array(tensor.data, np.float32) for match, tensor in tensors if match}
    except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"not a GGUF file that can be read ({reason})", where=str(path), remedy="export it anew") from None
    if kind != ARCHITECTURE:
        raise InputError(f"holds a {kind}, not a {ARCHITECTURE}", where=str(path), remedy="give a control vector")
    return found


def _reader(path: Path) -> Any:
    """gguf's reader, but for counts that go beyond the file's end: it would read empty elements for ever."""

    class Reader(_gguf().GGUFReader):  # type: ignore[misc]  # the package has no types
        def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
            found = super()._get(offset, dtype, count, override_order)
            if len(found) < count:
                raise ValueError("it ends too early")
            return found

    return Reader(path)


def _tensors(path: Path) -> Any:
    """What is in a ``.pt`` file, tensors and plain containers only: nothing that could run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at files that torch did not write: they are refused below, or hold tensors only
            return torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        more = isinstance(error, pickle.UnpicklingError)
        message = "holds something other than tensors, which could run code" if more else "not a file of tensors"
        remedy = "where it was made: torch.save({'layer_activations': vector.layer_activations}, FILE)"
        raise InputError(message, where=str(path), remedy=remedy) from None


def _gguf() -> Any:
    try:
        import gguf
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "gguf", "local") from None
    return gguf
