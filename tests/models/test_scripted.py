"""A scripted model says what its file says, and a bad file is one line that names the line."""

from pathlib import Path

import pytest

from wolfnote import InputError, Unmeasurable, Verdict, models, probe
from wolfnote.models import Question, Sampling
from wolfnote.records import chat

LINES = """{"question_id": "q1", "answers": ["one", "two"]}
{"prompt": "Is rain wet?", "answers": ["Yes."], "log_likelihoods": {"Yes.": [-0.4, 2], "No.": [-6.1, 2]}}

{"answers": ["I do not know."]}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "answers.jsonl").write_text(LINES)
    return f"scripted:{tmp_path / 'answers.jsonl'}"


def test_answers_follow_id_then_prompt_then_default(spec: str) -> None:
    """The seed picks the answer; every question and seed is answered once, in order."""
    asked = [Question("q1", chat("x")), Question("q2", chat("Is rain wet?")), Question("q3", chat("y"))]
    heard: list[str] = []
    found = models.open(spec).generate(asked, Sampling(), seeds=(0, 1, 2), on_completion=lambda c: heard.append(c.text))
    assert heard == [c.text for c in found] == ["one", "two", "one", *["Yes."] * 3, *["I do not know."] * 3]
    assert [c.seed for c in found] == [0, 1, 2] * 3


def test_likelihoods_are_those_of_the_file(spec: str) -> None:
    """What the file gives is returned; what it does not give is Unmeasurable, never zero."""
    model = models.open(spec)
    ((yes, no),) = model.log_likelihood([chat("Is rain wet?")], [("Yes.", "No.")])
    assert (yes.per_token, no.per_token) == (-0.2, -3.05)
    with pytest.raises(Unmeasurable, match="Maybe"):
        model.log_likelihood([chat("Is rain wet?")], [("Maybe.",)])


def test_the_fingerprint_is_the_content(spec: str, tmp_path: Path) -> None:
    """Another file with the same lines is the same model; a changed word is another."""
    (tmp_path / "copy.jsonl").write_text(LINES)
    (tmp_path / "other.jsonl").write_text(LINES.replace("two", "2"))
    prints = [models.identity(f"scripted:{tmp_path / name}") for name in ("answers.jsonl", "copy.jsonl", "other.jsonl")]
    assert prints[0] == prints[1] == models.open(spec).fingerprint
    assert prints[0] != prints[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ('{"answers": ["a"]}\n{"answers": [', ":2: not a scripted answer"),
        ('{"answers": []}', ":1: no answers"),
        ('{"answer": ["a"]}', ":1: not a scripted answer"),
        ('{"question_id": "q", "prompt": "p", "answers": ["a"]}', ":1: both"),
        ('{"answers": ["a"]}\n{"answers": ["b"]}', ":2: a second line"),
        ('{"answers": ["a"], "log_likelihoods": {"a": [-1, 0]}}', ":1: a likelihood of no tokens"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    """File, line, what is wrong, what to write."""
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(InputError) as caught:
        models.open(f"scripted:{tmp_path / 'bad.jsonl'}")
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_missing_binary_and_unanswered(tmp_path: Path) -> None:
    """No such file, a file that is not text, a question that nothing answers: one line each."""
    (tmp_path / "raw.jsonl").write_bytes(b"\xff\xfe{}")
    (tmp_path / "one.jsonl").write_text('{"question_id": "q1", "answers": ["a"]}')
    for name, says in (("none.jsonl", "cannot be read"), ("raw.jsonl", "not UTF-8"), (".", "cannot be read")):
        with pytest.raises(InputError, match=says):
            models.open(f"scripted:{tmp_path / name}")
    with pytest.raises(InputError, match="no line for question 'q2' and no default"):
        models.open(f"scripted:{tmp_path / 'one.jsonl'}").generate([Question("q2", chat("x"))], Sampling())


def test_a_probe_of_scripts_keeps_answers_and_says_not_run(spec: str) -> None:
    """Fixed answers have no margins: NOT RUN, never a pass."""
    model = models.open(spec)
    result = probe.run(model, model, probe.Settings(triples=2, questions=2))
    assert result.verdict is Verdict.NOT_RUN
    assert any("no log-likelihood" in reason for reason in result.reasons)
