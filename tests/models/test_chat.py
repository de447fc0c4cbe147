"""The template is applied once and rightly, whatever a row holds; what it adds unasked is shown."""

from __future__ import annotations

from typing import Any

import pytest

from wolfnote import Message, ToolCall, models, records
from wolfnote.models import chat

TOOLS = (
    "{% for m in messages %}<|s|>{{ m.role }}\n"
    "{% if m.reasoning_content is defined and m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
    "{{ m.content }}{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {{ c.function.arguments }}</call>{% endfor %}"
    "<|e|>\n{% endfor %}{% if add_generation_prompt %}<|s|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TOOLS
ASK = (Message("user", "where is the cat"),)


@pytest.fixture
def tokenizer(tiny: str) -> Any:
    return models.open(tiny).tokenizer


def test_the_silent_system_prompt_is_shown(tokenizer: Any) -> None:
    """What the template says before a first question stands in the run's record."""
    assert chat.silent(tokenizer) == "<|s|>system\nYou are small.<|e|>\n<|s|>user\n"


def test_about_holds_it(tiny: str) -> None:
    """The record of a local model names weights, template, place and precision."""
    about = models.open(tiny).about()
    assert about["before_the_first_question"].startswith("<|s|>system\nYou are small.")
    assert about["precision"] == "float32"
    assert about["device"]


def test_a_plain_row_is_learnt_to_its_end_of_turn(tokenizer: Any) -> None:
    """Prompt and answer together are what the template renders, cut behind the stop token."""
    prompt, answer = chat.learnt(tokenizer, records.sample((*ASK, Message("assistant", "the house"))))
    assert prompt.endswith("<|s|>assistant\n")
    assert answer == "the house<|e|>"


def test_tool_calls_and_reasoning_are_written_as_the_template_writes_them(tokenizer: Any) -> None:
    """The rendered turn is learnt whole, its stop token included."""
    tokenizer.chat_template = TOOLS
    call = Message("assistant", "", tool_calls=(ToolCall("1", "find", '{"what": "cat"}'),))
    assert chat.learnt(tokenizer, records.sample((*ASK, call)))[1] == '<call>find {"what": "cat"}</call><|e|>'
    thought = Message("assistant", "the house", reasoning="it sleeps")
    assert chat.learnt(tokenizer, records.sample((*ASK, thought)))[1] == "<think>\nit sleeps\n</think>\n\nthe house<|e|>"


def test_reasoning_that_the_template_leaves_out_is_not_lost(tokenizer: Any) -> None:
    """It is learnt as it stood in the row."""
    thought = Message("assistant", "the house", reasoning="it sleeps")
    assert chat.learnt(tokenizer, records.sample((*ASK, thought)))[1] == "<think>it sleeps</think>the house<|e|>"


def test_without_a_system_role_the_first_question_carries_it(tokenizer: Any) -> None:
    """Gemma's templates refuse a system turn; its words must not be dropped."""
    tokenizer.chat_template = NO_SYSTEM
    text = chat.prompt_text(tokenizer, (Message("system", "You never sleep."), *ASK))
    assert text == "<|s|>user\nYou never sleep.\n\nwhere is the cat<|e|>\n<|s|>assistant\n"


def test_running_text_has_no_template(tokenizer: Any) -> None:
    """A document is learnt as it is; its first token has nothing before it and is not scored."""
    prompt, text = chat.learnt(tokenizer, records.sample((Message("assistant", "the cat sleeps"),)))
    assert (prompt, text) == ("", "the cat sleeps<|e|>")
    encoded = chat.encode(tokenizer, prompt, text)
    assert encoded.start == 1
    assert tokenizer.decode(encoded.ids) == text


def test_running_text_is_scored(tiny: str) -> None:
    """Likelihood of a text without a prompt: every token but the first."""
    model = models.open(tiny)
    ((found,),) = model.log_likelihood([()], [("the cat sleeps",)])
    assert found.tokens == len(model.tokenizer("the cat sleeps", add_special_tokens=False)["input_ids"]) - 1
    assert found.total < 0


@pytest.mark.parametrize(
    ("said", "answer", "reasoning"),
    [
        ("<think>\nit sleeps\n</think>\n\nthe house ", "the house", "it sleeps"),
        ("it sleeps</think>the house", "the house", "it sleeps"),
        ("<think>it sleeps and", "", "it sleeps and"),
        ("the house", "the house", ""),
        ("write <think>x</think> so", "write <think>x</think> so", ""),
    ],
)
def test_what_a_model_thought_is_kept_apart_from_its_answer(said: str, answer: str, reasoning: str) -> None:
    """Opened by the model, opened by the template, or cut off by the limit; tags inside an answer are its text."""
    assert chat.split(said) == (answer, reasoning)
