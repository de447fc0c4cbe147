"""Whatever is changed in a bundle is named: anything at all, and any one thing even when every hash is made again."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from checked import WAIVER, checked
from forging import FORGERIES, mutate, reseal
from wolfnote import InputError, bundle
from wolfnote.bundle import manifest

MUTATIONS = 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A check that fails: harmful rows, and a tuned model that moved on two families, of which one is waived."""
    home = tmp_path_factory.mktemp("forged")
    waived = WAIVER.partition(",{")[0] + "]"
    return checked(home, waived, "audit.limit=40", shift=0.6, harmful=20, repeat=True)


@pytest.fixture(scope="module")
def written(run: Path) -> Path:
    out = run.parent / "bundle"
    bundle.write(run, out)
    return out


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def test_an_untouched_bundle_verifies(written: Path) -> None:
    """The control of all that follows: nothing is wrong, nothing open, and the run's FAIL is told."""
    told = bundle.verify(written)
    assert told.faults == []
    assert told.open == []
    assert told.exit_code == 0
    assert told.verdict == "FAIL"
    assert any("integrity, not origin" in line for line in told.absent)


def noticed(root: Path) -> list[str]:
    """What the hashes alone have against a bundle."""
    try:
        whole, _ = manifest.read(root)
    except InputError as error:
        return [str(error)]
    return list(manifest.faults(root, whole))


def test_any_change_is_noticed(written: Path, tmp_path: Path) -> None:
    """Two hundred random changes (bytes, lengths, files that go, come or trade places): each one breaks a hash, and is named."""
    rng = random.Random(7)
    for number in range(MUTATIONS):
        root = tmp_path / str(number)
        shutil.copytree(written, root)
        what = mutate(root, rng)
        found = noticed(root)
        assert found, what
        name = what.split(" ", 1)[1].split("/")[-1]
        assert any(name in fault or "new-" in fault or manifest.FILE in fault for fault in found), (what, found)
        shutil.rmtree(root)


def test_a_changed_bundle_does_not_verify(copy: Path) -> None:
    """The same through the whole of ``verify``: exit code 1, and the file is named."""
    path = copy / "run" / "stages" / "probe" / "tables" / "pairs-base-tuned.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Do it now.", b"Do it then", 1))
    told = bundle.verify(copy)
    assert told.exit_code == 1
    assert any("pairs-base-tuned.jsonl: its content was changed" in fault for fault in told.faults)


@pytest.mark.parametrize("what", FORGERIES)
def test_a_consistent_forgery_is_named(copy: Path, what: str) -> None:
    """One thing changed and every hash, log, id and evidence file made again: what follows from the rows differs, and where."""
    forge, remake, named = FORGERIES[what]
    forge(copy)
    reseal(copy, remake=remake)
    told = bundle.verify(copy)
    assert told.exit_code == 1, told.lines
    assert not any("content was changed" in fault or "chain breaks" in fault for fault in told.faults), told.faults
    assert any(named in fault for fault in told.faults), told.faults


def test_a_forgery_of_everything_takes_the_key(run: Path, tmp_path: Path) -> None:
    """Who forges rows, estimates, verdict and page alike makes a bundle that verifies unsigned; under a signature it fails."""
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    honest, other = tmp_path / "honest", tmp_path / "other"
    bundle.write(run, honest, key=key)
    clean = checked(tmp_path / "clean", shift=0.0)
    bundle.write(clean, other)
    signature = (honest / manifest.SIGNATURE).read_bytes()
    public = msgspec.json.decode(signature)["key"]
    assert bundle.verify(honest, key=public).exit_code == 0
    assert bundle.verify(other).exit_code == 0
    assert bundle.verify(other, key=public).faults == ["it is not signed, and a key was asked for"]
    (other / manifest.SIGNATURE).write_bytes(signature)
    assert any("did not sign" in fault for fault in bundle.verify(other).faults)
    assert any("not by the key" in fault for fault in bundle.verify(honest, key="00" * 32).faults)
