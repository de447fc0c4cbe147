"""One file that proves. ``bundle.write(run, out)`` makes it; ``bundle.verify(path)`` believes nothing that it can recompute.

writing.py        a run → evidence files, the run's own rows, and a manifest over all
withholding.py    texts → their hashes, where texts may not leave the house
evidence.py       the files an auditor opens, each a pure function of the run
manifest.py       every file's hash in one chain; the signature over it
container.py      zip or folder in, with its hazards refused
recomputing.py    kind of run → the function that computes its Result again
verification.py   all of it checked, and what does not match named
"""

from wolfnote.bundle.container import is_bundle
from wolfnote.bundle.verification import Verified, verify
from wolfnote.bundle.writing import write

__all__ = ["Verified", "is_bundle", "verify", "write"]
