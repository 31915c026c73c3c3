"""Expected accuracy of a search's answer, with its uncertainty."""

from collections.abc import Collection

from neuronas.api.setup.plan import Plan
from neuronas.errors import counted
from neuronas.fitness.calibration import calibration
from neuronas.fitness.measure import rule_of
from neuronas.runs.finalists import FinalistChoice
from neuronas.runs.results import ExpectedAccuracy
from neuronas.space.genotype import Architecture


def expected_accuracy(
    run: Plan,
    architecture: Architecture,
    fitness: float,
    finalists: FinalistChoice | None = None,
    others: Collection[float] = (),
) -> ExpectedAccuracy | None:
    """Expected accuracy by the calibration tables of the fitness, otherwise by the finalists' learning curves.

    Args:
        run: settings with which the fitness was computed.
        architecture: the answer.
        fitness: fitness of the answer.
        finalists: finalists, if the answer is the best of them.
        others: fitness of the other functions that the search evaluated on the full batch.

    Returns:
        None if there is neither: the fitness is not calibrated for this data.
    """
    network, rule = run.config.network, rule_of(run.measure)
    name, dataset = run.config.fitness.name, run.config.data.name
    for table in calibration().accuracy:
        known = table.holds(dataset, name, rule, network.channels, network.timesteps, architecture.operations)
        if known and table.lowest <= fitness <= table.highest:
            value, low, high = (one / 100 for one in table.interval(fitness))
            source = (
                f"{table.n:,} trained networks of {table.dataset}, {table.channels} channels, T = {table.timesteps}"
            )
            return ExpectedAccuracy(
                value=value,
                low=low,
                high=high,
                level=0.9,
                difference=table.difference / 100,
                source=source,
                n_compared=len(others),
                n_within_noise=sum(table.slope * abs(one - fitness) <= table.difference for one in others),
            )
    if finalists is None or (leader := finalists.leader) is None:
        return None
    accuracy, rung = leader.accuracies[finalists.n_ended - 1], finalists.rungs[finalists.n_ended - 1]
    low, high = finalists.interval_95(accuracy)
    return ExpectedAccuracy(
        value=accuracy,
        low=low,
        high=high,
        level=0.95,
        difference=None,
        source=f"its learning curve after {counted(rung.epochs, 'epoch')} on {finalists.n_training:,} images, "
        "not extrapolated",
    )
