"""A run as CycloneDX 1.6 ML-BOM: the tuned model with what was measured of it, its base, and the data, by hash."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from wolfnote.report import reading
from wolfnote.results import Estimate, Result

MOST = 200
HEX = set("0123456789abcdef")


def text(folder: Path) -> str:
    """The BOM as JSON; the same run gives the same text. Raises ``InputError`` when the folder holds no result."""
    result, about = reading.finished(folder)
    return json.dumps(of(result, about, inputs(folder, about)), indent=1, ensure_ascii=False) + "\n"


def inputs(folder: Path, about: dict[str, Any]) -> dict[str, str]:
    """Hashes of data and models: the run's own, and those of a check's stages."""
    found: dict[str, str] = {}
    for place in about.get("stages", {}).values():
        found |= json.loads((folder / place / "run.json").read_text(encoding="utf-8")).get("inputs", {})
    own: dict[str, str] = about.get("inputs", {})
    return found | own


def of(result: Result, about: dict[str, Any], hashes: dict[str, str]) -> dict[str, Any]:
    """The BOM as JSON's own types."""
    data = {name: value for name, value in hashes.items() if name.startswith("data")}
    models = {name: hashes[name] for name in ("base", "model", "tuned") if name in hashes}
    components = [_data(name, value) for name, value in sorted(data.items())]
    components += [_model(name, value) for name, value in models.items() if name != "tuned"]
    tool = {"type": "application", "name": "wolfnote", "version": str(about.get("versions", {}).get("wolfnote") or "0")}
    bom: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'wolfnote/' + result.run_id)}",
        "version": 1,
        "metadata": {"tools": {"components": [tool]}, "component": _tuned(result, models.get("tuned", ""))},
        "components": components,
        "dependencies": [{"ref": "tuned", "dependsOn": [component["bom-ref"] for component in components]}],
    }
    if about.get("finished"):
        bom["metadata"]["timestamp"] = about["finished"]
    return bom


def _tuned(result: Result, fingerprint: str) -> dict[str, Any]:
    every = [(name, e) for name, part in reading.walk(result) for e in part.estimates]
    estimates = sorted(every, key=lambda pair: pair[1].low is None or pair[1].high is None)[
        :MOST
    ]  # those with an interval first
    limits = [f"{place}: {text}" for place, text in reading.untested(result)]
    verdicts = [{"name": f"wolfnote:verdict:{part.kind}", "value": part.verdict.value} for part in reading.stages(result)]
    return {
        "type": "machine-learning-model",
        "bom-ref": "tuned",
        "name": "tuned model",
        "properties": [{"name": "wolfnote:verdict", "value": result.verdict.value}, *verdicts, *_print(fingerprint)],
        "modelCard": {
            "quantitativeAnalysis": {"performanceMetrics": [_metric(name, e) for name, e in estimates]},
            "considerations": {"technicalLimitations": limits},
        },
    }


def _metric(part: str, e: Estimate) -> dict[str, Any]:
    found: dict[str, Any] = {"type": e.name, "value": repr(e.value), "slice": f"{part}; n = {e.n}; {e.method}"}
    if e.low is not None and e.high is not None:
        found["confidenceInterval"] = {"lowerBound": repr(e.low), "upperBound": repr(e.high)}
    return found


def _data(name: str, value: str) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "data", "bom-ref": name, "name": f"training rows ({name})"}
    component["data"] = [{"type": "dataset", "name": name}]
    if len(value) == 64 and set(value) <= HEX:
        component["hashes"] = [{"alg": "SHA-256", "content": value}]
    return component


def _model(name: str, fingerprint: str) -> dict[str, Any]:
    properties = _print(fingerprint)
    return {"type": "machine-learning-model", "bom-ref": name, "name": f"{name} model", "properties": properties}


def _print(fingerprint: str) -> list[dict[str, str]]:
    return [{"name": "wolfnote:weights-fingerprint", "value": fingerprint}] if fingerprint else []
