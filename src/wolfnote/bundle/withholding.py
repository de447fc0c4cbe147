"""Texts that may not leave the house: each is replaced by its hash, alike wherever it stands, so that rows still match.

Withheld are what rows, questions and answers say, in every table and log of the run. Counts, scores, verdicts and hashes stay;
a row's id is the hash of its content, so that whoever has the row can still show that it was there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from wolfnote.folder import logged, relinked

TEXTS = {
    "content", "evidence", "text", "answer", "asked", "question", "prompt", "response", "reasoning", "arguments", "note",
    "phrase", "said", "system", "tokens", "before", "after", "base", "tuned", "control", "bad", "twin",
}  # fmt: skip
"""Keys whose strings are texts; a number under such a key, as in a table of margins, is not one."""
MARK = "sha256:"


def withhold(run: Path) -> None:
    """Replace the texts in the files below ``run``, a copy made for a bundle."""
    for path in sorted(run.rglob("*")):
        if path.name == "records.jsonl":
            log = {key: veiled(value) for key, value in logged(path.parent).items()}
            path.write_text(relinked(log), encoding="utf-8")
        elif path.name in ("run.json", "signatures.jsonl", "ledger.jsonl"):
            continue
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
            path.write_text("".join(_dump(veiled(line)) for line in lines), encoding="utf-8")
        elif path.suffix == ".json":
            path.write_text(json.dumps(veiled(json.loads(path.read_text(encoding="utf-8"))), indent=2) + "\n", encoding="utf-8")
        elif path.suffix == ".parquet":
            _columns(path)


def veiled(value: Any, text: bool = False) -> Any:
    """The value with every text in it replaced."""
    if isinstance(value, str):
        return MARK + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest() if text and value else value
    if isinstance(value, list):
        return [veiled(item, text) for item in value]
    if isinstance(value, dict):
        # a judge's own words, and an advisor's answers: by name of the score, and of the arm
        said = {key for key, item in value.items() if key in ("reasons", "said") and isinstance(item, dict)}
        return {key: veiled(item, key in TEXTS) if key not in said else _all(item) for key, item in value.items()}
    return value


def _all(said: dict[str, Any]) -> dict[str, Any]:
    return {key: veiled(item, True) for key, item in said.items()}


def _columns(path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(path)
    for index, name in enumerate(table.column_names):
        if name in TEXTS:
            values = [veiled(value, True) for value in table.column(name).to_pylist()]
            table = table.set_column(index, name, pyarrow.array(values, table.schema.field(name).type))
    parquet.write_table(table, path, compression="zstd")


def _dump(line: Any) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
