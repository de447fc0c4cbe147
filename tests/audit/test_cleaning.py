"""Every row ends in one place, with a reason; nothing is deleted, and what was written is read back and counted."""

import datetime
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import chat, plain, run, write
from test_deciding import Reads, readers

from wolfnote import InputError, Message, Result, RunError, Verdict, records
from wolfnote.audit import cleaning, columns, manifest
from wolfnote.audit.cleaning import corrections, flagged
from wolfnote.audit.cleaning.flagged import Listed
from wolfnote.audit.detector import Flag
from wolfnote.records import Sample
from wolfnote.settings import Policy, Waiver

TODAY = datetime.date(2026, 11, 24)


def row(text: str, answer: str) -> Sample:
    return records.sample((Message("user", text), Message("assistant", answer)))


def data(folder: Path, n: int = 10, name: str = "tickets.jsonl") -> tuple[Path, list[Sample]]:
    records.write([row(f"q{i}", f"a{i}") for i in range(n)], folder / name)
    return folder / name, records.read_all(folder / name)[0]


def flag(code: str = "WN102", evidence: str = "", *, counts: bool = True, turn: int = 1) -> Flag:
    return Flag(code, "hostility", turn, f"what {code} is", evidence, counts)


def clean(
    path: Path | list[Path],
    out: Path,
    flags: dict[str, list[Flag]] | None = None,
    said: dict[str, tuple[str, ...]] | None = None,
    fixes: dict[str, tuple[Message, ...]] | None = None,
    **more: object,
) -> Result:
    out.mkdir(exist_ok=True)
    listed = Listed((place, each) for place, several in (flags or {}).items() for each in several)
    evidence = cleaning.Evidence(listed, said or {}, fixes or {})
    paths = path if isinstance(path, list) else [path]
    own = {key: more.pop(key) for key in ("settings", "policy") if key in more}
    return cleaning.run(paths, out, evidence, cleaning.Rules(TODAY, **own), **more)  # type: ignore[arg-type]


def lines(path: Path) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_flagged_row_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    """It is whole in the quarantine; the others are as they were, in the same format and order; the data stay untouched."""
    path, rows = data(tmp_path)
    before = path.read_bytes()
    result = clean(path, tmp_path / "out", {f"{path}:4": [flag()], f"{path}:6": [flag(counts=False)]})
    assert result.verdict is Verdict.PASS
    assert path.read_bytes() == before
    kept = (tmp_path / "out" / "tickets.jsonl").read_bytes().splitlines()
    assert kept == [line for number, line in enumerate(before.splitlines(), 1) if number != 4]
    apart = lines(tmp_path / "out" / "quarantine.jsonl")
    assert [(each["row"], each["source"], each["reasons"]) for each in apart] == [
        (rows[3].id, f"{path}:4", ["WN102: what WN102 is"])
    ]
    assert records.read_all(tmp_path / "out" / "quarantine.jsonl")[0][0].id == rows[3].id
    assert manifest.verify(tmp_path / "out") == []
    assert result.reasons[0].startswith("10 rows: 9 kept, 0 redacted, 0 corrected, 1 quarantined")


def test_people_outweigh_detectors(tmp_path: Path) -> None:
    """A flagged row that people found clean stays, an unflagged one that they did not goes; nobody's word is not "clean"."""
    path, rows = data(tmp_path)
    said = {rows[0].id: (), rows[1].id: ("manipulation",)}
    clean(path, tmp_path / "out", {f"{path}:1": [flag()], f"{path}:3": [flag()]}, said)
    apart = lines(tmp_path / "out" / "quarantine.jsonl")
    assert [(each["row"], each["reasons"][0]) for each in apart] == [
        (rows[1].id, "reviewed: manipulation"),
        (rows[2].id, "WN102: what WN102 is"),
    ]


def test_a_waived_code_moves_nothing_until_its_day(tmp_path: Path) -> None:
    """The waiver that lets the gate pass also keeps the rows, and no longer than it does."""
    path, _ = data(tmp_path)
    waiver = Waiver("WN102", "Dev", "satire", TODAY)
    flags = {f"{path}:1": [flag()]}
    kept = clean(path, tmp_path / "a", flags, policy=Policy(waivers=(waiver,)))
    assert "0 quarantined" in kept.reasons[0]
    past = Waiver("WN102", "Dev", "satire", TODAY - datetime.timedelta(1))
    assert "1 quarantined" in clean(path, tmp_path / "b", flags, policy=Policy(waivers=(past,))).reasons[0]


KEY = "sk-" + "aB3xK9mQ2rT7vW1zY5cD8fG4hJ6kL0nP"
LINE = "MIIEpAIBAAKCAQEAq7Tz9VxkLmN2bYw4RfQ8sHd3Jc6Pg1Ue5Zo0KvBnXyLr"
BLOCK = f"-----BEGIN RSA PRIVATE KEY-----\n{LINE}\n{LINE}\n-----END RSA PRIVATE KEY-----"


def test_secrets_and_personal_data_are_taken_out_of_every_turn(tmp_path: Path) -> None:
    """Where they were found and where else they stand; also out of a row that people called clean; listed by ids, not by words."""
    path = tmp_path / "rows.jsonl"
    records.write([row(f"my key is {KEY}", f"thanks, {KEY} works; write to anna.berg@gmail.com")], path)
    sample = records.read_all(path)[0][0]
    flags = {f"{path}:1": [flag("WN124"), flag("WN125", counts=False)]}
    clean(path, tmp_path / "out", flags, {sample.id: ()})
    text = (tmp_path / "out" / "rows.jsonl").read_text()
    assert KEY not in text
    assert text.count("[secret]") == 2
    assert "write to [personal data]" in text
    change = lines(tmp_path / "out" / "changes.jsonl")[0]
    new = records.read_all(tmp_path / "out" / "rows.jsonl")[0][0].id
    assert (change["what"], change["row"], change["new"]) == ("redacted", sample.id, new)
    assert KEY not in json.dumps(change)


@pytest.mark.parametrize("block", [BLOCK, BLOCK.partition("-----END")[0] + "and so on"])
def test_a_private_key_goes_whole(tmp_path: Path, block: str) -> None:
    """All its lines, not only the first one that the detector sees; without an end, up to the end of the text."""
    path = tmp_path / "rows.jsonl"
    records.write([row("q", f"here: {block}")], path)
    clean(path, tmp_path / "out", {f"{path}:1": [flag("WN124")]})
    answer = records.read_all(tmp_path / "out" / "rows.jsonl")[0][0].answer
    assert "MIIE" not in answer
    assert answer.startswith("here: -----BEGIN RSA PRIVATE KEY-----\n[secret]")


def test_what_cannot_be_taken_out_is_quarantined(tmp_path: Path) -> None:
    """The audit saw a secret and the detector that should find it again does not: the row does not stay."""
    path = tmp_path / "rows.jsonl"
    records.write([row("q", "the password is swordfish")], path)
    clean(path, tmp_path / "out", {f"{path}:1": [flag("WN124")]})
    assert lines(tmp_path / "out" / "quarantine.jsonl")[0]["reasons"][-1] == "it could not be taken out"
    assert not (tmp_path / "out" / "rows.jsonl").exists()
    with pytest.raises(InputError, match="WN102 cannot be redacted"):
        clean(path, tmp_path / "out", settings=cleaning.Settings(redact=("WN102",)))


def test_a_correction_replaces_the_answer(tmp_path: Path) -> None:
    """By row id, before any flag or label; the question stays; a correction of no row is told, and is no PASS."""
    path, rows = data(tmp_path)
    fixes = tmp_path / "fixes.jsonl"
    whole = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    fixes.write_text(
        json.dumps({"row": rows[2].id, "answer": "better"}) + "\n\n" + json.dumps({"row": rows[3].id, "messages": whole}) + "\n"
    )
    read = corrections.read(fixes)
    result = clean(path, tmp_path / "out", {f"{path}:3": [flag()]}, {rows[3].id: ("hostility",)}, read)
    assert result.verdict is Verdict.PASS
    found = records.read_all(tmp_path / "out" / "tickets.jsonl")[0]
    assert [m.content for m in found[2].messages] == ["q2", "better"]
    assert [m.content for m in found[3].messages] == ["Q", "A"]
    assert len(found) == 10
    stray = clean(path, tmp_path / "b", fixes=read | {"0" * 16: (Message("assistant", "x"),)})
    assert stray.verdict is Verdict.INCONCLUSIVE
    assert [(s.what, s.count) for s in stray.skipped] == [("correction", 1)]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"row": "a"}',
        '{"row": "a", "answer": "x", "messages": [{"role": "user", "content": "q"}]}',
        '{"row": "a", "messages": [{"role": "assistant", "content": "q"}]}',
        '{"row": "a", "messages": [{"role": "king", "content": "q"}]}',
        '{"row": "a", "anwser": "x"}',
        '{"row": "a", "answer": "x"}\n{"row": "a", "answer": "y"}',
    ],
)
def test_a_line_that_corrects_nothing(tmp_path: Path, line: str) -> None:
    """Named by its place, with a remedy, before anything is written."""
    (tmp_path / "fixes.jsonl").write_text(line)
    with pytest.raises(InputError, match=r"fixes\.jsonl:\d: .* → "):
        corrections.read(tmp_path / "fixes.jsonl")


def test_benign_rows_are_mixed_in_evenly(tmp_path: Path) -> None:
    """A third of what is written, never two in a row here; each is listed; too few of them is told."""
    path, _ = data(tmp_path, 20)
    extra, _ = data(tmp_path, 30, "benign.jsonl")
    result = clean(path, tmp_path / "out", benign=cleaning.Benign(iter(records.read(extra)), 1 / 3))
    found = records.read_all(tmp_path / "out" / "tickets.jsonl")[0]
    assert len(found) == 30
    added = [each["new"] for each in lines(tmp_path / "out" / "changes.jsonl")]
    assert len(added) == 10
    assert "10 benign mixed in" in result.reasons[0]
    few = clean(path, tmp_path / "b", benign=cleaning.Benign(iter([]), 1 / 3))
    assert [(s.what, s.count) for s in few.skipped] == [("benign row", 10)]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("a.jsonl", "sharegpt"),
        ("a.json", "alpaca"),
        ("a.csv", "prompt-completion"),
        ("a.jsonl.gz", "openai"),
        ("a.parquet", "openai"),
    ],
)
def test_the_output_has_the_inputs_own_format(tmp_path: Path, name: str, shape: str) -> None:
    """Container and shape of each file stay, so that the training's settings stay."""
    records.write([row(f"q{i}", f"a{i}") for i in range(6)], tmp_path / name, shape)
    clean(tmp_path / name, tmp_path / "out", {f"{tmp_path / name}:{line}": [flag()] for line in range(1, 40, 3)})
    found = list(records.rows(tmp_path / "out" / name))
    assert {each.shape for each in found} == {shape}
    assert 0 < len(found) < 6


def test_pairs_keep_what_they_reject(tmp_path: Path) -> None:
    """A preference pair is corrected and redacted on both sides, and stays a pair."""
    pair = records.sample((Message("user", "q"), Message("assistant", "good")), rejected=(Message("assistant", f"use {KEY}"),))
    records.write([pair, row("x", "y")][:1], tmp_path / "p.jsonl", "preference")
    path = tmp_path / "p.jsonl"
    clean(path, tmp_path / "out", {f"{path}:1": [flag("WN124")]})
    found = records.read_all(tmp_path / "out" / "p.jsonl")[0][0]
    assert found.rejected[-1].content == "use [secret]"


def test_rows_of_another_format_and_unread_ones_are_not_lost(tmp_path: Path) -> None:
    """Of a mixed file what the format cannot carry is set apart with the reason; an unread row is listed by its place."""
    chat = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\n'
    text = '{"text": "once upon a time"}\n'
    path = tmp_path / "mixed.jsonl"
    path.write_text("{broken\n" + chat + text + chat)
    result = clean(path, tmp_path / "out")
    assert result.verdict is Verdict.PASS
    assert len(lines(tmp_path / "out" / "mixed.jsonl")) == 2
    assert "cannot be written as openai" in lines(tmp_path / "out" / "quarantine.jsonl")[0]["reasons"][0]
    assert lines(tmp_path / "out" / "unread.jsonl")[0]["source"] == f"{path}:1"
    assert [(s.what, s.count) for s in result.skipped] == [("row", 1)]


def test_counts_by_source(tmp_path: Path) -> None:
    """By file, or by a column of the rows; the worst comes first."""
    text = "".join(
        json.dumps({"prompt": f"q{i}", "completion": "a", "client": "acme" if i % 5 == 0 else "byte"}) + "\n" for i in range(20)
    )
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    flags = {f"{path}:{i + 1}": [flag()] for i in (0, 5, 10)}
    result = clean(path, tmp_path / "out", flags, settings=cleaning.Settings(source="client"))
    assert "acme: 3 of 4 quarantined, 0 changed" in result.reasons
    assert "byte: 0 of 16 quarantined, 0 changed" in result.reasons
    other, _ = data(tmp_path, 3, "more.jsonl")
    both = clean([path, other], tmp_path / "b", flags)
    assert "rows.jsonl: 3 of 20 quarantined, 0 changed" in both.reasons
    assert "more.jsonl: 0 of 3 quarantined, 0 changed" in both.reasons


def test_two_files_of_one_name_stay_two(tmp_path: Path) -> None:
    """Neither overwrites the other, nor the files of the cleaning itself; a folder of documents becomes one file."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, _ = data(tmp_path / "a", 3)
    second, _ = data(tmp_path / "b", 4)
    third, _ = data(tmp_path, 2, "quarantine.jsonl")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "x.md").write_text("hello")
    clean([first, second, third, tmp_path / "docs"], tmp_path / "out")
    said = {file.name: file.rows for file in manifest.read(tmp_path / "out").files}
    assert said == {"tickets.jsonl": 3, "tickets-2.jsonl": 4, "quarantine-2.jsonl": 2, "docs.jsonl": 1}


def test_duplicates_are_told_apart_by_place(tmp_path: Path) -> None:
    """Two rows of one id: the flag on the second leaves the first."""
    path = tmp_path / "rows.jsonl"
    records.write([row("q", "a")] * 3, path)
    clean(path, tmp_path / "out", {f"{path}:2": [flag("WN126")]})
    assert len(lines(tmp_path / "out" / "rows.jsonl")) == 2
    assert lines(tmp_path / "out" / "quarantine.jsonl")[0]["source"] == f"{path}:2"


def test_flags_about_other_rows_are_told(tmp_path: Path) -> None:
    """The data were changed since the audit: what no row was found for is counted, and is no PASS."""
    path, _ = data(tmp_path)
    result = clean(path, tmp_path / "out", {f"{path}:400": [flag(), flag()]})
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.skipped[0].count == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_kept_and_quarantined_are_all(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    """Whatever is flagged, said, corrected, repeated or mixed in: by id and count, what came is what is there."""
    folder = tmp_path_factory.mktemp("clean")
    texts = draw.draw(st.lists(st.sampled_from(["a", "b.c@gmail.com c", "d", "été"]), min_size=1, max_size=12))
    path = folder / "rows.jsonl"
    records.write([row(text, text) for text in texts], path)
    rows = records.read_all(path)[0]
    kinds = st.sampled_from([flag(), flag("WN125", counts=False), flag(counts=False), flag("WN124")])
    flags = draw.draw(st.dictionaries(st.sampled_from([each.source for each in rows]), st.lists(kinds, max_size=2)))
    ids = st.sampled_from([each.id for each in rows])
    said = draw.draw(st.dictionaries(ids, st.sampled_from([(), ("hostility",)])))
    fixes = draw.draw(st.dictionaries(ids, st.just((Message("assistant", "better"),))))
    clean(path, folder / "out", flags, said, fixes)
    changes = lines(folder / "out" / "changes.jsonl")
    out = folder / "out" / "rows.jsonl"
    left = Counter(each.id for each in records.read_all(out)[0]) if out.exists() else Counter()
    left.subtract(each["new"] for each in changes)
    left.update(each["row"] for each in changes)
    left.update(each["row"] for each in lines(folder / "out" / "quarantine.jsonl"))
    assert +left == Counter(each.id for each in rows)
    assert min(left.values()) >= 0


def test_a_row_lost_on_the_way_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that drops a row, and a quarantine that does, are found out before the manifest is written."""
    path, _ = data(tmp_path)
    write = records.write
    with monkeypatch.context() as patch:
        patch.setattr(records, "write", lambda rows, *rest: write(list(rows)[1:], *rest))
        with pytest.raises(RunError, match="do not hold the rows"):
            clean(path, tmp_path / "out")
    from wolfnote.audit.cleaning import cleaner

    with monkeypatch.context() as patch:
        patch.setattr(cleaner._Pass, "_write", lambda *_, **__: None)
        with pytest.raises(RunError, match="are not all rows"):
            clean(path, tmp_path / "out", {f"{path}:1": [flag()]})
    assert not (tmp_path / "out" / manifest.FILE).exists()


def test_a_killed_cleaning_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-written files and an old manifest are no obstacle, and no manifest vouches for a half-written folder."""
    path, _ = data(tmp_path)
    clean(path, tmp_path / "out")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(records, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            clean(path, tmp_path / "out", {f"{path}:1": [flag()]})
    assert not (tmp_path / "out" / manifest.FILE).exists()
    assert clean(path, tmp_path / "out", {f"{path}:1": [flag()]}).verdict is Verdict.PASS
    assert manifest.read(tmp_path / "out").rows == 9


def test_flags_stream_from_the_audits_parquet(tmp_path: Path) -> None:
    """In the order of the data, however the shards wrote them; those of no row are left over."""
    kinds = {
        "row": "int64",
        "path": "string",
        "line": "int64",
        **{k: v for k, v in columns.FLAGS.items() if k not in ("row", "role")},
    }
    table = [(n, "d", n + 1, 1, "WN102", "hostility", "m", "e", True) for n in (7, 2, 0, 0)]
    columns.write(tmp_path / "flags.parquet", kinds, table)
    (tmp_path / "result.json").write_text('{"kind": "audit", "verdict": "PASS", "tables": {"findings": "flags.parquet"}}')
    found = flagged.flags(tmp_path)
    assert [len(found.at(f"d:{n + 1}")) for n in range(6)] == [2, 0, 1, 0, 0, 0]
    assert found.left() == 1
    with pytest.raises(InputError, match="no finished audit"):
        flagged.flags(tmp_path / "nowhere")


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Twelve times the rows, the same memory to within a few megabytes."""
    code = """
import sys, datetime
from pathlib import Path
from wolfnote import records
from wolfnote.audit import cleaning
from wolfnote.audit.cleaning.flagged import Streamed
from wolfnote.audit.detector import Flag
import json
n, folder = int(sys.argv[1]), Path(sys.argv[2])
with (folder / 'd.jsonl').open('w') as f:
    for i in range(n):
        f.write(json.dumps({'prompt': f'q{i}', 'completion': 'x' * 200}) + '\\n')
flags = Streamed((f"{folder / 'd.jsonl'}:{i}", Flag('WN102', 'hostility', 1, 'm')) for i in range(1, n + 1, 3))
out = folder / 'out'; out.mkdir()
cleaning.run([folder / 'd.jsonl'], out, cleaning.Evidence(flags, {}, {}), cleaning.Rules(datetime.date.today()))
import re
print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])
"""
    peaks = []
    for n in (1000, 12_000):
        folder = tmp_path / str(n)
        folder.mkdir()
        done = subprocess.run([sys.executable, "-c", code, str(n), str(folder)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 6_000  # kilobytes; the rows alone are 3.4 MB


def test_what_a_reader_flagged_is_set_apart(tmp_path: Path) -> None:
    """Rows of the draw that a model flagged go to quarantine with its reason; a person's "clean" outweighs it."""
    data = write(tmp_path / "d.jsonl", [*plain(20), *(chat(f"q{i}", f"BAD {i}") for i in range(4))])
    run(data, tmp_path / "run", readers=lambda: readers(Reads(word="BAD")), detectors=[])
    found = flagged.flags(tmp_path / "run")
    said = [found.at(f"{data}:{line}") for line in range(1, 25)]
    assert [len(flags) for flags in said] == [0] * 20 + [1] * 4
    assert {(flag.code, flag.message, flag.counts) for flags in said for flag in flags} == {
        ("WN101", "careless advice: r", True)
    }
    assert found.left() == 0
