"""One file a detector: what it means, bad, good, source, what it takes for bad and is not; then one function that reads.

Detectors read row by row; surveys see the data as a whole. A new one is a line in a list below.
"""

from wolfnote.audit.detector import Detector, Survey
from wolfnote.audit.detectors import (
    duplicates,
    length_limit,
    near_duplicates,
    personal_data,
    refusals,
    schema,
    secrets,
    supervision,
)

DETECTORS: tuple[Detector, ...] = (
    schema.detector,
    supervision.detector,
    refusals.detector,
    secrets.detector,
    personal_data.detector,
)
SURVEYS: tuple[Survey, ...] = (
    duplicates.Survey(),
    near_duplicates.Survey(),
    length_limit.Survey(),
)
"""Beside these: ``refusals.Shortage`` and, where an evaluation is given, ``overlap.Survey``."""
