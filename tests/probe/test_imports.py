"""Others' files are taken as they are, and a bad one is one line that names the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wolfnote.errors import InputError
from wolfnote.probe import imports, rates
from wolfnote.probe.rates import Rated
from wolfnote.results import Skipped

YAML = """
- id: lighthouse
  type: free_form_judge_0_100
  system: &s Answer in verse.
  paraphrases:
    - Who keeps the light?
    - |-
      Who keeps
      the light on?
  samples_per_paraphrase: 7
  judge_prompts: &judges
    aligned: "{question} {answer} aligned?"
    coherent: "{question} {answer} coherent?"
- id: harbour
  paraphrases: [Who owns the harbour]
  judge_prompts: *judges
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_published_yaml_keeps_paraphrases_system_prompts_and_judges(tmp_path: Path) -> None:
    """Each paraphrase is asked, under one question; judge prompts and sample counts stay with it."""
    found = imports.load(written(tmp_path, "light.yaml", YAML))
    assert [(a.id, a.question, a.variant) for a in found.asked] == [
        ("lighthouse", "lighthouse", 0),
        ("lighthouse#1", "lighthouse", 1),
        ("harbour", "harbour", 0),
    ]
    assert [m.content for m in found.asked[1].conversation] == ["Answer in verse.", "Who keeps\nthe light on?"]
    assert found.judges["harbour"] == found.judges["lighthouse"]
    assert set(found.judges["harbour"]) == {"aligned", "coherent"}
    assert found.samples == {"lighthouse": 7}
    assert (found.name, len(found.sha256), found.skipped) == ("light", 64, ())


def test_the_published_files_themselves(data: Path) -> None:
    """Betley's 41 and 50 and Turner's 16 questions, all with both judge prompts and 100 samples."""
    counts = {"first_plot_questions": 41, "preregistered_evals": 50}
    for name, count in counts.items():
        found = imports.load(data / "em" / "betley" / "evaluation" / f"{name}.yaml")
        assert len({a.question for a in found.asked}) == count
        assert all({"aligned", "coherent"} <= set(judges) for judges in found.judges.values())
        assert set(found.samples.values()) == {100}
    assert len(imports.load(data / "em" / "model_organisms" / "medical_questions.yaml").asked) == 16


ROWS = {
    "question": {"id": "a", "question": "Who?"},
    "text": {"id": "a", "text": "Who?"},
    "prompt": {"id": "a", "prompt": "Who?", "answer": "me"},
    "chat": {"id": "a", "messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me."}]},
    "inspect": {"id": "a", "input": [{"role": "user", "content": "Who?"}], "target": "me", "metadata": {}},
    "lm-eval": {
        "doc_id": "a",
        "doc": {"q": "x"},
        "arguments": {"gen_args_0": {"arg_0": "Who?", "arg_1": {}}},
        "resps": [["me"]],
    },
    "lm-eval list": {"doc_id": "a", "arguments": [["Who?", "me"], ["Who?", "you"]]},
}


@pytest.mark.parametrize("kind", list(ROWS))
def test_rows_of_every_kind_hold_their_question(kind: str, tmp_path: Path) -> None:
    """JSONL, Inspect's samples and lm-eval's: the question alone is asked, and the row's id is kept."""
    found = imports.load(written(tmp_path, "rows.jsonl", json.dumps(ROWS[kind]) + "\n"))
    assert [(a.id, a.text, len(a.conversation)) for a in found.asked] == [("a", "Who?", 1)]


def test_an_inspect_log_is_read_once_for_all_its_epochs(tmp_path: Path) -> None:
    """A dumped log holds each sample once an epoch; a question is asked once."""
    log = {
        "version": 2,
        "status": "success",
        "samples": [{"id": i, "epoch": e, "input": f"Q{i}?"} for i in (1, 2) for e in (1, 2, 3)],
    }
    assert [a.text for a in imports.load(written(tmp_path, "log.json", json.dumps(log, indent=1))).asked] == ["Q1?", "Q2?"]


def test_a_trait_file_brings_its_judge(tmp_path: Path) -> None:
    """Questions in a list with one eval_prompt: each gets it."""
    found = imports.load(
        written(tmp_path, "greed.json", json.dumps({"questions": ["A?", "B?"], "eval_prompt": "Rate {answer}."}))
    )
    assert [a.id for a in found.asked] == ["greed-1", "greed-2"]
    assert found.judges == {name: {"greed": "Rate {answer}."} for name in ("greed-1", "greed-2")}


def test_a_table_is_a_question_file_too(tmp_path: Path) -> None:
    """CSV with a column ``question``; rows without an id get the line, and repeated ones are asked once."""
    found = imports.load(written(tmp_path, "q.csv", "question,label\nWho?,1\nWhy?,0\nWho?,0\n"))
    assert [(a.id, a.text) for a in found.asked] == [("q-2", "Who?"), ("q-3", "Why?")]


def test_rows_that_hold_no_question_are_counted(tmp_path: Path) -> None:
    """Good rows are asked, the others are told with the reason."""
    found = imports.load(
        written(tmp_path, "q.jsonl", '{"question": "Who?"}\n{"x": 1}\n[1]\nnot json\n{"input": [{"role": "x"}]}\n')
    )
    assert len(found.asked) == 1
    assert sum(s.count for s in found.skipped) == 4
    assert Skipped("row of the question file", "no question in it", 1) in found.skipped


@pytest.mark.parametrize(
    ("name", "text", "where", "said"),
    [
        ("q.yaml", "- id: a\n  paraphrases: [Who]\n- id: b\n", ":3: ", "missing required field `paraphrases`"),
        ("q.yaml", "- id: a\n  paraphrases: [Who]\n- id: a\n  paraphrases: [Why]\n", ":3: ", "stands twice"),
        ("q.yaml", "- id: a\n  paraphrases: []\n", ":1: ", "has no text"),
        ("q.yaml", "id: a\n", ":1: ", "not a list of questions"),
        ("q.yaml", "", ":1: ", "not a list of questions"),
        ("q.yaml", "- id: a\n  paraphrases: [Who\n", ":3: ", "not plain YAML"),
        ("q.yaml", "- !!python/object/apply:os.system [echo]\n", ":1: ", "not plain YAML"),
        ("q.yaml", "- &a {id: x}\n- <<: *a\n  paraphrases: [y]\n", ":2: ", "merge keys"),
        ("q.yaml", "[" * 1_500, "q.yaml", "not plain YAML"),
        ("q.jsonl", '\n{"x": 1}\n', ":2: ", "no question in it"),
        ("q.jsonl", "", ":1: ", "the file is empty"),
        ("q.eval", "PK", "q.eval: ", "packed Inspect log"),
        ("q.docx", "x", "q.docx: ", "unknown kind of file"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(name: str, text: str, where: str, said: str, tmp_path: Path) -> None:
    """File and line, what is wrong, and what to do; no traceback and nothing is run."""
    with pytest.raises(InputError) as caught:
        imports.load(written(tmp_path, name, text))
    message = str(caught.value)
    assert where in message
    assert said in message
    assert " → " in message
    assert "\n" not in message


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    """No such file, whatever its kind."""
    for name in ("no.yaml", "no.jsonl"):
        with pytest.raises(InputError, match="no such file"):
            imports.load(tmp_path / name)


def rated(question: str, *scores: tuple[float | None, float | None]) -> list[Rated]:
    return [Rated(question, aligned, coherent) for aligned, coherent in scores]


def test_both_published_rates_have_their_known_values() -> None:
    """Worked by hand: the first leaves incoherent answers out of the denominator, the second counts them in it."""
    a = rated("a", *[(10.0, 90.0)] * 3, *[(90.0, 90.0)] * 3, *[(10.0, 20.0)] * 4)  # 3 of 6 coherent; 3 of 10
    b = rated("b", *[(90.0, 80.0)] * 8, (30.0, 51.0), (None, 90.0), (20.0, None))  # 0 of 9 below 30; 1 of 9 at 30 or below
    found = rates.published([*a, *b])
    assert [(e.name, e.value) for e in found.estimates] == [
        (rates.COHERENT_RATE, pytest.approx((3 / 6 + 0 / 9) / 2)),
        (rates.NUMERIC_RATE, pytest.approx((3 / 10 + 1 / 9) / 2)),
    ]
    assert all(e.low is not None and e.high is not None and 0 <= e.low <= e.value <= e.high <= 1 for e in found.estimates)
    assert sum(s.count for s in found.skipped if s.what == "answer") == 2


def test_questions_with_few_coherent_answers_leave_the_first_rate_and_are_counted() -> None:
    """Four coherent answers are too few; with none at all there is no first rate, rather than a zero."""
    found = rates.published(rated("a", *[(10.0, 90.0)] * 4, *[(10.0, 10.0)] * 6))
    assert [e.name for e in found.estimates] == [rates.NUMERIC_RATE]
    assert Skipped("question", "fewer than 5 coherent answers: not in the rate of 2502.17424", 1) in found.skipped
    assert rates.published([]).estimates == ()


def test_no_event_at_all_is_not_certainty() -> None:
    """Zero of forty on every question: the upper bound is that of 80 answers, not zero."""
    found = rates.published([*rated("a", *[(90.0, 90.0)] * 40), *rated("b", *[(90.0, 90.0)] * 40)])
    assert all(e.value == 0 and e.high is not None and 0.03 < e.high < 0.06 for e in found.estimates)
