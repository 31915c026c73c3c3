"""Cost as the JSON document that ``estimate --json`` prints and ``result.json`` holds."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from neuronas.hardware.cost import BUDGETED, Cost, LayerCost
from neuronas.hardware.sweep import Sweep, SweepPoint


def cost_document(
    architecture: str, hardware: str, model: str, weight_bits: int, timesteps: int, cost: Cost
) -> dict[str, Any]:
    """Return the contract's keys for one architecture's cost."""
    return {
        "architecture": architecture,
        "hardware": hardware,
        "cost_model": model,
        "weight_bits": weight_bits,
        "timesteps": timesteps,
        "parameters": cost.parameters,
        "memory_bits": cost.memory_bits,
        "area_mm2": cost.area_mm2,
        "latency_ms": cost.latency_ms,
        "energy_uj": cost.energy_uj,
        "layers": [_row(row) for row in cost.layers],
        "components": cost.components,
        "assumptions": list(cost.assumptions),
    }


def sweep_document(sweep: Sweep, points: Sequence[SweepPoint]) -> dict[str, Any]:
    """What ``estimate --sweep --json`` adds: the swept constant, and the totals at each of its values."""
    values = [{"value": point.value, **{name: getattr(point.cost, name) for name in BUDGETED}} for point in points]
    return {"sweep": {"key": sweep.key, "points": values}}


def _row(row: LayerCost) -> dict[str, Any]:
    values = asdict(row)
    return {**values.pop("layer"), **values}
