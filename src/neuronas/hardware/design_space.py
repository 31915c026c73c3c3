"""The design space: the allowed values of each axis of network and chip, read from a YAML file.

An axis is ``free`` (all values of ``FREE``), a list of values, or one fixed value. An omitted axis of the chip has the
value of the accelerator; an axis of the network that is omitted or free has the default values of ``neuronas design``.
``hardware.design_chips`` makes the chips.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from neuronas.config import (
    DESIGN_SPACES,
    FEWEST_BITS,
    FULL_PRECISION,
    MOST_BITS,
    Section,
    WeightBits,
    as_weight_bits,
    bits_rank,
    load_named,
    plain_bits,
)
from neuronas.hardware.circuits import SIGN_COLUMNS
from neuronas.hardware.mapped.latency import Schedule

_PRESETS = Path(__file__).parent / "design_spaces"
_FREE = "free"
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
FREE: Mapping[str, tuple[Any, ...]] = {
    "crossbar_size": (32, 64, 128, 256, 512),
    "rows_per_read": (4, 8, 16, 32, 64, 128, 256, 512),
    "bits_per_cell": (1, 2, 4),
    "adc_bits": (3, 4, 5, 6, 7, 8, 9),
    "adcs_per_array": (4, 8, 16, 32, 64, 128),
    "sign_scheme": tuple(SIGN_COLUMNS),
    "replication": (1, 2, 4, 8, 16),
    "schedule": SCHEDULES,
}
"""Values of each free axis of the chip, in ascending order."""
CONVERTER_BITS = (FREE["adc_bits"][0], FREE["adc_bits"][-1])
"""Lowest and highest ADC bits in the survey (``silicon.adc_survey``), where the laws of energy and area hold."""
NETWORK = ("channels", "timesteps", "weight_bits")
"""Axes of the network."""
MOST_PRECISIONS = 5_000
"""Maximum number of combinations of a map of ``weight_bits``."""


def _axis(
    expected: str, values_of: Callable[[Any], Sequence[Any]], key: Callable[[Any], Any] | None = None
) -> BeforeValidator:
    """The values of an axis, ascending.

    Args:
        expected: description of one value, for messages.
        values_of: function from an entry to its values; none if it is not allowed.
        key: sort key.
    """

    def parse(given: Any) -> Any:
        if given is None or given == _FREE:
            return given
        values: list[Any] = []
        for entry in (tuple(given) if isinstance(given, list | tuple) else (given,)) or ("nothing",):
            own = values_of(entry)
            if not own:
                raise ValueError(f"{entry!r} given; expected '{_FREE}', {expected}, or a list of them")
            values += own
        if len(set(values)) < len(values):
            raise ValueError("a value given twice; expected different ones")
        return tuple(sorted(values, key=key))

    return BeforeValidator(parse)


def _whole(low: int, high: int) -> BeforeValidator:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return _axis(f"a whole number from {low} to {high}", lambda value: (value,) if accepts(value) else ())


def _named(name: str) -> BeforeValidator:
    return _axis(" or ".join(FREE[name]), lambda value: (value,) if value in FREE[name] else ())


def _precisions(entry: Any) -> Sequence[WeightBits]:
    """One precision, or every combination of a map from parts of the network to bits."""
    if not isinstance(entry, Mapping):
        return () if isinstance(entry, str) else (as_weight_bits(entry),)
    names = [[name.strip() for name in str(key).split(",")] for key in entry]
    every = [name for together in names for name in together]
    if len(set(every)) < len(every):
        raise ValueError("a part of the network given twice; expected each part once")
    choices = [tuple(bits) if isinstance(bits, list | tuple) else (bits,) for bits in entry.values()]
    if (n := prod(map(len, choices))) > MOST_PRECISIONS:
        raise ValueError(f"{n:,} combinations of bits given; expected at most {MOST_PRECISIONS:,}")
    return [
        as_weight_bits({name: bits for together, bits in zip(names, chosen, strict=True) for name in together})
        for chosen in product(*choices)
    ]


def _plain(values: Any) -> Any:
    return tuple(map(plain_bits, values)) if isinstance(values, tuple) else values


def _schema(one: dict[str, Any], meaning: str) -> WithJsonSchema:
    several = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"description": meaning, "anyOf": [{"const": _FREE}, one, several, {"type": "null"}]})


def _number(low: int, high: int, meaning: str) -> WithJsonSchema:
    return _schema({"type": "integer", "minimum": low, "maximum": high}, meaning)


def _bits(meaning: str) -> WithJsonSchema:
    number = {"type": "integer", "minimum": FEWEST_BITS, "maximum": FULL_PRECISION}
    several = {"type": "array", "items": number, "minItems": 1, "uniqueItems": True}
    by_part = {"type": "object", "additionalProperties": {"anyOf": [number, several]}, "minProperties": 1}
    return _schema({"anyOf": [number, by_part]}, meaning)


def _name(name: str, meaning: str) -> WithJsonSchema:
    return _schema({"enum": list(FREE[name])}, meaning)


class DesignSpace(Section):
    """Axes of a design: each ``free``, one value, or a list of values.

    A value of ``weight_bits`` may be a map from parts of the network to bits, as in setting ``network.weight_bits``. In
    it, a list of bits stands for every combination, and parts that are joined by commas have the same bits.

    Attributes:
        description: one line.
        channels: channels of the network before the first reduction.
        timesteps: number of time steps T.
        weight_bits: bits of the weights, of all layers or by part of the network.
        crossbar_size: rows and columns of a crossbar.
        rows_per_read: rows that a column sums in one read.
        bits_per_cell: weight bits that a memory cell stores.
        adc_bits: resolution of an ADC.
        adcs_per_array: ADCs of a crossbar.
        sign_scheme: ``differential`` (two columns) or ``offset-binary`` (one).
        replication: copies of each layer's weights.
        schedule: order in which layers work.
    """

    description: str = ""
    channels: Annotated[Any, _whole(1, 4096), _number(1, 4096, "channels before the first reduction")] = None
    timesteps: Annotated[Any, _whole(1, 256), _number(1, 256, "time steps T")] = None
    weight_bits: Annotated[
        Any,
        _axis(f"{FEWEST_BITS} to {MOST_BITS} bits, or a map from parts to bits", _precisions, bits_rank),
        PlainSerializer(_plain),
        _bits("bits of the weights, of all layers or by part of the network"),
    ] = None
    crossbar_size: Annotated[Any, _whole(4, 4096), _number(4, 4096, "rows and columns of a crossbar")] = None
    rows_per_read: Annotated[Any, _whole(1, 4096), _number(1, 4096, "rows that a column sums in one read")] = None
    bits_per_cell: Annotated[Any, _whole(1, 8), _number(1, 8, "weight bits that a memory cell stores")] = None
    adc_bits: Annotated[Any, _whole(*CONVERTER_BITS), _number(*CONVERTER_BITS, "resolution of a converter")] = None
    adcs_per_array: Annotated[Any, _whole(1, 4096), _number(1, 4096, "converters of a crossbar")] = None
    sign_scheme: Annotated[Any, _named("sign_scheme"), _name("sign_scheme", "columns of a weight's sign")] = None
    replication: Annotated[Any, _whole(1, 4096), _number(1, 4096, "copies of each layer's weights")] = None
    schedule: Annotated[Any, _named("schedule"), _name("schedule", "order in which layers work")] = None

    def values(self, name: str) -> tuple[Any, ...] | None:
        """Values of an axis; None: the value of the accelerator or, for the network, the default values of a design."""
        given = getattr(self, name)
        if given == _FREE:
            return FREE.get(name)
        found: tuple[Any, ...] | None = given
        return found


BUILTIN: dict[str, Path] = {path.stem: path for path in sorted(_PRESETS.glob("*.yaml"))}
"""Files of the built-in design spaces, by name."""


def load_design_space(given: DesignSpace | str) -> DesignSpace:
    """Load a design space by name or from a YAML file; an object is returned unchanged.

    Raises:
        ConfigurationError: the name is unknown, the file cannot be read, or a key or value is wrong.
    """
    return load_named(DesignSpace, DESIGN_SPACES, given)
