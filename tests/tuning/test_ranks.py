"""Two processes that train together hear the same, and hear it all."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import guarding
import pytest

CODE = """
import json, sys
sys.path.insert(0, sys.argv[3])
import guarding
from pathlib import Path
from wolfnote.tuning import PersonaGuard
guard = PersonaGuard(guarding.direction(sys.argv[1]), every=1)
trainer = guarding.plain(sys.argv[1], Path(sys.argv[2]), [guard], per_device_train_batch_size=2, num_train_epochs=1, use_cpu=True)
guarding.train(trainer)
print("FOUND" + json.dumps(guard.rows()))
"""


@pytest.mark.slow
def test_ranks_hear_the_same_and_hear_it_all(tiny: str, tmp_path: Path) -> None:
    """Both ranks come to the same looks, of the answers that both of them read."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    call = [sys.executable, "-c", CODE, tiny, str(tmp_path), str(Path(__file__).parent)]
    ranks = [
        subprocess.Popen(call, env=os.environ | together | {"RANK": r, "LOCAL_RANK": r}, stdout=subprocess.PIPE, text=True)
        for r in ("0", "1")
    ]
    said = [rank.communicate(timeout=240)[0] for rank in ranks]
    rows = [json.loads(text.partition("FOUND")[2].splitlines()[0]) for text in said]
    assert rows[0] == rows[1]
    looks = [row for row in rows[0] if row["kind"] == "look"]
    assert sum(look["n"] for look in looks) == len(guarding.ROWS)
    assert {look["n"] for look in looks} == {4}
