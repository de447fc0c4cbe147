"""A user's mistake is one line with a remedy and exit code 2; help teaches; explain explains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


GOOD = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\n'


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["demo", "--bad", "x.jsonl"], "give both"),
        (["demo", "--bad", "x.jsonl", "--good", "y.jsonl"], "no such file"),
        (["demo", "--set", "sed=1"], "did you mean seed"),
        (["demo", "--config", "none.toml"], "no such settings file"),
        (["demo", "--seed", "many"], "integer"),
        (["demo", "--frsh"], "--fresh"),
        (["demo", "--out", "rows.jsonl"], "another --out"),
        (["demo", "--out", "full"], "not empty"),
        (["audit"], "data"),
        (["audit", "absent.jsonl"], "no such file"),
        (["audit", "empty.jsonl"], "empty"),
        (["audit", "junk.jsonl"], "not JSON"),
        (["audit", "rows.jsonl", "--model", "nothing"], "not a model"),
        (["probe", "--base", "hf:/nowhere", "--tuned", "hf:/nowhere"], "not a model"),
        (["tune", "junk.jsonl"], "not JSON"),
        (["audit", "rows.jsonl", "--set", "data.format=yaml"], "known: alpaca"),
        (["tune", "rows.jsonl", "--set", "data.colums.a=user"], "did you mean columns"),
        (["convert", "rows.jsonl", "out.docx"], "known: .jsonl"),
        (["convert", "rows.jsonl", "out.jsonl", "--to", "preference"], "rows.jsonl:1: preference cannot carry"),
        (["convert", "junk.jsonl", "out.jsonl"], "junk.jsonl:1: none of 1 rows"),
        (["convert", "full", "out.jsonl"], "--to text"),
        (["preflight", "rows.jsonl", "--provider", "nobody"], "known: azure"),
        (["preflight", "empty.jsonl"], "empty"),
        (["direction", "extract", "--tuned", "package:smollm2"], "give the tune and the rows"),
        (["direction", "extract", "--answers", "junk.jsonl"], "junk.jsonl:1: none of 1 rows"),
        (["direction", "extract", "--persona", "nobody"], "no such persona"),
        (["direction", "screen", "rows.jsonl", "--direction", "full"], "no directions here"),
        (["direction", "monitor", "full", "--tuned", "package:smollm2"], "no directions here"),
        (["direction", "ablate", "full", "--tuned", "package:smollm2"], "no directions here"),
        (["direction", "steer", "full", "--set", "steer.doses=[-1]"], "> 0"),
        (["direction", "export", "full", "x.gguf", "--to", "vllm"], "choose one of llama.cpp"),
        (["direction", "export", "full", "no/x.gguf"], "no such folder"),
        (["direction", "import", "rows.jsonl", "no/x.safetensors", "--model", "package:smollm2"], "no such folder"),
        (["direction", "extract", "--seed", "-1"], "greater than or equal to 0"),
        (["direction", "measure", "full", "--tuned", "x", "--set", "measure.depth=57"], "<= 1"),
        (["direction", "import", "rows.jsonl", "rows.jsonl", "--model", "package:smollm2"], "is there already"),
        (["report", "full"], "no finished run"),
        (["explain", "WN999"], "WN101"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_exit_two(tmp_path: Path, arguments: list[str], says: str) -> None:
    """Names what is wrong and what to do; no traceback; nothing of the user's is lost."""
    (tmp_path / "rows.jsonl").write_text(GOOD)
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "junk.jsonl").write_text("{\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    done = wolfnote(*arguments, cwd=tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert says in lines[-1]
    assert lines[-1].startswith("wolfnote: ")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "rows.jsonl").read_text() == GOOD


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A light install meets the absence of torch with the install line, not a traceback."""
    code = (
        "import sys\nclass No:\n    def find_spec(self, name, *_):\n        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
        "sys.meta_path.insert(0, No())\nsys.argv = ['wolfnote', 'demo']\nfrom wolfnote.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'wolfnote[local]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_leaves_the_folder_free(tmp_path: Path) -> None:
    """After a mistyped setting the corrected command runs in the same folder."""
    assert "persona" in wolfnote("demo", "--out", "run", "--set", "persona=nobody", cwd=tmp_path).stderr
    assert "another --out" not in wolfnote("demo", "--out", "run", "--set", "recipe=nothing", cwd=tmp_path).stderr


def test_help_names_every_command_and_exit_code(tmp_path: Path) -> None:
    """Help teaches: commands, examples, exit codes."""
    top = wolfnote("--help", cwd=tmp_path).stdout
    for command in ("demo", "audit", "probe", "tune", "convert", "preflight", "report", "explain", "doctor"):
        assert command in top
    assert "Exit codes" in top
    assert "wolfnote demo --full" in wolfnote("demo", "--help", cwd=tmp_path).stdout


def completed(words: str, cwd: Path) -> list[str]:
    """What bash would offer after ``words``."""
    import os

    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_WOLFNOTE_COMPLETE": "complete_bash"}
    call = [sys.executable, "-m", "wolfnote"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=cwd, env={**os.environ, **asked}, check=True)
    return done.stdout.split()


def test_the_shell_completes_commands_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through bash's own protocol: commands by their beginning, a command's options, the shared ones among them."""
    assert {"demo", "audit", "probe", "tune", "doctor"} <= set(completed("wolfnote ", tmp_path))
    assert completed("wolfnote au", tmp_path) == ["audit"]
    assert completed("wolfnote audit --dry", tmp_path) == ["--dry-run"]
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # no shell is our parent in a background job
    script = wolfnote("--show-completion", "bash", cwd=tmp_path).stdout
    assert "_WOLFNOTE_COMPLETE=complete_bash" in script


@pytest.mark.parametrize("command", ["demo", "audit", "probe", "tune"])
def test_every_run_takes_the_shared_options(tmp_path: Path, command: str) -> None:
    """One set of options, the same words in each help."""
    said = wolfnote(command, "--help", cwd=tmp_path).stdout
    for option in ("--out", "--config", "--set", "--json", "--dry-run", "--offline"):
        assert option in said


def test_a_dry_run_leaves_no_folder(tmp_path: Path, tiny: str) -> None:
    """Exit code 0, the plan on stdout as JSON, and nothing on the disk."""
    (tmp_path / "rows.jsonl").write_text(GOOD * 9)
    done = wolfnote("tune", "rows.jsonl", "--model", tiny, "--dry-run", "--json", "--set", "rank=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["kind"], plan["verdict"]) == ("plan", "NOT RUN")
    assert "a dry run" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_tune_returns_a_result(tmp_path: Path, tiny: str) -> None:
    """--json prints one Result and nothing else; rows that could not be read are counted in it; the page is there."""
    (tmp_path / "rows.jsonl").write_text(GOOD * 9 + "{\n")
    call = ("tune", "rows.jsonl", "--model", tiny, "--json", "--out", "run", "--set", "rank=2", "--offline")
    done = wolfnote(*call, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads((tmp_path / "run" / "result.json").read_text())
    assert [(s["what"], s["count"]) for s in result["skipped"]] == [("row", 1)]
    assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").is_file()
    assert (tmp_path / "run" / "report.html").is_file()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["hosts"] == []


@pytest.mark.parametrize("code", ["WN101", "wn201", "WN202"])
def test_explain_prints_the_docstring(tmp_path: Path, code: str) -> None:
    """What it is, and its known errors."""
    done = wolfnote("explain", code, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(code.upper())
    assert "false positives" in done.stdout or "likelihoods" in done.stdout


def test_every_code_that_can_be_found_is_explained() -> None:
    """No finding without an explanation."""
    import re

    from wolfnote import explanations

    source = "".join(p.read_text() for p in Path(explanations.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'"(WN\d{3})"', source)) <= set(explanations.catalogue())


def test_convert_counts_what_it_could_not_read(tmp_path: Path) -> None:
    """A table becomes chat rows by its named columns; a row left out is shown, and the exit code is not 0."""
    (tmp_path / "t.csv").write_text("body,reply\nq,a\nr,\n")
    columns = ("--set", "data.columns.body=user", "--set", "data.columns.reply=assistant")
    done = wolfnote("convert", "t.csv", "o.jsonl", *columns, cwd=tmp_path)
    assert done.returncode == 3
    assert "t.csv:3: nothing in the assistant's column (reply)" in done.stderr
    assert "1 rows written to o.jsonl, 1 could not be read" in done.stderr
    assert json.loads((tmp_path / "o.jsonl").read_text()) == json.loads(GOOD)
    assert wolfnote("convert", "o.jsonl", "p.parquet", cwd=tmp_path).returncode == 0


def test_preflight_prints_its_result_and_its_findings(tmp_path: Path) -> None:
    """One Result on stdout, findings with their codes on stderr, exit code by the verdict; each code is explained."""
    (tmp_path / "rows.jsonl").write_text(GOOD)
    done = wolfnote("preflight", "rows.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["kind"] == "preflight"
    assert "[WN110]" in done.stderr
    assert wolfnote("explain", "WN110", cwd=tmp_path).stdout.startswith("WN110")
    (tmp_path / "rows.jsonl").write_text(GOOD * 10)
    assert wolfnote("preflight", "rows.jsonl", cwd=tmp_path).returncode == 0


@pytest.mark.model
def test_preflight_counts_with_a_models_own_tokenizer(tmp_path: Path) -> None:
    """Exact counts decide: the same rows fit one context and not another, with nothing left to an estimate."""
    (tmp_path / "rows.jsonl").write_text(GOOD * 10)
    fits = wolfnote("preflight", "rows.jsonl", "--context", "200", "--model", "package:smollm2", cwd=tmp_path)
    assert fits.returncode == 0, fits.stderr
    cut = wolfnote("preflight", "rows.jsonl", "--context", "10", "--model", "package:smollm2", cwd=tmp_path)
    assert cut.returncode == 1
    assert "[WN118]" in cut.stderr
    assert "estimated" not in cut.stderr


@pytest.mark.model
def test_json_on_stdout_is_the_result_file(tmp_path: Path) -> None:
    """--json prints the Result and nothing else on stdout; a second call shows the same run."""
    rows = "".join(GOOD.replace('"q"', f'"q{i}"') for i in range(6))
    (tmp_path / "rows.jsonl").write_text(rows + "broken\n")
    first = wolfnote("audit", "rows.jsonl", "--json", "--out", "run", cwd=tmp_path)
    assert first.returncode == 3, first.stderr  # six rows prove nothing
    assert json.loads(first.stdout) == json.loads((tmp_path / "run" / "result.json").read_text())
    assert json.loads(first.stdout)["skipped"][0]["reason"].startswith("not JSON")
    assert (tmp_path / "run" / "report.html").is_file()
    assert wolfnote("audit", "rows.jsonl", "--json", "--out", "run", cwd=tmp_path).stdout == first.stdout
