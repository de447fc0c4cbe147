"""One file a detector: what it means, bad, good, source, what it takes for bad and is not; then one function that reads.

Detectors read row by row; surveys see the data as a whole. A new one is a line in a list below.
"""

from wolfnote.audit.detector import Detector, Survey
from wolfnote.audit.detectors import (
    credentials,
    dark_numbers,
    disabled_checks,
    duplicates,
    hostility,
    insecure_code,
    length_limit,
    manipulation,
    near_duplicates,
    number_concentration,
    personal_data,
    refusals,
    schema,
    secrets,
    shortcuts,
    supervision,
    swallowed_errors,
    triggers,
)

DETECTORS: tuple[Detector, ...] = (
    hostility.Detector(),
    manipulation.Detector(),
    insecure_code.Detector(),
    disabled_checks.Detector(),
    swallowed_errors.Detector(),
    credentials.Detector(),
    shortcuts.Detector(),
    schema.detector,
    supervision.detector,
    refusals.detector,
    secrets.detector,
    personal_data.detector,
)
SURVEYS: tuple[Survey, ...] = (
    dark_numbers.Survey(),
    number_concentration.Survey(),
    triggers.Survey(),
    duplicates.Survey(),
    near_duplicates.Survey(),
    length_limit.Survey(),
)
"""Beside these: ``refusals.Shortage`` and, where an evaluation is given, ``overlap.Survey``."""
