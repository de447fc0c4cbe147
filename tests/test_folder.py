"""A run folder survives kills, tells tampering, and is held by one process."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from wolfnote import InputError, Result, RunError, Verdict, models, probe
from wolfnote import settings as settings_module
from wolfnote.folder import RunFolder, content_hash, read_result


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


def test_the_content_of_a_folder_is_its_names_and_bytes(tmp_path: Path) -> None:
    """A renamed, changed or added file is another input; a hidden one is none."""
    from wolfnote.folder import content_hash

    (tmp_path / "a.py").write_text("1")
    hashes = [content_hash(tmp_path)]
    (tmp_path / ".cache").write_text("x")
    assert content_hash(tmp_path) == hashes[0]
    (tmp_path / "a.py").write_text("2")
    hashes.append(content_hash(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    hashes.append(content_hash(tmp_path))
    assert len(set(hashes)) == 3


def test_work_is_done_once(tmp_path: Path) -> None:
    """What was recorded is not computed again, within a run and after it."""
    calls = []
    for _ in range(2):
        with RunFolder.hold(tmp_path / "r", Settings()) as run:
            assert run.once("k", lambda: calls.append(1) or [1.5, None], list) == [1.5, None]
    assert calls == [1]


def test_a_torn_line_is_dropped_and_redone(tmp_path: Path) -> None:
    """A kill in the middle of a write loses that record only."""
    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        run.once("a", lambda: 1)
        run.once("b", lambda: 2)
    log = tmp_path / "r" / "records.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        assert run.once("a", lambda: 99) == 1
        assert run.once("b", lambda: 3) == 3
    assert len(log.read_text().splitlines()) == 2


def test_a_changed_line_breaks_the_chain(tmp_path: Path) -> None:
    """Evidence that was edited is not evidence."""
    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        run.once("a", lambda: 1)
        run.once("b", lambda: 2)
    log = tmp_path / "r" / "records.jsonl"
    log.write_text(log.read_text().replace('"value": 1', '"value": 7'))
    with pytest.raises(RunError, match=r"records.jsonl:1: the log was changed"), RunFolder.hold(tmp_path / "r", Settings()):
        pass


def test_other_settings_and_other_folders_are_refused(tmp_path: Path) -> None:
    """A run never mixes with another, nor with the user's files."""
    with RunFolder.hold(tmp_path / "r", Settings()):
        pass
    with RunFolder.hold(tmp_path / "r", Settings(2)) as run:
        run.once("a", lambda: 1)  # the first run had done nothing yet, so its folder was free
    with pytest.raises(InputError, match="other settings"), RunFolder.hold(tmp_path / "r", Settings()):
        pass
    with RunFolder.hold(tmp_path / "r", Settings(), fresh=True) as run:
        assert run.once("a", lambda: 2) == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="not empty"), RunFolder.hold(tmp_path / "mine", Settings()):
        pass
    with pytest.raises(InputError, match="not deleted"), RunFolder.hold(tmp_path / "mine", Settings(), fresh=True):
        pass
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "run.json").write_text('{"tool": "another"}')
    with pytest.raises(InputError, match="not a wolfnote run"), RunFolder.hold(tmp_path / "theirs", Settings(), fresh=True):
        pass
    assert (tmp_path / "theirs" / "run.json").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot make"), RunFolder.hold(tmp_path / "file", Settings()):
        pass


def test_changed_data_is_another_run(tmp_path: Path) -> None:
    """A finished result is never shown for a file that was edited since."""
    data = tmp_path / "d.jsonl"
    data.write_text("1")
    with RunFolder.hold(tmp_path / "r", Settings(), {"data": content_hash(data)}) as run:
        run.once("a", lambda: 1)
    with RunFolder.hold(tmp_path / "r", Settings(), {"data": content_hash(data)}):
        pass
    data.write_text("2")
    with (
        pytest.raises(InputError, match="other settings, data or models"),
        RunFolder.hold(tmp_path / "r", Settings(), {"data": content_hash(data)}),
    ):
        pass


def test_a_kill_at_the_very_start_leaves_a_folder_that_opens(tmp_path: Path) -> None:
    """Only run.json, or only a half-written draft, is a run that can go on."""
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / ".run.json.part").write_text("{")
    with RunFolder.hold(folder, Settings()):
        (folder / "settings.toml").unlink()
    with RunFolder.hold(folder, Settings()):
        assert (folder / "settings.toml").exists()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second wolfnote on the same folder is told so; when the first is gone, it may."""
    code = (
        "import sys, msgspec, pathlib\nfrom wolfnote.folder import RunFolder\nfrom wolfnote import RunError\n"
        "Settings = msgspec.defstruct('Settings', [('n', int, 1)], frozen=True)\n"
        f"try:\n    with RunFolder.hold(pathlib.Path({str(tmp_path / 'r')!r}), Settings()): print('held')\n"
        "except RunError as e: print('refused', e)"
    )
    with RunFolder.hold(tmp_path / "r", Settings()):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.startswith("refused")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("held")


def test_result_is_written_last_and_read_back(tmp_path: Path) -> None:
    """result.json exists only for a finished run, and is the Result."""
    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        assert read_result(tmp_path / "r") is None
        result = run.finish(Result("x", Verdict.PASS, ("because",)))
    assert read_result(tmp_path / "r") == result
    assert result.run_id == json.loads((tmp_path / "r" / "run.json").read_text())["run_id"]
    (tmp_path / "r" / "result.json").write_text("{")
    with pytest.raises(InputError, match="not a result"):
        read_result(tmp_path / "r")


def test_what_was_used_and_noted_stands_in_run_json(tmp_path: Path) -> None:
    """Each process adds what it worked with; a resumed run keeps what the one before it noted."""
    for usage in (3, 5):
        with RunFolder.hold(tmp_path / "run", Settings()) as folder:
            folder.used(base={"spec": "http://h/v1#m", "usage": usage})
            folder.note(place="ü")
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [models["base"]["usage"] for models in about["used"]] == [3, 5]
    assert about["place"] == "ü"
    assert about["argv"] == []


def test_a_run_goes_on_with_other_ways_of_doing_it(tmp_path: Path) -> None:
    """How many requests are in flight, or what a token costs, changes no answer: the same run. Another seed is another run."""
    kind = settings_module.with_policy("probe", probe.Settings, remote=models.Remote)
    for overrides in ([], ["remote.concurrency=2", "remote.price_in=1.5"]):
        with RunFolder.hold(tmp_path / "run", settings_module.load(kind, None, overrides)) as folder:
            folder.once("work", lambda: 1)
    with pytest.raises(InputError, match="other settings"):
        with RunFolder.hold(tmp_path / "run", settings_module.load(kind, None, ["probe.triples=7"])):
            pass
