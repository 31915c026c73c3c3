"""A number of an accelerator file with its source."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SMALLEST, _LARGEST = 1e-30, 1e15  # range of physical values; sums and products stay finite
UNSTATED = "source not stated in the accelerator file"


class Quantity(float):
    """A float with its source. Arithmetic gives plain floats. The unit is part of the key's name."""

    source: str

    def __new__(cls, value: float, source: str = UNSTATED) -> Self:
        """Make a quantity."""
        self = super().__new__(cls, value)
        self.source = source
        return self


def _parse(given: Any, *, zero: bool, whole: bool) -> Quantity:
    value, source = given, getattr(given, "source", UNSTATED)
    if isinstance(given, dict):
        if set(given) - {"value", "source"} or "value" not in given:
            raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
        value, source = given["value"], str(given.get("source", UNSTATED))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
    if whole and not 1 <= value <= _LARGEST:
        raise ValueError(f"expected a whole number between 1 and {_LARGEST:g}")
    if not (_SMALLEST <= value <= _LARGEST or (zero and value == 0)):
        raise ValueError(f"expected {'0, or ' if zero else ''}a number between {_SMALLEST:g} and {_LARGEST:g}")
    if whole and value != int(value):
        raise ValueError("expected a whole number")
    return Quantity(value, source)


def _serialise(quantity: Quantity) -> dict[str, Any]:
    return {"value": float(quantity), "source": quantity.source}


def _schema(number: dict[str, Any], meaning: str) -> WithJsonSchema:
    """A JSON schema of the two forms that ``_parse`` accepts."""
    source = {"type": "string", "description": "where the value comes from"}
    sourced = {
        "type": "object",
        "properties": {"value": number, "source": source},
        "required": ["value"],
        "additionalProperties": False,
    }
    return WithJsonSchema({"description": meaning, "anyOf": [number, sourced]})


_TO_PLAIN = PlainSerializer(_serialise)
Positive = Annotated[
    Any,
    BeforeValidator(lambda given: _parse(given, zero=False, whole=False)),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": _SMALLEST, "maximum": _LARGEST}, "a number above 0"),
]
"""A quantity above 0."""
NonNegative = Annotated[
    Any,
    BeforeValidator(lambda given: _parse(given, zero=True, whole=False)),
    _TO_PLAIN,
    _schema({"type": "number", "minimum": 0, "maximum": _LARGEST}, "a number of at least 0"),
]
"""A quantity of at least 0: an energy or area that a technology may not have."""
Count = Annotated[
    Any,
    BeforeValidator(lambda given: _parse(given, zero=False, whole=True)),
    _TO_PLAIN,
    _schema({"type": "integer", "minimum": 1, "maximum": int(_LARGEST)}, "a whole number above 0"),
]
"""A whole quantity above 0."""
