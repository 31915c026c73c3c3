"""What a survey leaves in its run directory: the Pareto front and the ranking of all that fits."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from neuronas.config import write_text
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.pareto import hypervolume, scaled
from neuronas.search.algorithms.base import Outcome
from neuronas.search.front import front, objectives
from neuronas.space.notation import format_architecture

FRONT, RANKING = "front.json", "ranking.csv"
_OBJECTIVES = ("fitness", *BUDGETED)


def front_document(outcomes: Sequence[Outcome], prefer: str, chosen: str) -> dict[str, Any]:
    """Content of ``front.json``.

    ``hypervolume`` is the share that the front dominates of the box between ``ideal`` and ``reference``: the best and
    the worst value of each objective among the candidates that fit. An objective in which all are equal is left out.

    Args:
        outcomes: every candidate that fits.
        prefer: how the answer was chosen.
        chosen: the answer's text.
    """
    members = front(outcomes)
    document: dict[str, Any] = {
        "objectives": {name: "maximise" if name == "fitness" else "minimise" for name in _OBJECTIVES},
        "prefer": prefer,
        "chosen": chosen,
        "hypervolume": 0.0,
        "ideal": None,
        "reference": None,
        "front": sorted(map(_row, members), key=lambda row: -row["fitness"]),
    }
    if members:
        points = objectives([one for one in outcomes if one.fitness is not None and one.fitness > float("-inf")])
        document["hypervolume"] = hypervolume(scaled(objectives(members), points))
        for key, values in (("ideal", points.min(axis=0)), ("reference", points.max(axis=0))):
            document[key] = dict(zip(_OBJECTIVES, (-float(values[0]), *map(float, values[1:])), strict=True))
    return document


def write_ranking(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write every candidate that fits, the fittest first, as CSV: rank, architecture, fitness and costs."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("rank", "architecture", *_OBJECTIVES))
    ranked = sorted((one for one in outcomes if one.fitness is not None), key=lambda one: -(one.fitness or 0.0))
    for rank, one in enumerate(ranked, start=1):
        writer.writerow((rank, *_row(one).values()))
    write_text(path, text.getvalue())


def _row(outcome: Outcome) -> dict[str, Any]:
    costs = dict(zip(BUDGETED, outcome.cost, strict=True))
    return {"architecture": format_architecture(outcome.architecture), "fitness": outcome.fitness, **costs}
