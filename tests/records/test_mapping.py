"""Helpdesk exports: the user says what each column is, and nothing else is assumed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from wolfnote import Message, records, settings
from wolfnote.records import Reading, Sample, Unread


def reading(*overrides: str) -> Reading:
    """As the command line fills it."""
    loaded = settings.load(settings.tables(data=Reading), None, [f"data.{text}" for text in overrides])
    found = msgspec.structs.asdict(loaded)["data"]
    assert isinstance(found, Reading)
    return found


def test_a_row_a_ticket(tmp_path: Path) -> None:
    """Subject and body are one question; the other columns stay as metadata; an empty reply is named."""
    file = tmp_path / "t.csv"
    file.write_text("id,subject,body,reply\n1,Refund,When?,Soon.\n2,Refund,When?,\n")
    plan = reading("columns.subject=user", "columns.body=user", "columns.reply=assistant")
    first, second = records.read(file, plan)
    assert isinstance(first, Sample)
    assert first.messages == (Message("user", "Refund\n\nWhen?"), Message("assistant", "Soon."))
    assert first.metadata == {"id": "1"}
    assert second == Unread(f"{file}:3", "nothing in the assistant's column (reply)")


def test_a_dotted_name_reaches_into_nested_objects(tmp_path: Path) -> None:
    """From --set as from TOML, without quotes."""
    file = tmp_path / "t.jsonl"
    file.write_text(json.dumps({"ticket": {"body": "q"}, "answer.text": "a"}))
    (row,) = records.read(file, reading("columns.ticket.body=user", "columns.answer.text=assistant"))
    assert isinstance(row, Sample)
    assert [m.content for m in row.messages] == ["q", "a"]


MESSAGES = """thread,author,text,at
7,customer,hello,09:00
7,agent,hi,09:01
8,customer,two,09:02
8,agent,2,09:03
8,customer,thanks,09:04
7,customer,again,09:05
7,agent,yes,09:06
9,robot,beep,09:07
,customer,lost,09:08
"""


def test_a_row_a_message(tmp_path: Path) -> None:
    """Neighbours of one thread are one sample; a thread that comes back, an unknown role and a missing id are named."""
    file = tmp_path / "m.csv"
    file.write_text(MESSAGES)
    plan = reading(
        "columns.thread=thread", "columns.author=role", "columns.text=content", "roles.customer=user", "roles.agent=assistant"
    )
    seven, eight, again, robot, lost = records.read(file, plan)
    assert isinstance(seven, Sample)
    assert seven.messages == (Message("user", "hello"), Message("assistant", "hi"))
    assert seven.source == f"{file}:2"
    assert seven.metadata["thread"] == "7"
    reasons = [row.reason for row in (eight, again, robot, lost) if isinstance(row, Unread)]
    says = ("last message", "second time → sort the file by thread", "data.roles.robot=", "no thread")
    assert len(reasons) == len(says)
    for reason, part in zip(reasons, says, strict=True):
        assert part in reason
    records.write([seven], tmp_path / "o.jsonl")
    written = json.loads((tmp_path / "o.jsonl").read_text())
    assert [turn["at"] for turn in written["messages"]] == ["09:00", "09:01"]


def test_a_broken_message_costs_its_thread_and_no_other(tmp_path: Path) -> None:
    """Half a conversation is not a conversation."""
    file = tmp_path / "m.jsonl"
    rows = [{"t": t, "who": who, "says": "x"} for t in (1, 2) for who in ("user", "assistant")]
    lines = [json.dumps(row) for row in rows]
    file.write_text("\n".join([lines[0], "{", *lines[1:]]))
    first, second = records.read(file, reading("columns.t=thread", "columns.who=role", "columns.says=content"))
    assert isinstance(first, Unread)
    assert "not JSON" in first.reason
    assert isinstance(second, Sample)
    assert second.source == f"{file}:4"


def test_a_list_of_turns_under_a_key(tmp_path: Path) -> None:
    """One row a ticket, its messages inside it."""
    file = tmp_path / "t.json"
    turns = [{"from": "customer", "body": "q"}, {"from": "agent", "body": "a"}]
    file.write_text(json.dumps([{"id": 1, "thread": {"comments": turns}}, {"id": 2}]))
    plan = reading(
        "turns=thread.comments", "columns.from=role", "columns.body=content", "roles.customer=user", "roles.agent=assistant"
    )
    first, second = records.read(file, plan)
    assert isinstance(first, Sample)
    assert first.messages == (Message("user", "q"), Message("assistant", "a"))
    assert isinstance(second, Unread)
    assert "no column thread.comments" in second.reason


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A typo in a column's name shows the names there are."""
    file = tmp_path / "t.jsonl"
    file.write_text('{"body": "q", "reply": "a"}')
    (row,) = records.read(file, reading("columns.bdy=user", "columns.reply=assistant"))
    assert row == Unread(f"{file}:1", "no column bdy (columns body, reply)")
