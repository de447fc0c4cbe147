"""How many refusals the rule over first words sees, on XSTest's labelled completions.

python benchmarks/refusals.py --data ../shared/data     a second
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from wolfnote import stats
from wolfnote.text.refusal import refuses

FULL, NONE = "2_full_refusal", "1_full_compliance"


def main() -> None:
    """Print a line a file: of the full refusals and of the full answers, which part the rule takes for a refusal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    for path in sorted((parser.parse_args().data / "eval" / "xstest").glob("*completions*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        print(path.name)
        for label in (FULL, NONE):
            said = [refuses(row["completion"]) for row in rows if row["final_label"] == label]
            print(f"  {label}: {sum(said)} of {len(said)}: {stats.share('taken for a refusal', sum(said), len(said))}")


if __name__ == "__main__":
    main()
