"""The card of an architecture: a drawing of its cells, and its cost against the budget."""

from collections.abc import Mapping
from dataclasses import replace

from neuronas.api.setup.plan import Plan
from neuronas.hardware.cost import Cost
from neuronas.hardware.floorplan import floorplan
from neuronas.report.cost_tables import budget_table, disagreements
from neuronas.report.facts import Answer
from neuronas.report.network_drawing import network_svg
from neuronas.report.rendering import render
from neuronas.report.style import resolved
from neuronas.runs.card import Card
from neuronas.runs.costs import CostSummary
from neuronas.space.genotype import Architecture
from neuronas.space.lowering import lower
from neuronas.space.notation import format_architecture
from neuronas.space.workload import rows


def answer_of(run: Plan, architecture: Architecture, cost: Cost | None = None, *, is_final: bool = True) -> Answer:
    """An architecture with all data for drawings and tables.

    Args:
        run: settings, and the objects that they name.
        architecture: the architecture.
        cost: cost by the run's cost model, if known.
        is_final: see ``Answer``.
    """
    cost, work = cost or run.cost(architecture), rows(architecture, run.shape)
    return Answer(
        architecture,
        format_architecture(architecture),
        lower(architecture, run.shape),
        cost,
        run.cost_report(architecture, cost).summary,
        floorplan(work, run.mapped_model().work(work)),
        is_final,
    )


def network_card(
    title: str, run: Plan, architecture: Architecture, cost: Cost, facts: Mapping[str, str], next_step: str
) -> Card:
    """A card with the network drawn and its cost against the budget; see ``Card``."""
    answer = answer_of(run, architecture, cost)
    return cost_card(title, run, answer.summary, facts, next_step, network_svg(answer))


def cost_card(
    title: str, run: Plan, summary: CostSummary, facts: Mapping[str, str], next_step: str = "", drawing: str = ""
) -> Card:
    """A card with a cost against the budget, of any network, and below a drawing of it; see ``Card``."""
    table = replace(budget_table(summary, run.budget), bars={})  # whose height a page's style sheet sets
    warnings = disagreements(summary, run.budget)
    below = render("card.html", drawing=drawing, table=table, warnings=warnings)
    return Card(title, facts, next_step, resolved(below))
