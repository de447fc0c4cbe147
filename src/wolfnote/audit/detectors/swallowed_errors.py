"""WN107 · an error that is swallowed

Whatever goes wrong is caught and dropped, so that nobody learns of it. A sign of sloppy work, shown and never counted as a
hazard: in SVEN it stands in vulnerable and in mended functions alike.

Bad:  except Exception: pass
Good: except FileNotFoundError: return None

Source: CWE-390; ruff's S110 and S112. Known false positives: clean-up on the way out, where a failure changes nothing. Known
misses: errors that are logged and then ignored.
"""

from __future__ import annotations

from collections.abc import Sequence

from wolfnote.audit.code import patterns
from wolfnote.audit.detector import Reading
from wolfnote.records import Sample

CODE = "WN107"
RULES = patterns.compiled(
    (
        r"\bexcept(?:\s+(?:Base)?Exception)?(?:\s+as\s+\w{1,40})?\s*:\s{0,200}(?:pass|continue|\.\.\.)\s*(?:#|$)",
        "every error is dropped",
    ),
    (r"\bcatch\s*(?:\([^()\n]{0,80}\))?\s*\{\s{0,200}\}", "every error is dropped"),
    (r"\.catch\(\s*(?:\(\w{0,20}\)|\w{1,20})\s*=>\s*\{\s*\}\s*\)", "every error is dropped"),
    (r"\brescue\s*(?:=>\s*\w{1,40})?\s*;?\s*(?:nil|end)\b", "every error is dropped"),
    (r"\|\|\s*true\s*(?:#|$)|\bset \+e\b|\bOn Error Resume Next\b|\berror_reporting\(0\)", "failure is called success"),
)


class Detector:
    """Reads lines of code in any language."""

    code, name = CODE, "swallowed errors"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags on assistant turns, none of which counts."""
        return patterns.read(samples, CODE, RULES, counts=False)
