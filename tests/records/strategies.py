"""Hypothesis strategies for rows in each format's own shape, as Wolfnote writes them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SOME = TEXT.filter(bool)
VALUE = st.none() | st.booleans() | st.integers() | TEXT | st.lists(st.integers(0, 9), max_size=2)
THOUGHT = st.one_of(TEXT, st.builds("<think>{}</think>{}".format, TEXT, TEXT), st.just("<think>never closed"))
FURTHER = st.dictionaries(SOME.map("x_{}".format), VALUE, max_size=2)
TOOLS = st.just([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ARGUMENTS = st.dictionaries(SOME, st.integers(-9, 9) | TEXT, max_size=2).map(_json)


@st.composite
def turns(draw: st.DrawFn, tools: bool = True) -> list[dict[str, Any]]:
    """An OpenAI conversation with any of the fields that a turn can have."""
    found: list[dict[str, Any]] = []
    if draw(st.booleans()):
        found.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(TEXT)})
    for _ in range(draw(st.integers(1, 2))):
        found.append({"role": "user", "content": draw(TEXT)} | draw(st.fixed_dictionaries({}, optional={"name": SOME})))
        if tools and draw(st.booleans()):
            call = {"id": draw(SOME), "type": "function", "function": {"name": draw(TEXT), "arguments": draw(ARGUMENTS | TEXT)}}
            found.append({"role": "assistant", "content": draw(st.none() | SOME), "tool_calls": [call]})
            found.append({"role": "tool", "content": draw(TEXT), "tool_call_id": call["id"]})
        optional = {"weight": st.just(0), "reasoning_content": TEXT | st.none(), "x_mood": VALUE}
        found.append({"role": "assistant", "content": draw(THOUGHT)} | draw(st.fixed_dictionaries({}, optional=optional)))
    return found


@st.composite
def openai(draw: st.DrawFn) -> dict[str, Any]:
    return {"messages": draw(turns())} | draw(FURTHER) | draw(st.fixed_dictionaries({}, optional={"tools": TOOLS}))


@st.composite
def sharegpt(draw: st.DrawFn) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    if draw(st.booleans()):
        found.append({"from": "system", "value": draw(TEXT)})
    for _ in range(draw(st.integers(1, 2))):
        found.append({"from": "human", "value": draw(TEXT)} | draw(st.fixed_dictionaries({}, optional={"x_at": VALUE})))
        if draw(st.booleans()):
            value = f'{{"name":{_json(draw(TEXT))},"arguments":{draw(ARGUMENTS)}}}'
            found += [{"from": "function_call", "value": value}, {"from": "observation", "value": draw(TEXT)}]
        found.append({"from": "gpt", "value": draw(THOUGHT)})
    return {"conversations": found} | draw(FURTHER) | draw(st.fixed_dictionaries({}, optional={"tools": TEXT}))


@st.composite
def alpaca(draw: st.DrawFn) -> dict[str, Any]:
    row = {"instruction": draw(TEXT), "input": draw(TEXT), "output": draw(THOUGHT)}
    if not row["instruction"] and not row["input"]:
        row["instruction"] = "i"
    history = st.lists(st.tuples(TEXT, THOUGHT).map(list), min_size=1, max_size=2)
    return row | draw(st.fixed_dictionaries({}, optional={"system": SOME, "history": history})) | draw(FURTHER)


@st.composite
def prompt_completion(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"prompt": draw(TEXT), "completion": draw(THOUGHT)} | draw(FURTHER)
    listed = [{"role": "system", "content": draw(TEXT)}, {"role": "user", "content": draw(TEXT)}]
    return {"prompt": listed, "completion": [{"role": "assistant", "content": draw(THOUGHT)}]} | draw(FURTHER)


@st.composite
def preference(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"prompt": draw(TEXT), "chosen": draw(THOUGHT), "rejected": draw(THOUGHT)} | draw(FURTHER)
    return dict(zip(("prompt", "chosen", "rejected"), draw(_pair(system=True)), strict=True)) | draw(FURTHER)


@st.composite
def openai_preference(draw: st.DrawFn) -> dict[str, Any]:
    prompt, chosen, rejected = draw(_pair(system=draw(st.booleans())))
    return {"input": {"messages": prompt}, "preferred_output": chosen, "non_preferred_output": rejected} | draw(FURTHER)


@st.composite
def _pair(draw: st.DrawFn, system: bool) -> tuple[list[Any], list[Any], list[Any]]:
    prompt = [{"role": "system", "content": draw(TEXT)}] if system else []
    prompt.append({"role": "user", "content": draw(TEXT)})
    chosen = [{"role": "assistant", "content": draw(THOUGHT)} | draw(st.fixed_dictionaries({}, optional={"x_by": TEXT}))]
    if draw(st.booleans()):
        chosen += [{"role": "user", "content": draw(TEXT)}, {"role": "assistant", "content": draw(THOUGHT)}]
    return prompt, chosen, [{"role": "assistant", "content": draw(THOUGHT)}]


def text() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda body, more: {"text": body} | more, THOUGHT, FURTHER)


FORMATS = {
    "openai": openai(),
    "sharegpt": sharegpt(),
    "alpaca": alpaca(),
    "prompt-completion": prompt_completion(),
    "preference": preference(),
    "openai-preference": openai_preference(),
    "text": text(),
}
