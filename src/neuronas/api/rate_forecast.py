"""``--activity forecast``: the firing rates that an architecture is expected to have after training."""

from dataclasses import replace

from neuronas.api.compose import Plan
from neuronas.fitness.calibration import calibration
from neuronas.fitness.firing_rate import LifNeuron, forecast_rates, input_rates, mean_rate
from neuronas.hardware.mapped.activity import Activity
from neuronas.runs.costs import RateForecast
from neuronas.space.genotype import Architecture
from neuronas.space.lowering import lower, lower_as_written


def with_forecast(run: Plan, architecture: Architecture) -> tuple[Plan, RateForecast]:
    """Forecast the rates of an architecture, and plan with them.

    Args:
        run: settings; its activity is the forecast.
        architecture: as written.

    Returns:
        The plan, whose cost models know the rates, and the rates.

    Raises:
        ConfigurationError: see ``forecast_rates``.
    """
    network, known = run.config.network, calibration().firing_rate
    neuron = LifNeuron(network.tau, network.v_threshold, network.v_reset, network.timesteps)
    graph, written = lower(architecture, run.shape), lower_as_written(architecture, run.shape)
    layers = forecast_rates(graph.nodes, neuron, known.constants)
    activity = Activity(trace=input_rates(graph.nodes, layers), is_forecast=True)
    run = replace(run, activity=activity)
    dataset = run.config.data.name
    error = known.error_on(dataset) or known.errors[0]
    forecast = RateForecast(
        layers=layers,
        mean=mean_rate(written, forecast_rates(written, neuron, known.constants)),
        checked_on=error.dataset,
        median_factor=error.median_factor,
        factor_of_9_in_10=error.factor_of_9_in_10,
        not_fitted=tuple(
            known.not_fitted(dataset, network.timesteps, architecture.operations, feeds_back=graph.has_delays)
        ),
    )
    return replace(run, cost_model=run.model_named(run.cost_model.name)), forecast
