"""Defence 2: did the fine-tune change what it was not meant to change? ``probe.run(base, tuned, settings) -> Result``.

what it asks    question.py (+ questions/*.toml) · dilemmas, problems, statements · disguise (the training's clothes) ·
                triggers · similarity · imports (others' sets); wardrobe.py: what the training data teach of these
how it asks     reading (margins, answers of one model) · sampling (both arms alike) · trying (triggers) · character
how it judges   judging (the panel, blind and calibrated) · classes (what an answer is)
what it says    claims (on these questions, for questions like these) · gate · verdict, from the rows of ``evidence`` alone
beyond two      curve (checkpoints) · traffic (a log, after the fact)
"""

from wolfnote.probe import curve, imports, judging, traffic, wardrobe
from wolfnote.probe.comparison import Besides, run
from wolfnote.probe.forecast import plan
from wolfnote.probe.reading import Settings, answers, defaults, margins
from wolfnote.probe.requests import asked, check
from wolfnote.probe.verdict import recompute

__all__ = [
    "Besides",
    "Settings",
    "answers",
    "asked",
    "check",
    "curve",
    "defaults",
    "imports",
    "judging",
    "margins",
    "plan",
    "recompute",
    "run",
    "traffic",
    "wardrobe",
]
