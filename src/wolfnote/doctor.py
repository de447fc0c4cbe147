"""What is installed here and what is missing, so that the next command works or says why it cannot.

Looks without importing: package metadata, a build's version file, the processor's own list of what it can do. torch takes
seconds to load, and is asked only where its build could drive an accelerator.
"""

from __future__ import annotations

import importlib.util
import math
import os
import platform
import re
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path

import msgspec

from wolfnote import network
from wolfnote.models import package
from wolfnote.models.cache import cache

KEYS = ("OPENAI_API_KEY", "HF_TOKEN")
CONTRIBUTORS = "dev"
"""The extra that only who works on Wolfnote needs; its absence is no fault of an installation."""
ROOM = 2 << 30
"""Bytes that a first demo writes: converted weights, two adapters with their checkpoints."""


class Extra(msgspec.Struct, frozen=True):
    """An optional part of Wolfnote: the distributions it still lacks, and the line that brings them."""

    name: str
    missing: tuple[str, ...]
    install: str


class Device(msgspec.Struct, frozen=True):
    """Something that computes. ``memory`` in bytes; ``bfloat16`` = in hardware, not emulated."""

    kind: str
    name: str
    memory: int
    bfloat16: bool


class Embedded(msgspec.Struct, frozen=True):
    """A model that a Python package carries. ``folder`` is empty until its first use converts it; ``size`` in bytes."""

    spec: str
    installed: bool
    folder: str
    size: int
    install: str


class Machine(msgspec.Struct, frozen=True):
    """All that ``wolfnote doctor`` knows. ``faults`` empty = ``wolfnote demo`` can run; sizes in bytes, times in seconds."""

    python: str
    platform: str
    wolfnote: str
    extras: tuple[Extra, ...]
    cores: int
    devices: tuple[Device, ...]
    torch: str
    torch_seconds: float
    models: tuple[Embedded, ...]
    cache: str
    cache_size: int
    free: int
    offline: bool
    keys_set: dict[str, bool]
    faults: tuple[str, ...]
    next: str


def examine() -> Machine:
    """Look at this machine. Changes nothing, contacts nobody, raises nothing for what is missing."""
    extras, models = _extras(), tuple(_embedded(name) for name in package.KNOWN)
    build, devices, seconds = _accelerators()
    place = cache()
    free = shutil.disk_usage(_existing(place)).free
    faults, remedy = _faults(extras, models, place, free)
    return Machine(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        wolfnote=_version("wolfnote"),
        extras=extras,
        cores=_cores(),
        devices=(_processor(), *devices),
        torch=build,
        torch_seconds=seconds,
        models=models,
        cache=str(place),
        cache_size=_size(place),
        free=free,
        offline=network.is_offline(),
        keys_set={key: bool(os.environ.get(key)) for key in KEYS},
        faults=faults,
        next=remedy,
    )


def lines(machine: Machine) -> list[str]:
    """The examination as a person reads it: one fact a line, what to do next at the end."""
    told = [
        ("python", f"{machine.python}, {machine.platform}"),
        ("wolfnote", machine.wolfnote),
        *((f"[{e.name}]", f"missing {', '.join(e.missing)} → {e.install}" if e.missing else "present") for e in machine.extras),
        ("torch", machine.torch),
        *((d.kind, _told_device(d, machine.cores)) for d in machine.devices),
        *(("model", _told_model(m)) for m in machine.models),
        ("cache", f"{machine.cache}, {_bytes(machine.cache_size)}; {_bytes(machine.free)} free on its disk"),
        ("offline", "yes" if machine.offline else f"no (--offline, or {network.VARIABLE}=1)"),
        *(("key", f"{key} is {'set' if is_set else 'not set'}") for key, is_set in machine.keys_set.items()),
        *(("fault", fault) for fault in machine.faults),
        ("next", machine.next),
    ]
    return [f"{name:10} {text}" for name, text in told]


def _faults(extras: tuple[Extra, ...], models: tuple[Embedded, ...], place: Path, free: int) -> tuple[tuple[str, ...], str]:
    """What keeps ``wolfnote demo`` from running, and the first thing to do about it."""
    found = [(f"[{e.name}] lacks {', '.join(e.missing)}", e.install) for e in extras if e.name == "local" and e.missing]
    found += [(f"{m.spec} is not installed", m.install) for m in models if not m.installed]
    if not os.access(_existing(place), os.W_OK):
        found.append((f"{place} cannot be written", "set WOLFNOTE_CACHE to a folder of your own"))
    if free < ROOM and not all(m.folder for m in models):
        found.append((f"{_bytes(free)} free, a first run takes {_bytes(ROOM)}", "free some disk, or set WOLFNOTE_CACHE"))
    return tuple(fault for fault, _ in found), found[0][1] if found else "wolfnote demo"


def _extras() -> tuple[Extra, ...]:
    """The extras that the installed package declares, with what each lacks."""
    needed: dict[str, list[str]] = {}
    for line in metadata.requires("wolfnote") or ():
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"""extra == ["']([\w-]+)["']""", line)
        if name and extra and extra[1] != CONTRIBUTORS:
            needed.setdefault(extra[1], []).append(name[0])
    return tuple(
        Extra(extra, tuple(n for n in names if not _version(n)), f"pip install 'wolfnote[{extra}]'")
        for extra, names in sorted(needed.items())
    )


def _embedded(name: str) -> Embedded:
    known = package.KNOWN[name]
    converted = sorted((cache() / "models").glob(f"{name}-*"))
    folder = converted[-1] if converted else None
    return Embedded(
        spec=f"package:{name}",
        installed=bool(_version(known.distribution)),
        folder=str(folder or ""),
        size=_size(folder) if folder else 0,
        install=known.install,
    )


def _cores() -> int:
    """Cores that this process may use: its affinity, and in a container its share of time."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return min(own, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return own


def _processor() -> Device:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    native = re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", text)
    return Device("cpu", name[1] if name else platform.processor() or platform.machine(), memory, native is not None)


def _accelerators() -> tuple[str, tuple[Device, ...], float]:
    """How torch was built, the accelerators it sees, and the seconds that asking it took."""
    version = _version("torch")
    if not version:
        return "not installed", (), 0.0
    cuda = _built_for_cuda()
    if not cuda and sys.platform != "darwin":
        return f"{version}, built for the CPU only (not loaded: there is nothing to ask it)", (), 0.0
    start = time.perf_counter()
    import torch

    devices = [_cuda(torch, i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(Device("mps", "Apple GPU", torch.mps.recommended_max_memory(), True))
    build = f"{version}, built for {f'CUDA {cuda}' if cuda else 'macOS'}"
    seconds = round(time.perf_counter() - start, 1)
    return f"{build}; asking it took {seconds} s", tuple(devices), seconds


def _cuda(torch: object, index: int) -> Device:
    cuda = torch.cuda  # type: ignore[attr-defined]  # torch is loaded only where it is asked
    about = cuda.get_device_properties(index)
    return Device("cuda", about.name, about.total_memory, about.major >= 8)


def _built_for_cuda() -> str:
    """The CUDA (or ROCm) version in ``torch/version.py``, read as text; "" for a build without."""
    spec = importlib.util.find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else Path("absent")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r"^(?:cuda|hip)\b[^=\n]*=\s*['\"](.+?)['\"]", text, re.MULTILINE)
    return found[1] if found else ""


def _told_device(device: Device, cores: int) -> str:
    kind = "native" if device.bfloat16 else "emulated"
    own = f"{cores} cores for this process, " if device.kind == "cpu" else ""
    return f"{device.name}: {own}{_bytes(device.memory)}, bfloat16 {kind}"


def _told_model(model: Embedded) -> str:
    if not model.installed:
        return f"{model.spec} missing → {model.install}"
    state = f"{_bytes(model.size)} in {model.folder}" if model.folder else "installed, converted at first use (about 25 s)"
    return f"{model.spec} {state}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.absolute().parents) if p.is_dir())


def _size(path: Path) -> int:
    return sum(p.lstat().st_size for p in path.rglob("*") if p.is_file() and not p.is_symlink())


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
