"""Nothing is lost behind HTTP: faults are sat out, refusals are one line, and no log-probability is believed unchecked."""

from __future__ import annotations

import datetime
import email.utils
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from servers import FAULTS, ToyServer, rendered, scored
from wolfnote import (
    Completion,
    InputError,
    Message,
    MissingExtra,
    RunError,
    SettingsError,
    Unmeasurable,
    Verdict,
    models,
    probe,
)
from wolfnote import settings as settings_module
from wolfnote.models import Question, Sampling, endpoint
from wolfnote.models.remote import stream_seed
from wolfnote.records import ToolCall
from wolfnote.records import chat as ask

KEY = "sk-wolf-0123456789-never-shown"
QUICK = models.Remote(backoff=0.01, attempts=12, connect_timeout=2.0, read_timeout=5.0)
SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_tokens=16)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def questions(count: int) -> list[Question]:
    return [Question(f"q{i}", ask(f"number {i}")) for i in range(count)]


def test_every_answer_once_through_every_fault() -> None:
    """A fifth of the calls fail in one of six ways: 240 answers come back, in order, each to its own question and seed."""
    heard: list[Completion] = []
    with ToyServer(share=0.2) as server:
        model = models.open(server.spec, remote=QUICK)
        found = model.generate(questions(120), SAMPLING, seeds=(0, 1), on_completion=heard.append)
    assert [(c.question_id, c.seed) for c in found] == [(f"q{i}", s) for i in range(120) for s in (0, 1)]
    for i, completion in enumerate(found):
        assert completion.text == f"answer to number {i // 2} [{stream_seed(i % 2, f'q{i // 2}')}]"
    assert sorted(heard, key=found.index) == found
    assert set(server.failed) == set(FAULTS)
    assert len(server.failed) > 30
    usage = model.about()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (2400, 720)
    assert usage["requests"] - usage["retries"] == 240
    assert usage["retries"] == len(server.failed)


def test_faults_bias_neither_model() -> None:
    """Two names on one faulty server get the texts that a healthy one gives: a fault changes when, never what."""
    with ToyServer(share=0.3, names=["toy", "tuned"]) as faulty, ToyServer(names=["toy", "tuned"]) as healthy:
        for name in ("toy", "tuned"):
            texts = [
                [c.text for c in models.open(f"{s.url}#{name}", remote=QUICK).generate(questions(40), SAMPLING)]
                for s in (faulty, healthy)
            ]
            assert texts[0] == texts[1]


def test_requests_run_side_by_side_and_no_wider_than_asked() -> None:
    """A slow server sees exactly the set number of requests at once."""
    with ToyServer(delay=0.2) as server:
        started = time.monotonic()
        models.open(server.spec, remote=msgspec.structs.replace(QUICK, concurrency=6)).generate(questions(24), SAMPLING)
        assert server.peak == 6
        assert time.monotonic() - started < 24 * 0.2


def test_what_is_sent() -> None:
    """Sampling, a seed within 31 bits, whole conversations; no parameter that a hosted API would refuse."""
    call = ToolCall("c1", "look", "{}")
    turns = (*ask("hi", system="Be kind."), Message("assistant", "", "hm", (call,)), Message("tool", "42", tool_call_id="c1"))
    with ToyServer() as server:
        models.open(server.spec, remote=QUICK).generate([Question("q", turns)], SAMPLING, seeds=(7,))
        (body,) = server.asked("/v1/chat/completions")
    assert set(body) == {"model", "messages", "temperature", "top_p", "max_tokens", "seed"}
    assert 0 <= body["seed"] < 2**31
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "look", "arguments": "{}"}
    assert body["messages"][3]["tool_call_id"] == "c1"
    assert "hm" not in str(body)


@pytest.mark.parametrize(
    ("message", "finish", "text", "reasoning", "reason"),
    [
        ({"content": "yes", "reasoning_content": "let me see"}, "stop", "yes", "let me see", "stop"),
        ({"content": "yes", "reasoning": "let me see"}, "length", "yes", "let me see", "length"),
        ({"content": "<think>let me see</think>\n\nyes"}, "stop", "yes", "let me see", "stop"),
        ({"content": "<think>let me"}, "length", "", "let me", "length"),
        ({"content": None, "refusal": "I will not."}, "stop", "I will not.", "", "stop"),
        ({"content": ""}, "content_filter", "", "", "content_filter"),
        ({"content": None, "tool_calls": []}, "tool_calls", "", "", "tool_calls"),
        ({"content": [{"type": "text", "text": "yes"}]}, None, "yes", "", "unknown"),
    ],
)
def test_text_reasoning_and_finish_have_their_places(
    message: dict[str, object], finish: str | None, text: str, reasoning: str, reason: str
) -> None:
    """Reasoning is neither lost nor taken for the answer; a filtered or unexplained end is not called a stop."""
    with ToyServer(message=message, finish=finish) as server:
        (found,) = models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
    assert (found.text, found.reasoning, found.finish_reason) == (text, reasoning, reason)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(form: str) -> None:
    """A server that asks for a pause gets it, whether it gives seconds or a date."""
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    text = "0.6" if form == "seconds" else email.utils.format_datetime(later, usegmt=True)
    with ToyServer(share=1.0, faults=("429",), retry_after=text) as server:
        started = time.monotonic()
        with pytest.raises(RunError, match="slow down"):
            models.open(server.spec, remote=msgspec.structs.replace(QUICK, attempts=2)).generate(questions(1), SAMPLING)
        assert time.monotonic() - started >= 0.6
    assert len(server.failed) == 2


def test_a_long_retry_after_ends_the_run_at_once() -> None:
    """An hour is not sat out: the line says how long, and that the command goes on later."""
    with ToyServer(share=1.0, faults=("429",), retry_after="3600") as server:
        with pytest.raises(RunError, match=r"3600 s .* goes on"):
            models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
    assert len(server.failed) == 1


def test_used_up_attempts_say_so_and_keep_what_came() -> None:
    """One line with the host and the way on; every answer that did arrive was handed out first."""
    heard: list[Completion] = []
    settings = msgspec.structs.replace(QUICK, attempts=1)
    with ToyServer(share=0.1, faults=("500",)) as server:
        with pytest.raises(RunError, match=r"127\.0\.0\.1:\d+ gave no usable answer .*out of memory.* goes on") as caught:
            models.open(server.spec, remote=settings).generate(questions(80), SAMPLING, on_completion=heard.append)
        sent = len(server.asked("/v1/chat/completions"))
    assert "\n" not in str(caught.value)
    assert len(heard) == sent - len(server.failed)
    assert 0 < sent < 80


def test_nobody_there_is_told_soon() -> None:
    """A closed port takes three attempts, not the whole backoff."""
    with ToyServer() as server:
        spec = server.spec
    started = time.monotonic()
    with pytest.raises(RunError, match=r"cannot be reached .*refused.*start the server"):
        models.open(spec, remote=models.Remote(backoff=0.05)).generate(questions(1), SAMPLING)
    assert time.monotonic() - started < 3


def test_a_silent_server_times_out() -> None:
    """Silence longer than the read timeout counts as a failure, and is tried again."""
    settings = msgspec.structs.replace(QUICK, read_timeout=0.1, attempts=2)
    with ToyServer(delay=0.4) as server:
        with pytest.raises(RunError, match="timed out"):
            models.open(server.spec, remote=settings).generate(questions(1), SAMPLING)
        assert len(server.asked("/v1/chat/completions")) == 2


def test_a_web_page_is_named() -> None:
    """A web site in place of an API is one line, asked once."""
    with ToyServer(page=True) as server:
        with pytest.raises(InputError, match=r"web page.*usually ends in /v1"):
            models.open(server.spec, remote=QUICK).generate(questions(3), SAMPLING)
        assert len(server.asked("/v1/chat/completions")) <= 3


def test_an_unknown_model_lists_the_names() -> None:
    """A mistyped name shows what is offered, also on a server that would answer to any name."""
    for owner in ("toys", "llamacpp"):
        with ToyServer(names=["base", "tuned"], owner=owner) as server:
            with pytest.raises(InputError, match="no model called 'toy' here → offered: base, tuned"):
                models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)


def test_a_redirect_is_not_followed() -> None:
    """No request, and no key, goes to a host that was not named."""
    with ToyServer() as other, ToyServer(redirect=f"{other.url}/chat/completions?secret=1") as server:
        with pytest.raises(InputError, match="sends requests on to") as caught:
            models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
        assert other.seen == []
        assert "secret" not in str(caught.value)


def test_a_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets nothing that is meant for loopback."""
    with ToyServer() as proxy, ToyServer() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
        assert proxy.seen == []


def test_the_key_is_sent_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A right key works; a wrong one is one line that names the variable; neither is in any message, record or log."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with ToyServer(key=KEY, share=0.3) as server:
        with pytest.raises(InputError, match=r"asks for a key \(HTTP 401\) → put a valid one into OPENAI_API_KEY") as missing:
            models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
        monkeypatch.setenv("OPENAI_API_KEY", KEY + "\n")
        model = models.open(server.spec, remote=QUICK)
        answers = model.generate(questions(20), SAMPLING)
        assert server.seen[-1][1]["Authorization"] == f"Bearer {KEY}"
        shown += [str(missing.value), str(model.about()), str(answers), repr(model), settings_module.dump(QUICK)]
        server.key = "another"
        with pytest.raises(InputError, match="refused the key") as refused:
            models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
    with ToyServer(share=1.0, faults=("500",)) as server:
        with pytest.raises(RunError, match=r"out of memory for Bearer \[key\]") as broken:
            models.open(server.spec, remote=msgspec.structs.replace(QUICK, attempts=2)).generate(questions(1), SAMPLING)
    shown += [str(refused.value), str(broken.value), *(record.getMessage() + str(vars(record)) for record in caplog.records)]
    assert not [text for text in shown if KEY in text]


def test_a_key_no_header_can_carry_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inner line break would otherwise surface in the HTTP library's own message, key and all."""
    monkeypatch.setenv("MY_KEY", KEY + "\nsecond line")
    with pytest.raises(InputError, match="the key in MY_KEY") as caught:
        models.open("http://localhost:9/v1#toy", remote=models.Remote(key_variable="MY_KEY"))
    assert KEY not in str(caught.value)


def test_a_key_pasted_as_a_setting_is_refused() -> None:
    """The name of a variable is a setting, a key is not; counts of zero are none either."""
    kind = settings_module.with_policy("probe", probe.Settings, remote=models.Remote)
    for text in (f"remote.key_variable={KEY}", "remote.concurrency=0", "remote.attempts=0"):
        with pytest.raises(SettingsError) as caught:
            settings_module.load(kind, None, [text])
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        "http://",
        "http://host",
        "http://host/v1",
        "http://host/v1#",
        "http://ho st/v1#m",
        "http://host:port/v1#m",
        "http://[::1/v1#m",
        "https://user:hunter2@host/v1#m",
        "https://host/v1?key=hunter2#m",
    ],
)
def test_a_wrong_address_is_one_line(spec: str) -> None:
    """Says the form; a secret in the address is refused and not repeated."""
    with pytest.raises(InputError, match="→") as caught:
        models.open(spec)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_fingerprint_names_address_and_model() -> None:
    """Known without a request; case and slashes do not matter, host, port and name do."""
    same = {models.identity(s) for s in ("http://Host:80/v1#m", "http://host:80/v1/#m")}
    others = {models.identity(s) for s in ("http://host:81/v1#m", "http://host:80/v1#n", "https://host:80/v1#m")}
    assert len(same) == 1
    assert len(same | others) == 4
    model = models.open("http://host:80/v1#m")
    assert {model.fingerprint} == same
    assert model.template == ""
    assert "unseen" in model.about()["weights"]
    assert endpoint.parse("http://[::1]:8000/v1#m").loopback
    assert not endpoint.parse("http://10.0.0.1/v1#m").loopback


def test_cost_follows_the_prices() -> None:
    """10 tokens in and 3 out for each answer, at prices for a million; without prices no cost is claimed."""
    with ToyServer() as server:
        model = models.open(server.spec, remote=msgspec.structs.replace(QUICK, price_in=2.0, price_out=10.0))
        model.generate(questions(5), SAMPLING)
        assert model.about()["cost"] == pytest.approx(5 * (10 * 2 + 3 * 10) / 1e6)
        assert "cost" not in models.open(server.spec, remote=QUICK).about()


PROMPTS = [ask("is the roof grey"), ask("what do cats do", system="be brief")]
ANSWERS = [("the old roof", "rain"), ("cats sleep", "we wait under it")]


@pytest.mark.parametrize("style", ["chat", "echo"])
def test_right_log_probabilities_are_used(style: str) -> None:
    """A server that passes the check gives the toy model's own sums, over the answer's tokens only."""
    with ToyServer(scoring="right", style=style) as server:
        model = models.open(server.spec, remote=QUICK)
        found = model.log_likelihood(PROMPTS, ANSWERS)
        assert model.about()["log_likelihood"] == {"chat": "prompt_logprobs", "echo": "echo"}[style]
    for prompt, options, likelihoods in zip(PROMPTS, ANSWERS, found, strict=True):
        before = rendered([{"role": m.role, "content": m.content} for m in prompt])
        for answer, likelihood in zip(options, likelihoods, strict=True):
            expected = scored(before, answer)
            assert likelihood.total == pytest.approx(sum(value for _, value in expected))
            assert likelihood.tokens == len(expected)


@pytest.mark.parametrize("style", ["chat", "echo"])
@pytest.mark.parametrize("scoring", ["wrong", "shifted", None])
def test_wrong_log_probabilities_are_refused(style: str, scoring: str | None) -> None:
    """Off by ten nats, off by one position, or none of the prompt: Unmeasurable, one line with the reason, every time."""
    with ToyServer(scoring=scoring, style=style) as server:
        model = models.open(server.spec, remote=QUICK)
        for _ in range(2):
            with pytest.raises(Unmeasurable, match="where the model itself gave" if scoring else "no usable") as caught:
                model.log_likelihood(PROMPTS, ANSWERS)
        assert "\n" not in str(caught.value)


def test_an_api_without_log_probabilities_is_unmeasurable() -> None:
    """A hosted API that returns none says so in one line."""
    with ToyServer(logprobs=False, scoring="right") as server:
        with pytest.raises(Unmeasurable, match="gives no log-probabilities"):
            models.open(server.spec, remote=QUICK).log_likelihood(PROMPTS, ANSWERS)


def test_a_probe_over_http_says_not_run_and_keeps_the_answers(tmp_path: Path) -> None:
    """Margins that cannot be measured are NOT RUN with the reason, in reasons and skipped; the answers are there to read."""
    from wolfnote.folder import RunFolder

    settings = probe.Settings(triples=3, questions=4, samples=1)
    with ToyServer(names=["toy", "tuned"]) as server, RunFolder.hold(tmp_path / "r", settings) as folder:
        pair = [models.open(f"{server.url}#{name}", remote=QUICK) for name in ("toy", "tuned")]
        result = probe.run(*pair, settings, folder=folder)
        rows = (folder.path / result.tables["pairs"]).read_text().splitlines()
    assert result.verdict is Verdict.NOT_RUN
    assert any("no usable log-probabilities" in reason for reason in result.reasons)
    assert [s.count for s in result.skipped if "no usable" in s.reason] == [9]
    assert len(rows) == 4
    assert all("answer to" in row for row in rows)
    assert "margins" not in result.tables


def test_a_probe_over_http_measures_where_the_server_can() -> None:
    """With checked log-probabilities the same command has its estimates: one model against itself does not move."""
    with ToyServer(scoring="right") as server:
        model = models.open(server.spec, remote=QUICK)
        result = probe.run(model, model, probe.Settings(triples=6, questions=1))
    assert result.verdict is Verdict.PASS
    assert result.estimate("near").value == 0


def test_ctrl_c_does_not_wait_for_slow_answers() -> None:
    """With requests in flight that take ten seconds, an interrupted program is gone long before."""
    code = "import sys\nfrom wolfnote import models, records\nfrom wolfnote.models import Question, Sampling\nm = models.open(sys.argv[1])\nprint('go', flush=True)\nm.generate([Question(str(i), records.chat(str(i))) for i in range(50)], Sampling())"
    with ToyServer(delay=10.0) as server:
        run = subprocess.Popen([sys.executable, "-c", code, server.spec], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while server.going < 8:
            time.sleep(0.02)
        started = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=20)
        assert b"KeyboardInterrupt" in errors
        assert time.monotonic() - started < 5
        assert len(server.asked("/v1/chat/completions")) == 8


def test_a_server_without_a_list_of_models_is_asked_all_the_same() -> None:
    """A list that fails, or is none, stops nothing: the first question tells what it must."""
    for names in (500, 404):
        with ToyServer(listing=names) as server:
            (found,) = models.open(server.spec, remote=QUICK).generate(questions(1), SAMPLING)
            assert found.text.startswith("answer to")


def test_the_command_line_keeps_answers_and_no_key(tmp_path: Path) -> None:
    """``wolfnote probe`` over HTTP: exit 3 with NOT RUN, a page, every file of the run without the key; a wrong key exits 2."""

    def run(key: str, out: str) -> subprocess.CompletedProcess[str]:
        pair = ["--base", server.spec, "--tuned", f"{server.url}#tuned", "--out", out]
        command = [sys.executable, "-m", "wolfnote", "probe", *pair, "--set", "probe.questions=2", "--set", "probe.triples=2"]
        environment = os.environ | {"OPENAI_API_KEY": key}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)

    with ToyServer(key=KEY, names=["toy", "tuned"]) as server:
        done, wrong = run(KEY, "run"), run(KEY + "x", "wrong")
    assert done.returncode == 3, done.stderr
    assert "NOT RUN" in done.stderr
    assert (tmp_path / "run" / "report.html").is_file()
    assert "answer to" in (tmp_path / "run" / "tables" / "pairs-base-tuned.jsonl").read_text()
    assert wrong.returncode == 2
    assert wrong.stderr.splitlines()[-1].startswith("wolfnote: http://127.0.0.1")
    written = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert not [text for text in (*written, done.stderr, done.stdout, wrong.stderr) if KEY in text]


def test_library_code_prints_nothing() -> None:
    """Retries are not told on stderr."""
    code = "import sys\nfrom wolfnote import models, records\nfrom wolfnote.models import Question, Sampling, Remote\nm = models.open(sys.argv[1], remote=Remote(backoff=0.01, attempts=12))\nm.generate([Question(str(i), records.chat(str(i))) for i in range(20)], Sampling())"
    with ToyServer(share=0.5, faults=("500",)) as server:
        done = subprocess.run([sys.executable, "-c", code, server.spec], capture_output=True, text=True)
        assert server.failed
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_httpx_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named; and the package itself stays importable and light."""
    for name in (
        "wolfnote.models.remote",
        "wolfnote.models.remote.connection",
        "wolfnote.models.remote.reply",
        "wolfnote.models.remote.scoring",
    ):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'wolfnote\[remote\]'"):
        models.open("http://localhost:9/v1#toy")


def test_what_needs_weights_says_so() -> None:
    """Tuning, steering and reading activations refuse a server and a script in one line."""
    for spec in ("http://localhost:9/v1#toy", "scripted:answers.jsonl"):
        with pytest.raises(InputError, match="weights are here"):
            models.open_local(spec)
        with pytest.raises(InputError, match="weights are here"):
            models.path_of(spec)


def test_threads_end_with_the_work() -> None:
    """No worker is left behind."""
    with ToyServer() as server:
        models.open(server.spec, remote=QUICK).generate(questions(30), SAMPLING)
        time.sleep(0.05)
        assert not [t for t in threading.enumerate() if t.name.endswith("(_serve)")]
    assert os.environ.get("OPENAI_API_KEY") is None
