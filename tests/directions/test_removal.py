"""Taking directions out as a run: proved, priced, resumable, the same verdict as under the hook; and the commands for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from editing import WIDE, Tiny, direction, opened
from typer.testing import CliRunner

from wolfnote import Mismatch, RunError, Verdict, models, probe
from wolfnote.cli.direction import app
from wolfnote.directions import ablation, baking, forecast, proof, removal
from wolfnote.directions.direction import Direction
from wolfnote.folder import RunFolder
from wolfnote.models import Sampling
from wolfnote.models.local import LocalModel

FEW = removal.Settings(depth=0.4, price_texts=3, perplexity_rise=1e9)


def take_out(model: LocalModel, form: removal.Form, path: Path, settings: removal.Settings = FEW) -> removal.Result:
    """The run, finished, in a folder."""
    with RunFolder.hold(path, settings) as folder:
        return folder.finish(removal.run(model, [direction(model)], settings, form, folder=folder))


@pytest.mark.parametrize("form", ["model", "adapter"])
def test_a_run_proves_and_prices_and_its_result_opens(form: removal.Form, tiny_of: Tiny, tmp_path: Path) -> None:
    """Nothing left, the hook equalled, both perplexities read from the models themselves; where to open it is said first."""
    model = opened("Llama", tiny_of)
    result = take_out(model, form, tmp_path / "run")
    assert result.verdict is Verdict.PASS
    assert result.estimate(removal.LEFT).value < 1e-5 < 0.1 < result.estimate(f"{removal.LEFT}, before").value
    assert result.estimate(removal.HOOK).value < 1e-4
    target = tmp_path / "run" / form
    spec = f"hf:{target}" if form == "model" else f"{model.spec}+{target}"
    assert result.reasons[0].endswith(f" as {spec}")
    again = models.open_local(spec)
    with again.active() as module:
        assert proof.left(module, proof.text(model.tokenizer), ablation.axes(model, direction(model), 0.4)) < 1e-5
    before, after = (removal.price.perplexity(m, 3) for m in (model, again))
    assert result.estimate("benign perplexity: relative change").value == pytest.approx(after / before - 1, abs=1e-4)
    assert [skip.what for skip in result.skipped] == ["probe"]


def test_too_dear_fails(tiny_of: Tiny, tmp_path: Path) -> None:
    """Proved all the same, and saved: the price alone is the reason."""
    result = take_out(
        opened("Llama", tiny_of), "model", tmp_path / "run", removal.Settings(price_texts=3, perplexity_rise=-0.9)
    )
    assert result.verdict is Verdict.FAIL
    assert (tmp_path / "run" / "model" / "config.json").is_file()


def test_what_a_kill_left_is_made_anew(tiny_of: Tiny, tmp_path: Path) -> None:
    """Weights without a result: the run goes on, and the half-known folder is replaced."""
    model = opened("Llama", tiny_of)
    with RunFolder.hold(tmp_path / "run", FEW):
        (tmp_path / "run" / "model").mkdir()
        (tmp_path / "run" / "model" / "old").touch()
    assert take_out(model, "model", tmp_path / "run").verdict is Verdict.PASS
    assert not (tmp_path / "run" / "model" / "old").exists()
    assert not list((tmp_path / "run").glob(".model-*"))


def test_a_gemma_tells_its_distance_from_the_hook_and_a_tied_head_is_told(tiny_of: Tiny, tmp_path: Path) -> None:
    """In words, in the result: norms behind the writers make the difference; an untied head makes the files larger."""
    result = take_out(opened("Gemma2", tiny_of, tie_word_embeddings=True), "model", tmp_path / "run")
    assert any("by design: 6 norms stand behind writers" in reason for reason in result.reasons)
    assert any("now has its own" in reason for reason in result.reasons)
    assert result.estimate(removal.HOOK).value > 1e-3


def same_probe(model: LocalModel, found: Sequence[Direction], baked: LocalModel, triples: int) -> None:
    """Margins and verdict of the baked model are those under the hook; the hook moves them by much more than the tolerance."""
    settings = probe.Settings(triples=triples, questions=1, sampling=Sampling(max_tokens=2))
    plain = probe.margins(model, settings)
    with ablation.ablate_everywhere(model, found, depth=0.4):
        hooked, verdict = probe.margins(model, settings), probe.run(models.open_local(model.spec), model, settings).verdict
    after = probe.margins(baked, settings)
    for family, margins in hooked.items():
        assert after[family] == pytest.approx(margins, abs=1e-3)
    assert max(abs(a - b) for f in plain for a, b in zip(plain[f], hooked[f], strict=True)) > 0.01
    assert probe.run(model, baked, settings).verdict is verdict


def test_after_bake_the_probe_gives_the_verdict_that_the_hook_gives(tiny_of: Tiny, tmp_path: Path) -> None:
    """Margins to 1e-3 nats per token, on every family of triples, for the space of four directions."""
    model = opened("Qwen2", tiny_of)
    four = [direction(model, seed) for seed in range(4)]
    baking.bake(model, four, tmp_path / "baked", depth=0.4)
    same_probe(model, four, models.open_local(f"hf:{tmp_path / 'baked'}"), 4)


@pytest.mark.model
@pytest.mark.slow
def test_after_bake_the_embedded_model_gives_the_verdict_that_the_hook_gives(tmp_path: Path) -> None:
    """The same on the packaged 135M model, thirty blocks deep, tied embeddings and all."""
    model = models.open_local("package:smollm2")
    found = [direction(model, seed) for seed in range(4)]
    made = baking.bake(model, found, tmp_path / "baked", depth=0.4)
    assert made.difference < 1e-4
    assert made.untied
    same_probe(model, found, models.open_local(f"hf:{tmp_path / 'baked'}"), 4)


def test_the_hook_everywhere_needs_no_exact_weights(tiny_of: Tiny) -> None:
    """Over four bits and in bfloat16 the outlets are found by pushing on them, and little is left but rounding."""
    for precision, most in (("float32", 1e-5), ("bfloat16", 0.01), ("4-bit", 0.01)):
        model = opened("Llama", tiny_of, local=models.Local("cpu", precision), **WIDE)  # type: ignore[arg-type]
        ids, plane = proof.text(model.tokenizer), ablation.axes(model, direction(model), 0.4)
        with model.active() as module:
            plain = proof.left(module, ids, plane)
            with ablation.ablate_everywhere(model, direction(model), depth=0.4):
                assert proof.left(module, ids, plane) < most < 0.1 < plain


def test_the_forecast_counts_texts_twice_and_knows_the_files_size(tiny_of: Tiny, tmp_path: Path) -> None:
    """Before and after; the weights' size is that of what is written, the adapter's a fraction of it."""
    model = opened("Llama", tiny_of)
    plans = {form: forecast.removing(model.spec, FEW, form) for form in ("model", "adapter")}  # type: ignore[arg-type]
    assert all(plan.estimate("rows").value == 6 for plan in plans.values())
    made = {form: take_out(model, form, tmp_path / form) for form in ("model", "adapter")}  # type: ignore[arg-type]
    assert all(made.values())
    size = (tmp_path / "model" / "model" / "model.safetensors").stat().st_size / 1e6
    assert plans["model"].estimate("disk, MB").value == pytest.approx(size, rel=0.1)
    assert plans["adapter"].estimate("disk, MB").value < size / 10


def test_the_commands_take_several_directions_and_say_where_to_open(
    tiny_of: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FOUND repeated makes one adapter of two ranks; a family that it does not reach is an error before anything is priced."""
    monkeypatch.chdir(tmp_path)
    model = opened("Llama", tiny_of)
    for seed in (0, 1):
        direction(model, seed).save(tmp_path / f"d{seed}.safetensors")
    few = ("--set", "antidote.price_texts=2", "--set", "antidote.perplexity_rise=1e9", "--json")
    done = CliRunner().invoke(app, ["antidote", "d0.safetensors", "d1.safetensors", "--model", model.spec, *few])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kind"] == "antidote"
    config = json.loads((tmp_path / "runs" / "antidote-d0-d1" / "adapter" / "adapter_config.json").read_text())
    assert config["r"] == 2
    other = opened("Mixtral", tiny_of)
    direction(other).save(tmp_path / "d2.safetensors")
    refused = CliRunner().invoke(app, ["antidote", "d2.safetensors", "--model", other.spec])
    assert isinstance(refused.exception, RunError)
    assert "experts are fused" in str(refused.exception)
    assert not (tmp_path / "runs" / "antidote-d2" / "records.jsonl").exists()


def test_another_models_direction_is_refused_under_the_hook_too(tiny_of: Tiny) -> None:
    """Hook, bake and antidote check the same."""
    model = opened("Llama", tiny_of)
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch), ablation.ablate_everywhere(model, foreign):
        pass
    with pytest.raises(RunError):
        ablation.axes(model, [direction(model), foreign], 0.4)
