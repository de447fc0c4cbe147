"""Event streams as bytes: nothing is lost, added or cut within an event, however the network splits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wolfnote.canary import sse
from wolfnote.canary.sse import Event, Framer, Garbled

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=("Cs",)), max_size=12)
LINES = st.lists(
    st.one_of(TEXT.map("data: {}".format), TEXT.map("data:{}".format), TEXT.map(": {}".format), TEXT.map("id: {}".format)),
    max_size=4,
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream of events with one kind of line end each, and the stream cut at random places."""
    raw = b""
    for lines in draw(st.lists(LINES, max_size=5)):
        end = draw(ENDS)
        raw += "".join(line + end for line in [*lines, ""]).encode()
    raw += draw(st.sampled_from([b"", b"data: half", b"data: \xe2\x82"]))
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    return raw, [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


@given(streams())
def test_pieces_and_rest_joined_are_what_came(stream: tuple[bytes, list[bytes]]) -> None:
    """Byte-exact: CRLF, CR, comments, half characters and half events included."""
    raw, pieces = stream
    framer = Framer()
    assert b"".join(framer.feed(piece) for piece in pieces) + framer.rest == raw


@given(streams())
def test_a_split_changes_no_event(stream: tuple[bytes, list[bytes]]) -> None:
    """The events of a stream in pieces are those of the stream in one piece, and no piece ends within one."""
    raw, pieces = stream
    framer = Framer()
    wholes = [framer.feed(piece) for piece in pieces]
    assert [e for whole in wholes for e in sse.events(whole)] == list(sse.events(Framer().feed(raw)))


def test_what_an_event_says() -> None:
    """Names, several data lines, a missing space, comments and a byte order mark, as the standard reads them."""
    raw = b"\xef\xbb\xbf: hello\n\nevent: made\ndata: a\ndata:b\n\ndata\n\nid: 3\n\n"
    assert list(sse.events(raw)) == [Event("made", b"a\nb"), Event("", b"")]


def test_an_event_without_end_is_refused_and_costs_linear_time() -> None:
    """A stream that never ends an event cannot fill the memory; a byte at a time is not read again and again."""
    framer = Framer(largest=200_000)
    for _ in range(200_000):
        framer.feed(b"x")
    with pytest.raises(Garbled):
        framer.feed(b"x")


@pytest.mark.parametrize("named", [True, False])
def test_our_error_is_an_event(named: bool) -> None:
    """A client's parser finds one event, which says error, whatever the message holds."""
    (event,) = sse.events(sse.failure("it broke\n\ndata: {}", "x", named=named))
    assert b'"code":"x"' in event.data
    assert (event.name == "error") is named
