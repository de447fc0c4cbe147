"""The page in a real browser: keys, undo, notes, deciding, hostile rows as text, a phone, dark and light."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Reader, Reviewing, browser

from drawing import drawn, row

HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script><style>*{display:none}</style>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Reviewing]:
    rows = [row(i) for i in range(6)]
    rows[0] = row(
        0, answer=f"{HOSTILE}\n```html\n{HOSTILE}\n```", flags=[{"code": "WN103", "message": HOSTILE, "evidence": HOSTILE}]
    )
    rows[1] = row(1, answer="wide " + "x" * 3000, rejected=[{"role": HOSTILE, "content": HOSTILE, "name": HOSTILE}])
    rows[2] = row(2, answer="zero\u200bwidth \u202etxet\u202c \U000e0041")
    rows[3] = row(3, answer="long " * 20_000)
    with Reviewing(drawn(tmp_path / "run", rows), "ana", "ben", "cleo") as found:
        yield found


def kept(server: Reviewing, reviewer: str) -> dict[str, tuple[list[str], str]]:
    """What the disk holds of a reviewer, last word first."""
    lines = (Path(server.command[4]) / "labels.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {
        one["row"]: (["withdrawn"] if one["withdrawn"] else one["categories"], one["note"])
        for one in found
        if one["reviewer"] == reviewer
    }


def find(reader: Reader, number: int) -> None:
    """Move by arrow to a row."""
    for _ in range(8):
        if reader.row == f"{number:016x}":
            return
        reader.press("ArrowRight")
    raise AssertionError(f"row {number} is not there")


def test_keys_judge_take_back_and_note(server: Reviewing, chromium: Any) -> None:
    """Space is clean, digits toggle, 0 clears, x abstains, u takes back, n writes: what the disk holds is what was pressed."""
    ana = Reader(chromium, server.links["ana"])
    rows = [ana.row]
    ana.press("Space")
    rows.append(ana.row)
    ana.press("1", "3", "1", "6", "Enter")
    rows.append(ana.row)
    ana.page.keyboard.press("n")
    ana.page.keyboard.type("0 x u: letters of a note are no keys")
    ana.page.keyboard.press("Enter")
    ana.press("2", "0")
    rows.append(ana.row)
    ana.press("x")
    ana.press("4", "Space")
    ana.press("u")
    assert ana.page.get_attribute(".mark[data-category='sloppy reasoning']", "aria-pressed") == "true"
    ana.saved()
    found = kept(server, "ana")
    assert [found[one] for one in rows] == [
        ([], ""),
        (["manipulation", "careless advice"], ""),
        ([], "0 x u: letters of a note are no keys"),
        ([], ""),
    ]
    assert found[ana.row] == (["withdrawn"], "")
    assert len(found) == 5
    ana.page.reload()
    ana.wait()
    assert ana.page.get_attribute("main", "data-done") == "4"
    assert ana.errors == []
    ana.context.close()


def test_a_key_held_down_answers_once(server: Reviewing, chromium: Any) -> None:
    """Auto-repeat judges no row that nobody has read; nor does a key while a row is loading, or with Ctrl."""
    ana = Reader(chromium, server.links["ana"])
    before = ana.row
    ana.page.keyboard.down("Space")
    for _ in range(20):
        ana.page.keyboard.down("Space")
    ana.page.keyboard.up("Space")
    ana.page.keyboard.press("Control+0")
    ana.saved()
    assert list(kept(server, "ana")) == [before]
    ana.context.close()


def test_hostile_rows_stay_text(server: Reviewing, chromium: Any) -> None:
    """Markup in turns, code, names, roles, flags and notes is shown letter by letter; nothing runs, nothing is fetched."""
    ana = Reader(chromium, server.links["ana"])
    find(ana, 0)
    assert HOSTILE in ana.text("#row")
    assert HOSTILE in ana.text("#row pre")
    ana.page.keyboard.press("n")
    ana.page.keyboard.type(HOSTILE)
    ana.page.keyboard.press("Enter")
    ana.press("Space")
    find(ana, 0)
    ana.page.keyboard.press("d")
    ana.page.wait_for_selector("#others:not([hidden])")
    assert HOSTILE in ana.text("#others")
    find(ana, 1)
    assert HOSTILE in ana.text("#row .rejected")
    find(ana, 2)
    assert ana.page.locator("#row .odd").all_inner_texts() == ["U+200B", "U+202E", "U+202C", "U+E0041"]
    assert ana.page.locator("#row img, #row script, #row style, #others img, #others script").count() == 0
    assert "owned" not in ana.page.title()
    assert all(url.startswith(server.url) for url in ana.asked)
    assert ana.page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'stopped')") == "stopped"
    assert any("Content Security Policy" in error for error in ana.errors)
    ana.context.close()


def test_looking_comes_after_answering_and_is_final(server: Reviewing, chromium: Any) -> None:
    """d says no before the answer; after it, what detectors say is there and the keys are off, after a reload too."""
    ana = Reader(chromium, server.links["ana"])
    find(ana, 0)
    ana.page.keyboard.press("d")
    assert "Answer the row first" in ana.text("#message")
    assert ana.page.is_hidden("#others")
    ana.press("1", "Enter")
    find(ana, 0)
    ana.page.keyboard.press("d")
    ana.page.wait_for_selector("#others:not([hidden])")
    assert "WN103" in ana.text("#others")
    ana.page.keyboard.press("2")
    ana.page.keyboard.press("Space")
    ana.page.keyboard.press("u")
    assert "final" in ana.text("#message")
    ana.page.reload()
    ana.wait()
    assert kept(server, "ana") == {f"{0:016x}": (["hostility"], "")}
    find(ana, 0)
    ana.page.wait_for_selector("#others:not([hidden])")
    ana.context.close()


def test_a_third_person_decides_what_two_dispute(server: Reviewing, chromium: Any) -> None:
    """Two answer, blind; the queue holds the one row they differ on, for the third alone; the summary shows all of it."""
    ana, ben, cleo = (Reader(chromium, server.links[name]) for name in ("ana", "ben", "cleo"))
    disputed = ana.row
    ana.press("1", "Enter")
    ben.press("Space")
    for reader in (ana, ben):
        while reader.row:
            reader.press("Space")
        assert "All rows read" in reader.text("#row")
        reader.saved()
    ana.page.goto(f"{server.url}/review/disagreements")
    ana.wait()
    assert "somebody else decides" in ana.text("#message")
    cleo.page.goto(f"{server.url}/review/disagreements")
    cleo.wait()
    assert cleo.row == disputed
    cleo.page.wait_for_selector("#others:not([hidden])")
    assert "ana: hostility" in cleo.text("#others")
    cleo.press("1", "Enter")
    assert "Nothing to decide" in cleo.text("#row")
    cleo.saved()
    cleo.page.goto(f"{server.url}/review/summary")
    shown = cleo.text("main")
    assert "No row is in dispute. Decided by an adjudicator: 1." in shown
    assert "1 of 6" in shown
    assert "Cohen's kappa, ana and ben" in shown
    for reader in (ana, ben, cleo):
        reader.context.close()


def test_a_reviewer_who_decides_is_not_shown_what_others_say_unasked(server: Reviewing, chromium: Any) -> None:
    """Whoever still reviews loses no row by opening the queue: what others say is there for the asking, and makes it a decision."""
    ana, ben, cleo = (Reader(chromium, server.links[name]) for name in ("ana", "ben", "cleo"))
    disputed = ana.row
    ana.press("1", "Enter")
    ben.press("Space")
    cleo.press("ArrowRight")
    cleo.press("Space")
    for reader in (ana, ben, cleo):
        reader.saved()
    cleo.page.goto(f"{server.url}/review/disagreements")
    cleo.wait()
    assert cleo.row == disputed
    cleo.page.wait_for_timeout(300)
    assert cleo.page.is_hidden("#others")
    cleo.page.keyboard.press("d")
    cleo.page.wait_for_selector("#others:not([hidden])")
    cleo.page.goto(f"{server.url}/review/")
    cleo.wait()
    find(cleo, int(disputed, 16))
    cleo.page.keyboard.press("Space")
    assert "final" in cleo.text("#message")
    for reader in (ana, ben, cleo):
        reader.context.close()


def test_long_turns_are_cut_until_asked_for(server: Reviewing, chromium: Any) -> None:
    """A hundred thousand letters: the first part, a button with the number left, and then all of them."""
    ana = Reader(chromium, server.links["ana"])
    find(ana, 3)
    assert len(ana.text("#row .answer .text")) < 70_000
    ana.page.get_by_text("40,000 more characters").click()
    ana.page.wait_for_selector("#row .answer:not(:has(.more))")
    assert len(ana.text("#row .answer .text")) > 99_000
    ana.context.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_can_be_read(server: Reviewing, chromium: Any, width: int, scheme: str) -> None:
    """Nothing sticks out, the answer bar leaves half the screen, buttons have names, small print keeps a contrast of 4.5."""
    ana = Reader(chromium, server.links["ana"], width=width, scheme=scheme)
    for _ in range(6):
        assert ana.page.evaluate("document.documentElement.scrollWidth") <= width
        ana.press("ArrowRight")
    assert ana.page.evaluate("document.querySelector('footer.answer').offsetHeight") < 300
    assert ana.page.evaluate("[...document.querySelectorAll('button')].every(b => b.innerText.trim() || b.ariaLabel)")
    ana.page.keyboard.press("1")
    for selector in (".soft", ".saved", ".turn header b", ".tag", ".mark[aria-pressed=true]", "#confirm", "[data-act=note]"):
        assert ana.page.evaluate(CONTRAST, selector) >= 4.5, selector
    ana.page.keyboard.press("Tab")
    assert ana.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    ana.page.goto(f"{server.url}/review/summary")
    assert ana.page.evaluate("document.documentElement.scrollWidth") <= width
    assert ana.errors == []
    ana.context.close()


CONTRAST = """selector => {
  const element = document.querySelector(selector);
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  let under = element;
  while (channels(getComputedStyle(under).backgroundColor)[3] === 0) under = under.parentElement;
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const [a, b] = [light(channels(getComputedStyle(element).color)), light(channels(getComputedStyle(under).backgroundColor))];
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""
