"""The draw repeats, merges in any order, and is not moved by rows that come later; the riskiest stand beside it."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
from rows import asked, chat, draw, plain, run, write

from wolfnote import audit
from wolfnote.audit.detector import Flag
from wolfnote.audit.draw import Draw, Drawn, rank, risk


def rows(n: int) -> list[Drawn]:
    noise = random.Random(1)
    found = []
    for i in range(n):
        sample = asked(f"q{i}", "a", f"some/where/d.jsonl:{i + 1}")
        found.append(Drawn(rank(0, sample), i, (noise.choice([0, 0, 0, 1, 2]), noise.choice([0, 1])), sample))
    return found


def drawn(parts: list[list[Drawn]], limit: int, risky: int) -> Draw:
    """What each shard keeps, merged."""
    whole = Draw(limit, risky)
    for part in parts:
        shard = Draw(limit, risky)
        for row in part:
            shard.add(row)
        for row in shard.kept():
            whole.add(row)
    return whole


def test_shards_draw_what_the_whole_draws() -> None:
    """Any cut, any order: the same random rows, and the same riskiest of the others as by sorting everything."""
    every = rows(2000)
    lowest = sorted(every, key=lambda r: r.rank)[:100]
    rest = [r for r in every if r not in lowest and r.risk > (0, 0)]
    riskiest = sorted(rest, key=lambda r: (r.risk, -r.rank), reverse=True)[:30]
    for seed in range(5):
        mixed = every[:]
        random.Random(seed).shuffle(mixed)
        parts = [mixed[i : i + 1 + seed * 97] for i in range(0, len(mixed), 1 + seed * 97)]
        found = drawn(parts, 100, 30)
        assert found.random() == sorted(lowest, key=lambda r: r.number)
        assert found.risk() == riskiest


def test_appended_rows_leave_the_draw_in_place() -> None:
    """Of the rows drawn before, none is exchanged for another old one."""
    old, more = rows(1000), rows(1500)
    before = {r.number for r in drawn([old], 100, 0).random()}
    after = {r.number for r in drawn([more], 100, 0).random()}
    assert {n for n in after if n < 1000} <= before


def test_every_row_is_drawn_as_often_as_any_other() -> None:
    """Over 400 seeds, of 40 rows 10 each time, no row strays from 100 draws by more than five standard deviations."""
    samples = [asked("q", "a", f"d.jsonl:{i}") for i in range(40)]  # the same content forty times
    times = [0] * 40
    for seed in range(400):
        whole = Draw(10, 0)
        for i, sample in enumerate(samples):
            whole.add(Drawn(rank(seed, sample), i, (0, 0), sample))
        for row in whole.random():
            times[row.number] += 1
    assert sum(times) == 4000
    assert all(abs(t - 100) < 5 * (400 * 0.25 * 0.75) ** 0.5 for t in times)


def test_the_place_counts_by_file_name() -> None:
    """The same file in another folder draws the same rows."""
    assert rank(0, asked("q", "a", "/x/d.jsonl:3")) == rank(0, asked("q", "a", "d.jsonl:3"))
    assert rank(0, asked("q", "a", "d.jsonl:3")) != rank(1, asked("q", "a", "d.jsonl:3"))


def test_only_what_counts_is_a_risk() -> None:
    """Kinds of flags, not flags; a hostile user answered well is none."""
    flags = [Flag("WN102", "hostility", 0, "x", counts=False), Flag("WN124", "form", 1, "x"), Flag("WN124", "form", 1, "y")]
    assert risk(flags) == (0, 1)
    assert risk([*flags, Flag("WN103", "manipulation", 1, "z")]) == (1, 1)


def test_the_draw_is_written_for_people(tmp_path: Path) -> None:
    """Random rows and the riskiest beside them, with what detectors said; rows that are in one part are not in the other."""
    data = plain(200)
    for i in range(40):
        data[i * 5] = chat(f"key {i}", "AKIA" + f"Q7ZP2M5XK9WJ3R{chr(65 + i // 7)}{chr(75 + i % 7)} is it.")
    run(write(tmp_path / "d.jsonl", data), tmp_path / "run", audit.Settings(limit=50, risky=10))
    lines = draw(tmp_path / "run")
    assert [line["part"] for line in lines] == ["random"] * 50 + ["risk"] * 10
    assert len({line["source"] for line in lines}) == 60
    assert all(line["flags"][0]["code"] == "WN124" for line in lines if line["part"] == "risk")
    assert set(lines[0]) == {"row", "source", "part", "messages", "rejected", "flags"}
    assert msgspec.json.encode(lines[0]["messages"]).startswith(b'[{"role":"user","content":"')
