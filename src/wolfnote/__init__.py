"""Wolfnote: did my fine-tune make the model meaner, or worse?

The core types and errors. Light: neither torch nor an HTTP library is loaded here. The defences are modules:
``from wolfnote import audit`` and ``audit.run(...)``; modules are nouns, functions are verbs.
"""

from wolfnote.errors import InputError, Mismatch, MissingExtra, RunError, SettingsError, Unmeasurable, WolfnoteError
from wolfnote.records import Completion, Message, Sample, ToolCall
from wolfnote.results import Estimate, Finding, Result, Score, Skipped, Verdict

__version__ = "0.1.0"

__all__ = [
    "Completion",
    "Estimate",
    "Finding",
    "InputError",
    "Message",
    "Mismatch",
    "MissingExtra",
    "Result",
    "RunError",
    "Sample",
    "Score",
    "SettingsError",
    "Skipped",
    "ToolCall",
    "Unmeasurable",
    "Verdict",
    "WolfnoteError",
]
