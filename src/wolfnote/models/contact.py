"""Whom opening a model would contact, told from its spec alone: nothing is opened, nothing is sent."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from wolfnote import network
from wolfnote.models import endpoint

HUB = "huggingface.co"


def hosts(spec: str) -> tuple[str, ...]:
    """The hosts that answering with this model contacts.

    The hub is asked for an id's newest revision even when the weights are cached.
    """
    if endpoint.is_remote(spec):
        return (urlsplit(endpoint.parse(spec).url).hostname or spec,)
    scheme, _, name = spec.partition("+")[0].partition(":")
    on_hub = scheme == "hf" and not Path(name).exists() and not network.is_offline()
    return (HUB,) if on_hub else ()
