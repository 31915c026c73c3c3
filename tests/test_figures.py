"""Figures of a run show the run's numbers, are readable at the width of one column, and are reproducible."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Neuronas
from neuronas.api.reporting.run_facts import read_run
from neuronas.report.charts import declared
from neuronas.report.cost_tables import COSTED
from neuronas.report.facts import RunFacts
from neuronas.report.figures import COLUMN, NEEDS, figures
from neuronas.report.floorplan_drawing import placed_layers
from neuronas.report.pictures import charts
from report_runs import add_training, make_run
from test_report import hostile_run

pytest.importorskip("vl_convert", reason="figures need the extra neuronas[figures]")

STARTS = {"pdf": b"%PDF-", "svg": b"<svg", "png": b"\x89PNG\r"}
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = make_run(tmp_path_factory.mktemp("runs") / "mine")
    add_training(directory)
    return directory


@pytest.fixture(scope="module")
def facts(run: Path) -> RunFacts:
    return read_run(run, "mine")


@pytest.mark.parametrize(
    "ending", [pytest.param(ending, marks=pytest.mark.slow if ending == "png" else ()) for ending in STARTS]
)
def test_all_figures_are_written_and_equal_again(neuronas: Neuronas, tmp_path: Path, run: Path, ending: str) -> None:
    contents = []
    for folder in ("one", "other"):
        code, out, err = neuronas(
            "report", run, "--out", "r.html", "--figures", folder, "--figure-format", ending, "--json"
        )
        assert (code, err) == (0, "")
        written = json.loads(out)
        assert written["figures"] == {name: f"{folder}/{name}.{ending}" for name in NEEDS}
        assert written["figures_left_out"] == {}
        contents.append([(tmp_path / file).read_bytes() for file in written["figures"].values()])
    assert contents[0] == contents[1]
    assert all(content.startswith(STARTS[ending]) for content in contents[0])
    if ending == "pdf":
        assert all(b"/FontFile2" in content and b"/Type3" not in content for content in contents[0])
        assert all(f"/MediaBox [0 0 {COLUMN:g} ".encode() in content for content in contents[0])


def test_what_cannot_be_drawn_is_named(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    (run / "history.sqlite").unlink()
    (run / "architecture.json").unlink()
    code, _, err = neuronas("report", run, "--figures", "figures")
    assert code == 0
    assert list((tmp_path / "figures").iterdir()) == []
    assert [line.split("'")[1] for line in err.splitlines()] == list(NEEDS)
    for reason in ("no architecture", "no fitness", "not trained", "not evaluated", "no ablation"):
        assert reason in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--figures", "f", "--figure-format", "jpg"), "unknown figure format 'jpg'; did you mean 'png'?"),
        (("--figure-format", "png"), "given without --figures DIR"),
    ],
)
def test_wrong_options(neuronas: Neuronas, run: Path, options: tuple[str, ...], message: str) -> None:
    code, out, err = neuronas("report", run, "--out", "page.html", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not Path("page.html").exists()


def test_without_the_converter_the_message_says_what_to_install(tmp_path: Path, run: Path) -> None:
    script = (
        "import sys; sys.modules['vl_convert'] = None; from neuronas.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "report", str(run), "--out", "r.html"]
    done = subprocess.run([*command, "--figures", "figures"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "neuronas: figures need vl-convert-python, which is not installed; run: pip install 'neuronas[figures]'\n"
    )
    assert list(tmp_path.iterdir()) == []
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)  # the page does not need a converter
    assert (tmp_path / "r.html").is_file()


def drawn_texts(browser: Any, file: Path) -> list[dict[str, Any]]:
    """Every text of an SVG file as shown by a browser: the text, its size in points, and its box."""
    browser.get(file.resolve().as_uri())
    found: list[dict[str, Any]] = browser.execute_script(
        "const seen = (one) => one.textContent.trim() && one.getAttribute('opacity') !== '0';"
        "return [...document.querySelectorAll('text')].filter(seen).map((one) => {"
        "  const {left, right, top, bottom} = one.getBoundingClientRect();"
        "  const scale = Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b);"
        "  return {text: one.textContent, size: scale * parseFloat(getComputedStyle(one).fontSize),"
        "          left, right, top, bottom}; })"
    )
    return found


def assert_readable(browser: Any, file: Path) -> None:
    """At the width of one column, no text exceeds the figure, is smaller than 6 points, or overlaps another."""
    head = file.read_text(encoding="utf-8").split(">", 1)[0]
    width, height = (float(re.search(rf' {side}="([\d.]+)"', head)[1]) for side in ("width", "height"))  # type: ignore
    assert width == COLUMN
    boxes = drawn_texts(browser, file)
    for i, one in enumerate(boxes):
        assert one["size"] >= 6, one
        assert one["left"] >= -1 and one["right"] <= width + 1, one
        assert one["top"] >= -1 and one["bottom"] <= height + 1, one
        for other in boxes[:i]:
            across = min(one["right"], other["right"]) - max(one["left"], other["left"])
            down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
            assert min(across, down) < 2, (file.name, one, other)


@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        None,
        {"data": {"name": "cifar10"}, "hardware": {"cost_model": "mapped"}, "budget": {"max_parameters": 3e9,
         "max_area_mm2": 1e6, "max_latency_ms": 1e6, "max_energy_uj": 1e6}},
        {"hardware": {"cost_model": "mapped", "accelerator": "isaac-rram"}, "budget": {"max_area_mm2": 1e4}},
    ],
)  # fmt: skip
def test_figures_can_be_read(browser: Any, tmp_path: Path, run: Path, neuronas: Neuronas, settings: Any) -> None:
    drawn = run if settings is None else make_run(tmp_path / "run", n=20, settings=settings)
    assert neuronas("report", drawn, "--figures", "figures", "--figure-format", "svg", "--quiet")[0] == 0
    files = sorted((tmp_path / "figures").iterdir())
    assert len(files) >= 7
    for file in files:
        assert_readable(browser, file)


def test_hostile_names_are_drawn_as_text(neuronas: Neuronas, tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "hostile")
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation["firing_rates"] = {r"$\frac{1}{": 0.5, "<b>": 0.25, "var(--ink)": 0.25, "datum.rate": 0.1}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    drawn = figures(read_run(run, "run"))
    assert set(drawn) == set(NEEDS)
    assert neuronas("report", run, "--figures", "figures", "--figure-format", "svg", "--quiet")[0] == 0
    picture = (tmp_path / "figures" / "firing-rates.svg").read_text(encoding="utf-8")
    assert r">$\frac{1}{</text>" in picture and ">&lt;b&gt;</text>" in picture and ">datum.rate</text>" in picture


def rows_of(facts: RunFacts, chart: str, view: int = 0) -> Rows:
    found: Rows = charts(facts)[chart].views[view]["data"]["values"]
    return found


def test_progress_shows_every_fitness_and_the_best_so_far(facts: RunFacts) -> None:
    assert facts.candidates
    rows = rows_of(facts, "progress")
    points = {row["number"]: row["fitness"] for row in rows if row["line"] == "candidates"}
    known = np.flatnonzero(np.isfinite(facts.candidates.fitness))
    assert list(points) == [i + 1 for i in known]
    assert list(points.values()) == pytest.approx(facts.candidates.fitness[known].tolist(), rel=1e-6)
    best = [(row["number"], row["fitness"]) for row in rows if row["line"] == "best so far"]
    assert [number for number, _ in best[:-1]] == [number for number, _ in facts.candidates.improvements]
    assert best[-1] == (60, best[-2][1])
    assert best[-1][1] == pytest.approx(facts.fitness, rel=1e-6)


def test_pareto_front_is_what_nothing_beats(facts: RunFacts) -> None:
    assert facts.candidates and facts.answer
    views = figures(facts)["pareto"].views  # type: ignore[union-attr]
    labels = [view["encoding"]["x"]["axis"]["title"] for view in views]
    assert labels == ["parameters", "area in mm²", "latency in ms", "energy in µJ"]
    fitness, energy = facts.candidates.fitness, facts.candidates.costs["energy_uj"]
    points, limits, _, front, _, answer = (layer["data"]["values"] for layer in views[3]["layer"])
    beaten = [
        any((fitness[other] >= fitness[i] and energy[other] <= energy[i])
            and (fitness[other] > fitness[i] or energy[other] < energy[i]) for other in range(60))
        for i in range(60)
    ]  # fmt: skip
    expected = sorted((energy[i], fitness[i]) for i in range(60) if not beaten[i] and np.isfinite(fitness[i]))
    assert len(points) == np.isfinite(fitness).sum()
    assert [row["x"] for row in front] == pytest.approx([x for x, _ in expected], rel=1e-6)
    assert [row["y"] for row in front] == pytest.approx([y for _, y in expected], rel=1e-6)
    assert (answer[0]["x"], answer[0]["y"]) == pytest.approx((facts.answer.cost.energy_uj, facts.fitness), rel=1e-6)
    assert limits == [{"x": 3.5}]


def test_cost_charts_add_up(facts: RunFacts) -> None:
    assert facts.answer
    cost = facts.answer.cost
    for chart in ("layers", "components"):
        rows = rows_of(facts, chart)
        for word in ("area", "latency", "energy"):
            assert sum(row["share"] for row in rows if row["quantity"].startswith(word)) == pytest.approx(100)
    assert len(rows_of(facts, "layers")) == len(COSTED) * sum(bool(row.area_mm2) for row in cost.layers)
    uses, bars = facts.budget.uses(cost), rows_of(facts, "budget")
    assert [bar["used"] for bar in bars] == pytest.approx([100 * (use.used or 0) for use in uses], rel=1e-6)
    assert "of 3.5 µJ" in bars[3]["text"]


def test_cells_and_floorplan_show_all_parts(facts: RunFacts) -> None:
    assert facts.answer
    drawn = figures(facts)
    cells, floorplan = str(drawn["cells"]), str(drawn["floorplan"])
    words = {"skip": "skip", "conv_3x3": "conv 3×3", "avg_pool_3x3": "avg pool 3×3"}
    for part, cell in zip(cells.split('class="cell"')[1:], facts.answer.architecture.cells, strict=True):
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", part)
        assert texts[:10] == [*(words[edge.operation] for edge in cell.edges), "in", "1", "2", "out"]
    plan = facts.answer.floorplan
    assert floorplan.count("<title>") == 1 + len(plan.tiles)
    assert all(f">{layer.summary}</text>" in floorplan for layer in placed_layers(plan))
    assert re.search(r">[\d.]+ mm</text>", floorplan)


def test_accuracy_and_rates_are_the_evaluations(facts: RunFacts) -> None:
    dots = [(row["name"], row["text"]) for row in rows_of(facts, "accuracy")]
    assert dots == [("float", "97.0%"), ("8 bits", "96.2%"), ("20 chips, spikeflow-rram", "93.2% ± 1.0%")]
    assert [row["rate"] for row in rows_of(facts, "firing-rates")] == [0.125]
    assert [(row["name"], row["text"]) for row in rows_of(facts, "chips")] == [("only adc", "95.0% ± 1.0%")]
    accuracy, loss, rate = (rows_of(facts, "learning", view) for view in range(3))
    training = [row["value"] for row in accuracy if row["line"] == "training"]
    assert training == pytest.approx([1 - 0.5 / i for i in range(1, 5)], rel=1e-6)
    assert [row["value"] for row in loss] == pytest.approx([2 / i for i in range(1, 5)], rel=1e-6)
    assert {row["value"] for row in rate} == {0.1}


def test_every_name_in_a_declared_view_is_filled() -> None:
    assert declared("rates", height=18, names={}, title="t", end=2.0)["encoding"]["x"]["scale"]["domain"] == [0, 2.0]
    assert declared("rates", height=18, names={}, title="$end", end=2.0)["encoding"]["x"]["title"] == "$end"
    with pytest.raises(KeyError):
        declared("rates", height=18)
