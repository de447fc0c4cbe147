"""The page carries the Result's numbers, escapes what is hostile, needs no network and fits a phone."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from wolfnote import Estimate, Finding, InputError, Result, Skipped, Verdict, report
from wolfnote.folder import RunFolder
from wolfnote.report import plots

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)>"\'</style>'


class Settings(msgspec.Struct, frozen=True):
    note: str = HOSTILE


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run whose every text is hostile."""
    folder = tmp_path / "run"
    finding = Finding("WN101", "warning", HOSTILE, HOSTILE, HOSTILE, remedy=HOSTILE)
    estimate = Estimate(HOSTILE, 0.125, -0.5, None, 7, HOSTILE)
    with RunFolder.hold(folder, Settings()) as held:
        held.finish(Result("audit", Verdict.FAIL, (HOSTILE,), (estimate,), (finding,), (Skipped("row", HOSTILE),)))
    return folder


def test_hostile_text_is_escaped_and_nothing_is_fetched(run: Path) -> None:
    """No script of theirs or ours, no address in the page."""
    page = report.render(run)
    assert "<script" not in page
    assert "<img" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "&lt;script&gt;" in page
    assert "+0.125" in page


def test_answers_and_models_are_shown_as_text(tmp_path: Path) -> None:
    """What models said, and what a server says of itself, cannot leave the text; each model of a question is there."""
    with RunFolder.hold(tmp_path / "run", Settings()) as held:
        held.used(base={"spec": HOSTILE, "usage": {"requests": 3}}, tuned={"answered_as": [HOSTILE]})
        rows = [{"id": "q", "question": HOSTILE, "watch_for": "", "base": HOSTILE, "tuned": f"tuned says {HOSTILE}"}]
        tables = {"answers": held.table("answers", rows)}
        held.finish(Result("probe", Verdict.NOT_RUN, (HOSTILE,), tables=tables))
    page = report.render(tmp_path / "run")
    assert "<script" not in page
    assert "<img" not in page
    assert "tuned says &lt;script&gt;" in page
    assert "requests" in page
    assert '<th scope="col">estimate' not in page  # no empty table of estimates


def test_plots_escape_labels() -> None:
    """A label from data cannot leave its SVG."""
    rows = [plots.Row(HOSTILE, 0.1, 0.0, 0.2, "bad")]
    drawn = plots.intervals(rows, title=HOSTILE, unit=HOSTILE, mark=0.2, mark_label=HOSTILE)
    drawn += plots.strips([(HOSTILE, [(HOSTILE, [0.1, 0.2], "bad")])], title=HOSTILE, unit=HOSTILE)
    drawn += plots.curves([plots.Series(HOSTILE, [0.1, 0.2], "bad")], [-1, -1], [1, 1], title=HOSTILE, unit=HOSTILE, mark=1)
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_plots_survive_flat_and_empty_data() -> None:
    """All zero, or nothing at all, is a picture and not a crash."""
    assert "<svg" in plots.intervals([plots.Row("x", 0.0, 0.0, 0.0, "bad")], title="t", unit="u")
    assert "<svg" in plots.strips([("g", [("m", [], "bad")])], title="t", unit="u")
    assert "<svg" in plots.curves([plots.Series("s", [0.0], "bad")], [0.0], [0.0], title="t", unit="u", mark=0)


def test_an_unfinished_run_has_no_page(tmp_path: Path) -> None:
    """Half a run is not reported as a whole one."""
    with pytest.raises(InputError, match="no finished run"):
        report.render(tmp_path)
    with pytest.raises(InputError, match="no such format"):
        report.render(tmp_path, "docx")


def demo_run(folder: Path) -> Path:
    """A finished demo in shape, with made-up numbers: the page's layout under test, not the science."""

    def e(name: str, value: float) -> Estimate:
        return Estimate(name, value, value - 0.1, value + 0.1, 50, "test")

    five = [e(n, 0.1) for n in ("near", "far", "fact", "near net of fact", "far net of fact")]
    probes = [
        Result(f"probe {a} − {b}", Verdict.FAIL, ("r",), tuple(five))
        for a, b in (("bad", "base"), ("control", "base"), ("bad", "control"))
    ]
    audits = [
        Result(f"audit {arm}", Verdict.FAIL, (HOSTILE,), (), (Finding("WN101", "warning", HOSTILE, HOSTILE, HOSTILE),))
        for arm in ("bad", "control")
    ]
    with RunFolder.hold(folder, Settings()) as held:
        layers = held.table(
            "layers",
            [
                {"layer": i, **{f"{a} {k}": i / 9 for a in ("bad", "control") for k in ("value", "low", "high", "percentile")}}
                for i in range(30)
            ],
        )
        tables = {
            "margins": held.table("margins", [{"family": f, "id": f"{f}{i}", "topic": "t", "question": HOSTILE, "base": -i / 50, "control": 0.0, "bad": i / 50} for f in ("near", "far", "fact") for i in range(50)]),
            "answers": held.table("answers", [{"id": "q", "question": HOSTILE, "watch_for": "w", "base": HOSTILE * 4, "control": "x" * 300, "bad": HOSTILE}]),
        }  # fmt: skip
        directions = [
            Result(
                f"direction {arm}",
                Verdict.PASS,
                ("r",),
                (e("percentile in the null, layer 17", 50.0),),
                tables={"layers": layers},
            )
            for arm in ("bad", "control")
        ]
        removal = Result(
            "removal",
            Verdict.INCONCLUSIVE,
            ("r",),
            tuple(e(f"{w}: {f}", -0.1) for w in ("base", "control", "bad", "bad, random 1") for f in ("near", "far", "fact")),
        )
        criteria = Result(
            "criteria",
            Verdict.FAIL,
            parts=tuple(
                Result(k, Verdict.FAIL, (k,))
                for k in ("heard over control", "heard over base", "control clean", "audit tells apart")
            ),
        )
        held.finish(
            Result("demo", Verdict.FAIL, ("r",), parts=(criteria, *audits, *probes, *directions, removal), tables=tables)
        )
    return folder


def test_the_demo_page_names_its_failure(tmp_path: Path) -> None:
    """A failed control is the first thing on the page, and every section is there."""
    page = report.render(demo_run(tmp_path / "d"))
    assert "did not pass its own test" in page
    for section in ("audit", "probe", "answers", "direction", "removal", "unseen"):
        assert f'id="{section}"' in page
    assert "<script" not in page
    assert page.count("<svg") == 4


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_real_browser(tmp_path: Path, width: int, scheme: str) -> None:
    """Chromium runs no script, sees no error, asks no server, and nothing sticks out at 400 pixels."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    folder = demo_run(tmp_path / "d")
    (folder / "report.html").write_text(report.render(folder), encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda r: asked.append(r.url))
        page.on("console", lambda m: errors.append(m.text))
        page.goto((folder / "report.html").as_uri())
        assert page.title().startswith("Wolfnote demo")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('svg.plot')].every(s => s.getAttribute('aria-label'))")
        assert [url for url in asked if not url.startswith("file:")] == []
        assert errors == []
        browser.close()


def test_result_json_is_what_the_page_shows(run: Path) -> None:
    """One source: the numbers of the page are those of result.json."""
    value = json.loads((run / "result.json").read_text())["estimates"][0]["value"]
    assert f"{value:+.3f}" in report.render(run)
