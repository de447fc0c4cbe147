"""The evidence: one ``Result`` in, one page out. ``report.render(run_folder) -> str``."""

from wolfnote.report.html import render

__all__ = ["render"]
