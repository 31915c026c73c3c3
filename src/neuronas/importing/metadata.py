"""Metadata of files exported by neuronas: time steps, precision and pre-processing of the network."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuronas.config import FULL_PRECISION, as_weight_bits
from neuronas.errors import VerificationError
from neuronas.snn.imported import Recorded


def recorded(source: str, about: Mapping[str, Any]) -> Recorded:
    """Read the metadata of an exported file.

    Args:
        source: name of the file.
        about: texts, numbers or arrays by key.

    Raises:
        VerificationError: a value is not a number.
    """
    try:
        given = about["weight_bits"]
        bits = as_weight_bits(given if isinstance(given, str) else int(given))
        return Recorded(
            timesteps=int(about["timesteps"]),
            weight_bits=None if bits == FULL_PRECISION else bits,
            mean=_numbers(about["pixel_mean"]),
            std=_numbers(about["pixel_std"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{source}: its metadata cannot be read ({error})") from error


def _numbers(given: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in (given.split() if isinstance(given, str) else np.atleast_1d(given)))
