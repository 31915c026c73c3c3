"""All figures of a run as files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from neuronas.report.cost_tables import budget_uses
from neuronas.report.curves import learning_curves, progress_curves
from neuronas.report.facts import RunFacts
from neuronas.report.figures.accuracy import ablation_figure, accuracy_figure, rates_figure
from neuronas.report.figures.cells import cells_figure
from neuronas.report.figures.costs import budget_figure, components_figure, layers_figure
from neuronas.report.figures.curves import learning_figure, progress_figure
from neuronas.report.figures.floorplan import floorplan_figure
from neuronas.report.figures.pareto import pareto_figure
from neuronas.report.figures.style import save, style


@dataclass(frozen=True)
class Written:
    """What was drawn: file by name of the figure; and what was not: why, by name."""

    files: dict[str, Path]
    left_out: dict[str, str]


def write_figures(run: RunFacts, folder: Path, ending: str) -> Written:
    """Draw every figure that the run has the numbers for.

    Args:
        run: read from its directory.
        folder: made if it is not there; files of the same names are replaced.
        ending: ``pdf``, ``svg`` or ``png``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, left_out = {}, {}
    with style():
        for name, made in drawings(run):
            if isinstance(made, str):
                left_out[name] = made
                continue
            files[name] = folder / f"{name}.{ending}"
            save(made(), files[name])
    return Written(files, left_out)


def drawings(run: RunFacts) -> Iterator[tuple[str, Callable[[], Figure] | str]]:
    """Each figure's name with what draws it, or with why it cannot be drawn."""
    answer, candidates, evaluation, chip = run.answer, run.candidates, run.evaluation, run.chip
    no_answer, no_history = "no architecture in the run", "no fitness in the run's history"
    yield "cells", (lambda: cells_figure(answer)) if answer else no_answer
    curves = progress_curves(run)
    if candidates and curves:
        yield "progress", lambda: progress_figure(curves, candidates)
        yield "pareto", lambda: pareto_figure(run, candidates)
    else:
        yield from (("progress", no_history), ("pareto", no_history))
    yield "budget", (lambda: budget_figure(budget_uses(answer.cost, run.budget))) if answer else no_answer
    yield "layers", (lambda: layers_figure(answer.cost)) if answer else no_answer
    yield "components", (lambda: components_figure(answer.cost)) if answer else no_answer
    yield "floorplan", (lambda: floorplan_figure(answer.floorplan)) if answer else no_answer
    learned = learning_curves(run)
    yield "learning", (lambda: learning_figure(learned)) if learned else "not trained"
    yield "accuracy", (lambda: accuracy_figure(evaluation, chip)) if evaluation else "not evaluated"
    yield "firing-rates", (lambda: rates_figure(evaluation)) if evaluation else "not evaluated"
    yield "chips", (lambda: ablation_figure(chip)) if chip and chip.ablation else "no ablation on simulated chips"
