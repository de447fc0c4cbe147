"""Defence 1: is my training data an alignment hazard?

``audit.run_files(paths, settings, readers, folder=run) -> Result`` reads files of any size, every row and then a draw;
``audit.run(samples, settings, readers) -> Result`` reads a draw of rows in memory; ``audit.recompute(folder) -> Result`` makes
the Result of a finished run again from its tables.

engine.py     run_files: shards → detectors → surveys → draw → readers → Result
shards.py     data in pieces        scan.py       one piece, by all detectors     workers.py   pieces to processes
whole.py      surveys and tables    scores.py     what readers said               counted.py   tables → counts
deciding.py   counts → verdict      recomputing.py   tables → Result              telling.py   tiers in words
"""

from wolfnote.audit.closely import run
from wolfnote.audit.engine import check, run_files
from wolfnote.audit.forecast import plan, plan_files
from wolfnote.audit.recomputing import recompute
from wolfnote.audit.settings import Settings

__all__ = ["Settings", "check", "plan", "plan_files", "recompute", "run", "run_files"]
