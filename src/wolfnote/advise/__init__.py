"""Defence 4: should I have fine-tuned at all? ``advise.run(models, tasks, settings, beside) -> Result``.

what is asked    task.py (the user's items) · documents.py → passages · retrieval.py (FTS5, bm25s, the user's own)
how it is asked  arms.py (base, prompt, few-shot, RAG, tuned …) · drafting.py (the written prompt) · asking.py
how it is scored scorers.py (rules) · style.py · groundedness.py · grading.py (judge) · cost.py
what is decided  comparison.py (Hsu's comparison with the best) · choosing.py → deciding.py, from the rows of ``evidence`` alone
advising.py      run; recomputing.py: the same from the run folder; forecast.py: what it would take
"""

from wolfnote.advise.advising import Beside, Models, run
from wolfnote.advise.arms import material
from wolfnote.advise.drafting import draft
from wolfnote.advise.forecast import plan
from wolfnote.advise.recomputing import recompute
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item, Tasks

__all__ = ["Beside", "Item", "Models", "Settings", "Tasks", "draft", "material", "plan", "recompute", "run"]
