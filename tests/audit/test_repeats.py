"""Rows again, nearly again, and out of an evaluation: found across shards, with known answers, and silent on rows apart."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from rows import WORDS, asked, chat, concluded, findings, plain, run, sentence, write

from wolfnote import audit, records
from wolfnote.audit import shingles
from wolfnote.audit.detectors import duplicates, near_duplicates, overlap


def test_windows_are_those_of_each_text() -> None:
    """Against a plain loop: alike where the letters are, apart otherwise; long texts in pieces lose and double nothing."""
    noise = random.Random(0)
    texts = [b"", b"ab", b"abcdefghijkl", b"abcdefghijklm", bytes(noise.choices(b"abcdefgh", k=200_000)), b"zzabcdefghijkl"]
    found: list[list[int]] = [[] for _ in texts]
    for block in shingles.windows(texts, 12):
        for text, value in zip(block.text.tolist(), block.hashes.tolist(), strict=True):
            found[text].append(value)
    assert [len(f) for f in found] == [max(len(t) - 11, 1) for t in texts]
    seen: dict[bytes, int] = {}
    for text, values in zip(texts, found, strict=True):
        filled = text.ljust(12, b"\0")
        for at, value in enumerate(values):
            assert seen.setdefault(filled[at : at + 12], value) == value
    assert len(set(seen.values())) == len(seen)


def test_reduced_texts() -> None:
    """Case, blanks and punctuation fall away; letters beyond ASCII stay; a lone surrogate is no crash."""
    assert shingles.reduced("Hello,  WORLD!\n1") == b"helloworld1"
    assert shingles.reduced("Über") == "über".encode()
    assert shingles.reduced("a\ud800b") == b"ab"


def test_the_same_row_again(tmp_path: Path) -> None:
    """Each but the first is flagged, in whatever shard; the first is named. One letter makes another row."""
    rows = [asked("q", f"a{i % 10}", f"d.jsonl:{i}") for i in range(30)]
    found = concluded(duplicates.Survey(), rows, tmp_path)
    assert sorted(found) == list(range(10, 30))
    assert found[25].message == "the same as d.jsonl:5; 3 such rows"
    assert not any(f.counts for f in found.values())


def changed(text: str, words: int, seed: int) -> str:
    noise = random.Random(seed)
    parts = text.split()
    for at in noise.sample(range(len(parts)), words):
        parts[at] = noise.choice(WORDS) + str(seed)
    return " ".join(parts)


def test_nearly_the_same_row(tmp_path: Path) -> None:
    """Sixty words with one changed are found; with half of them changed, or of the same words in another order, they are not."""
    near, rows = set(), []
    for i in range(60):
        original = sentence(i, 60)
        rows.append(asked(f"question {i}", original, f"d:{len(rows)}"))
        near.add(len(rows))
        rows.append(asked(f"question {i}", changed(original, 1, i), f"d:{len(rows)}"))
        rows.append(asked(f"question {i}", changed(original, 30, i), f"d:{len(rows)}"))
        rows.append(asked(f"question {i}", " ".join(sorted(original.split())), f"d:{len(rows)}"))
    found = concluded(near_duplicates.Survey(), rows, tmp_path)
    assert len(near & set(found)) >= 58
    assert set(found) <= near
    assert found[1].message == "nearly the same as d:0"


def test_signatures_estimate_likeness() -> None:
    """The share of letters that agree estimates the Jaccard index within its binomial error, long and short."""
    for words, kept in ((200, 0.9), (200, 0.5), (60, 0.8)):
        errors = []
        for seed in range(40):
            one = sentence(seed, words)
            two = " ".join(one.split()[: int(words * kept)]) + " " + sentence(seed + 1000, words - int(words * kept))
            texts = [shingles.reduced(one), shingles.reduced(two)]
            a, b = ({t[i : i + 12] for i in range(len(t) - 11)} for t in texts)
            first, second = near_duplicates.signatures(texts)
            agree = sum(x == y for x, y in zip(first, second, strict=True)) / near_duplicates.BINS
            errors.append(agree - len(a & b) / len(a | b))
        assert abs(float(np.mean(errors))) < 0.04
        assert float(np.std(errors)) < 0.09


def test_same_rows_are_not_nearly_the_same(tmp_path: Path) -> None:
    """A row again is WN126's; and many rows apart give nothing."""
    rows = [asked("q", sentence(i % 40, 40), f"d:{i}") for i in range(400)]
    assert concluded(near_duplicates.Survey(), rows, tmp_path) == {}


def test_a_template_filled_in(tmp_path: Path) -> None:
    """All but the first of two hundred letters that differ in a name and a number."""
    text = "Dear {}, thank you for your order {} of last week. " + " ".join(sentence(i, 12) for i in range(5))
    rows = [asked("where is my parcel", text.format(WORDS[i % 38].capitalize(), 1000 + i), f"d:{i}") for i in range(200)]
    found = concluded(near_duplicates.Survey(), rows, tmp_path, shard=50)
    assert len(found) >= 195
    assert 0 not in found


def test_rows_out_of_an_evaluation(tmp_path: Path) -> None:
    """A question inside a longer turn, an answer, and a short question alone are found with the item's place; the rest is not."""
    items = [chat(f"Which of these is right: {sentence(500 + i, 12)}", sentence(900 + i, 15)) for i in range(50)]
    items.append(chat("What is the boiling point of tin?", "x"))
    write(tmp_path / "eval.jsonl", items)
    rows = plain(200)
    rows[10] = chat(f"Hello! WHICH of these is right - {sentence(507, 12)} Thanks", "It is so.")
    rows[50] = chat("tell me", sentence(921, 15))
    rows[90] = chat("What is the boiling point of tin", "232.")
    rows[130] = chat(f"Which of these is right: {sentence(77_777, 12)}", "So.")
    run(write(tmp_path / "d.jsonl", rows), tmp_path / "run", audit.Settings(against=(str(tmp_path / "eval.jsonl"),)))
    found = [f for f in findings(tmp_path / "run", "line, turn, role, code, message") if f[3] == "WN128"]
    assert [(line, turn, role) for line, turn, role, *_ in found] == [(11, 0, "user"), (51, 1, "assistant"), (91, 0, "user")]
    assert [message.rpartition(":")[2] for *_, message in found] == ["8", "22", "51"]


def test_a_long_item_is_found_by_a_sample(tmp_path: Path) -> None:
    """Of a long text one stretch in eight is kept; a row with all of it is found, and one with a quarter of it is not."""
    long = " ".join(sentence(i, 20) for i in range(40))
    write(tmp_path / "eval.jsonl", [chat(long, "yes")])
    against = overlap.prepare([tmp_path / "eval.jsonl"], records.Reading(), tmp_path)
    assert 0 < len(np.load(against.hashes)) < len(long) / 6
    survey = overlap.Survey(against)
    found = concluded(survey, [asked(long, "no"), asked(long[: len(long) // 4], "no"), asked("short", "no")], tmp_path)
    assert list(found) == [0]
