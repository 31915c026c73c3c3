"""Measures the size of a report, the time to write and open it, and the time of its plot, figures and live page.

    python benchmarks/report_page.py [RUN]

RUN: the run directory to measure, by default a search on digits that is run first (half a minute). A run with 50,000
random candidates and artificial fitness is also measured. Needs chromium and chromedriver, and the extra ``dev``. Times
are of whole processes, started anew each time; "cpu" is CPU time, which is hardly affected by other programs.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from selenium import webdriver

from common import write
from neuronas.api.reporting.run_facts import read_run
from neuronas.report.live import LiveRun

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from report_runs import make_run
from waiting import until

REPEATS = 5
MANY = 50_000
_WAIT_FOR_FRAME = "requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));"
_SLIDER = f"""
const done = arguments[0], slider = document.getElementById("limit-energy_uj");
slider.value = 100 + 800 * Math.random();
const start = performance.now();
slider.dispatchEvent(new Event("input"));
{_WAIT_FOR_FRAME}
"""
_POINTER = """
const plot = document.getElementById("plot"), { left, top } = plot.getBoundingClientRect(), start = performance.now();
for (let i = 0; i < 20; i++) {
  plot.dispatchEvent(new PointerEvent("pointermove", { clientX: left + 100 + 20 * i, clientY: top + 60 + 10 * i }));
}
return (performance.now() - start) / 20;
"""


def spread(values: list[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {"median": round(median(values), 4), "lowest": round(min(values), 4), "highest": round(max(values), 4)}


def processes(*arguments: object) -> dict[str, Any]:
    """Run a command several times, each time in a new process."""
    wall, cpu = [], []
    for _ in range(REPEATS):
        started, before = perf_counter(), os.times()
        subprocess.run([sys.executable, "-m", "neuronas", *map(str, arguments), "--quiet"], check=True)
        after = os.times()
        wall.append(perf_counter() - started)
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return {"wall_s": spread(wall), "cpu_s": spread(cpu)}


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chrome") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    browser.set_window_size(1400, 1000)
    try:
        yield browser
    finally:
        browser.quit()


def in_browser(browser: Any, page: Path) -> dict[str, Any]:
    """Open a page several times, move a slider and the pointer."""

    def repeated(measure: Callable[[], float]) -> dict[str, float]:
        return spread([measure() for _ in range(REPEATS)])

    def ready() -> float:
        browser.get(page.resolve().as_uri())
        html = browser.find_element("css selector", "html")
        until(lambda: html.get_attribute("data-ready-ms"))
        return float(html.get_attribute("data-ready-ms"))

    return {
        "ready_ms": repeated(ready),
        "slider_moved_and_drawn_ms": repeated(lambda: float(browser.execute_async_script(_SLIDER))),
        "pointer_moved_ms": repeated(lambda: float(browser.execute_script(_POINTER))),
    }


def live(run: Path) -> dict[str, Any]:
    """Time of the live page in the serving process: the state after a change, and without a change."""
    shown = LiveRun(run, read_run)
    shown.state("")  # warm-up: imports modules, fills the cache
    wall, cpu, unchanged, n_bytes = [], [], [], 0
    for _ in range(REPEATS):
        (run / "config.yaml").touch()
        started, before = perf_counter(), process_time()
        state = shown.state("")
        wall.append(perf_counter() - started)
        cpu.append(process_time() - before)
        n_bytes = len(json.dumps(state).encode())
        started = perf_counter()
        shown.state(state["version"])
        unchanged.append(perf_counter() - started)
    changed = {"wall_s": spread(wall), "cpu_s": spread(cpu)}
    return {"changed": changed, "unchanged_s": spread(unchanged), "state_bytes": n_bytes}


def measure(run: Path, browser: Any, folder: Path) -> dict[str, Any]:
    """All measurements of one run."""
    page = folder / "report.html"
    report = processes("report", run, "--out", page)
    figures = processes("report", run, "--out", page, "--figures", folder / "figures")
    facts = read_run(run)
    return {
        "candidates": len(facts.candidates) if facts.candidates else 0,
        "page_bytes": page.stat().st_size,
        "report": report,
        "report_and_figures_pdf": figures,
        "figures_bytes": sum(file.stat().st_size for file in (folder / "figures").iterdir()),
        "browser": in_browser(browser, page),
        "live_page": live(run),
    }


def main() -> None:
    """Measure and write the result file."""
    with TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        run = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "digits"
        if not run.is_dir():
            subprocess.run([sys.executable, "-m", "neuronas", "search", "--out", str(run), "--quiet"], check=True)
        found = [measure(one, browser, folder) for one in (run, make_run(folder / "many", n=MANY))]
        version = browser.capabilities["browserVersion"]
    write("report_page", {"chromium": version, "repeats": REPEATS, "load_average": os.getloadavg(), "runs": found})


if __name__ == "__main__":
    main()
