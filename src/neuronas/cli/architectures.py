"""An architecture and its cost, as ``search`` and ``estimate`` print them."""

from rich.text import Text

from neuronas.cli.console import answers
from neuronas.cli.tables import PlainTable, printable
from neuronas.hardware.budget import Budget
from neuronas.report.cost_tables import budget_table, disagreements
from neuronas.runs.costs import CostSummary
from neuronas.space.genotype import Architecture, Genotype
from neuronas.space.notation import format_edge
from neuronas.space.shape import cell_name


def print_budget(cost: CostSummary, budget: Budget, *, judges_other: bool = True) -> None:
    """Print a cost by both models against the budget, and where the models disagree about a limit.

    Args:
        cost: cost.
        budget: limits.
        judges_other: whether the limits also hold for the cost by the other model.
    """
    answers.print(printable(budget_table(cost, budget, judges_other=judges_other)))
    for line in disagreements(cost, budget) if judges_other else ():
        answers.print(line, style="bold red")


def architecture_table(architecture: Architecture, n_cells: int) -> PlainTable:
    """The cells as text: the operations on the edges between nodes."""
    table, last_node = PlainTable(), architecture.n_nodes - 1
    for title in ("", *(f"from node {low}" + (" (input)" if low == 0 else "") for low in range(last_node))):
        table.add_column(title)
    places = architecture.expanded(n_cells)
    groups = [(0, n_cells - 1)] if len(architecture.cells) == 1 else [(place, place) for place in range(n_cells)]
    for first, last in groups:
        name = cell_name(first)
        if first < last:
            name += f" {'and' if last - first == 1 else 'to'} {cell_name(last)}, the same"
        table.add_row(Text(f"cell {name}", style="bold"))
        for high in range(1, last_node + 1):
            title = f"  node {high}" + (" (output)" if high == last_node else "")
            table.add_row(title, *_incoming(places[first], high))
    return table


def _incoming(cell: Genotype, high: int) -> list[str]:
    names = []
    for edge, (low, target) in zip(cell.edges, cell.pairs, strict=True):
        if target == high:
            text = format_edge(edge, low)[: -len(f"~{low}")]
            names.append("·" if not edge.kind.connects else f"{text} (back)" if edge.backward else text)
    return names
