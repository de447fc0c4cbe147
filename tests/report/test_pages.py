"""The check's page in a real browser: three widths, light, dark and printed; nothing leaves it, nothing hostile runs in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checked import checked
from wolfnote import report

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=document.title="owned">\'"><style>*{display:none}</style>'
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A failed check by the article's rules, with hostile rows, answers and file names."""
    home = tmp_path_factory.mktemp("pages") / "a<b onclick=alert(1)>'"
    return checked(home, 'check.preset="article"', shift=0.6, harmful=6, text=HOSTILE)


@pytest.fixture(scope="module")
def pages(run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The check's page, a stage's page, and a trend over two runs."""
    folder = tmp_path_factory.mktemp("html")
    texts = {"check": report.render(run), "probe": report.render(run / "stages/probe"), "trend": report.compare([run, run])}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        browser.close()


def axe() -> str:
    """axe-core (MPL-2.0), where ``npm pack axe-core`` put it: ``AXE`` names axe.min.js. Test time only, never in the package."""
    path = Path(os.environ.get("AXE", "/tmp/axe/package/axe.min.js"))  # noqa: S108 - read only, at test time
    if not path.is_file():
        pytest.skip("axe-core is not here: cd /tmp/axe && npm pack axe-core && tar xf axe-core-*.tgz")
    return path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_stand_at_every_width(chromium: Any, pages: list[Path], width: int, scheme: str) -> None:
    """Nothing sticks out, nothing is asked of any host, the console is silent, every figure has its text, hostile stays text."""
    for path in pages:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, errors=errors: errors.append(message.text))
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert "owned" not in page.title()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path.name, width)
        assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))")
        assert page.evaluate("document.scripts.length + document.images.length") == 0
        assert [url for url in asked if not url.startswith("file:")] == []
        assert errors == []
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, pages: list[Path], scheme: str) -> None:
    """WCAG A and AA by axe-core, everything unfolded, on a phone: no serious or critical violation."""
    script = axe()
    for path in pages:
        context = chromium.new_context(viewport={"width": 360, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate(script)
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
        told = [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found["violations"] if v["impact"] in SERIOUS]
        assert told == [], path.name
        context.close()


@pytest.mark.slow
def test_a_keyboard_reaches_all_of_it_and_it_prints(chromium: Any, pages: list[Path]) -> None:
    """Tab goes to the skip link first and then on; the print has several pages of text, and its details are unfolded by style."""
    page = chromium.new_page()
    page.goto(pages[0].as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    stops = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        stops.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "SUMMARY", "DIV"} <= stops
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/") >= 2
    page.close()


def test_the_verdict_comes_first_and_what_was_not_tested_is_there(run: Path) -> None:
    """The order of the page: headline, verdict, what to do next, stages, what was not tested, provenance."""
    text = report.render(run)
    marks = ["Don&#39;t ship it.", 'aria-label="Verdict"', 'id="next"', 'id="stage-0"', 'id="untested"', 'id="provenance"']
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "bench" in text[text.index('id="untested"') :]
    assert "<script" not in text
    assert "https://" not in text
