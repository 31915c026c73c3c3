"""Cost by layer and by component, and where each layer lies on the chip."""

from neuronas.report.facts import RunFacts
from neuronas.report.floorplan_layout import layer_summary, summary
from neuronas.report.floorplan_svg import swatch_svg, tiles_svg
from neuronas.report.markup import Html, element
from neuronas.report.shares import COSTED, components
from neuronas.report.tables import aligned, missing, section, share, table

_LARGE_SIDE = 12  # tiles: more in a row are too small on a phone
_NO_ARCHITECTURE = "No architecture, so no cost."


def costs_section(run: RunFacts) -> Html:
    """Two tables."""
    if run.answer is None:
        return section("costs", "Cost by layer and component", missing(_NO_ARCHITECTURE))
    cost = run.answer.cost
    amounts = (aligned([getattr(row, name) for row in cost.layers]) for name in COSTED)
    layers = [
        (
            row.layer.name,
            row.layer.kind,
            *(texts if row.area_mm2 or row.energy_uj else ("not counted", "", "")),
            f"{row.layer.in_channels}→{row.layer.out_channels}",
            f"{row.layer.kernel}×{row.layer.kernel}" if row.layer.kernel else "",
            f"{row.layer.in_side}→{row.layer.out_side}",
            *((f"{row.n_crossbars:,}", f"{row.n_pes:,}", f"{row.n_tiles:,}", share(row.utilisation))
              if row.n_crossbars else ("", "", "", "")),
        )
        for row, *texts in zip(cost.layers, *amounts, strict=True)
    ]  # fmt: skip
    titles = ("layer", "kind", "mm²", "ms", "µJ", "channels", "kernel", "side", "crossbars", "PEs", "tiles", "used")
    parts = components(cost)
    columns = [
        column
        for name in COSTED
        for column in (
            aligned([one.values.get(name) for one in parts]),
            [share(one.shares[name]) if name in one.shares else "" for one in parts],
        )
    ]
    by_component = ("component", "mm²", "share", "ms", "share", "µJ", "share")
    return section(
        "costs",
        "Cost by layer and component",
        element("p", {}, f"By cost model '{run.config.hardware.cost_model}' for {run.config.hardware.accelerator}."),
        table("Cost by layer", titles, layers, n_text=2),
        table("Cost by component", by_component, zip((one.name for one in parts), *columns, strict=True)),
    )


def floorplan_section(run: RunFacts) -> Html:
    """The mapped network's tiles."""
    if run.answer is None:
        return section("floorplan", "Floorplan", missing(_NO_ARCHITECTURE))
    bits, hardware = run.config.network.weight_bits, run.config.hardware.accelerator
    plan = run.answer.floorplan
    title = f"{hardware}, {bits}-bit weights"
    note = "Every layer on crossbars of its own, as cost model 'mapped' places it. Stronger colour: fuller crossbar."
    size = " large" if plan.side > _LARGE_SIDE else ""
    legend = (
        element("li", {}, Html(swatch_svg(number)), f" {number + 1} {layer_summary(plan, name)}")
        for number, name in enumerate(plan.layers)
    )
    return section(
        "floorplan",
        "Floorplan",
        element("p", {}, f"{note} The numbers are those of the layers below."),
        element("p", {}, f"{title}: {summary(plan)}."),
        element(
            "div",
            {"class": f"floorplan scroll{size}", "tabindex": "0", "role": "group", "aria-label": "floorplan"},
            Html(tiles_svg(plan, title)),
        ),
        element("ul", {"class": "tiles"}, *legend),
    )
