"""The evidence: one ``Result`` in, one page out. ``report.render(run_folder, format) -> str``.

html.py       the page of a run; whole.py that of a check, and a file a kind for the others (demo, measure, …)
markdown.py   for a pull request; card.py for a model card; junit.py and sarif.py for CI; spreadsheet.py CSV; mlbom.py CycloneDX
trend.py      several runs over time
reading.py    what all of them read; plots.py what they draw
"""

from wolfnote.report.forms import render
from wolfnote.report.sarif import sarif_text
from wolfnote.report.trend import compare

__all__ = ["compare", "render", "sarif_text"]
