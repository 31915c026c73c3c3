"""Cost by layer and by component, and where each layer lies on the chip."""

from neuronas.hardware.floorplan_svg import floorplan_svg
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element
from neuronas.report.shares import COSTED, Component, components
from neuronas.report.tables import missing, number, section, share, table

_NO_ARCHITECTURE = "No architecture, so no cost."


def costs_section(run: RunFacts) -> Html:
    """Two tables."""
    if run.answer is None:
        return section("costs", "Cost by layer and component", missing(_NO_ARCHITECTURE))
    cost = run.answer.cost
    layers = [
        (
            row.layer.name,
            row.layer.kind,
            f"{row.layer.in_channels}→{row.layer.out_channels}",
            f"{row.layer.kernel}×{row.layer.kernel}" if row.layer.kernel else "",
            f"{row.layer.in_side}→{row.layer.out_side}",
            *((f"{row.n_crossbars:,}", f"{row.n_pes:,}", f"{row.n_tiles:,}", share(row.utilisation))
              if row.n_crossbars else ("", "", "", "")),
            *((number(row.area_mm2), number(row.latency_ms), number(row.energy_uj))
              if row.area_mm2 or row.energy_uj else ("not counted", "", "")),
        )
        for row in cost.layers
    ]  # fmt: skip
    titles = ("layer", "kind", "channels", "kernel", "side", "crossbars", "PEs", "tiles", "used", "mm²", "ms", "µJ")
    parts = [(one.name, *(text for name in COSTED for text in _part(one, name))) for one in components(cost)]
    by_component = ("component", "mm²", "share", "ms", "share", "µJ", "share")
    return section(
        "costs",
        "Cost by layer and component",
        element("p", {}, f"By cost model '{run.config.hardware.cost_model}' for {run.config.hardware.accelerator}."),
        table("Cost by layer", titles, layers, n_text=2),
        table("Cost by component", by_component, parts),
    )


def floorplan_section(run: RunFacts) -> Html:
    """The mapped network's tiles."""
    if run.answer is None:
        return section("floorplan", "Floorplan", missing(_NO_ARCHITECTURE))
    bits, hardware = run.config.network.weight_bits, run.config.hardware.accelerator
    drawn = Html(floorplan_svg(run.answer.floorplan, f"{hardware}, {bits}-bit weights"))
    note = "Every layer on crossbars of its own, as cost model 'mapped' places it. Stronger colour: fuller crossbar."
    return section(
        "floorplan",
        "Floorplan",
        element("p", {}, note),
        element(
            "div", {"class": "floorplan scroll", "tabindex": "0", "role": "group", "aria-label": "floorplan"}, drawn
        ),
    )


def _part(one: Component, name: str) -> tuple[str, str]:
    return (number(one.values[name]), share(one.shares[name])) if name in one.values else ("", "")
