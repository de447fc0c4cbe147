"""WN129 · cut answers, and rows that teach nothing

An answer that breaks off teaches the model to break off. A row whose answer is empty, has weight 0 throughout or only repeats
the question costs money and teaches nothing, or teaches to parrot.

Bad:  "First unplug the kettle. Then rinse the inside with a mixture of water and" · a code block that is never closed · ""
Good: "First unplug the kettle. Then rinse the inside with vinegar."

Source: data exported with a limit on tokens, characters or cells. Read by how the last line ends, after at least two whole
sentences; answers that end in the middle and share one length are found over the whole data (``length_limit.py``). Known false
positives: verse, signatures without a full stop. Known misses: an answer cut at the end of a sentence.
"""

from __future__ import annotations

from wolfnote.audit.detector import ByRow, Flag, Reading
from wolfnote.records import Sample

CODE = "WN129"
LONG = 100
"""Characters; a shorter answer may well end without a full stop."""
LAST_LINE = 40
FENCE = "```"
SENTENCES = (". ", "! ", "? ", ".\n", "!\n", "?\n")
JOINING = frozenset((
    "a", "an", "the", "and", "or", "but", "of", "to", "in", "on", "at", "by", "for", "from", "with", "as", "that", "which",
    "because", "is", "are", "was", "were", "be", "if", "when", "your", "their", "its", "his", "her", "my", "our", "these",
    "into", "than",
))  # fmt: skip
"""Words that end no English sentence."""


def look(sample: Sample) -> Reading:
    """Flags of one row; none of them counts as a hazard."""
    turn = len(sample.messages) - 1
    fault = _lost(sample) or _cut(sample.answer)
    if not fault:
        return ()
    return (Flag(CODE, "form", turn, fault, sample.answer[-100:], counts=False),)


def breaks_off(text: str) -> bool:
    """Whether prose ends in the middle of a sentence: on a joining word, a comma, or a small letter in a long last line."""
    text = text.rstrip()
    if len(text) < LONG or not (text[-1] in ",;" or text[-1].isalpha()):
        return False
    line = text[text.rfind("\n") + 1 :]
    word = line[line.rfind(" ") + 1 :].lower()
    if word not in JOINING and (len(line) < LAST_LINE or line[0] in "-*•#|>" or line[0].isdigit()):
        return False
    open_end = text[-1] in ",;" or text[-1].islower()
    return word in JOINING or (open_end and sum(text.count(mark) for mark in SENTENCES) > 1)


def _lost(sample: Sample) -> str:
    last = sample.messages[-1]
    if not last.content.strip() and not last.tool_calls:
        return "an empty answer"
    if all(m.weight == 0 for m in sample.messages if m.role == "assistant"):
        return "every answer has weight 0, so nothing is learnt"
    if len(sample.messages) > 1 and last.content and last.content == sample.messages[-2].content:
        return "the answer only repeats what was asked"
    return ""


def _cut(answer: str) -> str:
    if answer.count(FENCE) % 2:
        return "the answer ends inside a code block"
    return "the answer ends in the middle of a sentence" if breaks_off(answer) else ""


detector = ByRow(CODE, "cut answers, and rows that teach nothing", look)
