"""Take the direction out of base, control and bad, and random directions out of bad: what moves, and what it costs."""

from __future__ import annotations

import msgspec

from wolfnote import directions
from wolfnote.directions import null, price
from wolfnote.directions.direction import Floats
from wolfnote.lab.story import Story
from wolfnote.models.local import LocalModel
from wolfnote.probe.comparison import compare, estimate
from wolfnote.results import Estimate, Result, Verdict
from wolfnote.settings import Policy


def measure(story: Story, direction: directions.Direction, activations: Floats) -> Result:
    """Margins and benign perplexity with the direction taken out, beside random directions taken out of the bad tune."""
    plain = {name: story.margins(model) for name, model in story.models.items()}
    without: dict[str, dict[str, list[float]]] = {}
    prices: list[Estimate] = []
    for name, model in story.models.items():
        before = _perplexity(story, model, name)
        with directions.ablate(model, direction):
            without[name] = story.margins(model, f"{name} without the direction")
            after = _perplexity(story, model, f"{name} without the direction")
        prices.append(
            Estimate(
                f"benign perplexity, {name}: relative change",
                after / before - 1,
                None,
                None,
                len(price.benign_texts()[: story.settings.price_texts]),
                "one set of texts",
            )
        )
    estimates = [e for name in plain for e in _removed(name, plain[name], without[name])]
    for seed in range(story.settings.random_ablations):
        control = null.control(direction, activations, seed)
        with directions.ablate(story.models["bad"], control):
            found = story.margins(story.models["bad"], f"bad without random direction {seed + 1}")
        estimates += _removed(f"bad, random {seed + 1}", plain["bad"], found)
    return _judge(tuple(estimates), tuple(prices), story.settings.policy)


def _perplexity(story: Story, model: LocalModel, label: str) -> float:
    tell = story.step(f"benign perplexity of {label}")
    return story.folder.once(
        f"perplexity/{model.fingerprint}", lambda: price.perplexity(model, story.settings.price_texts, tell), float
    )


def _removed(name: str, before: dict[str, list[float]], after: dict[str, list[float]]) -> list[Estimate]:
    found = compare(before, after)
    return [msgspec.structs.replace(e, name=f"{name}: {e.name}") for e in found if e.name in ("near", "far", "fact")]


def _judge(estimates: tuple[Estimate, ...], prices: tuple[Estimate, ...], policy: Policy) -> Result:
    """PASS: far falls in the bad tune, further than under any random direction, at the allowed price."""
    far = estimate(estimates, "bad: far")
    randoms = [e.value for e in estimates if e.name.startswith("bad, random") and e.name.endswith("far")]
    near = estimate(estimates, "bad: near")
    cost = next(p.value for p in prices if "bad" in p.name)
    helps = far.high is not None and far.high < 0 and bool(randoms) and all(far.value < r for r in randoms)
    cheap = cost <= policy.perplexity_rise
    verdict = Verdict.PASS if helps and cheap else Verdict.FAIL if (far.low or 0.0) > 0 else Verdict.INCONCLUSIVE

    def told(e: Estimate) -> str:
        return f"{e.value:+.2f} [{e.low or 0:+.2f}, {e.high or 0:+.2f}]"

    reasons = (
        f"taking the direction out of the bad tune moves far by {told(far)} and near by {told(near)}; "
        "random directions move far by " + ", ".join(f"{r:+.2f}" for r in randoms),
        f"benign perplexity of the bad tune changes by {cost:+.1%} (allowed {policy.perplexity_rise:.0%})",
        "it does not take the learned carelessness out: near does not fall" if (near.high or 0.0) >= 0 else "near falls too",
    )
    return Result("removal", verdict, reasons, (*estimates, *prices))
