"""Intervals of cost model ``mapped``: the spread of measured arrays around their estimates, propagated to the totals.

All layers of a network are on arrays of one kind, so their errors are fully correlated: the arrays' part of latency and
energy is larger or smaller as a whole. Wires, buffers, neurons, the network on chip and leakage are not compared with
silicon; they have no interval, and their share is reported.
"""

import math
from collections.abc import Mapping

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Interval
from neuronas.hardware.silicon.calibration import silicon_calibration
from neuronas.hardware.silicon.macro import Kind
from neuronas.hardware.silicon.spread import Spread, pooled
from neuronas.hardware.units import component_name, word

LEVEL = 0.9
ARRAY = {"latency_ms": ("crossbar",), "energy_uj": ("crossbar", "adc", "multiplexer", "shift_add")}
"""The components that measured arrays include, by quantity."""


def spreads(accelerator: Accelerator) -> dict[str, Spread]:
    """Spread of measured arrays of this kind, by quantity; of all arrays with ADCs if the kind is not given."""
    kinds: tuple[Kind, ...] = ("SRAM", "eNVM")
    if accelerator.macro is not None:
        kinds = ("SRAM",) if accelerator.macro.cell == "sram" else ("eNVM",)
    known = silicon_calibration()
    return {
        "latency_ms": pooled([known.spread("time", kind) for kind in kinds]),
        "energy_uj": pooled([known.spread("energy", kind) for kind in kinds]),
    }


def intervals(
    accelerator: Accelerator, totals: Mapping[str, float], arrays: Mapping[str, float]
) -> dict[str, Interval]:
    """90 % intervals, by quantity.

    Args:
        accelerator: see ``spreads``.
        totals: latency and energy.
        arrays: the arrays' part of latency and energy.
    """
    found = {}
    for name, spread in spreads(accelerator).items():
        factor, array = spread.within(LEVEL), arrays[name]
        rest = totals[name] - array
        found[name] = Interval(rest + array / factor, rest + array * factor, LEVEL, array)
    return found


def not_validated(components: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """A line for each quantity: the components that are not compared with silicon, and their share."""
    lines = []
    for name, parts in ARRAY.items():
        total = math.fsum(components[name].values())
        rest = {one: value for one, value in components[name].items() if one not in parts and value > 0}
        share = math.fsum(rest.values()) / total if total else 0.0
        quantity, listed = word(name), ", ".join(map(component_name, rest)) or "nothing"
        lines.append(f"not compared with measured arrays, {share:.0%} of the {quantity}: {listed}")
    return tuple(lines)
