"""What an earlier audit found, by content: moved rows are old, changed ones are new; detectors' flags and readers' alike."""

from pathlib import Path

import pytest

from wolfnote import InputError
from wolfnote.audit import baseline


def test_only_an_audit_is_a_baseline(tmp_path: Path) -> None:
    """A folder that holds none, or one whose table is gone, is a mistake that is told."""
    with pytest.raises(InputError, match="no finished audit"):
        baseline.table(tmp_path)
    (tmp_path / "result.json").write_text('{"kind": "audit", "verdict": "PASS", "tables": {"findings": "found.parquet"}}')
    with pytest.raises(InputError, match="no finished audit"):
        baseline.table(tmp_path)
    (tmp_path / "found.parquet").touch()
    assert baseline.table(tmp_path) == "found.parquet"
