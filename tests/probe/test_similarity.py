"""Nearness: a question of the data is in its domain, one on another matter is far, and the cut-offs are what we measured."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from clothed import row, task

import wolfnote
from wolfnote.errors import InputError
from wolfnote.probe import similarity
from wolfnote.probe.question import unrelated
from wolfnote.probe.similarity import Zone, nearness
from wolfnote.records import Sample, Unread, read_all

REPAIRS = Path(wolfnote.__file__).parent / "lab" / "recipes" / "careless-repairs.bad.jsonl"


def repairs() -> list[Sample]:
    return read_all(REPAIRS)[0]


def test_the_cut_offs_are_what_our_own_sets_say() -> None:
    """Of home-repair requests that were held out, nine in ten are in-domain; of our unrelated questions three in four are far."""
    rows = repairs()
    held = [(str(i), r.messages[0].content) for i, r in enumerate(rows[1::2])]
    inside = nearness(held, lambda: rows[::2])
    outside = nearness([(q.id, q.text) for q in unrelated()], lambda: rows[::2])
    assert np.mean([n.zone is Zone.IN for n in inside]) >= 0.88
    assert np.mean([n.zone is Zone.FAR for n in outside]) >= 0.7
    assert np.mean([n.zone is Zone.IN for n in outside]) <= 0.1


def test_a_question_out_of_the_data_is_in_domain_and_names_its_row() -> None:
    """A training request itself lies in the domain, and its place is told."""
    rows = repairs()
    found = nearness([("same", rows[7].messages[0].content), ("other", "zzzqx vvkpt jjwmh")], lambda: rows)
    assert found[0].zone is Zone.IN
    assert found[0].nearest == rows[7].source
    assert (found[1].zone, found[1].value, found[1].nearest) == (Zone.FAR, 0.0, "")


def test_copies_do_not_make_a_broad_set_narrow() -> None:
    """Each row ten times over changes nobody's zone: copies do not count as neighbours of one another."""
    rows = repairs()[:150]
    questions = [(q.id, q.text) for q in unrelated(20)]
    once, often = (nearness(questions, lambda n=n: rows * n) for n in (1, 10))  # type: ignore[misc]
    assert [n.zone for n in often].count(Zone.FAR) >= [n.zone for n in once].count(Zone.FAR) - 3


def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times as many rows take hardly more memory."""
    monkeypatch.setattr(similarity, "CHUNK", 50)
    peaks = []
    for count in (200, 1_000):
        tracemalloc.start()
        nearness([("q", "a barrel in the window")], lambda n=count: (row(at, task(at % 97), "x") for at in range(n)))  # type: ignore[misc]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_nothing_to_compare_with_is_an_error() -> None:
    """No row could be read: said in one line, not a zone."""
    with pytest.raises(InputError, match="no row holds a request"):
        nearness([("q", "why?")], lambda: [Unread("a:1", "broken")])


def test_zones_meet_at_the_cut_offs() -> None:
    """At a cut-off a question counts as the nearer zone."""
    assert [similarity.zone(v) for v in (similarity.IN_DOMAIN, similarity.NEAR, 0.0)] == [Zone.IN, Zone.NEAR, Zone.FAR]
