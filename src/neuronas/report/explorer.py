"""All candidates for the page's script: the data, compactly, and the controls that it brings to life."""

from collections.abc import Iterable, Sequence
from typing import Any

from neuronas.errors import ArchitectureError, VerificationError
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.units import QUANTITIES
from neuronas.report.cell_drawing import edge_svg, frame_svg
from neuronas.report.charts import short
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element, missing, section
from neuronas.report.search_charts import CANDIDATES, EXCEEDED, scatter
from neuronas.report.style import colour, series
from neuronas.space.genotype import Edge
from neuronas.space.graph import Pair
from neuronas.space.notation import parse_genotype

_MOST = 100_000
"""Candidates of a run on a page, but for those on fronts: with more of them a page is slow to follow."""
_HIGHER_IS_BETTER = ("fitness", "screened")
_LOOK = ("x", "y", "step", "size", "opacity")
_KEYS = "Left and right: along the Pareto front. Up and down: all candidates. Enter: show the cell."


def explorer_section(runs: Sequence[RunFacts]) -> Html:
    """The interactive plot of all candidates of all runs that have a history."""
    if not any(run.candidates for run in runs):
        return section("candidates", "Candidates", missing("No history of a search (history.sqlite) is in the run."))
    return section("candidates", "Candidates", element("div", {"class": "explorer"}, *_controls()))


def explorer_document(runs: Sequence[RunFacts]) -> dict[str, Any] | None:
    """The candidates of all runs that have a history, as plain values; None where there is none."""
    searched = [run for run in runs if run.candidates]
    if not searched:
        return None
    groups = {CANDIDATES: colour("point")}
    if len(searched) > 1:
        groups = {run.name: series(number) for number, run in enumerate(searched)}
    look = {key: {"expr": key} for key in _LOOK}
    view = scatter(groups | {EXCEEDED: colour("bad")}, searched[0].answer_name, look)
    cells = _Cells()
    return {
        "quantities": [
            {"key": key, "name": name, "unit": unit, "higher_is_better": key in _HIGHER_IS_BETTER}
            for key, (name, unit) in QUANTITIES.items()
        ],
        "budgeted": list(BUDGETED),
        "view": view | {"params": [{"name": key, "value": None} for key in _LOOK]},
        "groups": list(groups),
        "exceeded": EXCEEDED,
        "runs": [_document(run, cells) for run in searched],
        **cells.document(),
    }


class _Cells:
    """The different cells of all candidates, and the parts that they are drawn from."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._drawn: list[dict[str, Any]] = []
        self._edges: dict[tuple[Edge, Pair, int], int] = {}
        self._parts: list[Html] = []
        self._frames: dict[int, tuple[Html, Html]] = {}

    def number(self, text: str) -> int:
        """The number of a cell by its text, from 0."""
        if text not in self._numbers:
            cell = parse_genotype(text)
            self._frames.setdefault(cell.n_nodes, frame_svg(cell.n_nodes))
            numbers = []
            for number, (edge, pair) in enumerate(zip(cell.edges, cell.pairs, strict=True)):
                key = edge, pair, cell.n_nodes
                if key not in self._edges:
                    self._edges[key] = len(self._parts)
                    self._parts.append(edge_svg(cell, number))
                numbers.append(self._edges[key])
            self._numbers[text] = len(self._drawn)
            self._drawn.append({"text": text, "nodes": cell.n_nodes, "edges": numbers})
        return self._numbers[text]

    def document(self) -> dict[str, Any]:
        """The cells; the drawings of their edges; what stands before and after these, by number of nodes."""
        return {"cells": self._drawn, "edges": self._parts, "frames": self._frames}


def _document(run: RunFacts, cells: _Cells) -> dict[str, Any]:
    candidates = run.candidates
    assert candidates is not None  # noqa: S101 - filtered above
    shown = candidates.representatives(_MOST)
    try:
        places = [[cells.number(cell) for cell in candidates.architectures[i].split(" / ")] for i in shown]
    except ArchitectureError as error:
        raise VerificationError(f"run directory {run.directory}: history.sqlite: {error}") from None
    columns = {"fitness": candidates.fitness, "screened": candidates.screened, **candidates.costs}
    return {
        "name": run.name,
        "n_candidates": len(candidates),
        "numbers": shown if len(shown) < len(candidates) else None,
        "places": places,
        "rejected": [int(bool(candidates.rejected[i])) for i in shown],
        "limits": {name: short(limit) for name, limit in run.budget.limits.items()},
        "answer": candidates.number_of(run.answer.text) if run.answer else None,
        "values": {name: [short(value) for value in column[shown].tolist()] for name, column in columns.items()},
    }


def _controls() -> Iterable[Html]:
    box = {"type": "checkbox", "id": "show-rejected"}
    plot = {"id": "plot", "tabindex": "0", "role": "application", "aria-roledescription": "scatter plot",
            "aria-label": f"Candidates. {_KEYS}"}  # fmt: skip
    yield element(
        "div",
        {"class": "controls"},
        element("label", {}, "across ", element("select", {"id": "x-axis"})),
        element("label", {}, "up ", element("select", {"id": "y-axis"})),
        element("label", {}, element("input", box), " also those over the run's budget"),
    )
    yield element(
        "div", plot,
        element("div", {"class": "view"}), element("div", {"id": "ring", "hidden": True}),
        element("div", {"id": "tip", "hidden": True}),
    )  # fmt: skip
    yield element("fieldset", {"id": "limits"}, element("legend", {}, "Show only what costs at most"))
    yield element("p", {"id": "count", "role": "status"})
    yield element("div", {"id": "chosen", "role": "status", "aria-live": "polite"})
    yield element("details", {"id": "front"}, element("summary", {}, "The Pareto front as a table"))
