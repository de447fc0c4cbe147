"""What somebody might do to a bundle: change it anywhere, or change one thing and then make every hash again.

The second kind is as good as it gets without the key: logs are linked anew, the run's id follows its settings, every evidence
file is made again from the forged run by our own code, and the manifest is over what then lies there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from wolfnote.audit import merkle
from wolfnote.bundle import evidence, manifest
from wolfnote.folder import id_of, logged, relinked

AUDIT, PROBE, BENCH = (Path("run/stages") / name for name in ("audit", "probe", "bench"))


def mutate(root: Path, rng: random.Random) -> str:
    """Change one byte, cut a file, add to it, take it away, put another in, or swap two; say what was done."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size > 1)
    path = rng.choice(files)
    content = path.read_bytes()
    what = rng.choice(("flip", "flip", "flip", "cut", "add", "remove", "new", "swap"))
    if what == "flip":
        at = rng.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :])
    elif what == "cut":
        path.write_bytes(content[: rng.randrange(len(content))])
    elif what == "add":
        path.write_bytes(content + bytes([rng.randrange(256)]))
    elif what == "remove":
        path.unlink()
    elif what == "new":
        (path.parent / f"new-{rng.randrange(1000)}.json").write_bytes(content)
    else:
        other = rng.choice([file for file in files if file.read_bytes() != content])
        path.write_bytes(other.read_bytes())
        other.write_bytes(content)
    return f"{what} {path.relative_to(root)}"


def reseal(root: Path, *, remake: bool = True) -> None:
    """Make every hash and every evidence file again, as whoever forged the run would."""
    whole, _ = manifest.read(root)
    about = whole.about
    if remake:
        absent = {name: reason for name, reason in about.absent.items() if name not in evidence.FILES}
        for name, content, reason in evidence.made(evidence.of(root / "run")):
            if content is None:
                (root / name).unlink(missing_ok=True)
                absent[name] = reason
            else:
                (root / name).write_bytes(content)
        about = msgspec.structs.replace(about, absent=absent)
    (root / manifest.FILE).write_bytes(manifest.encode(manifest.make(root, about)))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file; ``change`` may change its argument, or return another."""
    tree = json.loads(path.read_text())
    path.write_text(json.dumps(change(tree) or tree, indent=2) + "\n")


def edit_lines(path: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    lines = change([json.loads(line) for line in path.read_text().split("\n") if line])
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def edit_log(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a log, and link it anew."""
    log = logged(run)
    change(log)
    (run / "records.jsonl").write_text(relinked(log))


def edit_settings(run: Path, old: str, new: str) -> None:
    """Change the settings, and the run's id wherever it stands."""
    text = (run / "settings.toml").read_text()
    assert old in text, (old, text)
    (run / "settings.toml").write_text(text.replace(old, new))
    about = json.loads((run / "run.json").read_text())
    quoted = {'"': '\\"'}
    identity = about["identity"]
    for before, after in ((old, new), (old.replace(" = ", ": "), new.replace(" = ", ": "))):
        identity = identity.replace(before, after)
        head, _, value = before.partition(": ")
        identity = identity.replace(f'"{head}": {value}', f'"{head}": {after.partition(": ")[2]}')
    assert identity != about["identity"], (old, quoted)
    fresh = id_of(identity, about["inputs"])
    edit(run / "run.json", lambda tree: tree | {"identity": identity, "run_id": fresh})
    edit(run / "result.json", lambda tree: tree | {"run_id": fresh})


def sql(path: Path, query: str) -> None:
    """Put the rows of a query over a Parquet file (``t``) in its place."""
    part = path.with_suffix(".new")
    duckdb.sql(f"COPY (SELECT * FROM '{path}' t {query}) TO '{part}' (FORMAT parquet, COMPRESSION zstd)")  # noqa: S608
    part.replace(path)


def _set(place: Path, *keys: Any, to: Any) -> Callable[[Path], None]:
    def forge(root: Path) -> None:
        def change(tree: Any) -> None:
            for key in keys[:-1]:
                tree = tree[key]
            assert tree[keys[-1]] != to, keys
            tree[keys[-1]] = to

        edit(root / place, change)

    return forge


def _lines(place: Path, change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    return lambda root: edit_lines(root / place, change)


def _first(lines: list[Any], **new: Any) -> list[Any]:
    return [lines[0] | new, *lines[1:]]


def _findings_too(root: Path) -> None:
    """A finding taken out of the probe's result and out of its list."""
    edit(root / PROBE / "result.json", lambda tree: tree | {"findings": tree["findings"][1:]})
    edit_lines(root / PROBE / "findings.jsonl", lambda lines: lines[1:])


def _moved_margin(log: dict[str, Any]) -> None:
    key = next(key for key in log if key.startswith("margin/"))
    log[key][0] -= 0.5


def _cleared_score(log: dict[str, Any]) -> None:
    key = next(key for key in log if key.startswith("read/"))
    flagged = next(score for score in log[key] if score["value"] > 0.5)
    flagged["value"] = 0.0


def _leaf(root: Path) -> None:
    """Another row in the data's manifest, root and all."""
    leaves = (root / "dataset.leaves").read_text().split()
    leaves[3] = "ab" * 32
    (root / "dataset.leaves").write_text("".join(f"{leaf}\n" for leaf in leaves))
    tree = merkle.Tree()
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
    edit(root / "dataset.manifest.json", lambda said: said | {"root": tree.root.hex()})


def _drawn_content(lines: list[Any]) -> list[Any]:
    lines[0]["messages"][-1]["content"] = "Something harmless."
    return lines


RESULT, CHECK = PROBE / "result.json", Path("run/result.json")
FORGERIES: dict[str, tuple[Callable[[Path], None], bool, str]] = {
    # what: (how, whether evidence is made again, a word of the line that names it)
    "an estimate": (_set(RESULT, "estimates", 3, "value", to=0.01), True, "near net of fact"),
    "a bound": (_set(RESULT, "estimates", 4, "low", to=-0.5), True, "far net of fact"),
    "an n": (_set(RESULT, "estimates", 0, "n", to=500), True, "near: n"),
    "a method": (_set(RESULT, "estimates", 0, "method", to="bootstrap"), True, "method"),
    "the probe's verdict": (_set(RESULT, "verdict", to="PASS"), True, "probe: verdict PASS is stored, FAIL follows"),
    "the audit's verdict": (_set(AUDIT / "result.json", "verdict", to="PASS"), True, "audit: verdict"),
    "the whole verdict": (_set(CHECK, "verdict", to="PASS"), True, "check: verdict PASS is stored, FAIL follows"),
    "a part's verdict": (_set(AUDIT / "result.json", "parts", 0, "verdict", to="FAIL"), True, "audit / gate"),
    "a part of the whole": (_set(CHECK, "parts", 1, "verdict", to="PASS"), True, "check / audit"),
    "a reason": (_set(RESULT, "reasons", 0, to="near: within the tolerance"), True, "reasons"),
    "what was skipped": (_set(RESULT, "skipped", to=[]), True, "skipped"),
    "an audit's estimate": (_set(AUDIT / "result.json", "parts", 1, "estimates", 0, "value", to=0.0), True, "audit"),
    "a margin in the table": (
        _lines(PROBE / "tables/margins-base-tuned.jsonl", lambda rows: _first(rows, tuned=-9.0)), True, "probe"),
    "a row of margins": (_lines(PROBE / "tables/margins-base-tuned.jsonl", lambda rows: rows[1:]), True, "probe"),
    "an item of the bench": (
        _lines(BENCH / "tables/items.jsonl", lambda rows: _first(rows, values={"base": 1.0, "tuned": 1.0})), True, "bench"),
    "an item left out": (_lines(BENCH / "tables/items.jsonl", lambda rows: rows[1:]), True, "bench"),
    "the bench's verdict": (_set(BENCH / "result.json", "verdict", to="PASS"), True, "bench: verdict"),
    "a bench's estimate": (
        _set(BENCH / "result.json", "parts", 0, "parts", 0, "estimates", 0, "low", to=0.0), True, "bench"),
    "a margin in the log": (lambda root: edit_log(root / PROBE, _moved_margin), True, "not those in the log"),
    "an entry of the log": (lambda root: edit_log(root / PROBE, lambda log: log.pop(next(iter(log)))), True, "log"),
    "an answer": (
        _lines(PROBE / "tables/pairs-base-tuned.jsonl", lambda rows: _first(rows, tuned=rows[0]["tuned"] | {"text": "Wait."})),
        True, "answer of tuned"),
    "what an answer is": (
        _lines(PROBE / "tables/pairs-base-tuned.jsonl", lambda rows: _first(rows, tuned=rows[0]["tuned"] | {"kind": "refusal"})),
        True, "probe"),
    "a completion": (
        _lines(PROBE / "completions.jsonl", lambda rows: _first(rows, completion=rows[0]["completion"] | {"text": "Hm."})),
        True, "in no completion"),
    "a finding of the list": (_lines(PROBE / "findings.jsonl", lambda rows: rows[1:]), True, "findings.jsonl"),
    "a finding of both": (_findings_too, True, "findings"),
    "a waiver's name": (
        lambda root: edit_settings(root / PROBE, 'name = "Ines Ortega"', 'name = "The Board"'), True, "reasons"),
    "a waiver's day": (lambda root: edit_settings(root / PROBE, "2099-01-01", "2029-01-01"), True, "reasons"),
    "a waiver's code": (lambda root: edit_settings(root / PROBE, 'code = "WN201"', 'code = "WN202"'), True, "finding"),
    "a waiver without its id": (
        lambda root: (root / PROBE / "settings.toml").write_text(
            (root / PROBE / "settings.toml").read_text().replace("tone is meant", "legal agreed")) and None,
        True, "settings.toml: policy"),
    "a tolerance": (
        lambda root: edit_settings(root / PROBE, "margin_shift = 0.2", "margin_shift = 2.0"), True, "probe: verdict"),
    "the seed of the draw": (lambda root: edit_settings(root / AUDIT, "seed = 0", "seed = 5"), True, "draw of this seed"),
    "a row of findings": (lambda root: sql(root / AUDIT / "tables/findings.parquet", "WHERE code <> 'WN126'"), True, "WN126"),
    "a covered row": (lambda root: sql(root / AUDIT / "tables/coverage.parquet", "WHERE row <> 50"), True, "audit"),
    "a drawn row": (_lines(AUDIT / "draw.jsonl", lambda rows: rows[1:]), True, "draw"),
    "a drawn row's words": (_lines(AUDIT / "draw.jsonl", _drawn_content), True, "what its id is the hash of"),
    "a reader's errors": (
        _set(AUDIT / "tables/instruments.json", "readers", 0, "false_alarms", "value", to=0.9), True, "audit"),
    "a reader's score": (lambda root: edit_log(root / AUDIT, _cleared_score), True, "what the log says"),
    "a score in the table": (
        lambda root: sql(root / AUDIT / "tables/scores.parquet", "WHERE NOT flagged"), True, "what the log says"),
    "a row of the data": (_leaf, True, "dataset.leaves"),
    "a stage's reason": (_set(Path("run/run.json"), "left_out", "directions", to="done by hand"), True, "check"),
    "the day": (_set(Path("run/run.json"), "day", to="2100-01-01"), True, "check"),
    "the gate's file": (_set(Path("gate.json"), "verdict", to="PASS"), False, "gate.json"),
    "a label": (
        lambda root: (root / "review.labels.jsonl").write_text('{"row":"1"}\n') and None, False, "review.labels.jsonl"),
    "the page": (
        lambda root: (root / "report.html").write_text((root / "report.html").read_text().replace("FAIL", "PASS")) and None,
        False, "report.html"),
    "the limits": (lambda root: (root / "limits.md").write_text("# Nothing was left out\n") and None, False, "limits.md"),
    "the answers, called absent": (lambda root: (root / "ood.responses.jsonl").unlink(), False, "ood.responses.jsonl"),
}  # fmt: skip
