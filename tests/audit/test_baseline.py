"""What an earlier audit found, by content: moved rows are old, changed ones are new."""

from pathlib import Path

import pytest

from wolfnote import InputError
from wolfnote.audit import baseline, columns


def test_pairs_of_row_and_code(tmp_path: Path) -> None:
    """Each pair once; what did not count then is no excuse now; a folder that is no audit is a mistake."""
    kinds = {"row": "int64", "id": "string", "code": "string", "counts": "bool"}
    rows = [(0, "a", "WN102", True), (1, "a", "WN102", True), (2, "b", "WN102", False), (3, "b", "WN105", True)]
    columns.write(tmp_path / "found.parquet", kinds, rows)
    with pytest.raises(InputError, match="no finished audit"):
        baseline.read(tmp_path)
    (tmp_path / "result.json").write_text('{"kind": "audit", "verdict": "PASS", "tables": {"findings": "found.parquet"}}')
    assert baseline.read(tmp_path) == {("a", "WN102"), ("b", "WN105")}
