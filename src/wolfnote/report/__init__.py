"""The evidence: one ``Result`` in, one page out. ``report.render(run_folder) -> str``."""

from wolfnote.report.html import render
from wolfnote.report.sarif import sarif_text

__all__ = ["render", "sarif_text"]
