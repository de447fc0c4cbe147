"""The official ``openai`` client and LangChain, unchanged, through the gateway: streaming, tools and JSON mode, on either arm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from upstreams import WORDS, Standing, standing

openai = pytest.importorskip("openai", reason="the official client is not installed")
TEXT = "".join(WORDS)
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
ASKED: Any = [{"role": "user", "content": "hi there"}]


def live(folder: Path, work: Callable[[Standing, Any], Awaitable[None]], *overrides: str, share: float) -> None:
    async def main() -> None:
        async with standing(folder, *overrides, share=share) as gateway:
            async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as client:
                await work(gateway, client)

    asyncio.run(main())


@pytest.mark.parametrize(("share", "arm"), [(0.0, "stable"), (1.0, "canary")])
def test_the_openai_client_notices_nothing(tmp_path: Path, share: float, arm: str) -> None:
    """Chat, completions and responses, streamed and not, tools, JSON mode and the list of models, as from the server itself."""

    async def work(gateway: Standing, client: Any) -> None:
        plain = await client.chat.completions.create(model="any", messages=ASKED, response_format={"type": "json_object"})
        assert plain.choices[0].message.content == TEXT
        assert plain.model == arm
        assert plain.usage.total_tokens == 8
        pieces = [piece async for piece in await client.chat.completions.create(model="any", messages=ASKED, stream=True)]
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == TEXT
        stream = await client.chat.completions.create(model="any", messages=ASKED, tools=[TOOL], stream=True)
        calls = [call async for piece in stream for call in piece.choices[0].delta.tool_calls or []]
        assert "".join(call.function.arguments or "" for call in calls) == '{"place": "Linz"}'
        assert (await client.completions.create(model="any", prompt="hi")).choices[0].text == TEXT
        made = await client.responses.create(model="any", input="hi")
        assert made.output_text == TEXT
        said = [event.delta async for event in await client.responses.create(model="any", input="hi", stream=True)
                if event.type == "response.output_text.delta"]  # fmt: skip
        assert "".join(said) == TEXT
        assert [model.id async for model in client.models.list()] == ["stable"]

    live(tmp_path, work, share=share)


def test_the_openai_client_reads_our_errors(tmp_path: Path) -> None:
    """A broken stream, a missing key and a missing model are the exceptions that the client has for them."""
    from wolfnote.canary import keys

    key, hashed = keys.new()

    async def work(gateway: Standing, client: Any) -> None:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="any", messages=ASKED)
        known = client.with_options(api_key=key)
        with pytest.raises(openai.NotFoundError, match="assistant"):
            await known.chat.completions.create(model="any", messages=ASKED)
        assert [model.id async for model in known.models.list()] == ["assistant"]
        wish = {"canary-wish": "break"}
        with pytest.raises(openai.APIError, match="broke off"):
            async for _ in await known.chat.completions.create(model="assistant", messages=ASKED, stream=True, extra_body=wish):
                pass
        with pytest.raises(openai.APIError, match="broke off"):
            async for _ in await known.responses.create(model="assistant", input="hi", stream=True, extra_body=wish):
                pass

    live(tmp_path, work, f'keys=[{{name="a",hash="{hashed}"}}]', 'listen.model="assistant"', share=1.0)


@pytest.mark.parametrize(("share", "arm"), [(0.0, "stable"), (1.0, "canary")])
def test_langchain_notices_nothing(tmp_path: Path, share: float, arm: str) -> None:
    """invoke, astream, bound tools and JSON mode."""
    langchain = pytest.importorskip("langchain_openai", reason="LangChain is not installed")

    async def work(gateway: Standing, connections: httpx.AsyncClient) -> None:
        chat = langchain.ChatOpenAI(
            model="any", base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, http_async_client=connections
        )
        said = await chat.ainvoke("hi there")
        assert said.content == TEXT
        assert said.response_metadata["model_name"] == arm
        assert "".join([piece.content async for piece in chat.astream("hi there")]) == TEXT
        whole = None
        async for piece in chat.bind_tools([TOOL]).astream("hi there"):
            whole = piece if whole is None else whole + piece
        assert whole.tool_calls[0]["args"] == {"place": "Linz"}
        json_mode = chat.bind(response_format={"type": "json_object"})
        assert (await json_mode.ainvoke("hi there, as JSON")).content == TEXT
        served = gateway.canary if share else gateway.stable
        assert served.seen[-1][2]["response_format"] == {"type": "json_object"}

    async def closed(gateway: Standing, client: Any) -> None:
        async with httpx.AsyncClient() as connections:  # LangChain leaves its own open
            await work(gateway, connections)

    live(tmp_path, closed, "shadow.share=0", "course.shadow=0", share=share)
