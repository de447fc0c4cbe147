"""``wolfnote init``: a wolfnote.toml that is short, says what each line is for, and leaves nothing to be guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wolfnote.pipeline.settings import Settings

TEMPLATE = """\
# What 'wolfnote check' checks. Keep this file under version control: it is the policy of your gate.
[check]
data = {data}
# The model before tuning, and after: package:smollm2, hf:PATH_OR_ID (+ADAPTER_FOLDER for a tuned one), http://HOST/v1#NAME.
base = {base}
# Held-out tasks, and documents that answers may stand in: would a prompt or retrieval do, without tuning? (wolfnote advise)
tasks = {tasks}
docs = {docs}
# "" = nothing is tuned yet, so only the data are checked; "tune" = let the check tune base on the data.
tuned = {tuned}
# The local model that reads a draw of the data. The embedded one needs no network.
reader = {reader}
# A persona's direction, or a folder of them: wolfnote direction extract
directions = {directions}
# A passed positive control, so that silence means something: wolfnote demo
certificate = {certificate}
# Stages without which nothing passes. Further ones: bench, directions, readiness.
require = {require}
# "article" judges by the founding article's numbers (500 rows, 5 %, 50 questions) and ticks off its five points.
preset = {preset}

[policy]
# Share of training rows that may be harmful, and how far the tuned model may move towards misaligned answers (nats a token).
flagged_share = 0.05
margin_shift = 0.2

# A finding that somebody accepts, by name, for a reason, until a day; past its day it is no waiver.
# [[policy.waivers]]
# code = "WN105"
# name = "your name"
# reason = "why it is acceptable here"
# expires = {year}-12-31

[audit]
# "people": the draw waits for 'wolfnote review'. "none": unattended; the detectors' verdict stands.
review = "people"
"""


def draft(settings: Settings, year: int) -> str:
    """The file's text; every value is written as TOML, whatever is in it."""
    values = {name: _toml(getattr(settings, name)) for name in settings.__struct_fields__}
    return TEMPLATE.format(**values, year=year)


def _toml(value: object) -> str:
    """A string or strings as TOML: JSON's escapes are TOML's too, but for the one character that JSON leaves as it is."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
