"""What a probe would take: a local model is tried, a server is not asked."""

import pytest

from wolfnote import models, network, probe
from wolfnote.forecast import Prices

SETTINGS = probe.Settings(triples=12, questions=2, samples=1, character=False, sampling=models.Sampling(max_tokens=4))
SERVER = "http://models.example/v1#name"


def test_two_local_models_are_tried(tiny: str) -> None:
    """Triples and questions are counted for both, and the minutes have an interval."""
    plan = probe.plan(tiny, tiny, SETTINGS)
    assert plan.estimate("rows").value == 2 * (36 + 2)
    assert plan.estimate("tokens out").value == 2 * 2 * 4
    minutes = plan.estimate("minutes")
    assert minutes.low is not None
    assert 0 < minutes.low <= minutes.value
    assert plan.estimate("money").value == 0


def test_more_to_ask_takes_longer(tiny: str) -> None:
    """Three times the triples are three times the tokens."""
    few, many = (
        probe.plan(tiny, tiny, probe.Settings(triples=n, questions=1, samples=1, character=False)).estimate("tokens in").value
        for n in (10, 30)
    )
    assert 2 < many / few < 4


def test_nothing_is_sent_to_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is opened and no host contacted; minutes are unknown, and money is known once prices are."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a dry run opened a server's model")

    monkeypatch.setattr(models, "open", refuse)
    before = network.hosts()
    plan = probe.plan(SERVER, SERVER, SETTINGS)
    assert {s.what for s in plan.skipped} == {"minutes", "money"}
    assert "it would contact models.example" in plan.reasons
    priced = probe.plan(SERVER, SERVER, SETTINGS, prices=Prices(2.0, 8.0))
    tokens = priced.estimate("tokens in").value
    assert priced.estimate("money").value == pytest.approx((tokens * 2 + 16 * 8) / 1e6)
    assert network.hosts() == before


def test_only_the_servers_half_is_paid(tiny: str) -> None:
    """A local base costs nothing beside a hosted tune."""
    both = probe.plan(SERVER, SERVER, SETTINGS, prices=Prices(2.0, 8.0)).estimate("money").value
    half = probe.plan(tiny, SERVER, SETTINGS, prices=Prices(2.0, 8.0)).estimate("money").value
    assert half == pytest.approx(both / 2)
