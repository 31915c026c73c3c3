"""Conductances of cells after programming and later, from the measured statistics of a memory device.

Each cell has four standard normal random numbers, which are the same at all times: z0 for its programming error, z1 for
its change since then, z2 for its drift exponent, and z3 for its slow noise.
"""

from collections.abc import Callable
from math import log

import numpy as np
import torch
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.hardware.cell_statistics import deviation, drift_exponent, slow_noise_std
from neuronas.hardware.cost import Array
from neuronas.hardware.device_model import DeviceModel

CHANGED, DRIFTED, FLUCTUATED = 1, 2, 3
"""Streams of random numbers in addition to that of the programming errors."""


def aged(levels: Tensor, model: ChipModel, device: DeviceModel, normal: Callable[[int], Tensor]) -> Tensor:
    """Conductances in levels, ``model.after_s`` after programming.

    With the mean m and the standard deviation s of the deviations from the target G at programming (0) and at the time
    t, G + m_t + min(s_0, s_t) z0 + sqrt(max(s_t^2 - s_0^2, 0)) z1, which has the mean and the standard deviation of
    time t: a cell keeps its programming error, and the change since then is independent of it. Then drift,
    (t / t_0)^-nu with nu = max(mean + std z2, 0), and slow noise, 1 + q z3. Conductances below 0 are 0.

    Args:
        levels: target levels, integers, any shape.
        model: parameters of the chip; they determine which of these effects are active.
        device: the measured statistics.
        normal: standard normal numbers of the shape of ``levels``, for 0 (programming) and for each stream above.

    Returns:
        conductances in levels, the same shape, float64.
    """
    target = np.arange(model.largest_level + 1) + model.off_levels
    on = model.largest_level + model.off_levels
    x = np.clip(target / on, device.lowest, 1.0)
    index = levels.long()

    def of_cells(by_level: Array) -> Tensor:
        return torch.from_numpy(by_level)[index]

    mean_0, std_0 = (on * one for one in deviation(device, device.first_s, x))
    mean_t, std_t = (on * one for one in deviation(device, model.after_s, x))
    mean, kept, added = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    if model.programming_error:
        mean, kept = mean + mean_0, np.minimum(std_0, std_t) if model.drift else std_0
    if model.drift:
        mean, added = mean + mean_t - mean_0, np.sqrt(np.maximum(std_t**2 - std_0**2, 0))
    cells = of_cells(target + mean)
    if kept.any():
        cells = cells + of_cells(kept) * normal(0)
    if added.any():
        cells = cells + of_cells(added) * normal(CHANGED)
    cells = cells.clamp_min(0)
    if model.drift and device.drift is not None:
        middle, spread = map(of_cells, drift_exponent(device.drift, x))
        exponent = middle + spread * normal(DRIFTED)
        cells = cells * torch.exp(-log(model.after_s / device.drift.after_s) * exponent.clamp_min(0))
    if model.slow_noise and device.slow_noise is not None:
        relative = of_cells(slow_noise_std(device.slow_noise, model.after_s, x))
        cells = cells * (1 + relative * normal(FLUCTUATED)).clamp_min(0)
    return cells
