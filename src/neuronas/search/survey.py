"""Files of a search that surveys: the Pareto front, and the ranking of all candidates that fit the budget."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from neuronas.config import write_text
from neuronas.hardware.cost import Array
from neuronas.hardware.pareto import hypervolume, scaled
from neuronas.hardware.units import BUDGETED
from neuronas.runs.results import FrontMember, ParetoFront
from neuronas.search.algorithms.base import Outcome
from neuronas.search.front import front, objectives
from neuronas.space.notation import format_architecture

_OBJECTIVES = ("fitness", *BUDGETED)


def pareto_front(outcomes: Sequence[Outcome], prefer: str, chosen: str) -> ParetoFront:
    """The Pareto front as a document. The hypervolume leaves out objectives that are equal for all candidates.

    Args:
        outcomes: all candidates that fit the budget.
        prefer: criterion by which the result was chosen, see ``search.front.choose``.
        chosen: the chosen architecture, in text notation.
    """
    members = front(outcomes)
    share, ideal, reference = 0.0, None, None
    if members:
        points = objectives([one for one in outcomes if one.fitness is not None and one.fitness > float("-inf")])
        share = hypervolume(scaled(objectives(members), points))
        ideal, reference = (_by_name(values) for values in (points.min(axis=0), points.max(axis=0)))
    return ParetoFront(
        objectives={name: "maximise" if name == "fitness" else "minimise" for name in _OBJECTIVES},
        prefer=prefer,
        chosen=chosen,
        hypervolume=share,
        ideal=ideal,
        reference=reference,
        front=tuple(sorted(map(_member, members), key=lambda one: -one.fitness)),
    )


def _by_name(values: Array) -> dict[str, float]:
    fitness, *costs = values.tolist()
    return dict(zip(_OBJECTIVES, (-fitness, *costs), strict=True))


def _member(outcome: Outcome) -> FrontMember:
    parameters, area_mm2, latency_ms, energy_uj = outcome.cost
    return FrontMember(
        architecture=format_architecture(outcome.architecture),
        fitness=outcome.fitness or 0.0,
        parameters=int(parameters),
        area_mm2=area_mm2,
        latency_ms=latency_ms,
        energy_uj=energy_uj,
    )


def write_ranking(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a CSV file of all candidates that fit the budget, by descending fitness.

    Columns: rank, architecture, fitness, and the four costs.

    Args:
        path: the file.
        outcomes: all candidates that fit the budget.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("rank", "architecture", *_OBJECTIVES))
    ranked = sorted((one for one in outcomes if one.fitness is not None), key=lambda one: -(one.fitness or 0.0))
    for rank, one in enumerate(ranked, start=1):
        writer.writerow((rank, format_architecture(one.architecture), one.fitness, *one.cost))
    write_text(path, text.getvalue())
