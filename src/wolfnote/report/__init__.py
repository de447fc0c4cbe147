"""The evidence: one ``Result`` in, one page out. ``report.render(result, "html", folder) -> str``; reads nothing else."""

from wolfnote.report.html import render

__all__ = ["render"]
