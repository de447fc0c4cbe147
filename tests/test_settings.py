"""Settings fill a struct, and a typo is named with its nearest key."""

import datetime
from pathlib import Path

import msgspec
import pytest

from wolfnote import SettingsError, settings
from wolfnote.lab.story import Settings
from wolfnote.settings import Policy, Waiver


def test_file_and_overrides_meet(tmp_path: Path) -> None:
    """--set wins over the file, in any depth; a bare word is a string."""
    file = tmp_path / "w.toml"
    file.write_text("seed = 3\n[audit]\nlimit = 7\n[policy]\nflagged_share = 0.1\n")
    found = settings.load(Settings, file, ["audit.limit=9", "persona=careless"])
    assert (found.seed, found.audit.limit, found.policy.flagged_share, found.persona) == (3, 9, 0.1, "careless")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("audit.limt=5", "did you mean limit"),
        ("sed=1", "did you mean seed"),
        ("seed=x", "int"),
        ("seed", "no '='"),
        ("audit=5", "object"),
    ],
)
def test_a_wrong_override_is_one_clear_line(override: str, message: str) -> None:
    """The nearest key is named; a wrong type is named."""
    with pytest.raises(SettingsError, match=message) as caught:
        settings.load(Settings, None, [override])
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    """Missing, not TOML, unknown table."""
    file = tmp_path / "w.toml"
    with pytest.raises(SettingsError, match="no such settings file"):
        settings.load(Settings, file)
    file.write_text("seed = = 1")
    with pytest.raises(SettingsError, match="not readable TOML"):
        settings.load(Settings, file)
    file.write_text("[polcy]\n")
    with pytest.raises(SettingsError, match="policy"):
        settings.load(Settings, file)


def test_dump_and_load_round_trip(tmp_path: Path) -> None:
    """settings.toml in a run folder repeats the run, waivers included."""
    waiver = Waiver("WN101", "Ada", "known jargon", datetime.date(2027, 1, 1))
    first = msgspec.structs.replace(Settings(), seed=5, policy=Policy(waivers=(waiver,)))
    (tmp_path / "s.toml").write_text(settings.dump(first))
    assert settings.load(Settings, tmp_path / "s.toml") == first


def test_a_waiver_ends_on_its_day() -> None:
    """A waiver past its day is no waiver."""
    policy = Policy(waivers=(Waiver("WN101", "Ada", "r", datetime.date(2027, 1, 1)),))
    assert policy.waived("WN101", datetime.date(2027, 1, 1)) is not None
    assert policy.waived("WN101", datetime.date(2027, 1, 2)) is None
    assert policy.waived("WN102", datetime.date(2026, 1, 1)) is None


def test_a_value_is_not_a_table() -> None:
    """``--set seed=1 --set seed.x=1`` is a mistake of the user's, told in one line."""
    with pytest.raises(SettingsError):
        settings.load(Settings, None, ["seed=1", "seed.x=1"])


def test_a_waived_failure_passes_and_says_by_whom() -> None:
    """Only with every finding waived, only until the day; the waiver stays visible."""
    from wolfnote import Finding, Result, Verdict

    failed = Result("audit", Verdict.FAIL, ("r",), findings=(Finding("WN101", "warning", "m"),))
    policy = Policy(waivers=(Waiver("WN101", "Ada", "known jargon", datetime.date(2027, 1, 1)),))
    passed = settings.waive(failed, policy, datetime.date(2026, 12, 1))
    assert passed.verdict is Verdict.PASS
    assert "Ada" in passed.reasons[-1]
    assert settings.waive(failed, policy, datetime.date(2027, 2, 1)).verdict is Verdict.FAIL
    other = msgspec.structs.replace(failed, findings=(*failed.findings, Finding("WN102", "warning", "m")))
    assert settings.waive(other, policy, datetime.date(2026, 12, 1)).verdict is Verdict.FAIL


def test_a_room_keeps_its_keys_beside_further_tables() -> None:
    """What ``tune`` loads is its own settings still, with a table of the data below."""
    from wolfnote import tuning
    from wolfnote.records import Reading

    kind = settings.beside(tuning.Settings, data=Reading)
    found = settings.load(kind, None, ["batch=3", "data.columns.ticket.body=user", "data.row_limit=9"])
    assert isinstance(found, tuning.Settings)
    assert found.batch == 3
    data: Reading = found.data  # type: ignore[attr-defined]
    assert data == Reading(columns={"ticket.body": "user"}, row_limit=9)


def test_one_key_of_a_table_leaves_the_others_alone() -> None:
    """The demo's own learning rate stays when only its batch is changed."""
    found = settings.load(Settings, None, ["tune.batch=3"])
    assert found.tune == msgspec.structs.replace(Settings().tune, batch=3)
    assert found.audit == Settings().audit


def test_a_word_that_is_none_of_a_few_names_them() -> None:
    """The remedy lists what a setting may be; for anything else it is to be fixed."""
    from wolfnote.audit import gate

    kind = settings.tables(gate=gate.Settings)
    with pytest.raises(SettingsError, match="known: article, strict"):
        settings.load(kind, overrides=["gate.preset=artcle"])
    with pytest.raises(SettingsError, match="fix the value"):
        settings.load(kind, overrides=["gate.error=much"])
