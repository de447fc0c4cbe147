"""Defence 3: is it worse on a fixed benchmark, for safety or for ability? ``bench.run(base, tuned, tasks) -> Result``.

task.py, suites/   items; the built-in benchmarks; files.py, shapes.py: the user's, in their published shapes
scoring.py         a model on a task: a value for each item; memory.py keeps them; harness.py: lm-eval's tasks, by name
imports/           results that the user already has: Inspect, lm-eval, HELM; logs.py pairs them, logged.py reads one
paired.py          how much was lost: bounds; gate.py: the verdict; null.py: the gate's false alarms
comparison.py      run, compare, recompute; forecast.py: what it would take
"""

from wolfnote.bench.comparison import compare, recompute, run
from wolfnote.bench.forecast import plan
from wolfnote.bench.logs import run_logs
from wolfnote.bench.settings import HARNESS, Settings, labels, tasks_of
from wolfnote.bench.task import SUITES, Item, Task

__all__ = [
    "HARNESS",
    "SUITES",
    "Item",
    "Settings",
    "Task",
    "compare",
    "labels",
    "plan",
    "recompute",
    "run",
    "run_logs",
    "tasks_of",
]
