"""Commands, origins of defaults, and value types used by the schema of settings."""

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from neuronas.config.needs import Needs
from neuronas.config.setting import From

DATASET, ALGORITHM, RECIPE = From("the data set's"), From("the algorithm's"), From("the recipe's")
RUN = From("the run's")
ESTIMATE, SEARCH, TRAIN, EVALUATE, DOCTOR = "estimate", "search", "train", "evaluate", "doctor"
DESIGN, FIT, EXPORT = "design", "fit", "export"
BENCHMARK, STUDY = "benchmark", "study"
"""``reproduce proxy-benchmark``, and the experiments of ``reproduce`` that search and train."""

BY_ALGORITHM, BY_COST_MODEL = Needs("search.algorithm"), Needs("hardware.cost_model")
PUBLISHED = Needs("data.name", expected="cifar10")
EVENTS = Needs("data.name", expected="events:DIR")
"""The chosen entry declares whether it reads the setting."""

FULL_PRECISION = 32
"""Number of weight bits that means no quantisation."""
ROUNDED = Needs("network.weight_bits", is_met=lambda bits: bits != FULL_PRECISION, expected="fewer than 32")
EVALUATED_BITS = (4, 6, 8, 10, 12, 14, 16)
"""The fixed-point precisions, in bits, for which accuracy is evaluated."""
FEWEST_FRACTION_BITS, FRACTION_BITS = 4, 12
"""Fraction bits of the values of integer-only networks: minimum and maximum; see ``export.to_integers``."""
DT_S = 1e-4
"""Length of a time step in s for NIR files that do not state it: the default of SpikingJelly's NIR importer."""


def _size(given: Any, least: int, most: int) -> Any:
    """``24x32`` (height x width) or one number for squares; sides from ``least`` to ``most``."""
    if isinstance(given, str):
        parts = given.lower().split("x")
        if len(parts) in (1, 2) and all(part.strip().isdecimal() and len(part) < 10 for part in parts):
            given = [int(part) for part in parts]
    if isinstance(given, int) and not isinstance(given, bool):
        given = [given]
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 2 or any(type(one) is not int for one in given):
        raise ValueError("expected a whole number, or HEIGHTxWIDTH such as 24x32")
    sides = (given[0], given[-1])
    if not all(least <= side <= most for side in sides):
        raise ValueError(f"expected {least} to {most} pixels")
    return sides


_written_size = PlainSerializer(lambda sides: sides[0] if sides[0] == sides[1] else f"{sides[0]}x{sides[1]}")
ImageSize = Annotated[tuple[int, int], BeforeValidator(partial(_size, least=4, most=1024)), _written_size]
"""Height and width in pixels; written as one number where they are equal."""
SensorSize = Annotated[tuple[int, int], BeforeValidator(partial(_size, least=1, most=4096)), _written_size]
"""Height and width of a sensor in pixels, which may be larger than the images that a network reads."""


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("expected a path (a variable of the shell may not be set)")
    return text


Place = Annotated[str, AfterValidator(_not_empty)]
"""A path, as text; ``~`` is the home folder."""


Names = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda given: (
            tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else tuple(given)
        )
    ),
]
"""Several names; as text separated by commas."""


def _numbers(given: Any) -> Any:
    """``0.5,0.4`` as numbers."""
    if not isinstance(given, str):
        return given
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError:
        raise ValueError("expected numbers with commas between them, such as 0.5,0.5,0.5") from None


def _whole_numbers(given: Any) -> Any:
    """``4,8,16``, or one number, as whole numbers."""
    if isinstance(given, int) and not isinstance(given, bool):
        return (given,)
    if not isinstance(given, str):
        return given
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ValueError("expected whole numbers with commas between them, such as 4,8,16")
    return tuple(map(int, parts))


WholeNumbers = Annotated[tuple[int, ...], BeforeValidator(_whole_numbers), Field(strict=False)]
"""Several whole numbers; as text separated by commas."""
PerChannel = Annotated[tuple[float, ...], BeforeValidator(_numbers), Field(strict=False)]
