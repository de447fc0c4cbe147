"""All at once: one TOML, the gates in their order, one verdict. ``pipeline.run(settings, folder=run) -> Result``.

settings.py     wolfnote.toml as a struct: ``[check]``, ``[policy]``, and each command's own tables as they are
stages.py       the stages: a list, one entry a command
process.py      one stage: its command in a process of its own, its run folder, its result
concluding.py   stages' results → the verdict of the whole; pure over the check's folder, so that ``verify`` repeats it
findings.py     what is said beside: unsigned, uncertified, left out, waived, expired
checklist.py    the founding article's five points, each with its evidence
drafting.py     ``wolfnote init``: a commented wolfnote.toml
"""

from wolfnote.pipeline.check import plan, run
from wolfnote.pipeline.concluding import conclude
from wolfnote.pipeline.drafting import draft
from wolfnote.pipeline.settings import Settings, load

__all__ = ["Settings", "conclude", "draft", "load", "plan", "run"]
