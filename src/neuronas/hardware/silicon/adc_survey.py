"""Energy and area of analog-to-digital converters, from a survey of published ones, with their spread.

B. Murmann, "ADC Performance Survey 1997-2021" (https://github.com/bmurmann/ADC-survey), as listed with effective bits
and technology node by Accelergy's ADC plug-in (MIT licence). The constants are least-squares fits of logarithms to its
88 converters of 3 to 9 effective bits at up to 10 GS/s. Their figures of merit (Walden) are 25 to 510 fJ per conversion
step between the quartiles, with a median of 94 fJ. These are stand-alone converters, with reference and input buffer;
those at the columns of an array are simpler (see their share of this energy in ``silicon.macro``).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_NODE_NM, _RATE_HZ = 28.0, 1e8
_ENERGY_FJ, _ENERGY_PER_BIT, _ENERGY_NODE, _ENERGY_RATE = 93.5, 0.65, 1.77, 0.37
_AREA_ENERGY, _AREA_PER_BIT = 0.4237, -0.1344


@dataclass(frozen=True)
class SurveySpread:
    """Standard deviation of the natural logarithm, and the 90 % range as factors of the estimate."""

    deviation: float
    low: float
    high: float


ENERGY_SPREAD = SurveySpread(deviation=1.21, low=0.20, high=8.06)


def conversion_fj(bits: Array, node_nm: Array, rate_hz: Array | float = _RATE_HZ) -> Array:
    """Energy of a conversion, [n]: 93.5 fJ * 2^(0.65 bits) * (node / 28 nm)^1.77 * (rate / 100 MS/s)^0.37.

    Args:
        bits: effective bits, 3 to 9.
        node_nm: technology node.
        rate_hz: conversions per second.
    """
    scale = _ENERGY_FJ * (rate_hz / _RATE_HZ) ** _ENERGY_RATE
    energy: Array = scale * 2 ** (_ENERGY_PER_BIT * bits) * (node_nm / _NODE_NM) ** _ENERGY_NODE
    return energy


def area_ratio(bits: Array, than: Array) -> Array:
    """Area of a converter over that of one of other bits, [n]: e^(0.4237 ln energy - 0.1344 bits) over the same.

    Source: the regression of area on energy and bits in Accelergy's ADC plug-in (``adc_data/model.yaml``, version of
    2136e9e), with the energy of ``conversion_fj`` at one node and rate. 6 % for a bit: bits explain next to nothing of
    the area of published converters.

    Args:
        bits: effective bits, 3 to 9.
        than: effective bits of the converter to compare with.
    """
    per_bit = _AREA_ENERGY * _ENERGY_PER_BIT * np.log(2) + _AREA_PER_BIT
    ratio: Array = np.exp(per_bit * (bits - than))
    return ratio
