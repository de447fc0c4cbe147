"""The written prompt, drafted from the goal and from what right answers look like. A start to be edited, no secret.

Only examples are read, never an item that is asked about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from wolfnote.advise import words
from wolfnote.advise.task import Item

LABELS = 12
"""So many different answers at most are a list to choose from."""
SAMPLES = 2
"""Brand samples that the prompt shows."""
UNKNOWN = "If you cannot know the answer, say: I don't know."


def draft(goal: str, examples: Sequence[Item], brand: Sequence[str]) -> str:
    """The prompt as text."""
    parts = [goal.strip() or "Answer the user's question.", *_form(examples)]
    if any(item.refuse for item in examples):
        parts.append(UNKNOWN)
    if brand:
        shown = "\n\n".join(sorted(brand, key=len)[len(brand) // 2 :][:SAMPLES])
        parts.append(f"Write in the voice of these samples:\n\n{shown}")
    return "\n".join(parts)


def _form(examples: Sequence[Item]) -> list[str]:
    """What the right answers of the examples have in common: labels, JSON keys, numbers, length."""
    rights = [item.answers[0] for item in examples if item.answers and not item.refuse]
    if not rights:
        return []
    labels = sorted(set(rights))
    if len(labels) <= LABELS and len(rights) >= 2 * len(labels) and all(len(words.words(x)) <= 4 for x in labels):
        return [f"Answer with exactly one of these and nothing else: {', '.join(labels)}."]
    objects = [found for found in map(_object, rights) if found is not None]
    if len(objects) == len(rights):
        keys = list(dict.fromkeys(key for found in objects for key in found))
        return [f"Answer with one JSON object and nothing else. Its keys: {', '.join(keys)}."]
    if all(words.NUMBER.fullmatch(right.strip()) for right in rights):
        return ["Answer with a number and nothing else."]
    longest = max(len(words.words(right)) for right in rights)
    return [f"Answer in at most {max(10, 2 * longest)} words."]


def _object(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
