"""``wolfnote audit DATA`` and ``wolfnote audit sign RUN`` share a word, and neither takes what is the other's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wolfnote.cli.group import DefaultGroup

app = typer.Typer(rich_markup_mode=None)
inner = typer.Typer(cls=DefaultGroup, rich_markup_mode=None)
app.add_typer(inner, name="audit")


@inner.command(hidden=True)
def audit(data: list[str], limit: int = 500) -> None:
    """Read the rows. Afterwards: wolfnote audit sign RUN"""
    typer.echo(f"audit {data} {limit}")


@inner.command()
def sign(run: str, name: str = typer.Option(..., "--as")) -> None:
    """Answer for it."""
    typer.echo(f"sign {run} {name}")


@app.command()
def other() -> None:
    """Beside it."""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("rows.jsonl", "audit ['rows.jsonl'] 500"),
        ("sign.jsonl", "audit ['sign.jsonl'] 500"),
        ("./sign", "audit ['./sign'] 500"),
        ("rows.jsonl sign", "audit ['rows.jsonl', 'sign'] 500"),
        ("--limit 20 sign.jsonl", "audit ['sign.jsonl'] 20"),
        ("--limit 20 sign", "audit ['sign'] 20"),
        ("-- sign", "audit ['sign'] 500"),
        ("audit", "audit ['audit'] 500"),
        ("rows.jsonl --limit 7", "audit ['rows.jsonl'] 7"),
        ("sign runs/x --as Ines", "sign runs/x Ines"),
        ("sign sign --as sign", "sign sign sign"),
    ],
)
def test_each_command_gets_its_own(arguments: str, says: str) -> None:
    """A further command's name as a whole first word; everything else is data, options first or not."""
    done = CliRunner().invoke(app, ["audit", *arguments.split()])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == says


def test_mistakes_name_the_right_command() -> None:
    """No data, a wrong option, a missing name: usage as the user typed it."""
    none = CliRunner().invoke(app, ["audit"])
    assert none.exit_code == 2
    assert "Missing argument" in none.output
    assert "audit audit" not in none.output
    wrong = CliRunner().invoke(app, ["audit", "rows.jsonl", "--lmit", "3"])
    assert wrong.exit_code == 2
    assert "--limit" in wrong.output
    assert "--as" in CliRunner().invoke(app, ["audit", "sign", "x"]).output


def test_help_is_the_default_commands() -> None:
    """With its options; a further command has its own."""
    text = CliRunner().invoke(app, ["audit", "--help"]).output
    assert "--limit" in text
    assert "wolfnote audit sign RUN" in text
    assert " audit [OPTIONS] {data}" in " ".join(text.split())
    assert "--as" in CliRunner().invoke(app, ["audit", "sign", "--help"]).output


def completed(words: str) -> list[str]:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_TOOL_COMPLETE": "complete_bash"}
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from test_group import app; app(prog_name='tool')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **asked}, check=True)
    return done.stdout.split()


def test_the_shell_completes_both() -> None:
    """Further commands by their beginning, the default one's options, and inside each what is its own."""
    assert completed("tool audit si") == ["sign"]
    assert completed("tool audit --li") == ["--limit"]
    assert completed("tool audit rows.jsonl --li") == ["--limit"]
    assert completed("tool audit sign --a") == ["--as"]
    assert completed("tool au") == ["audit"]
