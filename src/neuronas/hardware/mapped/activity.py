"""How often the inputs of a layer spike: what the energy of a crossbar read depends on besides its size."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from neuronas.config import HardwareConfig, Section, as_path, parse_json, read_text, read_yaml, validate
from neuronas.errors import ConfigurationError, suggestion
from neuronas.hardware.cost import Array
from neuronas.space.workload import Layer

Rate = Annotated[float, Field(ge=0, le=1)]
_MAX_BYTES = 100_000_000  # as for every JSON file; an evaluation of many classes is long


class Activity(Section):
    """Share of a layer's inputs that spike in a time step, 0 to 1.

    Attributes:
        rate: one rate for every layer; 1 is the worst case (``dense``).
        trace: a rate for each layer by name, as measured on data; the image, which is no spike train, needs none.
        is_forecast: the rates of ``trace`` are forecast or, without it, still to be forecast for one architecture.
    """

    rate: Rate = 1.0
    trace: Mapping[str, Rate] | None = None
    is_forecast: bool = False

    def rates(self, rows: Sequence[Layer]) -> Array:
        """[n_rows] input rate of each row; 1 for rows without weights, and for the one that reads the image.

        Raises:
            ConfigurationError: the trace has no rate for a row with weights, or nothing was forecast.
        """
        if self.is_forecast and self.trace is None:
            raise ConfigurationError(
                "activity forecast given for many architectures; expected dense, rate or trace: rates are forecast for "
                "a single architecture, by estimate"
            )
        found = [self._rate(row.name) if row.has_weights and row.reads == "spikes" else 1.0 for row in rows]
        return np.array(found, dtype=np.float64)

    def _rate(self, name: str) -> float:
        if self.trace is None:
            return self.rate
        if name not in self.trace:
            raise ConfigurationError(
                f"the trace of firing rates has no layer '{name}'{suggestion(name, self.trace)}; "
                "expected a rate for every layer that holds weights"
            )
        return self.trace[name]


DENSE = Activity()
"""Every input spikes at every time step."""


def load_activity(settings: HardwareConfig) -> Activity:
    """Build the activity that the settings name.

    A trace is a YAML file with one ``layer: rate`` line per layer, or what ``neuronas evaluate`` wrote (JSON with
    ``layers: {NAME: {input_rate: RATE}}``). A forecast needs an architecture, so that its rates are still missing.

    Raises:
        ConfigurationError: the file cannot be read, or a rate in it is not a number from 0 to 1.
    """
    if settings.activity == "forecast":
        return Activity(is_forecast=True)
    if settings.trace is not None:
        return validate(Activity, {"trace": _read_trace(as_path(settings.trace))}, settings.trace)
    return DENSE if settings.firing_rate is None else Activity(rate=settings.firing_rate)


def _read_trace(path: Path) -> dict[str, Any]:
    if path.suffix != ".json":
        return read_yaml(path)
    try:
        content = parse_json(read_text(path, _MAX_BYTES))
        return {name: layer["input_rate"] for name, layer in content["layers"].items()}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); expected a trace") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error})") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: holds no input rates of layers; expected what evaluate wrote") from error
