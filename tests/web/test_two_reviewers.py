"""Two people, a thousand answers, a reload and a SIGKILL in the middle: no label is lost, none is doubled, none is another's."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from serving import Reader, Reviewing, browser

from drawing import drawn
from wolfnote.audit import labels
from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.review import Review

ROWS = 500
KILLED_AT, RELOADED_AT, TAKEN_BACK = (60, 330), 180, 250
DEAD_FOR = 2
"""Rows that are answered after the one at which the server died, before it is back: the page has loaded them already."""


class Person:
    """Answers by keyboard, one row a step, and remembers what it pressed."""

    def __init__(self, reader: Reader, seed: int) -> None:
        self.reader, self.random = reader, random.Random(seed)
        self.pressed: dict[str, tuple[str, ...]] = {}

    def step(self) -> None:
        row = self.reader.row
        assert row not in self.pressed
        marks = sorted(self.random.sample(range(6), 1 + (self.random.random() < 0.2))) if self.random.random() < 0.1 else []
        self.pressed[row] = tuple(CATEGORIES[i] for i in marks)
        self.reader.press(*(str(i + 1) for i in marks), "Enter" if marks else "Space")

    def take_back(self) -> None:
        """Undo, and answer the same row otherwise."""
        before = self.reader.row
        self.reader.press("u")
        assert self.reader.row != before
        self.pressed.pop(self.reader.row)
        row = self.reader.row
        self.reader.press("0")
        self.pressed[row] = ()


def settle(people: list[Person]) -> None:
    """Until the rows ahead are loaded; the answer to the next one is not waited for."""
    for person in people:
        person.reader.page.wait_for_load_state("networkidle")


def told(person: Person) -> bool:
    """Whether the page says that answers wait in the browser."""
    return "kept in this browser" in str(person.reader.page.wait_for_selector(".saved.away").inner_text())


@pytest.mark.slow
def test_two_reviewers_five_hundred_rows_and_no_label_lost(tmp_path: Path) -> None:
    """While the server is dead both go on with the rows that they have; after a reload each finds the own place again."""
    run = drawn(tmp_path / "run", ROWS)
    with browser() as chromium, Reviewing(run, "ana", "ben") as server:
        people = [Person(Reader(chromium, server.links[name]), seed) for seed, name in enumerate(("ana", "ben"))]
        for n in range(ROWS):
            if n + 1 in KILLED_AT:
                settle(people)
            if n in KILLED_AT:
                server.kill()  # what was sent a moment ago may or may not have arrived
            for person in people:
                if n == RELOADED_AT:
                    person.reader.page.reload()
                    person.reader.wait()
                if n == TAKEN_BACK:
                    person.take_back()
                person.step()
            if n - DEAD_FOR in KILLED_AT:
                assert all(map(told, people))
                server.start()
        for person in people:
            assert "All rows read" in person.reader.text("#row")
            person.reader.saved()
        server.kill()
    said = labels.in_force(Review(run).labels.read())
    for person, name in zip(people, ("ana", "ben"), strict=True):
        assert len(person.pressed) == ROWS
        assert {row: found.reviewers[name].categories for row, found in said.items()} == person.pressed
    lines = [json.loads(line) for line in (run / "labels.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) == 2 * ROWS + 2 * 2  # an undo each, and its new answer
    assert all(line["seconds"] > 0 for line in lines if not line["withdrawn"])


def test_answers_of_a_dead_server_survive_a_reload(tmp_path: Path) -> None:
    """Killed, answered, reloaded before it is back: the browser still holds the answer and hands it over."""
    run = drawn(tmp_path / "run", 5)
    with browser() as chromium, Reviewing(run, "ana") as server:
        ana = Reader(chromium, server.links["ana"])
        first = ana.row
        ana.press("Space")
        ana.saved()
        server.kill()
        second = ana.row
        ana.press("1", "Enter")
        ana.page.wait_for_selector(".saved.away")
        ana.context.pages[0].close()
        server.start()
        again = ana.context.new_page()
        again.goto(f"{server.url}/review/")
        again.wait_for_selector("main[data-row][data-unsent='0']")
        assert again.get_attribute("main", "data-done") == "2"
    said = labels.in_force(Review(run).labels.read())
    assert {row: found.reviewers["ana"].categories for row, found in said.items()} == {first: (), second: ("hostility",)}
