"""The charts of a run, under the same names on the page and as figures."""

from neuronas.report.accuracy_charts import (
    ablation_chart,
    accuracy_chart,
    learning_chart,
    rates_chart,
    times_chart,
)
from neuronas.report.charts import Chart
from neuronas.report.cost_charts import budget_chart, components_chart, layers_chart
from neuronas.report.facts import RunFacts
from neuronas.report.search_charts import progress_chart


def charts(run: RunFacts) -> dict[str, Chart]:
    """The charts for which the run has data, by name."""
    found = {}
    if run.answer:
        cost = run.answer.cost
        found["budget"] = budget_chart(cost, run.budget)
        found["layers"] = layers_chart(cost)
        found["components"] = components_chart(cost)
    if run.candidates and run.candidates.improvements:
        found["progress"] = progress_chart(run.candidates)
    if run.epochs:
        found["learning"] = learning_chart(run.epochs)
    if run.evaluation:
        found["accuracy"] = accuracy_chart(run.evaluation, run.chips)
        if run.evaluation.firing_rates:
            found["firing-rates"] = rates_chart(run.evaluation.firing_rates)
    if run.ablated_chip:
        found["chips"] = ablation_chart(run.ablated_chip.ablation)
    if run.aged_chip:
        found["aging"] = times_chart(run.aged_chip.times, run.aged_chip.quantised_network_top1)
    return found
