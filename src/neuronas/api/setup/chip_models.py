"""The simulated chips that settings describe, at each of the given times after programming."""

from typing import TYPE_CHECKING

from neuronas.api.setup.plan import Plan
from neuronas.config import seconds, value_at, written
from neuronas.hardware.device_model import DeviceModel, load_device_model

if TYPE_CHECKING:
    from neuronas.chip.chip_model import ChipModel


def chip_of(run: Plan) -> "ChipModel":
    """The chip that settings describe, at the last of the given times.

    Raises:
        ConfigurationError: see ``chips_of``.
    """
    return chips_of(run)[-1]


def chips_of(run: Plan) -> "list[ChipModel]":
    """The chip that settings describe, at each of the given times; without times, directly after programming.

    Raises:
        ConfigurationError: the accelerator cannot be simulated, cannot hold these weights, or has no model of change
            with time.
    """
    from neuronas.chip.chip_model import aged_models, chip_model

    request, hardware = run.config.chip, run.config.hardware.accelerator
    chosen: DeviceModel | str | None = value_at(written(run.given), "chip.device_model")
    model = chip_model(
        run.accelerator,
        hardware,
        run.config.network.weight_bits,
        sign_scheme=request.sign_scheme,
        variation=request.variation,
        gain_calibration=request.gain_calibration,
        device_model=None if chosen is None else load_device_model(chosen),
        drift_compensation=request.drift_compensation,
    )
    models = aged_models(model, map(seconds, request.after), hardware) if request.after else [model]
    return [one.without(request.without) for one in models]


def chip_warning(run: Plan) -> str | None:
    """A warning if a layer of random weights has a low signal-to-noise ratio on the chip of a run; None otherwise.

    Also None if chips of this kind cannot be simulated, which ``evaluate --chip`` reports.
    """
    from neuronas.chip.precheck import ENOUGH_DB, layer_snr_db
    from neuronas.config import FULL_PRECISION, distinct_bits

    bits = distinct_bits(run.config.network.weight_bits)
    if run.accelerator.device is None or FULL_PRECISION in bits:
        return None
    model = chip_of(run)
    found = [snr_db for one in bits if (snr_db := layer_snr_db(model, one)) is not None]
    if not found or (snr_db := min(found)) >= ENOUGH_DB:
        return None
    return (
        f"a layer of {model.crossbar_size} rows keeps {snr_db:.1f} dB of signal to noise on simulated chips of "
        f"{run.config.hardware.accelerator} (sign scheme {model.sign_scheme}, write variation "
        f"{model.write_variation:.0%}, {model.adc_bits}-bit converters); below {ENOUGH_DB:g} dB networks "
        "can lose accuracy: evaluate --chip will say how much, and which change helps"
    )
