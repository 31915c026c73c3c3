"""A Pareto front as text for people."""

from neuronas.cli import console
from neuronas.cli.tables import printable
from neuronas.report.cost_tables import MOST_FRONT_ROWS, front_table
from neuronas.runs.results import ParetoFront


def print_front(document: ParetoFront) -> None:
    """Print the content of ``front.json``: its fittest members, the hypervolume, and the one that was chosen."""
    n_members = len(document.front)
    console.answers.print(printable(front_table(document)))
    more = f", the fittest {MOST_FRONT_ROWS} shown" if n_members > MOST_FRONT_ROWS else ""
    console.answers.print(
        f"Pareto front: {n_members} architectures{more}; hypervolume {document.hypervolume:.4f} of the box that "
        f"the candidates span; * chosen by --prefer {document.prefer}\n"
    )
