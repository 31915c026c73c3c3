"""Cost by layer and by component, and where each layer lies on the chip."""

from neuronas.report.cost_tables import component_table, layer_table
from neuronas.report.facts import RunFacts
from neuronas.report.floorplan_layout import layer_summary, summary
from neuronas.report.floorplan_svg import swatch_svg, tiles_svg
from neuronas.report.markup import Html, element, missing, section, table

_LARGE_SIDE = 12  # tiles: more in a row are too small on a phone
_NO_ARCHITECTURE = "No architecture, so no cost."


def costs_section(run: RunFacts) -> Html:
    """Two tables."""
    title = "Cost by layer and component"
    if run.answer is None:
        return section("costs", title, missing(_NO_ARCHITECTURE))
    by = f"By cost model '{run.config.hardware.cost_model}' for {run.config.hardware.accelerator}."
    tables = (table(make(run.answer.cost)) for make in (layer_table, component_table))
    return section("costs", title, element("p", {}, by), *tables)


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
