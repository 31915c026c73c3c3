"""A number of an accelerator file with its source."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

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


@dataclass(frozen=True)
class _Number:
    """A number in a range, or such a number with its source: how it is read, written, and described in JSON schemas.

    Attributes:
        low: smallest number.
        high: largest number.
        meaning: description in words.
        zero: 0 is accepted as well.
        whole: only whole numbers are.
        optional: may be left out.
    """

    low: float
    high: float
    meaning: str
    zero: bool = False
    whole: bool = False
    optional: bool = False

    def parse(self, given: Any) -> Quantity | None:
        """The quantity of a file, or one that was made before; None if it is left out.

        Raises:
            ValueError: the message says what is expected.
        """
        if given is None and self.optional:
            return None
        value, source = given, getattr(given, "source", UNSTATED)
        if isinstance(given, dict):
            if set(given) - {"value", "source"} or "value" not in given:
                raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
            value, source = given["value"], str(given.get("source", UNSTATED))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("expected a number, or {value: NUMBER, source: TEXT}")
        if not (self.low <= value <= self.high or (self.zero and value == 0)):
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"expected {'0, or ' if self.zero else ''}{kind} between {self.low:g} and {self.high:g}")
        if self.whole and value != int(value):
            raise ValueError("expected a whole number")
        return Quantity(value, source)

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """See pydantic."""
        written = core_schema.plain_serializer_function_ser_schema(_written)
        return core_schema.no_info_plain_validator_function(self.parse, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """See pydantic."""
        low, high = (0 if self.zero else self.low, self.high)
        if self.whole:
            low, high = int(low), int(high)
        number = {"type": "integer" if self.whole else "number", "minimum": low, "maximum": high}
        source = {"type": "string", "description": "where the value comes from"}
        sourced = {
            "type": "object",
            "properties": {"value": number, "source": source},
            "required": ["value"],
            "additionalProperties": False,
        }
        nothing = [{"type": "null"}] if self.optional else []
        return {"description": self.meaning, "anyOf": [*nothing, number, sourced]}


def _written(quantity: Quantity | None) -> dict[str, Any] | None:
    return None if quantity is None else {"value": float(quantity), "source": quantity.source}


Positive = Annotated[Any, _Number(_SMALLEST, _LARGEST, "a number above 0")]
"""A quantity above 0."""
NonNegative = Annotated[Any, _Number(_SMALLEST, _LARGEST, "a number of at least 0", zero=True)]
"""A quantity of at least 0: an energy or area that a technology may not have."""
Fraction = Annotated[Any, _Number(_SMALLEST, 1, "a share from 0 to 1 (5 % is 0.05)", zero=True)]
"""A share of a whole, or a deviation relative to a value: 5 % is 0.05."""
Count = Annotated[Any, _Number(1, _LARGEST, "a whole number above 0", whole=True)]
"""A whole quantity above 0."""
CountOrNone = Annotated[Any, _Number(1, _LARGEST, "a whole number above 0, or null", whole=True, optional=True)]
"""A whole quantity above 0 that a file may leave out."""
Bits = Annotated[Any, _Number(1, MOST_BITS, f"bits of a number, 1 to {MOST_BITS}", whole=True)]
"""Width of a number in bits."""
Nanometres = Annotated[Any, _Number(*TECHNOLOGY_NM, "a technology node in nm")]
"""A technology node: atoms are 0.1 nm wide, and the first integrated circuits had structures of 0.1 mm."""
Megahertz = Annotated[Any, _Number(*CLOCK_MHZ, "a clock rate in MHz")]
"""A clock rate, 1 Hz to 1 THz."""
