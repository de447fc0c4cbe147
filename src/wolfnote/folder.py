"""One run on disk, readable with ``cat`` and ``jq``: it can be killed at any moment and goes on where it stopped.

run.json        what ran: versions, command line, settings' hash, when, and every host that was contacted
settings.toml   repeats the run
records.jsonl   every finished piece of work, appended and flushed; each line carries the hash of the one before
findings.jsonl  what a person should look at
result.json     written last, by rename: if it exists, the run is complete

Only one process may hold a folder. A line torn by a kill is dropped and its work done again; a line changed by hand
breaks the chain and is an error.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wolfnote import interrupts, network
from wolfnote import settings as settings_module
from wolfnote.errors import InputError, RunError
from wolfnote.records import documents
from wolfnote.results import Result

T = TypeVar("T")
_START = "0" * 64
STAGES, CERTIFICATE = "stages", "certificate"
"""Folders of a check that hold runs of their own."""
OTHER = "this folder holds a run with other settings, data or models"
_VERSIONS = ("wolfnote", "numpy", "torch", "transformers", "peft")


class RunFolder:
    """A locked, resumable run. Make one with ``RunFolder.hold``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, Any] = {}
        self._chain = _START

    @classmethod
    @contextlib.contextmanager
    def hold(
        cls,
        path: Path,
        settings: msgspec.Struct,
        inputs: dict[str, str] | None = None,
        argv: Sequence[str] = (),
        *,
        fresh: bool = False,
    ) -> Iterator[RunFolder]:
        """Open a run for writing, new or half done, and keep others out until the block ends.

        ``inputs`` maps each data file and model to the hash of its content: a run goes on only with the same.
        ``fresh`` deletes what an earlier run left in the folder. Raises
        ``InputError`` when the folder is not a run, or a run with other settings or inputs; ``RunError`` when another
        process holds it or its log was changed.
        """
        network.watch()
        folder = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / ".lock").touch()
        except OSError as error:
            raise InputError(
                f"cannot make this folder ({error.strerror})", where=str(path), remedy="choose another --out"
            ) from None
        with (path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunError(f"{path} is in use by another wolfnote: wait for it, or choose another --out") from None
            if fresh:
                folder._clear()
            folder._begin(settings, inputs or {}, argv)
            with network.told(folder._list_hosts):
                yield folder

    @property
    def run_id(self) -> str:
        """Hash of inputs and of the settings that can change a result: the same run has the same id.

        Raises ``InputError`` for another tool's run.json."""
        file = self.path / "run.json"
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["run_id"])
        except (ValueError, KeyError, TypeError):
            raise InputError("not a wolfnote run", where=str(file), remedy="choose another --out") from None

    def once(self, key: str, work: Callable[[], T], kind: type[T] | Any = Any) -> T:
        """The recorded value of ``key``, or that of ``work()``, recorded now."""
        if key not in self._records:
            self._append(key, msgspec.to_builtins(work()))
        return msgspec.convert(self._records[key], kind)

    def table(self, name: str, rows: Sequence[dict[str, Any]]) -> str:
        """Write rows as ``tables/NAME.jsonl``; return the path relative to the folder, for ``Result.tables``."""
        target = self.path / "tables" / f"{name}.jsonl"
        target.parent.mkdir(exist_ok=True)
        _replace(target, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return str(target.relative_to(self.path))

    def write(self, name: str, text: str) -> Path:
        """Write a text file into the folder, whole or not at all."""
        _replace(self.path / name, text)
        return self.path / name

    def note(self, **facts: Any) -> None:
        """Put facts about the run into ``run.json``, over those of the same name."""
        about = self._about()
        if any(about.get(key) != value for key, value in facts.items()):
            _replace(self.path / "run.json", json.dumps(about | facts, indent=2, ensure_ascii=False) + "\n")

    def used(self, **models: dict[str, Any]) -> None:
        """Add to ``run.json`` what this process worked with: each model's ``about()``, a server's usage and cost included."""
        self.note(used=[*self._about().get("used", ()), models])

    def finish(self, result: Result) -> Result:
        """Write findings and, last of all, ``result.json``."""
        result = msgspec.structs.replace(result, run_id=self.run_id)
        lines = [msgspec.json.encode(finding).decode() + "\n" for finding in all_findings(result)]
        _replace(self.path / "findings.jsonl", "".join(lines))
        self.note(finished=datetime.datetime.now().astimezone().isoformat(timespec="seconds"))
        _replace(self.path / "result.json", msgspec.json.format(msgspec.json.encode(result)).decode() + "\n")
        return result

    def _begin(self, settings: msgspec.Struct, inputs: dict[str, str], argv: Sequence[str]) -> None:
        text = settings_module.dump(settings)
        identity = settings_module.identity(settings)
        run_id = id_of(identity, inputs)
        existing = self.path / "run.json"
        if existing.exists() and self.run_id != run_id and not self._has_work():
            self._clear()  # a run that stopped at a mistake before it did anything
        if existing.exists():
            if self.run_id != run_id:
                raise InputError(OTHER, where=str(self.path), remedy="choose another --out, or delete the folder")
            _replace(self.path / "settings.toml", text)
            self._read()
            return
        if self._foreign():
            raise InputError("not empty and not a wolfnote run", where=str(self.path), remedy="choose another --out")
        about = {
            "run_id": run_id,
            "argv": list(argv),
            "inputs": inputs,
            "identity": identity,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": {name: _version(name) for name in _VERSIONS},
            "hosts": [],
            "local_hosts": [],
        }
        _replace(existing, json.dumps(about, indent=2) + "\n")
        _replace(self.path / "settings.toml", text)

    def _list_hosts(self) -> None:
        """Add to ``run.json`` what it does not name yet; earlier parts of a resumed run stay listed."""
        about = self._about()
        now = {"hosts": network.hosts(), "local_hosts": network.local()}
        self.note(**{key: sorted({*about.get(key, ()), *found}) for key, found in now.items()})

    def _about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        return found

    def _foreign(self) -> bool:
        own = {".lock", STAGES, CERTIFICATE}
        return any(entry.name not in own and not entry.name.endswith(".part") for entry in self.path.iterdir())

    def _has_work(self) -> bool:
        own = {".lock", "run.json", "settings.toml"}
        return any(entry.name not in own and not entry.name.endswith(".part") for entry in self.path.iterdir())

    def _clear(self) -> None:
        """Delete the run in this folder, under its lock; ``run.json`` last, so that a kill leaves it deletable."""
        if not (self.path / "run.json").exists():
            if self._foreign():
                raise InputError(
                    "not a wolfnote run, so it is not deleted", where=str(self.path), remedy="choose another --out"
                )
            return
        _ = self.run_id  # another tool's run.json is not ours to delete
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in (".lock", "run.json"):
                entry.unlink()
        (self.path / "run.json").unlink()

    def _read(self) -> None:
        log = self.path / "records.jsonl"
        if not log.exists():
            return
        good = 0
        data = log.read_bytes()
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break  # torn by a kill
            self._check(line, f"{log}:{number}")
            good += len(line)
        if good < len(data):
            with log.open("r+b") as file:
                file.truncate(good)

    def _check(self, line: bytes, where: str) -> None:
        try:
            record = json.loads(line)
            key, value, chain = record["key"], record["value"], record["chain"]
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{where}: the log is damaged: delete the folder and run again") from None
        if chain != _link(self._chain, key, value):
            raise RunError(f"{where}: the log was changed after it was written: delete the folder and run again")
        self._records[key], self._chain = value, chain

    def _append(self, key: str, value: Any) -> None:
        value = json.loads(json.dumps(value))  # what is read back after a kill is what is used now
        chain = _link(self._chain, key, value)
        line = json.dumps({"key": key, "value": value, "chain": chain}, ensure_ascii=False) + "\n"
        with interrupts.postponed():  # the log and what is remembered of it change together
            _add(self.path / "records.jsonl", line.encode())
            self._records[key], self._chain = value, chain


def id_of(identity: str, inputs: dict[str, str]) -> str:
    """The id of a run with these settings (``settings.identity``) and inputs."""
    return hashlib.sha256(json.dumps([identity, sorted(inputs.items())]).encode()).hexdigest()[:12]


def remember(folder: RunFolder | None, key: str, work: Callable[[], T], kind: type[T] | Any = Any) -> T:
    """``folder.once`` where there is a folder, ``work()`` where there is none."""
    return work() if folder is None else folder.once(key, work, kind)


def logged(path: Path) -> dict[str, Any]:
    """What the log of a run holds, key by key, read only; none where there is no log. Raises ``RunError`` for a line that was
    torn, or changed after it was written."""
    log = path / "records.jsonl"
    reader = RunFolder(path)
    for number, line in enumerate(log.read_bytes().splitlines(keepends=True) if log.exists() else (), 1):
        if not line.endswith(b"\n"):
            raise RunError(f"{log}:{number}: torn: the piece of work was not finished")
        reader._check(line, f"{log}:{number}")
    return reader._records


def relinked(records: dict[str, Any]) -> str:
    """These records as a log of their own, with its chain."""
    chain, lines = _START, []
    for key, value in records.items():
        chain = _link(chain, key, value)
        lines.append(json.dumps({"key": key, "value": value, "chain": chain}, ensure_ascii=False) + "\n")
    return "".join(lines)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content, or of a folder's files with their names; of what is not there, the empty string (whoever
    reads it says so better)."""
    if path.is_dir():
        files = [[str(file.relative_to(path)), content_hash(file)] for file in documents.listed(path)]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_result(path: Path) -> Result | None:
    """The result of a finished run, or None. Raises ``InputError`` when the file is not one."""
    file = path / "result.json"
    if not file.exists():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a result: {error}", where=str(file), remedy="run the command again") from None


def all_findings(result: Result) -> Iterator[Any]:
    """The findings of a result and of its parts."""
    yield from result.findings
    for part in result.parts:
        yield from all_findings(part)


def _link(previous: str, key: str, value: Any) -> str:
    body = json.dumps([previous, key, value], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _add(log: Path, line: bytes) -> None:
    """Append a line, whole or not at all: after a failed write the next line must not follow half of this one."""
    with _writing(log), log.open("ab", buffering=0) as file:
        size = file.tell()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(size)
            raise


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.part")
    with _writing(target):
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)


@contextlib.contextmanager
def _writing(file: Path) -> Iterator[None]:
    """A full or failing disk, in one line."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{file}: not written ({error.strerror}) → free the disk; the same command goes on from here") from None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
