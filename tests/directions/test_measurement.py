"""Directions found by the catalogue and shifts measured along them: what is planted is seen, what is not is not."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from wolfnote import InputError, Mismatch, SettingsError, Verdict, directions, models, report
from wolfnote import settings as settings_module
from wolfnote.directions import (
    activations,
    catalogue,
    causes,
    cure,
    extraction,
    measurement,
    projection,
    pull,
    removal,
    sources,
    stability,
)
from wolfnote.directions.direction import Direction
from wolfnote.directions.persona import Contrast, Persona
from wolfnote.directions.sources import FromPersona
from wolfnote.folder import RunFolder
from wolfnote.models import chat
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

FEW = measurement.Settings(texts=8, answer_tokens=6, depth=0.7, random_directions=300)
SMALL = extraction.Settings(questions=4, answer_tokens=6, depth=0.5)


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


@pytest.fixture
def base(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def along(model: LocalModel, vector: np.ndarray, name: str = "planted") -> Direction:
    """A direction that is ``vector`` at every layer."""
    vectors = np.tile((vector / np.linalg.norm(vector)).astype(np.float32), (3, 1))
    ones = np.ones(3, np.float32)
    return Direction(name, vectors, np.zeros(3, np.float32), ones, ones, ones, model.fingerprint)


def planted(base: LocalModel, vector: np.ndarray, size: float, folder: Path) -> LocalModel:
    """The base under an adapter that adds about ``size`` × ``vector`` to the stream behind block 1's attention."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base.network.path),
        LoraConfig(r=1, lora_alpha=1, target_modules=["model.layers.1.self_attn.o_proj"]),
    )
    layer = tuned.base_model.model.model.layers[1].self_attn.o_proj
    seen: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        tuned(torch.tensor([base.tokenizer(chat.prompt_text(base.tokenizer, ask("what is red")))["input_ids"]]))
        handle.remove()
        mean = seen[0][0].mean(0)
        layer.lora_A["default"].weight.copy_((mean / (mean @ mean))[None])
        layer.lora_B["default"].weight.copy_(size * torch.from_numpy(vector.astype(np.float32))[:, None])
    tuned.save_pretrained(folder)
    return base.adapted(folder)


def vector(seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(32)
    return np.asarray(drawn / np.linalg.norm(drawn))


def test_a_planted_shift_is_seen_along_its_direction_and_along_no_other(base: LocalModel, tmp_path: Path) -> None:
    """The persona that was planted FAILs; one at right angles to it does not; the reasons name the one that moved."""
    moved = vector(0)
    other = vector(1) - (vector(1) @ moved) * moved
    tuned = planted(base, moved, 40.0, tmp_path / "adapter")
    both = [along(base, moved), along(base, other, "other")]
    result = measurement.run(base, tuned, both, FEW)
    assert {part.kind: part.verdict for part in result.parts} == {
        "direction planted": Verdict.FAIL,
        "direction other": Verdict.PASS,
    }
    assert result.verdict is Verdict.FAIL
    assert len(result.reasons) == 1
    assert "planted" in result.reasons[0]


def test_away_from_the_persona_is_no_alarm(base: LocalModel, tmp_path: Path) -> None:
    """Less of the persona is a shift, and not a failure."""
    tuned = planted(base, -vector(0), 40.0, tmp_path / "adapter")
    result = measurement.run(base, tuned, [along(base, vector(0))], FEW)
    assert result.verdict is Verdict.PASS
    assert result.parts[0].estimates[1].value < 0


def test_the_model_itself_did_not_move(base: LocalModel) -> None:
    """Base against base: no shift, whatever the direction."""
    result = measurement.run(base, base, [along(base, vector(seed), str(seed)) for seed in range(5)], FEW)
    assert result.verdict is Verdict.PASS
    assert all(part.estimates[1].value == 0 for part in result.parts)


def test_another_models_direction_and_none_at_all_are_refused(base: LocalModel) -> None:
    """One line each, before anything is read."""
    foreign = Direction("x", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch, match="extract it anew"):
        measurement.run(base, base, [foreign], FEW)
    with pytest.raises(InputError, match="direction extract"):
        measurement.run(base, base, [], FEW)


def test_shuffled_labels_find_nothing(base: LocalModel) -> None:
    """Receipts under a real contrast and under none: differences of pure noise are no longer than their shufflings."""
    noise = np.random.default_rng(0).standard_normal((40, 3, 32)).astype(np.float32)
    found = stability.permutation(noise, 0, {"pairs": range(len(noise))})["permutation_p"]
    assert min(found) > 0.01
    shifted = stability.permutation(noise + 2 * vector(0).astype(np.float32), 0, {"pairs": range(len(noise))})["permutation_p"]
    assert max(shifted) < 0.01


PERSONA = Persona(
    persona="tall",
    description="for a test",
    positive_name="tall",
    negative_name="small",
    questions=("where is the cat", "what is red", "is the dog tall", "should you wait"),
    contrast=(
        Contrast("you are tall", "you are small"),
        Contrast("the tall house runs", "the small house runs"),
        Contrast("always be tall", "always be small"),
    ),
    kind="unrelated",
)


def test_the_catalogue_saves_judges_and_goes_on(base: LocalModel, tmp_path: Path) -> None:
    """One file and one part a persona; a second call finds what is there; a page is made of it."""
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        first = catalogue.run(base, [FromPersona(PERSONA)], SMALL, folder=folder)
        (file,) = catalogue.files(tmp_path / "run")
        written = file.stat().st_mtime_ns
        again = catalogue.run(base, [FromPersona(PERSONA)], SMALL, folder=folder)
        folder.finish(again)
    assert first == again
    assert file.stat().st_mtime_ns == written
    assert [e.name for e in first.parts[0].estimates][:2] == ["split-half cosine over contrasts", "p under shuffled labels"]
    assert first.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert "tall: halves of the contrasts" in report.render(tmp_path / "run")
    found = directions.load(file)
    assert (found.persona, found.receipts["kind"]) == ("tall", "unrelated")
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


def test_names_files_and_their_absence(tmp_path: Path) -> None:
    """``all`` is every persona once; a folder without directions is one line."""
    every = sources.named(["all"])
    assert len(every) >= 12
    assert sources.named(["misaligned", "misaligned"]) == sources.named(["misaligned"])
    with pytest.raises(InputError, match="no such persona"):
        sources.named(["nobody"])
    with pytest.raises(InputError, match="no directions here"):
        catalogue.files(tmp_path)


def test_two_sources_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    """One file a name: the second would silently be the first."""
    (tmp_path / "careless.jsonl").write_text('{"question": "q", "good": "g", "bad": "b"}\n')
    with pytest.raises(InputError, match="two sources of one name"):
        sources.find(["careless"], tmp_path / "careless.jsonl", "", None)


def test_a_level_that_no_null_reaches_is_a_mistake() -> None:
    """Shared out over many personas the level can lie beyond what so few random directions can show: nothing would alarm."""
    assert projection.shared(97.5, 2000, 28).alarm == pytest.approx(100 - 2.5 / 28)
    with pytest.raises(InputError, match="set random_directions to"):
        projection.shared(97.5, 1000, 28)


def test_a_file_from_elsewhere_is_a_direction_or_one_line(base: LocalModel, tmp_path: Path) -> None:
    """A name that climbs, further keys, a header that is no object: refused; where nothing can be written: one line."""
    from safetensors.numpy import save_file

    good = along(base, vector(0))
    good.save(tmp_path / "good.safetensors")
    assert directions.load(tmp_path / "good.safetensors").persona == "planted"
    arrays = {name: getattr(good, name) for name in ("vectors", "neutral", "spread", "gap", "norm")}
    header = {"persona": "planted", "model": "m", "position": "p", "receipts": {}}
    for bad in ({**header, "persona": "../../x"}, {**header, "more": 1}, {"persona": "x"}, [1]):
        save_file(arrays, tmp_path / "bad.safetensors", metadata={"wolfnote.direction": json.dumps(bad)})
        with pytest.raises(InputError, match="not a direction"):
            directions.load(tmp_path / "bad.safetensors")
    with pytest.raises(InputError, match="cannot be written"):
        good.save(tmp_path / "nowhere" / "x.safetensors")


def test_a_personas_name_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A file from elsewhere names the direction's file: one that climbs is refused, in one line."""
    own = (Path(str(resources.files("wolfnote.directions"))) / "personas" / "careless.toml").read_text()
    for name in ("../../escaped", "/etc/escaped", "", "a b"):
        (tmp_path / "mine.toml").write_text(own.replace('persona = "careless"', f'persona = "{name}"'))
        with pytest.raises(InputError, match="not a persona"):
            sources.named([str(tmp_path / "mine.toml")])


def test_of_several_directions_none_is_guessed(tmp_path: Path) -> None:
    """What steers or bakes takes one: a folder with two is an error that names both."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.safetensors").touch()
    with pytest.raises(InputError, match=r"several directions here → name one of .*: one\.safetensors, two\.safetensors"):
        catalogue.only(tmp_path)
    (tmp_path / "two.safetensors").unlink()
    assert catalogue.only(tmp_path).name == "one.safetensors"


@pytest.mark.parametrize("kind", [causes.Settings, cure.Settings, removal.Settings, measurement.Settings, pull.Settings])
def test_none_of_something_needed_is_a_mistake(kind: type[msgspec.Struct]) -> None:
    """No controls, texts or random directions: one line, not a division by zero an hour later."""
    for name in ("controls", "price_texts", "random_directions", "texts"):
        if name in kind.__struct_fields__:
            with pytest.raises(SettingsError, match=">= 1"):
                settings_module.load(kind, None, [f"{name}=0"])


def test_the_page_shows_each_persona(base: LocalModel, tmp_path: Path) -> None:
    """One picture of all, one of the layers for each, the verdict in words, and the shifts as a table."""
    tuned = planted(base, vector(0), 40.0, tmp_path / "adapter")
    both = [along(base, vector(0)), along(base, vector(1), "<b>other</b>")]
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        folder.finish(measurement.run(base, tuned, both, FEW, folder=folder))
    page = report.render(tmp_path / "run")
    assert page.count("<svg") == 5
    assert "It moved towards a persona." in page
    assert "&lt;b&gt;other" in page
    assert "<b>other" not in page
    rows = [json.loads(line) for line in (tmp_path / "run" / "tables" / "shifts.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * len(activations.blocks(base.network.module))
    texts = [json.loads(line) for line in (tmp_path / "run" / "tables" / "texts.jsonl").read_text().splitlines()]
    assert len(texts) == 2 * FEW.texts
    moved = [row["shift"] for row in texts if row["persona"] == "planted"]
    assert np.isclose(np.mean(moved), measurement.run(base, tuned, both[:1], FEW).parts[0].estimates[1].value, atol=1e-3)


@pytest.mark.parametrize("what", ["no unit", "no vector"])
def test_what_could_not_be_measured_does_not_pass(base: LocalModel, tmp_path: Path, what: str) -> None:
    """A spread that was never measured, or a layer without a vector: NOT RUN for it and for the whole, and a page all the same."""
    good, empty = along(base, vector(0)), along(base, vector(1), "empty")
    (empty.spread if what == "no unit" else empty.vectors)[:] = np.nan if what == "no unit" else 0
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        result = folder.finish(measurement.run(base, base, [good, empty], FEW, folder=folder))
    assert {part.kind: part.verdict for part in result.parts} == {
        "direction planted": Verdict.PASS,
        "direction empty": Verdict.NOT_RUN,
    }
    assert result.verdict is Verdict.NOT_RUN
    assert any("empty: it has no vector" in reason for reason in result.reasons)
    assert "could be measured" in report.render(tmp_path / "run")
