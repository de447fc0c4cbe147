"""Four tasks that we wrote, made from templates: python examples/advise/scenarios.py FOLDER

facts    prices and times of made-up shops, which change: the answers stand in documents only   (expected: retrieval)
format   orders in a sentence → one JSON object of fixed keys                                    (expected: prompt, few-shot)
voice    answers of a shop in its brand's voice, the fact given in the question                  (expected: prompt, few-shot)
labels   customers' messages → one of eight labels of a scheme that only many examples teach     (a tune may win)

Each folder holds tasks.jsonl (≥ 120 items that are asked, and examples), docs/, goal.txt, train.jsonl (rows to tune on, none of
which is asked) and for voice brand.txt. Templates repeat themselves more than people do: scores are higher, and differences
between arms larger, than on real tickets. The same call writes the same bytes.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HEADS = ("Alder", "Brack", "Cold", "Dun", "East", "Farrow", "Glen", "Hart", "Inver", "Kestrel", "Lark", "Nettle", "Oak", "Pen")
TAILS = ("moor", "well", "mere", "low", "gate", "holt")
TOWNS = tuple(head + tail for head in HEADS for tail in TAILS)
"""84 towns, so that the facts hang together in many small clusters."""  # fmt: skip
PRODUCTS = ("lamp", "kettle", "blanket", "chair", "mirror", "clock", "teapot", "rug", "shelf", "vase", "stool", "basket")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def facts(chance: random.Random) -> tuple[list[Row], dict[str, str], list[Row]]:
    """One document a town: when its shop opens and closes, what a parcel costs, on which day it is shut, who runs it."""
    rows, docs, train = [], {}, []
    for number, town in enumerate(TOWNS):
        opens, shuts, parcel = chance.randint(7, 10), chance.randint(16, 20), chance.randint(3, 29)
        day, size = chance.choice(DAYS), chance.randint(40, 900)
        name = f"{town.lower()}.md"
        docs[name] = (
            f"# The shop in {town}\n\nThe shop in {town} opens at {opens} in the morning and closes at {shuts} in the evening. "
            f"It is shut on {day}.\n\nA parcel sent from {town} costs {parcel} crowns. The shop has {size} square metres.\n"
        )
        asked = (
            (f"At what hour does the shop in {town} open?", str(opens), f"opens at {opens}"),
            (f"At what hour does the shop in {town} close?", str(shuts), f"closes at {shuts}"),
            (f"How many crowns does a parcel from {town} cost?", str(parcel), f"costs {parcel} crowns"),
            (f"On which day is the shop in {town} shut?", day, f"shut on {day}"),
            (f"How many square metres has the shop in {town}?", str(size), f"has {size} square metres"),
        )
        for place, (question, answer, passage) in enumerate(chance.sample(asked, 2)):
            row = {"id": f"f{number}-{place}", "question": question, "answer": answer, "document": name, "passage": passage}
            rows.append(row | {"split": "example" if number < 14 else "test"})
            if number < 14:
                train.append(_row(question, answer))
    return rows, docs, train


def form(chance: random.Random) -> tuple[list[Row], dict[str, str], list[Row]]:
    """An order in a sentence → item, count, town and whether it is urgent, as JSON."""
    heads = ("Please send", "We need", "I would like to order", "Could you ship", "Order for us:")
    schema = {"type": "object", "required": ["item", "count", "town", "urgent"], "additionalProperties": False,
              "properties": {"item": {"type": "string"}, "count": {"type": "integer"}, "town": {"type": "string"},
                             "urgent": {"type": "boolean"}}}  # fmt: skip
    rows, train = [], []
    for number in range(360):
        item, count, town, urgent = chance.choice(PRODUCTS), chance.randint(2, 90), chance.choice(TOWNS), chance.random() < 0.4
        tail = chance.choice(("It is urgent.", "As fast as you can.")) if urgent else chance.choice(("No hurry.", "Thank you."))
        question = f"{chance.choice(heads)} {count} {item}s to {town}. {tail}"
        answer = json.dumps({"item": item, "count": count, "town": town, "urgent": urgent})
        if number >= 160:
            train.append(_row(question, answer))
            continue
        row = {"id": f"o{number}", "question": question, "answer": answer, "score": "json", "schema": schema}
        rows.append(row | {"customer": f"c{number // 2}", "split": "example" if number < 20 else "test"})
    docs = {
        "orders.md": "# Orders\n\nAn order is kept with its item, its count, the town it goes to, and whether it is urgent.\n"
    }
    return rows, docs, train


OPENINGS = ("Hey there, lovely human!", "Oh hello, you!", "Well hi, sunshine!", "Hey you, great question!")
CLOSINGS = ("We've got you, always!", "Isn't that nice? We think so!", "You're going to love it, we just know it!")


def voice(chance: random.Random) -> tuple[list[Row], dict[str, str], list[Row]]:
    """A fact in the question, to be told in the brand's voice; samples in ``brand.txt``, plain notes in the documents."""
    rows, train, docs = [], [], {}
    for number in range(300):
        item, days, town = chance.choice(PRODUCTS), chance.randint(2, 40), chance.choice(TOWNS)
        kind = chance.choice(("arrives", "can be returned", "is repaired"))
        fact = f"{days} days"
        question = f"Tell a customer in {town} that the {item} {kind} within {fact}."
        spoken = f"{chance.choice(OPENINGS)} Your {item} {kind} within {fact}! {chance.choice(CLOSINGS)}"
        if number >= 150:
            train.append(_row(question, spoken))
            continue
        row = {"id": f"v{number}", "question": question, "answer": fact, "score": "style", "customer": f"c{number}"}
        rows.append(row | {"split": "example" if number < 20 else "test"})
        if number < 20:
            rows[-1]["answer"] = spoken
        docs[f"note{number}.md"] = (
            f"The {item} is kept in the store in {town}. It {kind} within {fact}. The customer is told in writing."
        )
    return rows, docs, train


LABELS = {
    "A1": ("has not arrived", "is lost on the way", "was sent to the wrong door"),
    "A2": ("arrived broken", "has a crack", "came without its lid"),
    "B1": ("was charged twice", "is on my bill and I never ordered it", "cost more than your page says"),
    "B2": ("should be refunded", "went back to you and I still wait for my money", "was cancelled and paid all the same"),
    "C1": ("comes in other colours", "is in stock again", "will be sold next year"),
    "C2": ("fits a small room", "may stand outside", "takes a stronger bulb"),
    "D1": ("was sold to me by a rude clerk", "got me hung up on when I called", "was promised and then denied by your staff"),
    "D2": ("was wrapped with such care", "was brought by a very kind driver", "is the best that I ever had"),
}
"""A house scheme: letters say the department, figures the kind. Nothing in a message names its label."""
WRAPS = (
    "My {0} {1}.",
    "Hello, the {0} {1}. What now?",
    "About the {0}: it {1}.",
    "I write because the {0} {1}.",
    "The {0} that I asked for {1}!",
)


def labels(chance: random.Random) -> tuple[list[Row], dict[str, str], list[Row]]:
    """A message → its label; many examples, none of which is asked about."""
    seen: set[str] = set()
    rows, train = [], []
    while len(rows) + len(train) < 700:
        label = chance.choice(list(LABELS))
        question = chance.choice(WRAPS).format(chance.choice(PRODUCTS), chance.choice(LABELS[label]))
        if question in seen:
            continue
        seen.add(question)
        number = len(rows) + len(train)
        if number >= 300:
            train.append(_row(question, label))
            continue
        row = {"id": f"l{number}", "question": question, "answer": label, "score": "exact", "customer": f"c{number}"}
        rows.append(row | {"split": "example" if number < 100 else "test"})
    return rows, {"scheme.md": "# Labels\n\nLetters say the department: A delivery, B money, C goods, D people.\n"}, train


GOALS = {
    "facts": "Answer questions about the shops, with the fact alone.",
    "format": "Turn each order into one JSON object.",
    "voice": "Tell customers what the note says, in our brand's voice.",
    "labels": "Label customers' messages for our help desk.",
}
MAKERS = {"facts": facts, "format": form, "voice": voice, "labels": labels}


def write(folder: Path) -> None:
    """All four into ``folder``."""
    for name, make in MAKERS.items():
        rows, docs, train = make(random.Random(f"wolfnote {name}"))  # noqa: S311 - the same data each time
        home = folder / name
        (home / "docs").mkdir(parents=True, exist_ok=True)
        for file, text in docs.items():
            (home / "docs" / file).write_text(text, encoding="utf-8")
        (home / "tasks.jsonl").write_text(_lines(rows), encoding="utf-8")
        (home / "train.jsonl").write_text(_lines(train), encoding="utf-8")
        (home / "goal.txt").write_text(GOALS[name] + "\n", encoding="utf-8")
        if name == "voice":
            spoken = [row["answer"] for row in rows if row["split"] == "example"]
            (home / "brand.txt").write_text("\n\n".join(spoken) + "\n", encoding="utf-8")


def _row(question: str, answer: str) -> Row:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def _lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/scenarios"))
