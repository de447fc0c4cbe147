"""What replies say, in all three ways of asking, and what hostile ones do: nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upstreams import Scripted

from wolfnote.canary import dialect, sse
from wolfnote.canary.dialect import PATHS
from wolfnote.canary.sse import Event

SERVER = Scripted("stable")
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=3) | st.dictionaries(
    st.sampled_from(["choices", "delta", "content", "message", "output", "type", "tool_calls", "function", "index", "error", "response"]), c, max_size=4))  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_streamed_and_plain_replies_say_the_same(path: str) -> None:
    """The text of a stream's events is the text of the reply in one piece, and both are whole."""
    body: dict[str, Any] = {"messages": []}
    stream = "".join(SERVER.events(path, body)).encode()
    one = dialect.read(PATHS[path], stream, streamed=True)
    other = dialect.read(PATHS[path], json.dumps(SERVER.reply(path, body)).encode(), streamed=False)
    assert one == other
    assert one.whole
    assert one.text.startswith("Well, rain falls")
    assert dialect.usable(PATHS[path], json.dumps(SERVER.reply(path, body)).encode())


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_has_begun_with_its_first_content_and_is_over_with_its_last_event(path: str) -> None:
    """A role, a comment or response.created is no content yet; only the last event says that nothing follows."""
    blocks = [text.encode() for text in SERVER.events(path, {})]
    kinds = [dialect.kind(PATHS[path], event) for block in blocks for event in sse.events(block)]
    assert kinds[0] == ("preamble" if "chat" in path or "responses" in path else "content")
    assert "content" in kinds
    assert kinds[-1] == "end"
    assert [dialect.finished(PATHS[path], block) for block in blocks] == [False] * (len(blocks) - 1) + [True]


def test_tool_calls_are_put_together() -> None:
    """A call that arrives in pieces is read whole, and known as a call from its first piece on."""
    stream = "".join(SERVER.events("/v1/chat/completions", {"tools": [1]})).encode()
    said = dialect.read("chat", stream, streamed=True)
    assert json.loads(said.calls) == [{"name": "look", "arguments": '{"place": "Linz"}'}]
    assert sum(dialect.calls(event) for event in sse.events(stream)) == 4
    assert not any(dialect.calls(event) for event in sse.events("".join(SERVER.events("/v1/chat/completions", {})).encode()))


def test_a_text_that_says_done_is_not_the_end() -> None:
    """An answer may contain the end mark as words."""
    block = b'data: {"choices": [{"delta": {"content": "data: [DONE]"}}]}\n\n'
    assert not dialect.finished("chat", block)


@given(JSON)
def test_nothing_that_is_json_breaks_a_reader(value: Any) -> None:
    """Whatever an upstream sends, reading it raises nothing."""
    data = json.dumps(value).encode()
    for endpoint in PATHS.values():
        dialect.read(endpoint, data, streamed=False)
        dialect.read(endpoint, b"data: " + data + b"\n\n", streamed=True)
        dialect.kind(endpoint, Event("", data))
        dialect.calls(Event("", data))
        dialect.usable(endpoint, data)
        dialect.response_id(data, streamed=False)


@given(st.binary(max_size=60))
def test_nothing_that_is_not_json_breaks_a_reader(data: bytes) -> None:
    """Neither do bytes without any shape."""
    assert dialect.read("chat", data, streamed=False) == dialect.UNREAD or data.strip().startswith(b"{")
    dialect.read("responses", data, streamed=True)
