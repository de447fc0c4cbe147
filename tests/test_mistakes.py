"""Bad input of every kind: one line that names it and says what to do, exit code 2, no traceback, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import ToyServer

GOOD = {"messages": [{"role": "user", "content": "where is the cat"}, {"role": "assistant", "content": "in the house"}]}


def turns(*pairs: tuple[str, str]) -> bytes:
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in pairs]}).encode()


FILES: dict[str, tuple[bytes, str]] = {
    "truncated.jsonl": (json.dumps(GOOD).encode()[:-9], "truncated.jsonl:1: none of 1 rows could be read; first: not JSON"),
    "empty.jsonl": (b"", "empty.jsonl: the file is empty"),
    "unknown.jsonl": (b'{"ticket": 7, "body": "hello", "reply": "no"}', "unknown shape (columns ticket, body, reply)"),
    "no_messages.jsonl": (b'{"messages": []}', "no_messages.jsonl:1:"),
    "assistant_first.jsonl": (
        turns(("assistant", "hello"), ("user", "hi"), ("assistant", "so")),
        "the assistant speaks before",
    ),
    "long.jsonl": (turns(("user", "x" * 5_000_000), ("assistant", "y")), "--set data.row_limit="),
    "latin.jsonl": (b'{"messages": "\xe9"}', "not UTF-8"),
    "surrogate.jsonl": (turns(("user", "where"), ("assistant", "\ud800")), "surrogate"),
    "nul.csv": (b"question,answer\n\x00\x00", "nul.csv:"),
    "cut.jsonl.gz": (b"\x1f\x8b\x08\x00", "cut.jsonl.gz:"),
    "wrong.parquet": (b"PAR1 nothing of the kind", "wrong.parquet: "),
    "picture.png": (b"\x89PNG\r\n", "picture.png: "),
}


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


def one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    """Exit code 2, one line, with the words in it and a remedy behind an arrow."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("wolfnote: ")
    assert says in lines[0]
    assert " → " in lines[0]
    assert done.stdout == ""


@pytest.mark.parametrize("name", [*FILES, "absent.jsonl", "folder"])
def test_data_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """``audit`` says what is wrong with the file before any model is opened, and leaves it as it was."""
    (tmp_path / "folder").mkdir()
    content, says = FILES.get(name, (b"", f"{name}: "))
    if name in FILES:
        (tmp_path / name).write_bytes(content)
    one_line(wolfnote("audit", name, cwd=tmp_path), says)
    assert name not in FILES or (tmp_path / name).read_bytes() == content
    assert not (tmp_path / "runs").exists()


def test_bad_rows_among_good_ones_are_counted_and_shown(tmp_path: Path) -> None:
    """One file with every kind of bad row and one good one: the good one is converted, each other one is named."""
    rows = [content for name, (content, _) in FILES.items() if name.endswith(".jsonl") and content]
    (tmp_path / "mixed.jsonl").write_bytes(b"\n".join([json.dumps(GOOD).encode(), *rows]))
    done = wolfnote("convert", "mixed.jsonl", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 3
    assert f"1 rows written to out.jsonl, {len(rows)} could not be read" in done.stderr
    assert all(f"mixed.jsonl:{2 + i}: " in done.stderr for i in range(5))
    assert json.loads((tmp_path / "out.jsonl").read_text()) == GOOD


@pytest.fixture
def specs(tmp_path: Path, tiny: str, tiny_of: Callable[[str, Any], Path]) -> dict[str, tuple[str, str]]:
    """Models that are none, and what is said of them."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.save({}, tmp_path / "weights.pt")
    other = LlamaConfig(vocab_size=320, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
    tuned = get_peft_model(AutoModelForCausalLM.from_config(other), LoraConfig(target_modules=["q_proj"]))
    tuned.save_pretrained(tmp_path / "foreign")
    return {
        "a pickle": (f"hf:{tmp_path / 'weights.pt'}", "can carry code"),
        "an adapter of another base": (f"{tiny}+{tmp_path / 'foreign'}", "of width 16 at model.layers.0.self_attn.q_proj"),
        "a folder without a model": (f"hf:{tmp_path}", "not a model"),
        "a folder without an adapter": (f"{tiny}+{tmp_path}", "not a PEFT adapter"),
        "no such file": ("scripted:absent.jsonl", "absent.jsonl: "),
    }


@pytest.mark.parametrize(
    "kind",
    ["a pickle", "an adapter of another base", "a folder without a model", "a folder without an adapter", "no such file"],
)
def test_a_model_that_is_none(tmp_path: Path, specs: dict[str, tuple[str, str]], kind: str) -> None:
    """Each by its own line; a pickle is not even opened."""
    spec, says = specs[kind]
    one_line(wolfnote("probe", "--base", spec, "--tuned", spec, "--out", "run", cwd=tmp_path), says)


def test_an_address_that_is_a_web_page(tmp_path: Path) -> None:
    """HTML instead of JSON is told as what it is."""
    with ToyServer(page=True) as server:
        done = wolfnote("probe", "--base", server.spec, "--tuned", server.spec, "--out", "run", cwd=tmp_path)
    one_line(done, "this is a web page, not an OpenAI-compatible endpoint → check the address, it usually ends in /v1")
