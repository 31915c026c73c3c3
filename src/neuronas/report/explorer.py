"""All candidates for the page's script: the data, compactly, and the controls that it brings to life."""

from typing import Any

from neuronas.errors import ArchitectureError, VerificationError
from neuronas.hardware.cost import BUDGETED, Array
from neuronas.hardware.units import QUANTITIES
from neuronas.report.cell_layout import edge_label, label_width
from neuronas.report.cell_svg import cell_svg, edge_classes
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element, join, missing, script_json, section
from neuronas.space.genotype import N_EDGES, NONE, Edge, Genotype
from neuronas.space.notation import parse_genotype

_DIGITS = 7  # significant digits of a cost or fitness on the page
_MOST = 100_000
"""Candidates of a run on a page, but for those of fronts: with more of them a slider moves by jerks."""


def explorer_section(runs: tuple[RunFacts, ...]) -> Html:
    """The interactive plot of all candidates of all runs that have a history."""
    if not any(run.candidates for run in runs):
        return section("candidates", "Candidates", missing("No history of a search (history.sqlite) is in the run."))
    template = element("template", {"id": "cell-template"}, cell_svg(Genotype((NONE,) * N_EDGES), "cell"))
    return section("candidates", "Candidates", _controls(), template)


def explorer_data(runs: tuple[RunFacts, ...]) -> Html:
    """The data of that plot, for the page's script to read; nothing where there is none."""
    document = explorer_document(runs)
    return script_json("data", document) if document else join()


def explorer_document(runs: tuple[RunFacts, ...]) -> dict[str, Any] | None:
    """The candidates of all runs that have a history, as plain values; None where there is none."""
    searched = [run for run in runs if run.candidates]
    if not searched:
        return None
    return {
        "quantities": [{"key": key, "name": name, "unit": unit} for key, (name, unit) in QUANTITIES.items()],
        "budgeted": list(BUDGETED),
        "runs": [_document(run) for run in searched],
    }


def _document(run: RunFacts) -> dict[str, Any]:
    candidates = run.candidates
    assert candidates is not None  # noqa: S101 - filtered above
    shown = candidates.representatives(_MOST)
    texts = [candidates.architectures[number] for number in shown]
    cells: dict[str, int] = {}
    places = [[cells.setdefault(cell, len(cells)) for cell in text.split(" / ")] for text in texts]
    edges: dict[Edge, int] = {}
    drawn = []
    for text in cells:
        try:
            drawn.append([edges.setdefault(edge, len(edges)) for edge in parse_genotype(text).edges])
        except ArchitectureError as error:
            raise VerificationError(f"run directory {run.directory}: history.sqlite: {error}") from None
    return {
        "name": run.name,
        "n_candidates": len(candidates),
        "numbers": shown if len(shown) < len(candidates) else None,
        "edges": [
            {"label": edge_label(edge), "classes": edge_classes(edge), "width": label_width(edge_label(edge))}
            for edge in edges
        ],
        "cells": [{"text": text, "edges": numbers} for text, numbers in zip(cells, drawn, strict=True)],
        "places": places,
        "rejected": [int(bool(candidates.rejected[number])) for number in shown],
        "answer_name": "the run's answer" if run.is_answered else "the best so far",
        "limits": {name: _rounded(limit) for name, limit in run.budget.limits.items()},
        "answer": candidates.number_of(run.answer.text) if run.answer else None,
        "values": {
            "fitness": _column(candidates.fitness[shown]),
            "screened": _column(candidates.screened[shown]),
            **{name: _column(candidates.costs[name][shown]) for name in BUDGETED},
        },
    }


def _column(values: Array) -> list[float | int | None]:
    return [_rounded(value) for value in values.tolist()]


def _rounded(value: float) -> float | int | None:
    """Few digits, so that the page stays small; None for what JSON cannot hold."""
    if value != value or abs(value) == float("inf"):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(f"{value:.{_DIGITS}g}")


def _controls() -> Html:
    return join(
        element("p", {"class": "needs-script missing"}, "The plot needs JavaScript, which is off."),
        element(
            "div",
            {"class": "explorer", "hidden": True},
            element(
                "div",
                {"class": "controls"},
                element("label", {}, "across ", element("select", {"id": "x-axis"})),
                element("label", {}, "up ", element("select", {"id": "y-axis"})),
                element(
                    "label",
                    {},
                    element("input", {"type": "checkbox", "id": "show-rejected"}),
                    " also those that broke the run's budget",
                ),
            ),
            element(
                "div",
                {"class": "plot"},
                element(
                    "canvas",
                    {
                        "id": "plot",
                        "tabindex": "0",
                        "role": "application",
                        "aria-roledescription": "scatter plot",
                        "aria-label": "Candidates. Left and right: along the Pareto front. "
                        "Up and down: all candidates. Enter: show the cell.",
                    },
                ),
                element("div", {"id": "tip", "hidden": True}),
            ),
            element("p", {"id": "legend"}),
            element("fieldset", {"id": "limits"}, element("legend", {}, "Show only what costs at most")),
            element("p", {"id": "count", "role": "status"}),
            element("div", {"id": "chosen", "role": "status", "aria-live": "polite"}),
            element("details", {"id": "front"}, element("summary", {}, "The Pareto front as a table")),
        ),
    )
