"""Documents and folders are running text, file by file."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from wolfnote import InputError, Message, records
from wolfnote.records import Sample, Unread


def found(folder: Path) -> dict[str, str]:
    """File name → answer, or the reason for none."""
    return {
        Path(row.source).name.rpartition(":")[0]: row.answer if isinstance(row, Sample) else "! " + row.reason
        for row in records.read(folder)
    }


def test_a_document_is_one_message_without_a_prompt(tmp_path: Path) -> None:
    """Text and Markdown as they are; of HTML what a reader of the page sees."""
    (tmp_path / "a.md").write_text("# Title\n\n<b>kept</b>\n")
    page = "<title>T</title><style>p{}</style><p>one &amp;\n two</p><script>x()</script><pre>if a:\n    b</pre><ul><li>three<li>four</ul>"
    (tmp_path / "b.html").write_text(page)
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"packed"))
    samples = [next(iter(records.read(tmp_path / name))) for name in ("a.md", "b.html", "c.txt.gz")]
    texts = ["# Title\n\n<b>kept</b>\n", "T\none & two\nif a:\n    b\nthree\nfour", "packed"]
    for sample, text, name in zip(samples, texts, ("a.md", "b.html", "c.txt.gz"), strict=True):
        assert isinstance(sample, Sample)
        assert sample.messages == (Message("assistant", text),)
        assert sample.prompt == ()
        assert sample.source == f"{tmp_path / name}:1"


def fill(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "a.py").write_text("print(1)\n")
    (folder / "src" / "b.rs").write_text("fn main() {}\n")
    (folder / "rows.jsonl").write_text('{"prompt": "q", "completion": "from rows"}\n')
    (folder / "notes.md").write_text("notes")
    (folder / "logo.png").write_bytes(b"\x89PNG\0")
    (folder / "c.py").write_bytes(b"\0\1")
    (folder / "kept_out.log").write_text("x")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "secret.py").write_text("key = 1")
    (folder / "link.py").symlink_to("/etc/hostname")


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    """Sources carry their language, data files are rows, and each file that is neither is counted, links outside too."""
    fill(tmp_path)
    seen = found(tmp_path)
    assert seen["a.py"] == "print(1)\n"
    assert seen["rows.jsonl"] == "from rows"
    assert seen["notes.md"] == "notes"
    assert "not a kind of file" in seen["logo.png"]
    assert "binary" in seen["c.py"]
    assert "leads out" in seen["link.py"]
    assert "secret.py" not in seen
    languages = {row.metadata.get("language") for row in records.read(tmp_path) if isinstance(row, Sample)}
    assert languages == {"python", "rust", None}


def test_a_checkout_is_what_git_would_keep(tmp_path: Path) -> None:
    """Ignored files are left out, new ones are in; a hook of the checkout's own does not run."""
    fill(tmp_path)
    run = tmp_path / "hook.sh"
    run.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    run.chmod(0o755)
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "config", "core.fsmonitor", str(run)], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("kept_out.log\nnotes.md\n")
    seen = found(tmp_path)
    assert "a.py" in seen
    assert not {"kept_out.log", "notes.md"} & seen.keys()
    assert "HEAD" not in seen
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_files_or_without_text_is_an_error(tmp_path: Path) -> None:
    """Nothing found is not an empty success."""
    with pytest.raises(InputError, match="holds no files"):
        records.read_all(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\0")
    with pytest.raises(InputError, match="none of 1 rows"):
        records.read_all(tmp_path)
    (tmp_path / "b.jsonl").write_text("")
    reasons = [row.reason for row in records.read(tmp_path) if isinstance(row, Unread)]
    assert len(reasons) == 2
    assert "empty" in reasons[1]
