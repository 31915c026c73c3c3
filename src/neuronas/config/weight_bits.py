"""Weight precision: the same number of bits for all layers, or one for each layer or part of the network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from neuronas.config.values import FULL_PRECISION
from neuronas.errors import ConfigurationError

FEWEST_BITS, MOST_BITS = 2, 16
"""Bits of a fixed-point weight: minimum and maximum."""
_RANGE = f"expected {FEWEST_BITS} to {MOST_BITS} (fixed point) or {FULL_PRECISION} (no quantisation)"
_FORM = f"{_RANGE}, or bits by layer such as stem=8,A=4,reduction=4,B=4,head=8"


@dataclass(frozen=True)
class LayerBits:
    """Weight bits by layer.

    A key is the name of a layer, or its part before a dot: ``A`` matches ``A.01`` and ``A.12``, ``head`` matches
    ``head`` and ``head.1``. The longest matching key applies.

    Attributes:
        items: keys and bits, in the order in which they were given.
    """

    items: tuple[tuple[str, int], ...]

    @cached_property
    def by_key(self) -> Mapping[str, int]:
        """Bits by key."""
        return dict(self.items)

    def key_of(self, layer: str) -> str | None:
        """The key that applies to a layer; None if none matches."""
        key = layer
        while key not in self.by_key:
            key, dot, _ = key.rpartition(".")
            if not dot:
                return None
        return key

    def __str__(self) -> str:
        return ",".join(f"{key}={bits}" for key, bits in self.items)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(plain_bits)
        return core_schema.is_instance_schema(cls, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bits = {"type": "integer", "minimum": FEWEST_BITS, "maximum": FULL_PRECISION}
        return {"type": "object", "additionalProperties": bits, "minProperties": 1}


def as_weight_bits(given: Any) -> int | LayerBits:
    """Parse weight bits from a number, a text such as ``stem=8,A=4``, or a mapping.

    Raises:
        ValueError: another value, or bits out of range.
    """
    if isinstance(given, str):
        text = given.strip()
        given = int(text) if text.isdecimal() and len(text) < 10 else _pairs(text)
    if isinstance(given, int) and not isinstance(given, bool):
        if not _is_possible(given):
            raise ValueError(_RANGE)
        return given
    items = given.items if isinstance(given, LayerBits) else given.items() if isinstance(given, Mapping) else ()
    if not items or not all(isinstance(key, str) and key for key, _ in items):
        raise ValueError(_FORM)
    if wrong := [f"{key}={bits}" for key, bits in items if type(bits) is not int or not _is_possible(bits)]:
        raise ValueError(f"{_RANGE} for {', '.join(wrong)}")
    return LayerBits(tuple(items))


def _pairs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, bits = (one.strip() for one in part.rpartition("="))
        if not equals or not bits.isdecimal() or len(bits) > 9:
            raise ValueError(_FORM)
        if key in found:
            raise ValueError(f"expected each layer once; {key} is given twice")
        found[key] = int(bits)
    return found


def _is_possible(bits: int) -> bool:
    return FEWEST_BITS <= bits <= MOST_BITS or bits == FULL_PRECISION


WeightBits = Annotated[int | LayerBits, BeforeValidator(as_weight_bits)]
"""Weight bits: one number for all layers, or ``LayerBits``. As text ``8`` or ``stem=8,A=4,reduction=4,B=4,head=8``; in
files and Python a number or a mapping."""


def bits_of(weight_bits: WeightBits, layer: str) -> int:
    """Bits of the weights of a layer.

    Raises:
        ConfigurationError: no key matches it.
    """
    if isinstance(weight_bits, int):
        return weight_bits
    key = weight_bits.key_of(layer)
    if key is None:
        raise ConfigurationError(f"weight_bits {weight_bits} given; expected bits for layer {layer} as well")
    return weight_bits.by_key[key]


def covers(weight_bits: WeightBits, layer: str) -> bool:
    """Whether the bits of a layer are given."""
    return isinstance(weight_bits, int) or weight_bits.key_of(layer) is not None


def one_precision(weight_bits: WeightBits, whose: str) -> int:
    """The bits of all layers, where one number is required.

    Args:
        weight_bits: as given.
        whose: what has a single precision, for the message: ``a design``.

    Raises:
        ConfigurationError: bits are given by layer.
    """
    if isinstance(weight_bits, int):
        return weight_bits
    raise ConfigurationError(
        f"weight_bits {weight_bits} given; expected one number: {whose} has the same bits in all layers"
    )


def distinct_bits(weight_bits: WeightBits) -> tuple[int, ...]:
    """The precisions that occur, ascending."""
    return (weight_bits,) if isinstance(weight_bits, int) else tuple(sorted(set(weight_bits.by_key.values())))


def bits_rank(weight_bits: WeightBits) -> tuple[float, str]:
    """Sort key: by the mean over the keys."""
    bits = [weight_bits] if isinstance(weight_bits, int) else list(weight_bits.by_key.values())
    return sum(bits) / len(bits), "" if isinstance(weight_bits, int) else str(weight_bits)


def keys_with(weight_bits: WeightBits, bits: int) -> str:
    """For messages: the layers or parts with a precision, such as `` in A, B``; empty if all layers have the same."""
    if isinstance(weight_bits, int):
        return ""
    return f" in {', '.join(key for key, one in weight_bits.items if one == bits)}"


def by_layer(weight_bits: WeightBits, layers: Iterable[str], parts: Iterable[str] = ()) -> WeightBits:
    """Validated bits for each layer of a network: one number is kept, otherwise every layer becomes a key.

    Args:
        weight_bits: as given.
        layers: names of all layers with weights.
        parts: names that may be given although no layer is in them, such as those of cells without weights.

    Raises:
        ConfigurationError: a key matches no layer, or a layer has no key; the message names them.
    """
    if isinstance(weight_bits, int):
        return weight_bits
    names = tuple(layers)
    known = {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}
    wrong = [key for key in weight_bits.by_key if key not in known.union(parts)]
    missing = [name for name in names if weight_bits.key_of(name) is None]
    if wrong or missing:
        said = [f"{', '.join(wrong)} not found in the network"] if wrong else []
        said += [f"{', '.join(missing)} missing"] if missing else []
        raise ConfigurationError(
            f"weight_bits {weight_bits} given: {' and '.join(said)}; expected bits for each of {', '.join(names)}, or "
            "for the part before a dot in these names"
        )
    return each_layer(weight_bits, names)


def each_layer(weight_bits: WeightBits, layers: Iterable[str]) -> WeightBits:
    """The same bits with each of these layers as a key; one number is kept.

    Raises:
        ConfigurationError: no key matches a layer.
    """
    if isinstance(weight_bits, int):
        return weight_bits
    return LayerBits(tuple((name, bits_of(weight_bits, name)) for name in layers))


def plain_bits(weight_bits: WeightBits) -> int | dict[str, int]:
    """The JSON value: a number or a mapping."""
    return weight_bits if isinstance(weight_bits, int) else dict(weight_bits.items)


def precision_text(weight_bits: WeightBits) -> str:
    """In words: ``8 bits``, or ``4 to 8 bits``."""
    return f"{_extent(weight_bits, ' to ')} bits"


def weights_text(weight_bits: WeightBits) -> str:
    """In words: ``8-bit weights``, or ``4- to 8-bit weights``."""
    return f"{_extent(weight_bits, '- to ')}-bit weights"


def _extent(weight_bits: WeightBits, between: str) -> str:
    bits = distinct_bits(weight_bits)
    return str(bits[0]) if len(bits) == 1 else f"{bits[0]}{between}{bits[-1]}"
