"""Rows in and answers out: what is trained on, and what a model said.

A ``Sample`` is one training row with the place it came from; a ``Completion`` is one answer with the fingerprint of
the weights that gave it. Reading streams: a row that cannot be read becomes an ``Unread``, so that it is counted and
shown, and never passes for clean.

row.py           Message, ToolCall, Sample, Completion, Unread
reading.py       read, read_all, Reading: from a path to samples
writing.py       write: from samples to a file; converting.py: from file to file
shapes/          a row ↔ a sample, one module a shape: OpenAI, ShareGPT, Alpaca, prompt and completion, preference, text
turns.py         one turn as OpenAI writes it
sources.py       a file → raw rows with line numbers: JSONL, CSV, Parquet; json_values.py for JSON arrays; files.py for bytes
stretches.py     a JSONL file in pieces, so that several processes read it
mapping.py       rows whose columns the user names: helpdesk exports
documents.py     running text: documents, source files, folders
preflight.py     what a provider would refuse, and what would be silently cut; providers.toml holds the limits
"""

from wolfnote.records.converting import Converted, convert
from wolfnote.records.reading import Reading, Row, read, read_all, readable, rows
from wolfnote.records.row import ROLES, Completion, Message, Role, Sample, ToolCall, Unread, chat, digest, sample
from wolfnote.records.shapes import FORMATS
from wolfnote.records.writing import write

__all__ = [
    "FORMATS",
    "ROLES",
    "Completion",
    "Converted",
    "Message",
    "Reading",
    "Role",
    "Row",
    "Sample",
    "ToolCall",
    "Unread",
    "chat",
    "convert",
    "digest",
    "read",
    "read_all",
    "readable",
    "rows",
    "sample",
    "write",
]
