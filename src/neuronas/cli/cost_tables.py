"""Cost as tables for people: per layer, per component, both models side by side, and over a sweep."""

from collections.abc import Mapping, Sequence

from neuronas.cli.tables import PlainTable
from neuronas.hardware.cost import BUDGETED, Cost
from neuronas.hardware.sweep import Sweep, SweepPoint
from neuronas.hardware.units import quantity
from neuronas.report.model_differences import COUNTED


def comparison_table(costs: Mapping[str, Cost], chosen: str) -> PlainTable:
    """All cost models on one architecture, then what each of them counts."""
    table = PlainTable()
    table.add_column("cost model")
    for name in costs:
        table.add_column(f"{name} (chosen)" if name == chosen else name)
    for name in BUDGETED:
        table.add_row(name.rsplit("_", 1)[0], *(quantity(name, getattr(cost, name)) for cost in costs.values()))
    for counted in COUNTED:
        table.add_row(counted.what, *(getattr(counted, name) for name in costs), style="dim")
    return table


def sweep_table(sweep: Sweep, points: Sequence[SweepPoint]) -> PlainTable:
    """One line per value of the swept constant."""
    table = PlainTable()
    for title in (sweep.key, "tiles", "used", *(name.rsplit("_", 1)[0] for name in BUDGETED)):
        table.add_column(title, justify="right")
    for point in points:
        cells = sum(row.n_crossbars for row in point.cost.layers)
        used = sum(row.n_crossbars * row.utilisation for row in point.cost.layers) / cells if cells else 0.0
        costs = (quantity(name, getattr(point.cost, name)) for name in BUDGETED)
        table.add_row(f"{point.value:g}", f"{sum(row.n_tiles for row in point.cost.layers):,}", f"{used:.0%}", *costs)
    return table


def layer_table(cost: Cost) -> PlainTable:
    """One line per layer; those that the model does not count are said to be so."""
    table = PlainTable()
    for title in (
        "layer",
        "kind",
        "channels",
        "kernel",
        "side",
        "crossbars",
        "PEs",
        "tiles",
        "used",
        "mm²",
        "ms",
        "µJ",
    ):
        table.add_column(title, justify="left" if title in {"layer", "kind"} else "right")
    for row in cost.layers:
        layer = row.layer
        shape = (
            layer.name,
            layer.kind,
            f"{layer.in_channels}→{layer.out_channels}",
            f"{layer.kernel}x{layer.kernel}" if layer.kernel else "",
            f"{layer.in_side}→{layer.out_side}",
        )
        if row.area_mm2 or row.energy_uj:
            mapped = (f"{row.n_crossbars}", f"{row.n_pes}", f"{row.n_tiles}", f"{row.utilisation:.0%}")
            counts = mapped if row.n_crossbars else ("", "", "", "")
            table.add_row(*shape, *counts, f"{row.area_mm2:.3f}", f"{row.latency_ms:.3f}", f"{row.energy_uj:.3f}")
        else:
            table.add_row(*shape, "not counted", style="dim")
    return table


def component_table(cost: Cost) -> PlainTable:
    """One line per component, with its share of each total."""
    names = list(dict.fromkeys(name for parts in cost.components.values() for name in parts))
    table = PlainTable()
    table.add_column("component")
    for title in ("mm²", "ms", "µJ"):
        table.add_column(title, justify="right")
    for name in names:
        cells = (cost.components[quantity].get(name) for quantity in ("area_mm2", "latency_ms", "energy_uj"))
        table.add_row(name, *("" if value is None else f"{value:.3f}" for value in cells))
    return table
