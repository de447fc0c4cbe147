"""The gateway before two real servers, over real sockets: who answers, what arrives, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from upstreams import Standing, standing

CHAT = "/v1/chat/completions"
PATHS = (CHAT, "/v1/completions", "/v1/responses")


@pytest.fixture(autouse=True)
def judges_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges' processes find what lies beside the tests."""
    source = Path(__file__).parents[2] / "src"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(source), str(Path(__file__).parent)]))


def asked(text: str = "hi there", **more: Any) -> dict[str, Any]:
    return {"model": "any", "messages": [{"role": "user", "content": text}], "prompt": text, "input": text, **more}


def live(
    folder: Path, work: Callable[[Standing, aiohttp.ClientSession], Awaitable[None]], *overrides: str, **more: Any
) -> None:
    """Run ``work`` with a gateway and a client."""

    async def main() -> None:
        async with standing(folder, *overrides, **more) as gateway, aiohttp.ClientSession() as client:
            await work(gateway, client)
        await asyncio.sleep(0)  # transports close

    asyncio.run(main())


async def post(client: aiohttp.ClientSession, gateway: Standing, body: Any, path: str = CHAT, **more: Any) -> tuple[int, bytes]:
    async with client.post(gateway.url + path, json=body, **more) as response:
        return response.status, await response.read()


def arm(data: bytes) -> str:
    """Who said this: each server puts its name into its answers."""
    names = {name for name in ("stable", "canary") if f'"model": "{name}"'.encode() in data}
    assert len(names) == 1, data[:300]
    return names.pop()


@pytest.mark.parametrize("wish", ["", "split"])
def test_streams_and_bodies_arrive_byte_for_byte(tmp_path: Path, wish: str) -> None:
    """What a client reads is what the server sent, for all three ways of asking, also when it sent a byte at a time."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        for path in PATHS:
            for name, server in (("stable", gateway.stable), ("canary", gateway.canary)):
                body = asked(**{f"{name}-wish": wish}, user=f"{name}{path}")
                optout = {"x-wolfnote-stable": "1"} if name == "stable" else {}
                _, streamed = await post(client, gateway, body | {"stream": True}, path, headers=optout)
                assert streamed.decode() == "".join(server.events(path, body))
                _, plain = await post(client, gateway, body, path, headers=optout)
                assert plain == json.dumps(server.reply(path, body)).encode()

    live(tmp_path, work, share=1.0)


def test_unknown_fields_headers_and_queries_pass_and_keys_do_not(tmp_path: Path) -> None:
    """A server gets what it does not know, its own model name, and never the gateway's key or a header of one connection."""
    from wolfnote.canary import keys

    key, hashed = keys.new()

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        headers = {"authorization": f"Bearer {key}", "x-trace": "7", "x-wolfnote-conversation": "c", "te": "trailers"}
        status, _ = await post(client, gateway, asked(top_k=40, odd={"a": [1]}), CHAT + "?api-version=2", headers=headers)
        assert status == 200
        path, seen, body = gateway.stable.seen[-1]
        assert path == CHAT + "?api-version=2"
        assert body["top_k"] == 40
        assert body["odd"] == {"a": [1]}
        assert body["model"] == "stable"
        assert seen["x-trace"] == "7"
        assert not {"authorization", "te", "x-wolfnote-conversation", "transfer-encoding"} & set(seen)
        assert key not in json.dumps(gateway.stable.seen + gateway.canary.seen)

    live(tmp_path, work, f'keys=[{{name="a",hash="{hashed}"}}]')


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("wish", ["hang", "garbage", "status500", "status400", "empty", "error"])
def test_the_base_answers_once_where_the_canary_cannot(tmp_path: Path, wish: str, streamed: bool) -> None:
    """Error, silence, garbage, an empty stream: the client gets the base's answer, whole, and is asked for nothing."""
    if wish in ("empty", "error") and not streamed:
        pytest.skip("a stream's faults")

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        start = time.monotonic()
        status, data = await post(client, gateway, asked(stream=streamed, **{"canary-wish": wish}))
        assert status == 200
        assert arm(data) == "stable"
        assert time.monotonic() - start < 3
        assert len(gateway.canary.seen) == 1
        assert gateway.service.metrics.plain["fallbacks"] == 1
        whole = "".join(gateway.stable.events(CHAT, {})).encode()
        assert not streamed or data == whole
        assert [body["model"] for _, _, body in gateway.stable.seen] == ["stable"]

    live(tmp_path, work, "canary.first=0.5", "canary.idle=0.5", "shadow.share=0", "course.shadow=0", share=1.0)


@pytest.mark.parametrize("name", ["canary", "stable"])
def test_a_stream_that_breaks_ends_with_an_error_that_clients_can_read(tmp_path: Path, name: str) -> None:
    """After the first content nobody else may answer: whole events, then one error event, and it is counted."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        optout = {"x-wolfnote-stable": "1"} if name == "stable" else {}
        _, data = await post(client, gateway, asked(stream=True, **{f"{name}-wish": "break"}), headers=optout)
        assert arm(data) == name
        *before, last = data.decode().strip().split("\n\n")
        assert before == [event.strip() for event in getattr(gateway, name).events(CHAT, {})[:4]]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "stream_interrupted"
        assert gateway.service.metrics.plain["broken"] == 1
        assert gateway.service.metrics.plain["fallbacks"] == 0
        if name == "canary":  # a user has read it: an answer that nobody could judge, and not nothing
            await until(lambda: gateway.service.experiment.snapshot.counts.get("canary.abstained") == 1)

    live(tmp_path, work, share=1.0)


@pytest.mark.parametrize("body", [{"stream": True, "canary-wish": "forever"}, {"canary-wish": "hang"}])
def test_whoever_leaves_stops_the_upstream_within_a_second(tmp_path: Path, body: dict[str, Any]) -> None:
    """A client that hangs up ends the generation, of a stream and of a silent answer alike; nothing is left behind."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        request = asyncio.ensure_future(post(client, gateway, asked(**body)))
        while not gateway.canary.open:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        request.cancel()
        start = time.monotonic()
        while gateway.canary.open:
            await asyncio.sleep(0.01)
            assert time.monotonic() - start < 1
        await asyncio.sleep(0.05)
        assert not gateway.service.gateway.going
        assert gateway.service.metrics.plain["gone"] == 1
        assert gateway.stable.seen == []

    live(tmp_path, work, "canary.first=30.0", "canary.idle=30.0", "shadow.share=0", "course.shadow=0", share=1.0)


def test_the_base_gone_is_a_502_and_comes_back_by_itself(tmp_path: Path) -> None:
    """Nobody else may answer for the base: an error in OpenAI's shape, and no traceback."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        front = gateway.service.proxy._upstreams
        right, front["stable"]._root = front["stable"]._root, "http://127.0.0.1:9/v1"
        status, data = await post(client, gateway, asked())
        assert (status, json.loads(data)["error"]["code"]) == (502, "upstream_error")
        front["stable"]._root = right
        assert (await post(client, gateway, asked()))[0] == 200

    live(tmp_path, work)


def test_a_conversation_stays_with_its_arm_and_flips_only_by_rollback(tmp_path: Path) -> None:
    """At a share of one half each user always meets the same model; after a kill everybody meets the base, at once."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        from wolfnote.canary import controller

        async def met(user: str) -> str:
            return arm((await post(client, gateway, asked(user=user)))[1])

        users = [f"user {n}" for n in range(40)]
        first = [await met(user) for user in users]
        assert 8 < first.count("canary") < 32
        assert [await met(user) for user in users] == first
        assert [await met(user) for user in reversed(users)] == first[::-1]
        await gateway.service.experiment.act(lambda seen: controller.kill(seen.state, "Ada", "", time.time()))
        before = len(gateway.canary.seen)
        assert {await met(user) for user in users} == {"stable"}
        assert len(gateway.canary.seen) == before

    live(tmp_path, work, "shadow.share=0", share=0.5)


def test_a_kill_takes_back_what_the_canary_is_still_thinking_about(tmp_path: Path) -> None:
    """An answer that has not begun when the kill comes is the base's to give: from the decision on, none is the canary's."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        from wolfnote.canary import controller

        request = asyncio.ensure_future(post(client, gateway, asked(stream=True, **{"canary-wish": "slow"})))
        while not gateway.canary.open:
            await asyncio.sleep(0.005)
        await gateway.service.experiment.act(lambda seen: controller.kill(seen.state, "Ada", "", time.time()))
        assert arm((await request)[1]) == "stable"

    live(tmp_path, work, share=1.0)


def test_shadow_pairs_are_judged_and_roll_a_harmful_canary_back(tmp_path: Path) -> None:
    """In the shadow stage users hear the base alone, the canary is asked beside, and its harm ends it; a replay agrees."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        for n in range(40):
            status, data = await post(client, gateway, asked(f"question {n}"))
            assert (status, arm(data)) == (200, "stable")
        await until(lambda: gateway.service.experiment.state.stage == "ROLLED BACK")
        asked_before = len(gateway.canary.seen)
        await post(client, gateway, asked("one more"))
        await asyncio.sleep(0.2)
        assert len(gateway.canary.seen) == asked_before
        pairs = await gateway.service.pairs(flagged=True)
        assert pairs[0]["canary"]["text"].startswith("You are worthless")
        assert pairs[0]["stable"]["flag"] is False
        _, _, body = gateway.canary.seen[0]
        assert "stream" not in body
        assert body["model"] == "canary"

    live(tmp_path, work, harm=0.5)

    from wolfnote.canary import reading, summary
    from wolfnote.canary.replay import compare, replay

    found = asyncio.run(reading.read(str(tmp_path)))
    assert compare(replay(found.entries), found.live) == ""
    rows = [summary.row(entry) for entry in found.entries]
    result = summary.recompute(json.loads(json.dumps(rows)))
    assert result.verdict == "FAIL"
    assert result.findings[0].code == "WN501"


def test_a_good_canary_is_not_rolled_back_and_the_shadow_never_disturbs(tmp_path: Path) -> None:
    """As many questions to a canary like the base: no decision. A canary that hangs in the shadow delays and fails nobody."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        start = time.monotonic()
        for n in range(40):
            wish = {"canary-wish": "hang"} if n % 2 else {}
            assert (await post(client, gateway, asked(f"question {n}", **wish)))[0] == 200
        assert time.monotonic() - start < 3
        await until(lambda: not len(gateway.service.experiment.order))
        await asyncio.sleep(0.3)
        status = gateway.service.status()
        assert status["state"]["stage"] != "ROLLED BACK"
        assert status["counts"]["pairs"] >= 20
        assert status["here"]["shadow failed"] >= 10

    live(tmp_path, work, "shadow.timeout=0.3", 'limits.on_weird="warn"')


async def until(held: Callable[[], bool], patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while not held():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.02)


def test_sentinel_questions_are_asked_of_a_promoted_canary_alone(tmp_path: Path) -> None:
    """Both models are asked by the clock, judged, and counted as a pair; in the shadow stage nobody asks."""
    from upstreams import expose

    from wolfnote.canary.rounds import Rounds

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        service = gateway.service
        rounds = Rounds(service.settings, service.experiment, service._store, service.judges, service._behind, every=0.4)
        asking = asyncio.create_task(rounds.run())
        await asyncio.sleep(0.5)
        assert gateway.canary.seen == []
        await expose(service, 1.0)
        await until(lambda: service.experiment.snapshot.counts.get("pairs", 0) >= 2)
        asking.cancel()
        assert {body["messages"][0]["content"] for _, _, body in gateway.canary.seen} == {"Who are you?", "And why?"}
        assert service.experiment.snapshot.counts.get("canary.units", 0) == 0  # their rate of flags is not the traffic's

    live(tmp_path, work, 'sentinels=["Who are you?", "And why?"]')


def test_what_a_shadow_must_not_ask_is_dropped_and_counted(tmp_path: Path) -> None:
    """Stored state and tools that the server runs are not asked twice; the user's answer is the same as ever."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        for more in ({"previous_response_id": "r1"}, {"tools": [{"type": "web_search"}]}):
            assert (await post(client, gateway, asked(**more), "/v1/responses"))[0] == 200
        await asyncio.sleep(0.1)
        assert gateway.canary.seen == []
        here = gateway.service.status()["here"]
        assert here["shadow dropped: goes on from stored state"] == 1
        assert here["shadow dropped: tools that the server runs"] == 1

    live(tmp_path, work)


@pytest.mark.parametrize("mode", ["window", "whole"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_held_harmful_answer_never_reaches_a_user(tmp_path: Path, mode: str, streamed: bool) -> None:
    """With hold on, the user hears the base instead, and the canary's answer is evidence all the same."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        _, data = await post(client, gateway, asked(stream=streamed))
        assert b"worthless" not in data
        assert arm(data) == "stable"
        await until(lambda: gateway.service.experiment.snapshot.counts.get("canary.flagged") == 1)

    live(tmp_path, work, f'hold.mode="{mode}"', share=1.0, harm=1.0)


def test_a_held_good_answer_arrives_byte_for_byte(tmp_path: Path) -> None:
    """Holding delays, and changes nothing; a tool call is held to its end, whatever went before it."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        for body in (asked(stream=True), asked(stream=True, tools=[{"type": "function", "function": {"name": "look"}}])):
            _, data = await post(client, gateway, body)
            assert data.decode() == "".join(gateway.canary.events(CHAT, body))

    live(tmp_path, work, 'hold.mode="window"', "hold.tokens=2", share=1.0)


def test_a_judge_that_hangs_holds_nothing_up_and_clears_nobody(tmp_path: Path) -> None:
    """Answers go out as fast as ever; held ones are the base's; the verdicts are abstentions, never clean."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        start = time.monotonic()
        _, data = await post(client, gateway, asked(stream=True))
        assert arm(data) == "stable"
        assert time.monotonic() - start < 2
        await until(lambda: gateway.service.experiment.snapshot.counts.get("canary.abstained") == 1)

    live(
        tmp_path, work, 'judging.judges=["hostile_judges:hanging"]', "judging.timeout=0.5", "hold.wait=0.4",
        'hold.mode="whole"', share=1.0,
    )  # fmt: skip


@pytest.mark.parametrize("judge", ["raising", "chatty", "dying", "short", "missing"])
def test_a_judge_that_misbehaves_is_an_abstention(tmp_path: Path, judge: str) -> None:
    """It raises, prints, ends its process, gives too few scores or is not there: unread, and the gateway lives."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        for n in range(3):
            assert (await post(client, gateway, asked(f"q {n}")))[0] == 200
        wanted = "canary.units" if judge == "chatty" else "canary.abstained"
        await until(lambda: gateway.service.experiment.snapshot.counts.get(wanted) == 3, 20)
        assert gateway.service.experiment.snapshot.counts.get("canary.abstained", 0) == (0 if judge == "chatty" else 3)

    live(tmp_path, work, f'judging.judges=["hostile_judges:{judge}"]', "judging.timeout=5.0")


def test_responses_are_gone_on_from_where_they_were_made(tmp_path: Path) -> None:
    """A stored response lies with the model that made it: what follows it goes there, until the canary is killed."""

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        from wolfnote.canary import controller

        _, data = await post(client, gateway, asked(user="u"), "/v1/responses")
        assert arm(data) == "canary"
        following = asked(previous_response_id=json.loads(data)["id"])
        assert arm((await post(client, gateway, following, "/v1/responses"))[1]) == "canary"
        async with client.get(gateway.url + "/v1/responses/resp_canary") as response:
            await response.read()
        assert gateway.canary.seen[-1][0] == "/v1/responses/resp_canary"
        await gateway.service.experiment.act(lambda seen: controller.kill(seen.state, "Ada", "", time.time()))
        assert arm((await post(client, gateway, following, "/v1/responses"))[1]) == "stable"

    live(tmp_path, work, share=1.0)


def test_a_changed_file_is_taken_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    """Keys change under way; another model or other judges take a restart, and the last configuration stays in force."""
    from wolfnote.canary import configuration, keys
    from wolfnote.errors import SettingsError

    async def work(gateway: Standing, client: aiohttp.ClientSession) -> None:
        import msgspec

        service = gateway.service
        _, hashed = keys.new()
        assert (await post(client, gateway, asked()))[0] == 200
        service.apply(msgspec.structs.replace(service.settings, keys=(keys.Key("a", hashed),)))
        assert (await post(client, gateway, asked()))[0] == 401
        with pytest.raises(SettingsError, match=r"\[canary\]"):
            service.apply(msgspec.structs.replace(service.settings, canary=configuration.Server(url="http://127.0.0.1:1/v1")))
        with pytest.raises(SettingsError, match=r"\[judging\]"):
            service.apply(msgspec.structs.replace(service.settings, judging=configuration.Judging(flagged=0.9)))
        service.apply(msgspec.structs.replace(service.settings, keys=()))
        assert (await post(client, gateway, asked()))[0] == 200

    live(tmp_path, work)
