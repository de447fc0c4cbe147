"""The core is light, and exports exactly what it names."""

import subprocess
import sys
import time


def test_import_is_fast_and_loads_no_heavy_library() -> None:
    """A library that wants only the types pays for only the types."""
    code = "import sys, wolfnote; print([m for m in ('torch', 'transformers', 'aiohttp', 'peft') if m in sys.modules])"
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        best = min(best, time.perf_counter() - start)
        assert out.stdout.strip() == "[]"
    assert best < 1.0  # 0.3 s on a quiet machine (benchmarks/startup.py); the limit here only catches a heavy import


def test_help_loads_no_heavy_library() -> None:
    """``wolfnote --help`` must not make anyone wait for torch."""
    code = "import sys; sys.argv = ['wolfnote', '--help']\nfrom wolfnote.cli import main\ntry:\n    main()\nexcept SystemExit:\n    print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip().endswith("False")
    assert "demo" in out.stdout


def test_all_is_exactly_what_is_exported() -> None:
    """Nothing in __all__ is missing; nothing public and of our own is left out."""
    import types

    import wolfnote

    public = {n for n, v in vars(wolfnote).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}
    assert public == set(wolfnote.__all__)
