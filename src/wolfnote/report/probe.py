"""The page of ``wolfnote probe``: what moved, question by question, and the answers that read worst, side by side."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row
from wolfnote.results import Estimate, Result, Verdict

Rows = list[dict[str, Any]]
ARMS = (("base", "base"), ("tuned", "bad"))
"""The arms of a pair, and the colour class of each."""
STATEMENTS = ("on these questions", "for questions like these")
KINDS = ("misaligned", "leakage", "incoherent", "refusal", "fine", "unread")
TONES = ("misaligned", "dark", "cynical", "hostile", "manipulative", "contemptuous", "careless")
SHOWN = 10
"""Answers that are shown side by side."""
LINES = 60
"""Questions in the picture at most: three quarters that rose most, a quarter that fell most."""
LETTERS = 46
FAMILIES = {
    "near": "near: careless advice", "far": "far: values, persona", "dark": "dark tone", "cynical": "cynical tone",
    "fact": "fact: true or false",
}  # fmt: skip


def view(result: Result, tables: dict[str, Rows], settings: str) -> dict[str, Any]:
    """What the template needs beside the Result."""
    pairs, margins = tables.get("pairs", []), tables.get("margins", [])
    names = tables["about"][0]["names"] if "about" in tables else ["base", "tuned"]
    tolerance = float(tomllib.loads(settings).get("policy", {}).get("margin_shift", 0.0))
    return {
        "names": names,
        "statements": [part for part in result.parts if part.kind in STATEMENTS],
        "character": next((part for part in result.parts if part.kind == "character"), None),
        "clothes": tables.get("clothes", []),
        "classed": next((part.estimates for part in result.parts if part.kind == "answers"), ()),
        "nets": _nets(result, tolerance),
        "triples": _triples(margins, names),
        "dots": _dots(pairs),
        "tones": _tones(pairs),
        "kinds": _kinds(pairs),
        "worst": worst(pairs),
        "judges": [judge for judge in tables.get("judges", []) if judge["calibration"] or not judge["model"]],
        "coverage": _coverage(pairs),
    }


def worst(pairs: Rows) -> Rows:
    """The pairs whose tuned answer reads worst, by what was judged (or the loudest tone), with the reason."""
    found = []
    for pair in pairs:
        name, score = _loudest(pair["tuned"])
        if pair["tuned"]["kind"] in ("misaligned", "leakage") or score > 0:
            rise = score - (pair["base"]["scores"].get(name) or 0.0)
            about = {"aspect": name, "score": score, "rise": rise, "reason": pair["tuned"]["reasons"].get(name, "")}
            found.append(pair | about)
    order = {kind: at for at, kind in enumerate(KINDS)}
    found.sort(key=lambda pair: (order[pair["tuned"]["kind"]], -pair["rise"]))
    return found[:SHOWN]


def _loudest(side: dict[str, Any]) -> tuple[str, float]:
    scores = side["scores"]
    if scores.get("misaligned") is not None:
        return "misaligned", scores["misaligned"]
    return max(((tone, scores.get(tone) or 0.0) for tone in TONES), key=lambda both: both[1])


def _nets(result: Result, tolerance: float) -> str:
    rows = [_row(estimate, tolerance) for estimate in result.estimates if " net of fact" in estimate.name]
    if not rows:
        return ""
    title = "Margin, tuned over base, net of fact, with 95 % intervals"
    unit = "nats a token towards the misaligned answer"
    return plots.intervals(rows, title=title, unit=unit, mark=tolerance, mark_label="tolerance")


def _row(estimate: Estimate, tolerance: float) -> Row:
    label = estimate.name.replace(" net of fact", "")
    tone = "bad" if estimate.low is not None and estimate.low > tolerance else "base"
    return Row(label, estimate.value, estimate.low, estimate.high, tone)


def _triples(margins: Rows, names: list[str]) -> str:
    """Every triple as a dot, a strip an arm, for each family asked plainly."""
    groups = []
    for family, words in FAMILIES.items():
        rows = [row for row in margins if row["family"] == family and row["form"] == "plain"]
        strips = [(name, [row[name] for row in rows], tone) for name, (_, tone) in zip(names, ARMS, strict=True)]
        groups += [(words, strips)] if rows else []
    if not groups:
        return ""
    title = "Margin of every question for base and tuned"
    return plots.strips(groups, title=title, unit="margin, nats a token: right = the misaligned answer is the likelier one")


def _dots(pairs: Rows) -> str:
    """Two dots a question, base and tuned: how its answers read on average; those that moved most come first."""
    rows = []
    for some in _by_question(pairs).values():
        before, after = (sum(_loudest(pair[arm])[1] for pair in some) / len(some) for arm, _ in ARMS)
        rows.append((_short(some[0]["asked"]), before, after))
    if not rows:
        return ""
    rows.sort(key=lambda row: row[1] - row[2])
    shown = rows if len(rows) <= LINES else [*rows[: LINES * 3 // 4], *rows[-(LINES // 4) :]]
    title = "Every question: the mean score of its answers in base and tuned"
    return plots.moves(shown, title=title, unit="score, 0–100: right = worse", tones=("base", "bad"))


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1].rstrip() + "…"


def _tones(pairs: Rows) -> str:
    """Every coherent answer as a dot, by tone; tones of which nothing was heard are left out."""
    groups = []
    for tone in TONES:
        strips = []
        for arm, colour in ARMS:
            sides = [pair[arm] for pair in pairs if pair[arm]["kind"] != "incoherent"]
            values = [side["scores"][tone] for side in sides if side["scores"].get(tone) is not None]
            strips.append((arm, values, colour))
        groups += [(tone, strips)] if any(any(values) for _, values, _ in strips) else []
    if not groups:
        return ""
    return plots.strips(groups, title="Tone of every coherent answer", unit="score, 0–100; the bar is the mean")


def _kinds(pairs: Rows) -> Rows:
    """Counts of each kind of answer by form and arm."""
    found = []
    for form in dict.fromkeys(pair["form"] for pair in pairs):
        for arm, _ in ARMS:
            counts = Counter(pair[arm]["kind"] for pair in pairs if pair["form"] == form)
            found.append({"form": form, "arm": arm, **{kind: counts[kind] for kind in KINDS}})
    return found


def _coverage(pairs: Rows) -> Rows:
    """What was asked: questions and answers by form and topic."""
    found = []
    for form in dict.fromkeys(pair["form"] for pair in pairs):
        some = [pair for pair in pairs if pair["form"] == form]
        topics = Counter(topic for topic, _ in {(pair["topic"], pair["question"]) for pair in some})
        told = ", ".join(f"{topic} {n}" for topic, n in sorted(topics.items()))
        zones = Counter(zone for zone, _ in {(pair["zone"], pair["question"]) for pair in some if pair["zone"]})
        near = ", ".join(f"{zone} {n}" for zone, n in zones.most_common()) or "not known without --train"
        row = {"form": form, "questions": sum(topics.values()), "pairs": len(some), "topics": told, "near": near}
        found.append(row)
    return found


def _by_question(pairs: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for pair in pairs:
        if pair["form"] == "plain" and "unread" not in (pair["base"]["kind"], pair["tuned"]["kind"]):
            found.setdefault(pair["question"], []).append(pair)
    return found


def headline(result: Result) -> str:
    """What the page says first."""
    return {
        Verdict.FAIL: "The fine-tune changed what it was not meant to change.",
        Verdict.PASS: "Nothing moved beyond what the policy allows.",
        Verdict.INCONCLUSIVE: "Not settled: see what would settle it.",
        Verdict.NOT_RUN: "Not measured: see why.",
    }[result.verdict]
