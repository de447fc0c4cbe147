"""Fit the readers of the packaged weights and put them where they are shipped: after a change of the reference rows.

.venv/bin/python benchmarks/readers.py
"""

from __future__ import annotations

from pathlib import Path

from wolfnote import models
from wolfnote.audit.readers import fitted, fitting, projection, reference
from wolfnote.directions.activations import answer_means


def main() -> None:
    model = models.open_local("package:smollm2")
    first, last = projection.layers(model)
    means = answer_means(model, [row.conversation for row in reference.rows()], last=last)[:, first:]
    home = Path(fitted.__file__).parent / "shipped"
    home.mkdir(exist_ok=True)
    for old in home.iterdir():
        old.unlink()
    found = fitting.heads(means, model.fingerprint)
    fitted.save(found, home / f"{model.fingerprint}-{reference.version()}.npz")
    for category, (_, calibration) in found.items():
        print(
            f"{category:18} false alarms {calibration.false_alarms} sensitivity {calibration.sensitivity} {calibration.brier}"
        )


if __name__ == "__main__":
    main()
