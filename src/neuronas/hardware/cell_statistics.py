"""Statistics of cells by a device model at a time after programming, as functions of their target conductance.

Targets ``x`` are relative to the conductance of a cell that is on, within the measured range (``lowest`` to 1).
docs/reference/chip-equations.md has the equations. ``chip.aging`` draws cells from these statistics.
"""

from math import log, sqrt

import numpy as np

from neuronas.hardware.cost import Array
from neuronas.hardware.device_model import DeviceModel, Drift, LogLaw, SlowNoise, polynomial

_SMALLEST = 1e-30


def deviation(device: DeviceModel, after_s: float, x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the difference from the target, relative to the conductance of an on cell.

    Args:
        device: the measured statistics.
        after_s: time since programming; values are interpolated between two measurements in its logarithm.
        x: relative target conductances.
    """
    mean, std = np.zeros_like(x), np.zeros_like(x)
    for weight, one in zip(device.weights(after_s), device.deviations, strict=True):
        if weight:
            mean, std = mean + weight * polynomial(one.mean_us, x), std + weight * polynomial(one.std_us, x)
    return mean / float(device.reference_us), np.maximum(std, 0.0) / float(device.reference_us)


def drift_exponent(drift: Drift, x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the exponent nu."""
    return _law(drift.exponent_mean, x), _law(drift.exponent_std, x)


def slow_noise_std(noise: SlowNoise, after_s: float, x: Array) -> Array:
    """Relative standard deviation of the noise accumulated until a time; see ``SlowNoise``."""
    factor = np.minimum(noise.factor / np.maximum(x, _SMALLEST) ** noise.power, noise.highest)
    found: Array = factor * sqrt(max(log((after_s + noise.read_s) / (2 * noise.read_s)), 0.0))
    return found


def cell_errors(device: DeviceModel, after_s: float, x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the difference from the target due to all effects; units as in ``deviation``.

    First order in the spread of the exponents; negative conductances are not clipped.

    Args:
        device: the measured statistics.
        after_s: time since programming, at least ``device.first_s``.
        x: relative target conductances; outside the measured range, the statistics at its end are used.
    """
    known = np.clip(x, device.lowest, 1.0)
    mean, std = deviation(device, after_s, known)
    value, variance = x + mean, std**2
    if device.drift is not None:
        passed = log(after_s / device.drift.after_s)
        exponent, spread = drift_exponent(device.drift, known)
        left = np.exp(-passed * exponent)
        value, variance = value * left, (variance + (value * passed * spread) ** 2) * left**2
    if device.slow_noise is not None:
        variance = variance + (value * slow_noise_std(device.slow_noise, after_s, known)) ** 2
    return value - x, np.sqrt(variance)


def _law(law: LogLaw, x: Array) -> Array:
    found: Array = np.clip(law.constant + law.slope * np.log(np.maximum(x, _SMALLEST)), law.lowest, law.highest)
    return found
