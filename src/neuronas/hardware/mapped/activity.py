"""Firing rates of the inputs of layers, on which the energy of a crossbar read depends."""

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
Rates = Annotated[tuple[Rate, ...], Field(min_length=1, strict=False)]
_MAX_BYTES = 100_000_000  # as for every JSON file; an evaluation of many classes is long


class Activity(Section):
    """Share of a layer's inputs that spike in a time step, 0 to 1; for pixels, the share of bits that are 1.

    Attributes:
        rate: one rate for every layer; 1 is the worst case (``dense``).
        trace: measured rates by layer, one for all time steps or one for each. A layer that reads a static image needs
            none, since it runs once.
        is_forecast: whether the rates of ``trace`` are forecast or, without a trace, are to be forecast.
    """

    rate: Rate = 1.0
    trace: Mapping[str, Rate | Rates] | None = None
    is_forecast: bool = False

    def rates(self, rows: Sequence[Layer]) -> Array:
        """[n_rows, n] input rate of each row in each time step, or (n = 1) in all time steps.

        The rate is 1 for rows without weights, for a row that reads an image and, if rates are forecast, for a row that
        reads a sequence, since a forecast does not know the density of its images.

        Raises:
            ConfigurationError: the trace has no rate for a row with weights, or rates for different numbers of time
                steps; or nothing was forecast.
        """
        if self.is_forecast and self.trace is None:
            raise ConfigurationError(
                "activity forecast given for many architectures; expected dense, rate or trace: rates are forecast for "
                "a single architecture, by estimate"
            )
        found = [self._rate(row.name) if self._reads(row) else 1.0 for row in rows]
        lengths = {len(one) for one in found if isinstance(one, tuple)} or {1}
        if len(lengths) > 1:
            raise ConfigurationError(
                f"the trace of firing rates has layers of {' and '.join(map(str, sorted(lengths)))} time steps; "
                "expected one number of time steps"
            )
        n = lengths.pop()
        return np.array([one if isinstance(one, tuple) else (one,) * n for one in found]).reshape(len(rows), n)

    def first(self, n: int) -> "Activity":
        """The activity of the first n time steps."""
        if self.trace is None:
            return self
        cut = {name: one[:n] if isinstance(one, tuple) else one for name, one in self.trace.items()}
        return self.model_copy(update={"trace": cut})

    def _reads(self, row: Layer) -> bool:
        """Whether a row has inputs whose rate is known."""
        return row.has_weights and (row.reads == "spikes" or (row.reads == "sequence" and not self.is_forecast))

    def _rate(self, name: str) -> float | tuple[float, ...]:
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
    """Make the activity according to the settings.

    A trace is a YAML file with one ``layer: rate`` line per layer (or ``layer: [rate, ...]``, one for each time step),
    or an ``evaluation.json``, in which each entry of ``layers`` has ``input_rate`` and may have ``input_rates``, one
    for each time step, which take precedence. A forecast needs an architecture, so its rates are not set here.

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
        return {name: layer.get("input_rates") or layer["input_rate"] for name, layer in content["layers"].items()}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); expected a trace") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not valid JSON ({error})") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: holds no input rates of layers; expected what evaluate wrote") from error
