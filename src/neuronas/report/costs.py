"""Cost by layer and by component, and where each layer lies on the chip."""

from neuronas.report.cost_tables import component_table, layer_table
from neuronas.report.facts import RunFacts
from neuronas.report.floorplan_drawing import floorplan_svg
from neuronas.report.markup import Html, element, missing, section, table
from neuronas.report.pictures import Charts, shown

_LARGE_SIDE = 12  # tiles: more in a row are too small on a phone
_NO_ARCHITECTURE = "No architecture, so no cost."


def costs_section(run: RunFacts, drawn: Charts) -> Html:
    """Charts and tables."""
    title = "Cost by layer and component"
    if run.answer is None:
        return section("costs", title, missing(_NO_ARCHITECTURE))
    by = f"By cost model '{run.config.hardware.cost_model}' for {run.config.hardware.accelerator}."
    tables = (table(make(run.answer.cost)) for make in (layer_table, component_table))
    return section("costs", title, element("p", {}, by), shown(drawn, "layers", "components"), *tables)


def floorplan_section(run: RunFacts) -> Html:
    """The mapped network's tiles."""
    if run.answer is None:
        return section("floorplan", "Floorplan", missing(_NO_ARCHITECTURE))
    plan, network = run.answer.floorplan, run.config.network
    title = f"{run.config.hardware.accelerator}, {network.weight_bits}-bit weights"
    note = "Every layer on crossbars of its own, as cost model 'mapped' places it. Stronger colour: fuller crossbar."
    size = " large" if plan.side > _LARGE_SIDE else ""
    drawing = {"class": f"scroll{size}", "tabindex": "0", "role": "group", "aria-label": "floorplan"}
    return section(
        "floorplan",
        "Floorplan",
        element("p", {}, f"{title}. {note} Numbers are those of the layers below."),
        element("div", drawing, floorplan_svg(plan, title)),
    )
