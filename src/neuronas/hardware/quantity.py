"""A number of an accelerator file with its source."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SMALLEST, _LARGEST = 1e-30, 1e15  # range of physical values; sums and products stay finite
MOST_BITS, TECHNOLOGY_NM, CLOCK_MHZ = 64, (0.1, 100_000), (1e-6, 1e6)
"""What exists."""
UNSTATED = "source not stated in the accelerator file"


class Quantity(float):
    """A float with its source. Arithmetic gives plain floats. The unit is part of the key's name."""

    source: str

    def __new__(cls, value: float, source: str = UNSTATED) -> Self:
        """Make a quantity."""
        self = super().__new__(cls, value)
        self.source = source
        return self


def _checked(low: float, high: float, *, zero: bool = False, whole: bool = False) -> BeforeValidator:
    """Accept a number in a range, or such a number with its source.

    Args:
        low: smallest number.
        high: largest number.
        zero: 0 is accepted as well.
        whole: only whole numbers are.
    """

    def parse(given: Any) -> Quantity:
        value, source = given, getattr(given, "source", UNSTATED)
        if isinstance(given, dict):
            if set(given) - {"value", "source"} or "value" not in given:
                raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
            value, source = given["value"], str(given.get("source", UNSTATED))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
        if not (low <= value <= high or (zero and value == 0)):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"expected {'0, or ' if zero else ''}{kind} between {low:g} and {high:g}")
        if whole and value != int(value):
            raise ValueError("expected a whole number")
        return Quantity(value, source)

    return BeforeValidator(parse)


def _serialise(quantity: Quantity) -> dict[str, Any]:
    return {"value": float(quantity), "source": quantity.source}


def _either(number: dict[str, Any]) -> list[dict[str, Any]]:
    """The JSON schemas of the two forms that ``_parse`` accepts."""
    source = {"type": "string", "description": "where the value comes from"}
    sourced = {
        "type": "object",
        "properties": {"value": number, "source": source},
        "required": ["value"],
        "additionalProperties": False,
    }
    return [number, sourced]


def _schema(number: dict[str, Any], meaning: str) -> WithJsonSchema:
    return WithJsonSchema({"description": meaning, "anyOf": _either(number)})


_TO_PLAIN = PlainSerializer(_serialise)
Positive = Annotated[
    Any,
    _checked(_SMALLEST, _LARGEST),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": _SMALLEST, "maximum": _LARGEST}, "a number above 0"),
]
"""A quantity above 0."""
NonNegative = Annotated[
    Any,
    _checked(_SMALLEST, _LARGEST, zero=True),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": 0, "maximum": _LARGEST}, "a number of at least 0"),
]
"""A quantity of at least 0: an energy or area that a technology may not have."""
Fraction = Annotated[
    Any,
    _checked(_SMALLEST, 1, zero=True),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": 0, "maximum": 1}, "a share from 0 to 1 (5 % is 0.05)"),
]
"""A share of a whole, or a deviation relative to a value: 5 % is 0.05."""
_COUNT = _checked(1, _LARGEST, whole=True)
_WHOLE = {"type": "integer", "minimum": 1, "maximum": int(_LARGEST)}
Count = Annotated[Any, _COUNT, _TO_PLAIN, _schema(_WHOLE, "a whole number above 0")]
"""A whole quantity above 0."""
CountOrNone = Annotated[
    Any,
    BeforeValidator(lambda given: None if given is None else _COUNT.func(given)),
    PlainSerializer(lambda quantity: None if quantity is None else _serialise(quantity)),
    WithJsonSchema({"anyOf": [{"type": "null"}, *_either(_WHOLE)], "description": "a whole number above 0, or null"}),
]
"""A whole quantity above 0 that a file may leave out."""
Bits = Annotated[
    Any,
    _checked(1, MOST_BITS, whole=True),
    _TO_PLAIN,
    _schema({"type": "integer", "minimum": 1, "maximum": MOST_BITS}, f"bits of a number, 1 to {MOST_BITS}"),
]
"""Width of a number in bits."""
Nanometres = Annotated[
    Any,
    _checked(*TECHNOLOGY_NM),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": TECHNOLOGY_NM[0], "maximum": TECHNOLOGY_NM[1]}, "a technology node in nm"),
]
"""A technology node: atoms are 0.1 nm wide, and the first integrated circuits had structures of 0.1 mm."""
Megahertz = Annotated[
    Any,
    _checked(*CLOCK_MHZ),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": CLOCK_MHZ[0], "maximum": CLOCK_MHZ[1]}, "a clock rate in MHz"),
]
"""A clock rate, 1 Hz to 1 THz."""
