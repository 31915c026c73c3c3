"""Compact data of all candidates for the page's script."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from neuronas.errors import ArchitectureError, VerificationError
from neuronas.hardware.units import BUDGETED, QUANTITIES
from neuronas.report.cell_drawing import CellDrawing, cell_drawing
from neuronas.report.charts import short
from neuronas.report.facts import RunFacts
from neuronas.report.rendering import render
from neuronas.report.search_charts import CANDIDATES, EXCEEDED, scatter
from neuronas.report.style import FONT, colour, series
from neuronas.space.genotype import Edge
from neuronas.space.node_operations import Pair
from neuronas.space.notation import parse_genotype

_MOST = 100_000
"""Largest number of candidates of a run on a page, besides those on fronts; more would make the page slow."""
_HIGHER_IS_BETTER = ("fitness", "screened")
_LOOK = ("x", "y", "step", "size", "opacity", "x_low", "x_high", "y_low", "y_high")


def explorer_document(runs: Sequence[RunFacts]) -> dict[str, Any] | None:
    """The candidates of all runs that have a history, as JSON values; None if no run has one."""
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
        "view": view | {"params": [{"name": key, "value": int(key.endswith("high"))} for key in _LOOK]},
        "groups": list(groups),
        "exceeded": EXCEEDED,
        "runs": [_document(run, cells) for run in searched],
        **cells.document(),
    }


class _Cells:
    """The distinct cells of all candidates, and the parts of their drawings."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._drawn: list[dict[str, Any]] = []
        self._edges: dict[tuple[Edge, Pair, int], int] = {}
        self._parts: list[str] = []
        self._frames: dict[int, tuple[str, str]] = {}

    def number(self, text: str) -> int:
        """The number, from 0, of a cell given as text."""
        if text not in self._numbers:
            cell = parse_genotype(text)
            drawing = cell_drawing(cell)
            self._frames.setdefault(cell.n_nodes, _frame(drawing))
            numbers = []
            for edge, pair, drawn in zip(cell.edges, cell.pairs, drawing.edges, strict=True):
                key = edge, pair, cell.n_nodes
                if key not in self._edges:
                    self._edges[key] = len(self._parts)
                    self._parts.append(render("edge.svg", edge=drawn))
                numbers.append(self._edges[key])
            self._numbers[text] = len(self._drawn)
            self._drawn.append({"text": text, "nodes": cell.n_nodes, "edges": numbers})
        return self._numbers[text]

    def document(self) -> dict[str, Any]:
        """The cells, the SVG of their edges, and the SVG before and after the edges by number of nodes."""
        return {"cells": self._drawn, "edges": self._parts, "frames": self._frames}


def _frame(cell: CellDrawing) -> tuple[str, str]:
    """The SVG before and after the edges of a cell."""
    start, end, rest = render("cell.svg", cell=replace(cell, edges=(), description=""), FONT=FONT).partition(">")
    return start + end, rest


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
