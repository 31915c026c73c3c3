"""Figures of a run: that they show the run's numbers, can be read at one column's width, and come out equal again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import Neuronas
from neuronas.api.run_facts import read_run
from neuronas.report.cost_tables import budget_uses
from neuronas.report.curves import progress_curves
from neuronas.report.facts import RunFacts
from report_runs import add_training, make_run
from test_report import hostile_run

matplotlib = pytest.importorskip("matplotlib", reason="figures need the extra neuronas[figures]")
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402

from neuronas.report.figures import accuracy, cells, costs, curves, floorplan, pareto  # noqa: E402
from neuronas.report.figures.style import COLUMN_INCHES, style  # noqa: E402
from neuronas.report.figures.write import drawings  # noqa: E402

ALL = (
    "cells", "progress", "pareto", "budget", "layers", "components", "floorplan", "learning", "accuracy",
    "firing-rates", "chips",
)  # fmt: skip
STARTS = {"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG\r"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = make_run(tmp_path_factory.mktemp("runs") / "mine")
    add_training(directory)
    return directory


@pytest.fixture(scope="module")
def facts(run: Path) -> RunFacts:
    return read_run(run, "mine")


@pytest.fixture(autouse=True)
def drawn_in_style() -> Iterator[None]:
    with style():
        yield


@pytest.mark.parametrize("ending", STARTS)
def test_all_figures_are_written_and_equal_again(neuronas: Neuronas, tmp_path: Path, run: Path, ending: str) -> None:
    contents = []
    for folder, font_size in (("one", 10), ("other", 25)):
        matplotlib.rcParams["font.size"] = font_size  # a user's own settings do not count
        code, out, err = neuronas(
            "report", run, "--out", "r.html", "--figures", folder, "--figure-format", ending, "--json"
        )
        assert (code, err) == (0, "")
        written = json.loads(out)
        assert written["figures"] == {name: f"{folder}/{name}.{ending}" for name in ALL}
        assert written["figures_left_out"] == {}
        contents.append([(tmp_path / file).read_bytes() for file in written["figures"].values()])
    assert contents[0] == contents[1]
    assert all(content.startswith(STARTS[ending]) for content in contents[0])
    if ending == "pdf":
        assert all(b"/FontFile2" in content and b"/Type3" not in content for content in contents[0])


def test_what_cannot_be_drawn_is_named(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    (run / "history.sqlite").unlink()
    (run / "architecture.json").unlink()
    code, _, err = neuronas("report", run, "--figures", "figures")
    assert code == 0
    assert list((tmp_path / "figures").iterdir()) == []
    assert [line.split("'")[1] for line in err.splitlines()] == list(ALL)
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


def test_without_matplotlib_the_message_says_what_to_install(tmp_path: Path, run: Path) -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None; from neuronas.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "report", str(run), "--out", "r.html", "--figures", "figures"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "neuronas: figures need matplotlib, which is not installed; pip install 'neuronas[figures]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def figures_of(facts: RunFacts) -> dict[str, Figure]:
    return {name: made() for name, made in drawings(facts) if not isinstance(made, str)}


def assert_readable(figure: Figure) -> None:
    """One column wide; no text sticks out, is smaller than 6 points, or lies on another one."""
    assert figure.get_figwidth() == COLUMN_INCHES
    figure.canvas.draw()
    ticks = [
        (axis, tick) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()
    ]
    hidden = {
        id(label)
        for axis, tick in ticks
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval()) or not axis.axes.axison
    }
    boxes = []
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and id(text) not in hidden:
            box = text.get_window_extent()
            assert text.get_fontsize() >= 6, text
            assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1, text
            assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1, text
            boxes.append((text.get_text(), box))
    for i, (one, box) in enumerate(boxes):
        for other, box2 in boxes[:i]:
            overlap = (min(box.x1, box2.x1) - max(box.x0, box2.x0), min(box.y1, box2.y1) - max(box.y0, box2.y0))
            assert min(overlap) < 2, (one, other, overlap)


@pytest.mark.parametrize("name", ALL)
def test_figures_can_be_read(facts: RunFacts, name: str) -> None:
    assert_readable(figures_of(facts)[name])


@pytest.mark.parametrize(
    "settings",
    [
        {"data": {"name": "cifar10"}, "hardware": {"cost_model": "mapped"}, "budget": {"max_parameters": 3e9,
         "max_area_mm2": 1e6, "max_latency_ms": 1e6, "max_energy_uj": 1e6}},
        {"hardware": {"cost_model": "mapped", "accelerator": "isaac-rram"}, "budget": {"max_area_mm2": 1e4}},
    ],
)  # fmt: skip
def test_figures_of_large_networks_and_chips_can_be_read(tmp_path: Path, settings: dict) -> None:
    for figure in figures_of(read_run(make_run(tmp_path / "run", n=20, settings=settings), "run")).values():
        assert_readable(figure)


def test_hostile_names_are_drawn_as_text(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "hostile")
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation["firing_rates"] = {r"$\frac{1}{": 0.5, "<b>": 0.25}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    drawn = figures_of(read_run(run, "run"))
    assert list(drawn) == list(ALL)
    labels = [label.get_text() for label in drawn["firing-rates"].axes[0].get_yticklabels()]
    assert labels == [r"$\frac{1}{", "<b>"]
    for figure in drawn.values():
        figure.canvas.draw()


def test_progress_shows_every_fitness_and_the_best_so_far(facts: RunFacts) -> None:
    shared = progress_curves(facts)
    assert facts.candidates and shared
    points, line = curves.progress_figure(shared, facts.candidates).axes[0].lines
    assert np.array_equal(points.get_ydata(), facts.candidates.fitness, equal_nan=True)
    assert list(points.get_xdata()) == list(range(1, 61))
    assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == list(shared.lines[0].points)
    assert line.get_ydata()[-1] == np.nanmax(facts.candidates.fitness) == facts.fitness


def test_pareto_front_is_what_nothing_beats(facts: RunFacts) -> None:
    assert facts.candidates and facts.answer
    figure = pareto.pareto_figure(facts, facts.candidates)
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == ["parameters", "area in mm²", "latency in ms", "energy in µJ"]
    fitness = facts.candidates.fitness
    energy = facts.candidates.costs["energy_uj"]
    _, front, answer, limit = figure.axes[3].lines
    beaten = [
        any((fitness[other] >= fitness[i] and energy[other] <= energy[i])
            and (fitness[other] > fitness[i] or energy[other] < energy[i]) for other in range(60))
        for i in range(60)
    ]  # fmt: skip
    wanted = {(energy[i], fitness[i]) for i in range(60) if not beaten[i] and np.isfinite(fitness[i])}
    assert set(zip(front.get_xdata(), front.get_ydata(), strict=True)) == wanted
    assert (answer.get_xdata()[0], answer.get_ydata()[0]) == (facts.answer.cost.energy_uj, facts.fitness)
    assert limit.get_xdata()[0] == 3.5


def test_cost_figures_add_up(facts: RunFacts) -> None:
    assert facts.answer
    cost = facts.answer.cost
    for axes, total in zip(
        costs.layers_figure(cost).axes, (cost.area_mm2, cost.latency_ms, cost.energy_uj), strict=True
    ):
        assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(total)
    bars = costs.components_figure(cost).axes[0].patches
    for row in range(3):
        assert sum(bar.get_width() for bar in bars if round(bar.get_y() + 0.31) == row) == pytest.approx(100)
    uses = budget_uses(cost, facts.budget)
    axes = costs.budget_figure(uses).axes[0]
    assert [bar.get_width() for bar in axes.patches[1::2]] == [100 * (use.used or 0) for use in uses]
    assert "of 3.5 µJ" in axes.texts[3].get_text()


def test_cells_and_floorplan_show_all_parts(facts: RunFacts) -> None:
    assert facts.answer
    drawn = cells.cells_figure(facts.answer).axes
    assert len(drawn) == len(facts.answer.architecture.cells) == 2
    words = {"skip": "skip", "conv_3x3": "conv 3×3", "avg_pool_3x3": "avg pool 3×3"}
    for axes, cell in zip(drawn, facts.answer.architecture.cells, strict=True):
        wanted = [words[edge.operation] for edge in cell.edges]
        assert [text.get_text() for text in axes.texts] == [*wanted, "in", "1", "2", "out"]
    plan = facts.answer.floorplan
    chip, legend = floorplan.floorplan_figure(plan).axes
    assert len(chip.patches) == len(plan.tiles)
    assert [text.get_text() for text in legend.texts[2::2]] == [
        text for name in plan.layers for text in [floorplan.layer_summary(plan, name)]
    ]


def test_accuracy_and_rates_are_the_evaluations(facts: RunFacts) -> None:
    assert facts.evaluation and facts.chip
    axes = accuracy.accuracy_figure(facts.evaluation, facts.chip).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["float", "8 bits", "20 chips"]
    assert [text.get_text() for text in axes.texts] == ["97.0%", "96.2%", "93.2% ± 1.0%"]
    assert [bar.get_width() for bar in accuracy.rates_figure(facts.evaluation).axes[0].patches] == [0.125]
