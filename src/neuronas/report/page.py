"""The whole page: style, content, data and script in one file that needs no network access.

A section is a title in ``SECTIONS`` and the template ``sections/ID.html``, which reads the run's facts, its charts and
the tables of the modules in ``_TABLES``.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from neuronas.report import (
    accuracy_tables,
    comparison,
    cost_tables,
    design_tables,
    finalist_tables,
    provenance,
)
from neuronas.report.charts import Chart
from neuronas.report.explorer import explorer_document
from neuronas.report.facts import RunFacts
from neuronas.report.floorplan_drawing import floorplan_svg, layers_table
from neuronas.report.network_drawing import network_svg
from neuronas.report.pictures import charts
from neuronas.report.rendering import render, trusted
from neuronas.report.style import chart_config, resource, style_sheet
from neuronas.report.verdict import verdict
from neuronas.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup

SECTIONS = {
    "verdict": "Verdict",
    "design": "Design",
    "result": "Result",
    "settings": "Settings",
    "cost": "Cost",
    "floorplan": "Floorplan",
    "candidates": "Candidates",
    "rejected": "Rejected candidates",
    "search": "Search",
    "finalists": "Finalists",
    "training": "Training",
    "accuracy": "Accuracy",
    "chips": "Simulated chips",
    "provenance": "Sources and assumptions",
    "reproduce": "Reproduce this run",
}
"""Identifiers of a run's sections, in order, with their titles."""
_COMPARED = {"runs": "Runs", "candidates": "Candidates"}
_TABLES: dict[str, Any] = {
    "accuracy_tables": accuracy_tables,
    "comparison": comparison,
    "cost_tables": cost_tables,
    "design_tables": design_tables,
    "finalist_tables": finalist_tables,
    "provenance": provenance,
    "floorplan_svg": floorplan_svg,
    "network_svg": network_svg,
    "layers_table": layers_table,
    "verdict": verdict,
}
_SCRIPTS = ("charts.js", "explorer.js", "page.js")
_FOOTER = f"Written by neuronas {__version__}. This file is self-contained and works offline."
_LIVE_FOOTER = f"Shown by neuronas {__version__}, on this machine only."


@dataclass(frozen=True)
class Content:
    """Content of a page: its sections by identifier, and the data of its charts and its explorer."""

    sections: dict[str, "Markup"]
    data: dict[str, Any]


def report_page(run: RunFacts) -> str:
    """Page of one run."""
    return _page(f"Run {run.name}", _shown(run), content(run), _assets("start.js"), _FOOTER)


def comparison_page(runs: tuple[RunFacts, ...]) -> str:
    """Page of several runs: one table, one plot, and the networks side by side."""
    shown = Content(_sections(_COMPARED, runs=runs, searched=_searched(runs)), _data({}, runs))
    return _page(f"{len(runs)} runs compared", _COMPARED, shown, _assets("start.js"), _FOOTER)


def single_page(
    title: str, links: Mapping[str, str], sections: Mapping[str, "Markup"], charts: Mapping[str, Chart]
) -> str:
    """A complete page of rendered sections.

    Args:
        title: title of the page.
        links: titles of the sections by identifier.
        sections: rendered sections by identifier.
        charts: charts by the names that the sections use.
    """
    views = {name: chart.views for name, chart in charts.items()}
    shown = Content(dict(sections), {"config": chart_config(), "charts": views, "explorer": None})
    return _page(title, links, shown, _assets("start.js"), _FOOTER)


def live_page(links: Mapping[str, str]) -> tuple[str, str]:
    """A page that requests its content from its server (``LivePage``), and its content security policy.

    Args:
        links: titles of the future sections by identifier.
    """
    assets = _assets("live.js", connect="'self'")
    return _page("Live page", links, Content({"live": render("live.html")}, {}), assets, _LIVE_FOOTER), assets.policy


def content(run: RunFacts) -> Content:
    """Content of a run's page."""
    drawn = charts(run)
    return Content(_sections(_shown(run), run=run, drawn=drawn, searched=_searched((run,))), _data(drawn, (run,)))


def _shown(run: RunFacts) -> dict[str, str]:
    """The sections of a run; the design section only if ``design`` made the run."""
    return {key: title for key, title in SECTIONS.items() if key != "design" or run.design is not None}


def _sections(titles: Mapping[str, str], **values: Any) -> dict[str, "Markup"]:
    return {
        key: render(f"sections/{key}.html", id=key, title=title, **_TABLES, **values) for key, title in titles.items()
    }


def _searched(runs: tuple[RunFacts, ...]) -> bool:
    return any(run.candidates for run in runs)


def _data(drawn: Mapping[str, Chart], runs: tuple[RunFacts, ...]) -> dict[str, Any]:
    views = {name: chart.views for name, chart in drawn.items()}
    return {"config": chart_config(), "charts": views, "explorer": explorer_document(runs)}


@dataclass(frozen=True)
class _Assets:
    """Style and script of a page, and a content security policy that allows only these."""

    style: "Markup"
    script: "Markup"
    policy: str


@cache
def _assets(start: str, connect: str = "'none'") -> _Assets:
    """Assemble the style, the script and the policy of a page.

    Args:
        start: resource that starts the script.
        connect: allowed connections of the script, as a source of a content security policy.
    """
    style = trusted(style_sheet() + resource("page.css"))
    own = "".join(map(resource, (*_SCRIPTS, start)))
    script = trusted(f'(() => {{\n"use strict";\n{{\n{resource("vega.js")}}}\n{own}}})();\n')
    # A second barrier besides escaping: only this script and this style run, and nothing else is fetched or sent.
    policy = (
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        f"connect-src {connect}",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return _Assets(style, script, "; ".join(policy))


def _page(title: str, links: Mapping[str, str], shown: Content, assets: _Assets, footer: str) -> str:
    return render(
        "page.html",
        title=title,
        links=links,
        sections=shown.sections.values(),
        data=shown.data,
        assets=assets,
        footer=footer,
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
