"""Passages for a question: SQLite's full-text index (BM25), bm25s where there are very many, or the user's own retriever.

Whether the passage that holds the answer was found is measured first: a miss is the retriever's failure, not the model's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from wolfnote.advise import words
from wolfnote.advise.documents import Passage
from wolfnote.advise.task import Item
from wolfnote.errors import MissingExtra

Retriever = Callable[[str, int], Sequence[Passage]]
"""A question and how many passages are wanted → the passages, the likest first."""
MANY = 50_000
"""Passages beyond which bm25s is asked."""
LONGEST = 200
"""Different words of a question that are searched for."""


def over(passages: Sequence[Passage]) -> Retriever:
    """A retriever over these passages. Raises ``MissingExtra`` where they are many and bm25s is not installed."""
    return _sparse(passages) if len(passages) > MANY else _sqlite(passages)


def found(item: Item, passages: Sequence[Passage]) -> bool | None:
    """Whether the passages hold the item's gold passage (or are from its document); None where it names neither."""
    if item.passage:
        wanted = words.plain(item.passage)
        return any(wanted in words.plain(p.text) for p in passages)
    return any(p.document == item.document for p in passages) if item.document else None


def terms(text: str) -> list[str]:
    """What is searched for: each content word once; of a question without any, each word."""
    every = words.content(text) or words.words(text)
    return list(dict.fromkeys(every))[:LONGEST]


def _sqlite(passages: Sequence[Passage]) -> Retriever:
    """An index in memory; ties are broken by the order of the passages, so that a run repeats."""
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute("CREATE VIRTUAL TABLE passage USING fts5(text, tokenize='porter unicode61')")
    rows = ((i, f"{p.document} {p.text}") for i, p in enumerate(passages))
    index.executemany("INSERT INTO passage(rowid, text) VALUES (?, ?)", rows)

    def search(question: str, k: int) -> list[Passage]:
        wanted = " OR ".join('"' + term.replace('"', "") + '"' for term in terms(question))
        if not wanted:
            return []
        sql = "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY bm25(passage), rowid LIMIT ?"
        return [passages[row[0]] for row in index.execute(sql, (wanted, k))]

    return search


def _sparse(passages: Sequence[Passage]) -> Retriever:
    try:
        import bm25s
    except ModuleNotFoundError:
        raise MissingExtra("bm25s", "advise") from None
    index: Any = bm25s.BM25()
    index.index([words.content(f"{p.document} {p.text}") or ["-"] for p in passages], show_progress=False)

    def search(question: str, k: int) -> list[Passage]:
        wanted = terms(question)
        if not wanted:
            return []
        places, scores = index.retrieve([wanted], k=min(k, len(passages)), show_progress=False)
        return [passages[int(i)] for i, score in zip(places[0], scores[0], strict=True) if score > 0]

    return search
