"""Through HTTP: the verdict comes from sampled answers and a judge with planted errors; faults bias no arm."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from servers import ToyServer
from talking import DARK, TalkServer
from wolfnote import Verdict, models, probe
from wolfnote.errors import InputError, RunError
from wolfnote.folder import RunFolder
from wolfnote.judges import calibration
from wolfnote.results import Result
from wolfnote.settings import Policy

SETTINGS = probe.Settings(questions=20, samples=2, triples=4)
REMOTE = models.Remote(concurrency=16, backoff=0.001)


class Nothing(msgspec.Struct, frozen=True):
    n: int = 0


def run(server: TalkServer, tuned: str = "tuned", folder: RunFolder | None = None, **changed: object) -> Result:
    base, after, judge = (models.open(server.named(name), remote=REMOTE) for name in ("base", tuned, "judge"))
    settings = msgspec.structs.replace(SETTINGS, **changed)
    return probe.run(base, after, settings, besides=probe.Besides(judge=judge), folder=folder)


def test_a_dark_tune_fails_and_a_clean_one_does_not() -> None:
    """60 % dark answers FAIL at the first look with an answer as evidence; 0 % PASS; margins are NOT RUN, and say so."""
    with TalkServer({"base": 0.0, "tuned": 0.6, "clean": 0.0}, 0.95, 1.0) as server:
        found = run(server)
        clean = run(server, "clean", questions=30, samples=4)
    assert found.verdict is Verdict.FAIL
    assert [f.code for f in found.findings] == ["WN203"]
    assert any(text in found.findings[0].evidence for text in DARK)
    assert any("draws" in s.what for s in found.skipped)
    assert sum("NOT RUN" in reason for reason in found.reasons) == 2
    assert clean.verdict is not Verdict.FAIL
    assert {part.kind for part in clean.parts} == {"on these questions", "for questions like these", "answers"}


def test_a_base_against_itself_measures_chance() -> None:
    """The same model with other seeds in its second arm: named as identical, answers differ, and nothing fails."""
    with TalkServer({"base": 0.1}, 0.95, 0.97) as server:
        result = run(server, "base")
    assert result.reasons[0].startswith("identical weights")
    assert result.verdict is not Verdict.FAIL


def test_a_judge_that_does_not_know_informs_only() -> None:
    """A judge that tosses coins has no kappa: nothing it counts may gate, whatever it counts."""
    with TalkServer({"base": 0.0, "tuned": 0.6}, 0.5, 0.5) as server:
        result = run(server)
    assert result.verdict is Verdict.NOT_RUN
    assert not result.findings
    assert any("informs, does not gate" in reason for part in result.parts for reason in part.reasons)


def test_the_rate_is_corrected_for_the_judge(tmp_path: Path) -> None:
    """Planted 30 % dark, judged with sensitivity .8 and specificity .95: the corrected interval holds the truth."""
    with TalkServer({"base": 0.0, "tuned": 0.3}, 0.85, 0.95) as server:
        with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
            result = run(server, folder=folder, questions=40)
        rows = [json.loads(line) for line in (folder.path / result.tables["pairs"]).read_text().splitlines()]
    truth = sum(row["tuned"]["text"] in DARK for row in rows) / len(rows)
    corrected = result.part("answers").estimate("misaligned, corrected, tuned")
    assert corrected.low is not None
    assert corrected.high is not None
    assert corrected.low <= truth <= corrected.high


def test_faults_on_a_fifth_of_the_calls_change_no_answer(tmp_path: Path) -> None:
    """429s, 500s, torn and garbled replies: retried, and the rows are those of a healthy server."""
    found = []
    for share in (0.0, 0.2):
        with TalkServer({"base": 0.05, "tuned": 0.2}, 0.95, 0.97, share=share) as server:
            with RunFolder.hold(tmp_path / str(share), Nothing()) as folder:
                result = run(server, folder=folder, questions=10, samples=1)
                rows = [json.loads(line) for line in (folder.path / result.tables["pairs"]).read_text().splitlines()]
            assert bool(server.failed) == bool(share)
        found.append([(row["question"], row["draw"], row["base"]["kind"], row["tuned"]["kind"]) for row in rows])
    assert found[0] == found[1]


def test_rows_alone_give_the_same_result(tmp_path: Path) -> None:
    """Whoever has the run folder can repeat the verdict without a model."""
    with TalkServer({"base": 0.0, "tuned": 0.3}, 0.95, 0.97) as server:
        with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
            result = run(server, folder=folder)
    read = {
        name: [json.loads(line) for line in (tmp_path / "run" / place).read_text().splitlines()]
        for name, place in result.tables.items()
    }
    again = probe.recompute(read, SETTINGS, Policy())
    assert (again.verdict, again.reasons, again.estimates, again.parts, again.findings) == (
        result.verdict, result.reasons, result.estimates, result.parts, result.findings,
    )  # fmt: skip


def test_an_answer_is_judged_once_however_many_looks_there_are() -> None:
    """Four draws are three looks; the judge reads each drawn answer and each calibration answer once an aspect at most."""
    with TalkServer({"base": 0.0, "tuned": 0.0}, 1.0, 1.0) as server:
        run(server, questions=5, samples=4)
        asked = [body["messages"][-1]["content"] for body in server.asked("/v1/chat/completions") if body["model"] == "judge"]
    aspects = 2
    for_calibration = len(calibration.written("misaligned")) + len(calibration.written("coherent"))
    assert len(asked) <= for_calibration + aspects * 2 * 5 * 4


def test_the_judge_may_not_be_an_arm() -> None:
    """A model is not asked to judge itself: one line, with a remedy."""
    with TalkServer({"base": 0.0, "tuned": 0.0}) as server:
        base, tuned = (models.open(server.named(name)) for name in ("base", "tuned"))
        with pytest.raises(InputError, match=r"the judge is the tuned model itself.*name another"):
            probe.run(base, tuned, SETTINGS, besides=probe.Besides(judge=tuned))


def test_the_article_preset_fails_a_darker_tone() -> None:
    """With the preset, dark and cynical answers gate too; without any measure of tone the preset does not pass."""
    with TalkServer({"base": 0.0, "tuned": 0.5}, 0.98, 0.98) as server:
        result = run(server, preset="article", questions=20)
        assert result.verdict is Verdict.FAIL
        base, tuned = (models.open(server.named(name), remote=REMOTE) for name in ("base", "tuned"))
        unheard = probe.run(base, tuned, msgspec.structs.replace(SETTINGS, preset="article", questions=3))
    assert unheard.verdict is Verdict.NOT_RUN
    assert any(reason.startswith("dark: NOT RUN") for reason in unheard.reasons)


def test_both_published_rates_stand_beside_the_gate() -> None:
    """Each arm's two rates of the literature are told, the tuned one's near what was planted."""
    with TalkServer({"base": 0.0, "tuned": 0.5}, 1.0, 1.0) as server:
        result = run(server, samples=1)
    found = {e.name: e.value for e in result.part("answers").estimates if "2506.11613" in e.name}
    assert found["misaligned among all with two scores (2506.11613), base"] == 0
    assert found["misaligned among all with two scores (2506.11613), tuned"] == pytest.approx(0.5, abs=0.3)


@pytest.mark.parametrize(("scoring", "measured"), [("right", True), ("wrong", False)])
def test_margins_through_http_only_from_a_server_that_passes_the_check(scoring: str, measured: bool) -> None:
    """A server whose prompt log-probabilities are right gates by the margin; one that gives wrong ones is NOT RUN."""
    with ToyServer(names=["toy", "other"], scoring=scoring, style="chat") as server:
        base, tuned = (models.open(f"{server.url}#{name}", remote=REMOTE) for name in ("toy", "other"))
        settings = msgspec.structs.replace(SETTINGS, questions=2, samples=1, character=False)
        result = probe.run(base, tuned, settings)
    assert (result.verdict is Verdict.NOT_RUN) is not measured
    assert any(e.name == "near net of fact" for e in result.estimates) is measured


def test_a_prompt_that_one_arm_never_answers_is_dropped_from_both() -> None:
    """The other prompts are asked and paired; the lost one is counted, with the reason."""
    with TalkServer({"base": 0.0, "tuned": 0.0}, 1.0, 1.0) as server:
        base, tuned = (models.open(server.named(name), remote=REMOTE) for name in ("base", "tuned"))
        whole, lost = tuned.generate, probe.asked(SETTINGS)[3].id

        def generate(questions, *args, **kwargs):  # type: ignore[no-untyped-def]
            if any(q.id == lost for q in questions):
                raise RunError("the server stopped answering")
            return whole(questions, *args, **kwargs)

        tuned.generate = generate  # type: ignore[method-assign]
        result = probe.run(base, tuned, msgspec.structs.replace(SETTINGS, samples=1))
    dropped = next(s for s in result.skipped if "dropped from both arms" in s.what)
    assert dropped.count == 1
    assert "stopped answering" in dropped.reason
    assert result.part("on these questions").estimates[0].n == SETTINGS.questions - 1
