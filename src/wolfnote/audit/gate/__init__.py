"""The gate: from counted rows to a verdict, and who waived what. Pure: no file is read or written here.

``gate.judge(counts, frame, settings, policy=policy, today=today) -> Result`` of kind "gate".

counts    one ``Count(name, flagged, read, accuracy)`` a category, from ``gate.count``; with ``preset = "article"`` the one that
          is called ``gate.ANY``. ``accuracy`` (``audit.reader.Accuracy``) corrects for the errors of whoever read, None takes
          flags at face value
frame     ``Frame(population, drawn, unread)``: rows of the data, rows of them in the draw (all where every row is read), rows
          that nobody could parse. Of ``drawn - count.read`` rows nothing is known: no PASS
settings  the table ``[gate]``: preset, tolerances, profile, the plan of looks
policy    ``flagged_share`` is the tolerance of a category that nothing else names; a waiver for a category's name (or, in
          ``gate.count``, for a finding's code) is in force until its day

``gate.count(draw, said, …) -> list[Count]`` counts rows by what was said of them: ``gate.flagged`` gives that for detectors
(less waived codes and a baseline's findings), ``labels.settled`` for people. ``gate.by_source`` judges each source.

counting.py   rows and what was said of them → counts
judging.py    counts → verdict, category by category
article.py    the founding article's rule, and what it can and cannot see
sources.py    each source by itself, and against the others
share.py      one reader's share of harmful rows, for ``audit.run``
settings.py   ``[gate]``, and where a tolerance comes from
"""

from wolfnote.audit.gate.counting import ANY, Count, Frame, count, flagged
from wolfnote.audit.gate.judging import judge
from wolfnote.audit.gate.settings import Settings
from wolfnote.audit.gate.share import harmful_share, verdict
from wolfnote.audit.gate.sources import Flagged, any_of, by_source, judge_sources

__all__ = [
    "ANY", "Count", "Flagged", "Frame", "Settings", "any_of", "by_source", "count", "flagged", "harmful_share", "judge",
    "judge_sources", "verdict",
]  # fmt: skip
