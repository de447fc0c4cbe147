"""Advice on the four scenarios of examples/advise: what is recommended, with intervals, beside what keywords would have said.

    .venv/bin/python benchmarks/advise.py [--base package:smollm2] [--only facts] [--tune] [--set KEY=VALUE …] [--out FOLDER]

``--tune`` tunes base on each scenario's own train.jsonl first (local bases only). A served base: --base http://HOST/v1#NAME
with --tuned http://HOST/v1#OTHER. Each run goes on where it stopped. Expectations were written down before any run (EXPECTED).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from wolfnote.folder import read_result

EXPECTED = {
    "facts": ("RAG", "RAG + few-shot"),
    "format": ("prompt", "few-shot"),
    "voice": ("prompt", "few-shot"),
    "labels": ("tuned", "tuned + RAG", "few-shot"),
}
KEYWORDS = {
    "RAG": ("facts", "document", "knowledge", "policy", "questions about", "latest"),
    "tuned": ("voice", "tone", "brand", "style", "label", "classif", "format", "json"),
}
"""What questionnaires on the web ask for: changing knowledge → retrieval, behaviour and form → a fine-tune."""


def questionnaire(goal: str) -> str:
    """The arm that keywords of the goal point to."""
    hits = {arm: sum(word in goal.lower() for word in words) for arm, words in KEYWORDS.items()}
    best = max(hits, key=lambda arm: hits[arm])
    return best if hits[best] else "prompt"


def command(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], check=False).returncode


def scenario(name: str, home: Path, given: argparse.Namespace) -> list[str]:
    """One line of the table."""
    goal = (home / "goal.txt").read_text().strip()
    tuned = given.tuned
    if given.tune:
        command("tune", str(home / "train.jsonl"), "--model", given.base, "--out", str(given.out / f"tune-{name}"))
        tuned = f"{given.base}+{given.out / f'tune-{name}' / 'adapter'}"
    brand = ["--brand", str(home / "brand.txt")] if (home / "brand.txt").exists() else []
    extra = [part for one in given.set for part in ("--set", one)]
    after = ["--tuned", tuned] if tuned else []
    command(
        "advise", str(home / "tasks.jsonl"), "--docs", str(home / "docs"), "--base", given.base, *after, "--goal", goal, *brand,
        "--out", str(given.out / name), *extra,
    )  # fmt: skip
    result = read_result(given.out / name)
    if result is None:
        return [name, "did not finish", "", questionnaire(goal), ""]
    chosen = next((r.split(": ")[1] for r in result.reasons if r.startswith("recommended: ")), "undecided")
    met = "as expected" if chosen in EXPECTED[name] else "NOT as expected"
    scores = next(r for r in result.reasons if r.startswith("scores: "))
    return [name, f"{result.verdict.value}: {chosen}", met, questionnaire(goal), scores]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="package:smollm2")
    parser.add_argument("--tuned", default="")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("runs/advise-bench"))
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "advise"))
    import scenarios

    scenarios.write(given.out / "scenarios")
    names = [given.only] if given.only else list(EXPECTED)
    lines = [scenario(name, given.out / "scenarios" / name, given) for name in names]
    print("scenario | recommended | expectation | a keyword questionnaire says | scores")
    for line in lines:
        print(" | ".join(line))


if __name__ == "__main__":
    main()
