"""The firing rate at which a spiking network needs as much energy as another network on the same chip."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.space.workload import Layer, always

_HALVINGS = 50
"""Number of bisections of the interval from 0 to 1, after which a rate is known to 1e-15."""


Trace = Mapping[str, float | tuple[float, ...]]
"""Input rate of each layer by name: one for all time steps, or one for each."""


def at_mean_rate(trace: Trace, measured: float, rate: float) -> Activity:
    """The activity of a network at another mean firing rate.

    Input rates are lowered in proportion to the mean, or rise in proportion towards 1: ``r * rate / measured`` below
    the measured mean, ``1 - (1 - r) * (1 - rate) / (1 - measured)`` above it.

    Args:
        trace: measured input rate of each layer.
        measured: measured mean firing rate.
        rate: assumed mean firing rate.
    """
    if rate <= measured:
        factor = rate / measured if measured else 0.0
        return Activity(trace=_each(trace, lambda one: one * factor))
    factor = (1 - rate) / (1 - measured)
    return Activity(trace=_each(trace, lambda one: 1 - (1 - one) * factor))


def _each(trace: Trace, change: Callable[[float], float]) -> Trace:
    return {name: tuple(map(change, one)) if isinstance(one, tuple) else change(one) for name, one in trace.items()}


def break_even_rate(
    model: MappedCostModel, rows: Sequence[Layer], trace: Trace, measured: float, limit_uj: float
) -> float:
    """The mean firing rate below which a network needs less energy than a limit, by bisection: energy rises with it.

    Args:
        model: cost model for chip, precision and time steps; its activity is not used.
        rows: rows of work of the network.
        trace: see ``at_mean_rate``.
        measured: see ``at_mean_rate``.
        limit_uj: energy per image of the other network.

    Returns:
        the rate, 0 to 1; 0: at no rate, not even without spikes; 1: at every rate, even if all neurons always fire.
    """
    slots, occupancy = always(rows)

    def is_below(rate: float) -> bool:
        at_rate = replace(model, activity=at_mean_rate(trace, measured, rate))
        return bool(at_rate.totals(slots, occupancy).energy_uj[0] < limit_uj)

    if not is_below(0.0):
        return 0.0
    if is_below(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return low
