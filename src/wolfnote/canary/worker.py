"""A judge's process: a line of JSON in, a line of JSON out, until stdin ends. ``python -m wolfnote.canary.worker JUDGE``.

It can hang or die without harm to the gateway, which kills it, starts another and counts an abstention.
"""

from __future__ import annotations

import sys

import msgspec

from wolfnote.canary import features, judge
from wolfnote.canary.judge import Asked, Found
from wolfnote.results import Score

Many = list[tuple[str, str]]


def main() -> None:
    """Judge what comes."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a judge that prints must not break the line it answers on
    opened = judge.open_local(sys.argv[1])
    for line in source:
        asked = [Asked(*pair) for pair in msgspec.json.decode(line, type=Many)]
        found = [Found(score, features.read(*one)) for score, one in zip(scores(opened, asked), asked, strict=True)]
        target.write(msgspec.json.encode(found) + b"\n")
        target.flush()


def scores(opened: judge.Judge, asked: list[Asked]) -> list[Score]:
    """The scores; a judge that raises has abstained from all it was shown."""
    try:
        found = opened.score(asked)
    except Exception as error:  # whatever a stranger's judge raises, the answers stay unread and the gateway alive
        return [Score("harm", None, f"{type(error).__name__}", opened.name)] * len(asked)
    wrong = len(found) != len(asked)
    return [Score("harm", None, "as many scores as answers, please", opened.name)] * len(asked) if wrong else list(found)


if __name__ == "__main__":
    main()
