"""Which headers go up to the models and which come down to clients. All pass but those that belong to one connection.

Whatever could make two servers read one message in two ways (two lengths, two authorizations, a length beside chunks) is
refused, not repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wolfnote.canary.asking import Refused

Raw = Sequence[tuple[bytes, bytes]]

HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
     b"transfer-encoding", b"upgrade")
)  # fmt: skip
"""RFC 9110, section 7.6.1."""
OURS = frozenset((b"host", b"content-length", b"expect", b"accept-encoding", b"forwarded"))
"""Made anew for the connection to the upstream; answers are asked for uncompressed, so that judges can read them."""
CREDENTIALS = frozenset((b"authorization", b"api-key", b"x-api-key"))
SINGLE = CREDENTIALS | {b"content-length", b"content-type", b"host", b"transfer-encoding", b"content-encoding"}
PREFIX = b"x-wolfnote-"


def check(headers: Raw) -> dict[bytes, bytes]:
    """The headers by name. Raises ``Refused`` (400) for those that may not stand twice, and for a length beside chunks;
    (415) for a compressed body."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found and name in SINGLE:
            raise Refused(400, f"two {name.decode('latin-1')} headers", "ambiguous_headers")
        found[name] = value
    if b"transfer-encoding" in found and b"content-length" in found:
        raise Refused(400, "a length and chunks", "ambiguous_headers")
    if found.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Refused(415, "send the body uncompressed", "content_encoding")
    return found


def up(headers: Raw, *, own: Sequence[tuple[str, str]], keep_credentials: bool) -> list[tuple[str, str]]:
    """What an upstream gets: the client's headers, then ``own`` (its key), which win. The client's key to the gateway stays
    here unless the gateway asks for none."""
    taken = {name.lower().encode() for name, _ in own}
    drop = HOP | OURS | _named(headers) | taken | (frozenset() if keep_credentials else CREDENTIALS)
    kept = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in headers if n not in drop and not n.startswith(PREFIX)]
    return [*kept, ("accept-encoding", "identity"), *own]


def down(headers: Iterable[tuple[bytes, bytes]], *, length: bool) -> list[tuple[bytes, bytes]]:
    """What a client gets; ``length``: the body is the upstream's, byte for byte, so that its length holds."""
    lowered = [(name.lower(), value) for name, value in headers]
    drop = HOP | _named(lowered) | (frozenset() if length else {b"content-length"})
    return [(name, value) for name, value in lowered if name not in drop and not name.startswith(PREFIX)]


def _named(headers: Raw) -> frozenset[bytes]:
    """The headers that ``Connection`` names as its own."""
    values = [value for name, value in headers if name == b"connection"]
    return frozenset(part.strip().lower() for value in values for part in value.split(b",") if part.strip())
