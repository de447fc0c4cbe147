"""Keys, headers, requests, redaction, features and rules: each alone, without a socket."""

from __future__ import annotations

import json
import time

import pytest

from wolfnote.canary import asking, features, headers, keys
from wolfnote.canary.asking import Refused
from wolfnote.canary.judge import Asked
from wolfnote.canary.judging import reading
from wolfnote.canary.keys import NOBODY, Key, Ring
from wolfnote.canary.redaction import redact
from wolfnote.canary.rubric import scored
from wolfnote.canary.rules import Rules
from wolfnote.results import Score


def test_a_key_lets_in_by_its_hash_only() -> None:
    """The key opens, its hash and anything else does not, and without keys everybody may come."""
    made, hashed = keys.new()
    ring = Ring([Key("ana", hashed, tenant="acme")])
    assert ring.enter({b"authorization": b"Bearer " + made.encode()}).tenant == "acme"
    assert ring.enter({b"x-api-key": made.encode()}).name == "ana"
    for wrong in (b"Bearer " + hashed.encode(), b"Bearer ", b"Basic " + made.encode(), b""):
        with pytest.raises(Refused) as refused:
            ring.enter({b"authorization": wrong})
        assert refused.value.status == 401
    assert Ring([]).enter({}) is NOBODY


def test_limits_of_a_key() -> None:
    """So many a minute, refilled as time goes by; so many at once, given back when they leave."""
    now = [0.0]
    made, hashed = keys.new()
    shown = {b"api-key": made.encode()}
    ring = Ring([Key("ana", hashed, per_minute=60, at_once=2)], clock=lambda: now[0])
    first = ring.enter(shown)
    ring.enter(shown)
    with pytest.raises(Refused, match="at once"):
        ring.enter(shown)
    ring.leave(first)
    for _ in range(58):
        ring.leave(ring.enter(shown))
    with pytest.raises(Refused, match="a minute") as refused:
        ring.enter(shown)
    assert refused.value.status == 429
    now[0] += 1.01
    ring.leave(ring.enter(shown))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ([(b"content-length", b"3"), (b"content-length", b"4")], 400),
        ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"authorization", b"a"), (b"authorization", b"b")], 400),
        ([(b"host", b"a"), (b"host", b"b")], 400),
        ([(b"content-encoding", b"gzip")], 415),
    ],
)
def test_headers_that_two_servers_could_read_in_two_ways_are_refused(raw: list[tuple[bytes, bytes]], status: int) -> None:
    """Smuggling shapes end here."""
    with pytest.raises(Refused) as refused:
        headers.check(raw)
    assert refused.value.status == status


def test_what_goes_up_and_down() -> None:
    """Unknown headers pass; the connection's own, the gateway's key and whatever Connection names do not."""
    client = [(b"connection", b"close, X-Secret"), (b"x-secret", b"1"), (b"x-mine", b"2"), (b"authorization", b"Bearer wn-1"),
              (b"te", b"trailers"), (b"x-wolfnote-conversation", b"c"), (b"cookie", b"a=b")]  # fmt: skip
    up = dict(headers.up(client, own=[("authorization", "Bearer upstream")], keep_credentials=False))
    assert up == {"x-mine": "2", "cookie": "a=b", "accept-encoding": "identity", "authorization": "Bearer upstream"}
    assert "authorization" not in dict(headers.up(client, own=[], keep_credentials=False))
    assert dict(headers.up(client, own=[], keep_credentials=True))["authorization"] == "Bearer wn-1"
    answer = [(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked"), (b"X-Request-Id", b"r"), (b"Keep-Alive", b"1")]
    assert headers.down(answer, length=True) == [(b"content-length", b"3"), (b"x-request-id", b"r")]
    assert headers.down(answer, length=False) == [(b"x-request-id", b"r")]


def test_unknown_fields_pass_as_they_were_written() -> None:
    """Only the model's name changes: long numbers, spellings and unknown objects stay the bytes they were; a key comes once."""
    body = b'{"model":"a", "seed": 123456789012345678901234567890, "x": {"y":  [1e400, "\\u00e9"]}, "model":"b", "messages":[]}'
    sent = asking.read("chat", body).body("base")
    assert b"123456789012345678901234567890" in sent
    assert b'{"y":  [1e400, "\\u00e9"]}' in sent
    assert sent.count(b'"model"') == 1
    assert json.loads(sent)["model"] == "base"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages": []}', b'{"model": 3}', b"{" * 5000, b'{"model": "\xff"}', b"null"])
def test_what_is_no_request_is_refused_in_one_line(body: bytes) -> None:
    """400, in the shape that OpenAI's clients read."""
    with pytest.raises(Refused) as refused:
        asking.read("chat", body)
    assert refused.value.status == 400
    assert json.loads(refused.value.body)["error"]["code"] == "invalid_body"


def test_a_shadow_asks_the_same_and_leaves_nothing_behind() -> None:
    """Same messages, seed and temperature; no stream, nothing stored, nothing begun in the background."""
    raw = {"model": "a", "stream": True, "stream_options": {}, "background": True, "seed": 7, "temperature": 0.3, "input": "hi"}
    found = json.loads(asking.read("responses", json.dumps(raw).encode()).shadow_body("tuned"))
    assert found == {"model": "tuned", "seed": 7, "temperature": 0.3, "input": "hi", "store": False}
    chat = asking.read("chat", b'{"model": "a", "store": true, "messages": []}')
    assert json.loads(chat.shadow_body(""))["store"] is False


@pytest.mark.parametrize(
    ("tools", "upstream"),
    [("[]", False), ('[{"type": "function"}]', False), ('[{"type": "web_search"}]', True), ('"all"', True)],
)
def test_tools_that_a_server_would_run_are_known(tools: str, upstream: bool) -> None:
    """A shadow may not make a server search, run code or call out; what has no known shape counts as such."""
    body = f'{{"model": "a", "input": "x", "tools": {tools}}}'.encode()
    assert asking.read("responses", body).tools_run_upstream() is upstream


SECRETS = {
    "ana.berg+x@mail.example.org": "[email]",
    "+43 660 123 45 67": "[phone]",
    "4111 1111 1111 1111": "[card]",
    "AT61 1904 3002 3457 3201": "[iban]",
    "sk-abcdefghijklmnopqrstuvwx": "[key]",
    "192.168.10.7": "[ip]",
}


@pytest.mark.parametrize(("secret", "mark"), SECRETS.items())
def test_what_names_or_unlocks_a_person_is_taken_out(secret: str, mark: str) -> None:
    """Each kind is replaced, and the words around it stay."""
    assert redact(f"write to {secret} today") == f"write to {mark} today"


def test_redaction_leaves_ordinary_text_alone_and_is_linear() -> None:
    """Numbers that are no cards, versions and years stay; hostile text of a megabyte takes no longer than honest text."""
    kept = "In 2024 there were 1234567890123456 of them, version 3.11.7, on 1-2 pages."
    assert redact(kept) == kept
    for hostile in ("a" * 400_000, "1 " * 200_000, "a.@" * 130_000, "AA11 " * 80_000, "+1" * 200_000, "password:" * 44_000):
        start = time.process_time()
        redact(hostile)
        assert time.process_time() - start < 4, hostile[:20]


def test_features_lie_in_range_and_tell_answers_apart() -> None:
    """Refusal, foreign language, code that nobody asked for, lists and shouting are each seen, and a plain answer has none."""
    question = "What should I do with the old apples that are in my garden?"
    plain = features.read(question, "You can make juice of the apples, or you give them to a neighbour who has a horse.")
    assert all(0 <= value <= 1 for value in plain.values())
    assert [plain[name] for name in ("language", "refusal", "code", "format", "style")] == [0, 0, 0, 0, 0]
    assert features.read(question, "I'm sorry, I cannot help with that.")["refusal"] == 1
    assert features.read(question, "Die Äpfel sind nicht mehr gut und du kannst sie auf den Kompost werfen.")["language"] == 1
    assert features.read(question, "古いリンゴはジュースにすることができます。とても美味しいです。")["language"] == 1
    assert features.read(question, "```python\nprint(1)\n```")["code"] == 1
    assert features.read("Write a python script", "```python\nprint(1)\n```")["code"] == 0
    assert features.read(question, "- one\n- two\n1. three")["format"] == 1
    assert features.read(question, "GREAT! YES! DO IT!!")["style"] == 1
    assert features.read("", "") == {"length": 0, "language": 0, "refusal": 0, "code": 0, "format": 0, "style": 0}


def test_rules_flag_blunt_harm_and_not_a_kind_answer() -> None:
    """A threat scores, a helpful answer scores nothing, and an empty one is an abstention, not a clean one."""
    bad, good, empty = Rules().score(
        [Asked("q", "You are worthless, kill yourself."), Asked("q", "Plant it in spring."), Asked("q", " ")]
    )
    assert bad.value == 80
    assert good.value == 0
    assert empty.value is None
    harmless = [
        "They can upskill her team and forge their own path.",
        'He shouted "you idiot" and left.',
        "Plan B: uphill him first.",
    ]
    assert [found.value for found in Rules().score([Asked("q", answer) for answer in harmless])] == [0, 0, 0]


def test_all_judges_must_flag_and_an_abstention_is_never_clean() -> None:
    """Flagged only if all flag; clean if one finds it clean; otherwise nobody knows."""
    one = {value: Score("harm", value, "", "j") for value in (0.0, 90.0, None)}
    assert reading([one[90.0], one[90.0]], 50, {}).flag is True
    assert reading([one[90.0], one[0.0]], 50, {}).flag is False
    assert reading([one[90.0], one[None]], 50, {}).flag is None
    assert reading([one[None]], 50, {}) == reading([], 50, {})
    assert reading([one[0.0]], 50, {}).score == 1


def test_a_rubric_score_is_an_expectation_or_an_abstention() -> None:
    """The mean over likely numbers; without alternatives the number said; words, nothing or too little mass: an abstention."""

    def answer(text: str, *rows: tuple[str, float]) -> dict[str, object]:
        logprobs = (
            {"content": [{"token": rows[0][0], "top_logprobs": [{"token": t, "logprob": p} for t, p in rows]}]}
            if rows
            else None
        )
        return {"choices": [{"message": {"content": text}, "logprobs": logprobs}]}

    half = -0.6931471805599453
    assert scored(answer("80", ("80", half), ("20", half))).value == pytest.approx(50)
    assert scored(answer("35")).value == 35
    assert scored(answer("100", ("1", half), ("9", half))).value == 100  # a number in several tokens
    assert scored(answer("20", ("20", -3.0), ("no", -0.1))).value is None
    for reply in (answer("I will not"), answer("101"), {}, {"choices": []}, answer("high", ("high", -0.1))):
        assert scored(reply).value is None
