"""Tokens are drawn from the distribution that temperature and top-p define, and from no other."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from wolfnote.models.local.sampling import SHORTLIST, draw
from wolfnote.models.model import Sampling

DRAWS = 20_000


def _expected(logits: torch.Tensor, how: Sampling) -> torch.Tensor:
    """Transformers' own distribution."""
    warped = TemperatureLogitsWarper(how.temperature)(None, logits[None])
    if how.top_p < 1:
        warped = TopPLogitsWarper(how.top_p)(None, warped)
    return torch.softmax(warped, -1)[0]


@pytest.mark.parametrize("how", [Sampling(1.0, 1.0), Sampling(0.7, 0.9), Sampling(1.0, 0.5), Sampling(0.3, 0.99)])
@pytest.mark.parametrize("spread", [3.0, 0.5])
def test_draws_follow_transformers_distribution(how: Sampling, spread: float) -> None:
    """Frequencies over many streams fit by a chi-square test, and nothing outside the nucleus is drawn.

    With little spread the nucleus is larger than the shortlist, so the full sort is tested too.
    """
    logits = torch.randn(3 * SHORTLIST, generator=torch.Generator().manual_seed(1)) * spread
    streams = [torch.Generator().manual_seed(i) for i in range(100)]
    tokens = torch.cat([draw(logits.expand(100, -1), how, streams) for _ in range(DRAWS // 100)])
    counts = torch.bincount(tokens, minlength=len(logits)).double()
    expected = _expected(logits, how).double()
    assert counts[expected == 0].sum() == 0
    common = expected * DRAWS >= 5
    seen = [*counts[common].tolist(), counts[~common].sum().item()]
    hoped = [*(expected[common] * DRAWS).tolist(), (expected[~common] * DRAWS).sum().item()]
    pairs = [(s, h) for s, h in zip(seen, hoped, strict=True) if h > 0]
    total = sum(h for _, h in pairs)
    assert chisquare([s for s, _ in pairs], [h * DRAWS / total for _, h in pairs]).pvalue > 1e-3


def test_no_temperature_is_the_likeliest_token() -> None:
    """T = 0 takes the maximum and touches no stream."""
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(draw(logits, Sampling(temperature=0), []), logits.argmax(-1))


def test_a_streams_last_number_stays_within_the_nucleus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uniform number next to 1, which no seed gives on demand, lands on the last token with mass, not on the padding."""
    largest = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0))
    monkeypatch.setattr(torch, "rand", lambda *_, **__: largest)
    assert draw(torch.tensor([[5.0, 4.0, -2.0, -3.0]]), Sampling(1.0, 0.9), [torch.Generator()]).item() == 1
