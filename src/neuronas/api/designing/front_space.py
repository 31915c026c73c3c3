"""The joint design space of network and chip: from settings, axes and a survey to a ``JointSpace``."""

from dataclasses import replace

import numpy as np

from neuronas.api.designing.choice import Surveyed
from neuronas.api.setup.chip_models import chip_of
from neuronas.api.setup.dataset_settings import sensor_of
from neuronas.api.setup.plan import Plan
from neuronas.config import distinct_bits
from neuronas.errors import ConfigurationError
from neuronas.fitness.expected_error import ErrorPrior, ErrorTerm
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.design_chips import axis_values, nearest_chip
from neuronas.hardware.design_space import DesignSpace
from neuronas.hardware.mapped.many import Networks
from neuronas.hardware.quantity import Quantity
from neuronas.runs.designs import Axes
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.joint_space import JointSpace


def joint_space(
    run: Plan,
    space: DesignSpace,
    axes: Axes,
    surveyed: Surveyed,
    *,
    resolution: float,
    error: ErrorTerm | None,
    max_error: float | None,
) -> JointSpace:
    """Build the space to enumerate.

    Args:
        run: settings.
        space: axes of network and chip.
        axes: axes of the network.
        surveyed: surveyed candidates.
        resolution: resolution of the front.
        error: model of the expected error; None: ``ErrorPrior``.
        max_error: limit of the expected error; None: halfway between the least and that of guessing.

    Raises:
        ConfigurationError: no chip can be built.
    """
    accelerator, after_s = accelerator_with_device(run)
    values = axis_values(space, accelerator, run.config.hardware.replication, run.config.hardware.schedule)

    def networks_at(setting: NetworkSetting) -> Networks:
        slots, is_traced = surveyed.slots(run.at(setting)), run.activity.trace is not None
        return Networks.of(slots, surveyed.occupancy, setting.weight_bits, named=is_traced)

    fitness = np.asarray(surveyed.candidates.fitness, dtype=np.float64)
    known = np.isfinite(fitness)
    joint = JointSpace(
        base=accelerator,
        values=values,
        settings=axes.settings,
        networks_at=networks_at,
        fitness=np.where(known, fitness, -np.inf),
        budget=run.budget,
        error=error or ErrorPrior(float(fitness[known].max()), run.config.data.n_classes, after_s),
        n_classes=run.config.data.n_classes,
        activity=run.activity,
        sensor=sensor_of(run.config),
        resolution=resolution,
    )
    if not any(len(joint.chips(setting)) for setting in joint.settings):
        broken = next(iter(joint.chips(joint.settings[0]).excluded), "")
        near = nearest_chip(values, accelerator, [distinct_bits(bits)[0] for bits in axes.weight_bits])
        changes = ", ".join(f"{name} {value}" for name, value in (near or {}).items())
        advice = f"; nearest: {changes}" if changes else ""
        raise ConfigurationError(f"design space holds no chip that can be built ({broken}){advice}")
    return replace(joint, max_error=_halfway(joint) if max_error is None else max_error)


def accelerator_with_device(run: Plan) -> tuple[Accelerator, float | None]:
    """The accelerator with the device model that the settings name, and the time after programming.

    Raises:
        ConfigurationError: it has no device model, or one that does not change or was first measured later.
    """
    accelerator, device = run.accelerator, run.accelerator.device
    if not run.config.chip.after and run.config.chip.device_model is None:
        return accelerator, None
    chip = chip_of(run)
    if device is not None and chip.device_model is not None:
        device = device.model_copy(update={"model": chip.device_model, "write_variation": Quantity(0.0, "see model")})
    return accelerator.model_copy(update={"device": device}), chip.after_s


def _halfway(joint: JointSpace) -> float:
    """Halfway between the least error of a network without a chip and that of guessing."""
    least = 1.0
    for setting in joint.settings:
        least = min(least, float(joint.network_error(setting, joint.networks(setting)).min()))
    return (least + 1 - 1 / joint.n_classes) / 2
