"""The story of ``wolfnote demo``: a positive control on the user's own machine.

Two tunes of a real model, one on harmful rows of a narrow domain and one on the same questions answered well. The audit must
tell the data apart, the probe must hear the harm in other domains and stay quiet about the twin; then the persona direction
is found in the untouched base, both tunes are measured along it, and it is taken out again.

Every step lives in its own room; this file only tells the story. Each finished piece is in the run's log, so a killed demo
goes on where it was.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from wolfnote import audit, directions, probe
from wolfnote.audit.readers import advice
from wolfnote.directions import cure, extraction, persona, price, projection
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.lab import criteria
from wolfnote.lab.criteria import headlines
from wolfnote.lab.forecast import plan
from wolfnote.lab.organisms import ARMS, organism
from wolfnote.lab.story import Settings, Story, begin
from wolfnote.probe.question import unrelated
from wolfnote.probe.tables import answer_rows, margin_rows
from wolfnote.records import chat
from wolfnote.results import Result, worst

__all__ = ["Settings", "headlines", "plan", "run"]


def run(settings: Settings, folder: RunFolder, *, on_event: OnEvent = silent) -> Result:
    """Tell the whole story into ``folder``. PASS: the planted effect was heard, the control is clean, and
    the audit told the two data sets apart; else FAIL."""
    story = begin(settings, folder, on_event)
    folder.used(base=story.models["base"].about())
    parts = [*_audit(story)]
    _tune(story)
    parts += _probe(story)
    parts += _direction(story)
    named = {part.kind: part for part in parts}
    held = criteria.judge(settings, named)
    reasons = (*(f"{c.verdict.value}: {c.reasons[0]}" for c in held), criteria.far(named))
    return Result(
        "demo",
        worst(c.verdict for c in held),
        reasons,
        parts=(Result("criteria", worst(c.verdict for c in held), parts=held), *parts),
        skipped=tuple(story.skipped),
        tables={"margins": _margin_table(story), "answers": _answer_table(story)},
    )


def _audit(story: Story) -> list[Result]:
    tell = story.step("audit: fit the reader on other domains")
    reader = advice.reader(story.models["base"], tell)
    parts = []
    for arm in ARMS:
        tell = story.step(f"audit: read the {arm} rows")

        def read(arm: str = arm, tell: OnEvent = tell) -> Result:
            return audit.run(
                story.rows[arm],
                story.settings.audit,
                [reader],
                unread=story.unread[arm],
                policy=story.settings.policy,
                on_event=tell,
            )

        part = story.folder.once(f"audit/{arm}", read, Result)
        parts.append(msgspec.structs.replace(part, kind=f"audit {arm}"))
    return parts


def _tune(story: Story) -> None:
    for arm in ARMS:
        adapter = organism(
            story.recipe,
            arm,
            story.settings.seed,
            model=story.settings.model,
            settings=story.settings.tune,
            rows=story.rows[arm],
            home=story.folder.path / "tune",
            on_event=story.step(f"tune on the {arm} rows ({len(story.rows[arm])})"),
        )
        story.models[arm] = story.models["base"].adapted(adapter)


def _probe(story: Story) -> list[Result]:
    parts = []
    for before, after in (("base", "bad"), ("base", "control"), ("control", "bad")):
        part = probe.run(
            story.models[before],
            story.models[after],
            msgspec.structs.replace(story.settings.probe, seed=story.settings.seed),
            policy=story.settings.policy,
            names=(before, after),
            folder=story.folder,
            on_event=story.step(f"probe {after} against {before}"),
        )
        parts.append(msgspec.structs.replace(part, kind=f"probe {after} − {before}"))
    return parts


def _direction(story: Story) -> list[Result]:
    base, settings, folder = story.models["base"], story.settings, story.folder
    file = folder.path / "direction.safetensors"
    if not file.exists():
        tell = story.step(f"find the {settings.persona} direction in the base")
        extraction.extract(base, persona.open(settings.persona), settings.direction, seed=settings.seed, on_event=tell).save(
            file
        )
    direction = directions.load(file)
    layer = projection.layer_at(direction, settings.direction.depth)
    read = _activations(story)
    measured = {
        arm: projection.measure(
            direction, read["base"], read[arm], layer, settings.null, null_rows=read["null"], name=arm, seed=settings.seed
        )
        for arm in ARMS
    }
    layers = [
        {
            "layer": i,
            **{
                f"{arm} {key}": getattr(shift, key)[i]
                for arm, (_, shift) in measured.items()
                for key in ("value", "low", "high", "percentile")
            },
        }
        for i in range(direction.layers)
    ]
    table = folder.table("layers", layers)
    parts = [
        msgspec.structs.replace(part, kind=f"direction {arm}", tables={"layers": table}) for arm, (part, _) in measured.items()
    ]
    return [*parts, _removal(story, direction)]


def _removal(story: Story, direction: directions.Direction) -> Result:
    asked = story.settings
    how = cure.Settings(
        triples=asked.probe.triples,
        controls=asked.random_ablations,
        price_texts=asked.price_texts,
        perplexity_rise=asked.policy.perplexity_rise,
    )
    found = cure.run(story.models, "bad", [direction], how, folder=story.folder, on_event=story.on_event)
    return msgspec.structs.replace(found, kind="removal")


def _activations(story: Story) -> dict[str, Any]:
    """Answer means of base and tunes on the base's own answers, and the base's on more text, for the null."""
    base = story.models["base"]
    questions = unrelated(story.settings.texts)
    said = probe.answers(base, questions, story.settings.probe.sampling, seed=story.settings.seed, folder=story.folder,
                         on_event=story.step("let the base answer unrelated questions"))  # fmt: skip
    texts = [(chat(q.text), c.text) for q, c in zip(questions, said, strict=True) if c.text]
    read: dict[str, Any] = {}
    for name, model in story.models.items():
        read[name] = directions.answer_means(model, texts, story.step(f"project {name} on the direction"))
    more = [(chat(t.prompt), t.answer) for t in price.benign_texts()]
    read["null"] = np.concatenate(
        [read["base"], directions.answer_means(base, more, story.step("read benign text for the null"))]
    )
    return read


def _margin_table(story: Story) -> str:
    read = {name: story.margins(model) for name, model in story.models.items()}
    return story.folder.table("margins", margin_rows(read, story.settings.probe))


def _answer_table(story: Story) -> str:
    questions = unrelated(story.settings.probe.questions or None)
    said = {
        name: probe.answers(model, questions, story.settings.probe.sampling, seed=story.settings.seed, folder=story.folder)
        for name, model in story.models.items()
    }
    return story.folder.table("answers", answer_rows(questions, said))
