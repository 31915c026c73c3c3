"""Durations as text, such as ``1s``, ``2h`` or ``1month``."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
"""Seconds per unit; a month has 30 days, a year 365."""
_NAMES = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
_UNITS = {
    spelled: length
    for unit, length in SECONDS.items()
    for spelled in (unit, _NAMES.get(unit, unit), f"{_NAMES.get(unit, unit)}s")
}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]+)")
_LONGEST = 100 * SECONDS["year"]


def seconds(text: str) -> float:
    """Seconds of a duration.

    Raises:
        ValueError: not a number with a unit, or more than 100 years.
    """
    found = _WRITTEN.fullmatch(text.strip().lower())
    if not found or found[2] not in _UNITS:
        raise ValueError(f"expected a number with a unit ({', '.join(SECONDS)}), such as 1d")
    length = float(found[1]) * _UNITS[found[2]]
    if not 0 < length <= _LONGEST:
        raise ValueError("expected a time above 0 and up to 100 years")
    return length


def duration(length: float) -> str:
    """A duration as text, in the largest unit that divides it: ``1 d``, ``36 h``."""
    name = max((name for name in SECONDS if length >= SECONDS[name]), key=SECONDS.__getitem__, default="s")
    smaller = [one for one in SECONDS if SECONDS[one] <= SECONDS[name]]
    whole = next((one for one in reversed(smaller) if (length / SECONDS[one]).is_integer()), name)
    return f"{length / SECONDS[whole]:.6g} {whole}"


def _times(given: Any) -> Any:
    if isinstance(given, str):
        given = given.split(",")
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = (given,)
    if not isinstance(given, list | tuple):
        raise ValueError("expected times with commas between them, such as 1h,1d,1month")
    if any(isinstance(one, bool) or not isinstance(one, str | int | float) for one in given):
        raise ValueError("expected times such as 1d, or numbers of seconds")
    texts = [one if isinstance(one, str) else f"{one!r}s" for one in given]
    return tuple(duration(length).replace(" ", "") for length in sorted(set(map(seconds, texts))))


Times = Annotated[tuple[str, ...], BeforeValidator(_times)]
"""Several durations in ascending order; as text separated by commas; numbers are seconds."""
