"""Conductances of cells as written, and some time later, by the measured statistics of a memory device.

Each cell has four standard normal numbers of its own, which stay the same at all times: z0 of its programming error,
z1 of its change since then, z2 of its drift exponent, and z3 of its slow noise.
"""

from collections.abc import Callable
from math import log, sqrt

import torch
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.hardware.device_model import DeviceModel, LogLaw, SlowNoise, polynomial

CHANGED, DRIFTED, FLUCTUATED = 1, 2, 3
"""Streams of random numbers besides that of the programming errors."""


def aged(levels: Tensor, model: ChipModel, device: DeviceModel, normal: Callable[[int], Tensor]) -> Tensor:
    """Conductances in levels, ``model.after_s`` after programming.

    With the mean m and the standard deviation s of the deviations from the target G at programming (0) and at the time
    t, G + m_t + min(s_0, s_t) z0 + sqrt(max(s_t^2 - s_0^2, 0)) z1, which has the mean and the standard deviation of
    time t: a cell keeps its programming error, and what has been added since is independent of it. Then drift,
    (t / t_0)^-nu with nu = max(mean + std z2, 0), and slow noise, 1 + q z3. Conductances below 0 are 0.

    Args:
        levels: target levels, integers, any shape.
        model: parameters of the chip; they say which of these effects are on.
        device: the measured statistics.
        normal: standard normal numbers of the shape of ``levels``, for 0 (programming) and for each stream above.

    Returns:
        conductances in levels, the same shape, float64.
    """
    target = torch.arange(model.largest_level + 1, dtype=torch.float64) + model.off_levels
    on = model.largest_level + model.off_levels
    x = (target / on).clamp(device.lowest, 1.0)
    index = levels.long()

    def of_cells(by_level: Tensor) -> Tensor:
        return by_level[index]

    mean_0, std_0 = (on * one for one in deviation(device, device.first_s, x))
    mean_t, std_t = (on * one for one in deviation(device, model.after_s, x))
    mean, kept, added = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)
    if model.programming_error:
        mean, kept = mean + mean_0, torch.minimum(std_0, std_t) if model.drift else std_0
    if model.drift:
        mean, added = mean + mean_t - mean_0, (std_t.square() - std_0.square()).clamp_min(0).sqrt()
    cells = of_cells(target + mean)
    if kept.any():
        cells = cells + of_cells(kept) * normal(0)
    if added.any():
        cells = cells + of_cells(added) * normal(CHANGED)
    cells = cells.clamp_min(0)
    if model.drift and device.drift is not None:
        exponent = of_cells(_law(device.drift.exponent_mean, x)) + of_cells(
            _law(device.drift.exponent_std, x)
        ) * normal(DRIFTED)
        cells = cells * torch.exp(-log(model.after_s / device.drift.after_s) * exponent.clamp_min(0))
    if model.slow_noise and device.slow_noise is not None:
        relative = of_cells(slow_noise_std(device.slow_noise, model.after_s, x))
        cells = cells * (1 + relative * normal(FLUCTUATED)).clamp_min(0)
    return cells


def deviation(device: DeviceModel, after_s: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the difference from the target, as shares of the conductance of a cell that is on.

    Args:
        device: the measured statistics.
        after_s: time since programming; between two measurements their values are interpolated in its logarithm.
        x: target conductances, as shares of that of a cell that is on.
    """
    mean, std = torch.zeros_like(x), torch.zeros_like(x)
    for weight, one in zip(device.weights(after_s), device.deviations, strict=True):
        if weight:
            mean, std = mean + weight * polynomial(one.mean_us, x), std + weight * polynomial(one.std_us, x)
    return mean / device.reference_us, std.clamp_min(0) / device.reference_us


def slow_noise_std(noise: SlowNoise, after_s: float, x: Tensor) -> Tensor:
    """Relative standard deviation of the noise gathered until a time; see ``SlowNoise``."""
    factor = (noise.factor / x.clamp_min(1e-30) ** noise.power).clamp_max(noise.highest)
    return factor * sqrt(max(log((after_s + noise.read_s) / (2 * noise.read_s)), 0.0))


def _law(law: LogLaw, x: Tensor) -> Tensor:
    return (law.constant + law.slope * x.clamp_min(1e-30).log()).clamp(law.lowest, law.highest)
