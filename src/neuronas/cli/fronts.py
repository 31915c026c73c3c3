"""A Pareto front as text for people."""

from neuronas.cli import console
from neuronas.cli.tables import PlainTable
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.units import quantity
from neuronas.runs.results import ParetoFront

_MOST_ROWS = 20


def print_front(document: ParetoFront) -> None:
    """Print the content of ``front.json``: its fittest members, the hypervolume, and the one that was chosen."""
    members = document.front
    table = PlainTable()
    for title in ("", "fitness", *(name.rsplit("_", 1)[0] for name in BUDGETED), "architecture"):
        table.add_column(title, justify="left" if title in ("", "architecture") else "right")
    for row in members[:_MOST_ROWS]:
        mark = "*" if row.architecture == document.chosen else ""
        costs = (quantity(name, getattr(row, name)) for name in BUDGETED)
        table.add_row(mark, f"{row.fitness:.6g}", *costs, row.architecture)
    console.answers.print(table)
    more = f", the fittest {_MOST_ROWS} shown" if len(members) > _MOST_ROWS else ""
    console.answers.print(
        f"Pareto front: {len(members)} architectures{more}; hypervolume {document.hypervolume:.4f} of the box that "
        f"the candidates span; * chosen by --prefer {document.prefer}\n"
    )
