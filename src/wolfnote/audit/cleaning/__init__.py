"""From an audited data set to one that can be trained on: ``cleaning.run(data, out, evidence, rules) -> Result``.

Nothing is deleted. Every row of the data ends in one place: in the cleaned file of its own name and format, as it was, redacted
or corrected; in ``quarantine.jsonl`` with the reasons; or, where it could not even be read, in ``unread.jsonl`` by its place.
What was changed is listed in ``changes.jsonl`` with the ids before and after. Afterwards everything is read back from the disk
and must add up, row by row; only then is the manifest written.

decision.py     what becomes of one row, and why
redaction.py    secrets and personal data out of a row
corrections.py  the user's better answers, by row id
flagged.py      a run's flags, row by row, in the order of the data
balance.py      a sum over ids that does not depend on their order
account.py      rows that came = rows that are there, and the counts
cleaner.py      the pass over the data
"""

from wolfnote.audit.cleaning.cleaner import Benign, Evidence, Rules, run
from wolfnote.audit.cleaning.decision import Settings

__all__ = ["Benign", "Evidence", "Rules", "Settings", "run"]
