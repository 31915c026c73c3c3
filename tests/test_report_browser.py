"""The report in a real browser: Chromium with its driver, as packaged by Debian. Without them tests are skipped."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from browser_pages import asked_urls, assert_nothing_sticks_out, find, keys, number_shown, scheme_of, settle
from conftest import Neuronas
from report_runs import add_training, make_run
from test_report import hostile_run
from waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = make_run(tmp_path_factory.mktemp("runs") / "mine")
    add_training(directory)
    return directory


def open_page(browser: Any, neuronas: Neuronas, *arguments: object) -> dict[str, Any]:
    """Write a page, open it, and return its explorer's data; errors and external requests are not allowed."""
    code, out, err = neuronas(*arguments, "--json")
    assert code == 0, err
    browser.get("about:blank")  # the previous page may still poll a stopped server
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(Path(json.loads(out)["file"]).resolve().as_uri())
    until(lambda: find(browser, "html").get_attribute("data-drawn"))
    assert_quiet(browser)
    data: dict[str, Any] = json.loads(find(browser, "#data").get_attribute("textContent"))["explorer"]
    return data


def assert_quiet(browser: Any) -> None:
    assert browser.get_log("browser") == []
    asked = asked_urls(browser)
    assert all(url.startswith("file:") for url in asked)
    assert len(asked) <= 1


def text_of(data: dict[str, Any], index: int) -> str:
    """The architecture of a candidate of the only run."""
    return " / ".join(data["cells"][cell]["text"] for cell in data["runs"][0]["places"][index])


def test_a_usual_page_is_small_and_opens(browser: Any, neuronas: Neuronas, tmp_path: Path) -> None:
    many = make_run(tmp_path / "many", n=1458)
    open_page(browser, neuronas, "report", many)
    assert int(find(browser, "html").get_attribute("data-ready-ms")) < 5_000  # 300 on an idle machine
    assert (many / "report.html").stat().st_size < 5e6


def test_keyboard_walks_the_front_and_shows_a_cell(browser: Any, neuronas: Neuronas, run: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    data = open_page(browser, neuronas, "report", run)
    energy, fitness = data["runs"][0]["values"]["energy_uj"], data["runs"][0]["values"]["fitness"]
    fit = [i for i, value in enumerate(fitness) if value is not None]
    cheapest = min(fit, key=lambda i: (energy[i], -fitness[i]))
    keys(browser, "#plot", Keys.ARROW_RIGHT)
    assert text_of(data, cheapest) in find(browser, "#tip").text
    assert "energy" in find(browser, "#tip").text
    keys(browser, "#plot", Keys.ENTER)
    assert f"Candidate {cheapest + 1} of mine" in find(browser, "#chosen").text
    keys(browser, "#plot", Keys.ESCAPE, Keys.ARROW_LEFT)
    assert text_of(data, max(fit, key=fitness.__getitem__)) in find(browser, "#tip").text
    assert_quiet(browser)


def test_hover_shows_cost_and_click_shows_the_cell(browser: Any, neuronas: Neuronas, run: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    data = open_page(browser, neuronas, "report", run)
    keys(browser, "#plot", Keys.ARROW_RIGHT)
    told = find(browser, "#tip").text
    # The tooltip is 14 pixels from its point: below it, or above if there is not enough space.
    tip, canvas = find(browser, "#tip").rect, find(browser, "#plot")
    left = tip["x"] - 14 - canvas.rect["x"] - canvas.rect["width"] / 2
    below = tip["y"] - 14 - canvas.rect["y"] - canvas.rect["height"] / 2
    keys(browser, "#plot", Keys.ESCAPE)
    assert not find(browser, "#tip").is_displayed()
    for top in (below, below + 28 + tip["height"]):
        if abs(top) < canvas.rect["height"] / 2:
            ActionChains(browser).move_to_element_with_offset(canvas, round(left), round(top)).click().perform()
            if find(browser, "#tip").is_displayed():
                break
    assert find(browser, "#tip").text == told
    architecture = told.splitlines()[0]
    assert architecture in find(browser, "#chosen").text
    number = next(i for i in range(60) if text_of(data, i) == architecture)
    edges = [edge for cell in data["runs"][0]["places"][number] for edge in data["cells"][cell]["edges"]]
    labels = [re.findall(r"<text[^>]*>([^<]*)<", data["edges"][edge])[0] for edge in edges]
    assert [one.text for one in browser.find_elements("css selector", "#chosen .edge text")] == labels
    assert_quiet(browser)


def test_sliders_filter(browser: Any, neuronas: Neuronas, run: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    (data,) = open_page(browser, neuronas, "report", run)["runs"]
    fit = [i for i, value in enumerate(data["values"]["fitness"]) if value is not None]
    assert number_shown(browser) == len(fit)
    keys(browser, "#limit-energy_uj", Keys.HOME)
    settle(browser)
    lowest, highest = (limit(data["values"]["energy_uj"][i] for i in fit) for limit in (min, max))
    assert number_shown(browser) == sum(data["values"]["energy_uj"][i] == lowest for i in fit)
    keys(browser, "#limit-energy_uj", Keys.END)
    settle(browser)
    assert number_shown(browser) == len(fit)
    assert find(browser, "label output").text.startswith("all")
    # One step from the end excludes the most expensive shown candidate, not one over the budget.
    keys(browser, "#limit-energy_uj", Keys.ARROW_LEFT)
    settle(browser)
    assert number_shown(browser) == sum(data["values"]["energy_uj"][i] < highest for i in fit) < len(fit)
    assert_quiet(browser)


def test_axes_rejected_candidates_and_front_table(browser: Any, neuronas: Neuronas, run: Path) -> None:
    open_page(browser, neuronas, "report", run)
    keys(browser, "#y-axis", "area")
    find(browser, "#show-rejected").click()
    assert number_shown(browser) == 60
    find(browser, "#front summary").click()
    find(browser, "#front .show button").click()
    assert find(browser, "#front tbody code").text in find(browser, "#chosen").text
    assert find(browser, "#front button.copy").is_displayed()
    find(browser, "#fittest").click()
    assert find(browser, "#result code").text in find(browser, "#chosen").text
    assert_quiet(browser)


def test_every_table_can_be_copied(browser: Any, neuronas: Neuronas, run: Path) -> None:
    open_page(browser, neuronas, "report", run)
    tables = browser.find_elements("css selector", "figure.table")
    assert len(tables) == len(browser.find_elements("css selector", "figure.table button.copy")) >= 9
    button = find(browser, "#cost button.copy")
    button.click()
    settle(browser)
    assert button.text != "copy"


def test_a_part_of_very_many_candidates(
    browser: Any, neuronas: Neuronas, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selenium.webdriver.common.keys import Keys

    whole = open_page(browser, neuronas, "report", run)
    assert "the page holds" not in find(browser, "#count").text
    monkeypatch.setattr("neuronas.report.explorer._MOST", 10)
    n_shown = len(open_page(browser, neuronas, "report", run)["runs"][0]["places"])
    assert 10 <= n_shown < 60
    assert f"of 60 the page holds {n_shown}: those on a Pareto front" in find(browser, "#count").text
    keys(browser, "#plot", Keys.ARROW_LEFT, Keys.ENTER)
    told = find(browser, "#chosen").text
    answer = whole["runs"][0]["answer"]
    assert f"Candidate {answer + 1} of mine" in told and text_of(whole, answer) in told
    assert_quiet(browser)


def test_compare_plots_all_runs(browser: Any, neuronas: Neuronas, run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", seed=3)
    data = open_page(browser, neuronas, "compare", run, other)
    fit = sum(value is not None for one in data["runs"] for value in one["values"]["fitness"])
    assert number_shown(browser) == fit
    assert "other" in find(browser, "#plot svg").text


def test_a_plot_without_room_is_drawn_once_it_gets_some(browser: Any, neuronas: Neuronas, run: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    open_page(browser, neuronas, "report", run)
    browser.execute_script("document.getElementById('plot').style.display = 'none'")
    find(browser, "#show-rejected").click()
    settle(browser)
    browser.execute_script("document.getElementById('plot').style.display = ''")
    settle(browser)
    keys(browser, "#plot", Keys.ARROW_RIGHT)
    assert "energy" in find(browser, "#tip").text
    assert_quiet(browser)


def test_hostile_names_run_nothing(browser: Any, neuronas: Neuronas, tmp_path: Path) -> None:
    hostile = hostile_run(tmp_path / "hostile")
    for arguments in (("report", hostile), ("compare", hostile, make_run(tmp_path / "mine"))):
        open_page(browser, neuronas, *arguments, "--out", tmp_path / "page.html")
        find(browser, "#fittest").click()
        assert browser.execute_script("return typeof pwned") == "undefined"
        assert browser.find_elements("css selector", "img") == []
        assert_quiet(browser)


def test_no_table_scrolls_sideways_on_a_phone(browser: Any, neuronas: Neuronas, run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "with-a-longer-name")
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    wide = "return [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length"
    for arguments in (("report", run), ("compare", run, other)):
        open_page(browser, neuronas, *arguments, "--out", tmp_path / "page.html")
        browser.execute_script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert browser.execute_script(wide) == 0
        titles = [
            one.get_attribute("data-title") for one in browser.find_elements("css selector", ".stacked td.number")
        ]
        assert titles and all(titles)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [400, 1400])
def test_no_text_of_a_chart_is_cut(
    browser: Any, neuronas: Neuronas, run: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Also with long names in the legend."""
    monkeypatch.setattr("neuronas.report.cost_charts.quantity", lambda name, value: f"{value:,.12f} {name}")
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    open_page(browser, neuronas, "report", run)
    cut = """return [...document.querySelectorAll('figure.chart .view')].flatMap((view) => {
      const place = view.getBoundingClientRect();
      const outside = ({ left, right }) => left < place.left - 1 || right > place.right + 1;
      return [...view.querySelectorAll('text')].filter((text) => outside(text.getBoundingClientRect()));
    }).map((text) => text.textContent)"""
    shown = browser.execute_script("return document.querySelectorAll('figure.chart .view text').length")
    found = browser.execute_script(cut)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert shown > 50 and found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(browser: Any, neuronas: Neuronas, run: Path, scheme: str) -> None:
    with scheme_of(browser, scheme):
        open_page(browser, neuronas, "report", run)
        assert_nothing_sticks_out(browser)
        ink = browser.execute_script("return getComputedStyle(document.body).color")
        assert (ink == "rgb(230, 234, 240)") is (scheme == "dark")
