"""The whole page: style, content, data and script in one file that asks the network for nothing."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from neuronas.report.answer import answer_section, asked_section, progress_section, rejected_section
from neuronas.report.charts import Chart
from neuronas.report.comparison import comparison_section
from neuronas.report.costs import costs_section, floorplan_section
from neuronas.report.explorer import explorer_document, explorer_section
from neuronas.report.facts import RunFacts
from neuronas.report.learning import chip_section, evaluation_section, training_section
from neuronas.report.markup import Html, element, join, script_json
from neuronas.report.pictures import charts
from neuronas.report.provenance import provenance_section, reproduce_section
from neuronas.report.style import chart_config, style_sheet
from neuronas.version import __version__

_SCRIPTS = ("charts.js", "explorer.js", "page.js")
LINKS = {
    "asked": "asked",
    "answer": "answer",
    "candidates": "candidates",
    "rejected": "rejected",
    "progress": "progress",
    "costs": "cost",
    "floorplan": "floorplan",
    "training": "training",
    "evaluation": "evaluation",
    "chip": "chips",
    "provenance": "provenance",
    "reproduce": "reproduce",
}
"""Identifiers of a run's sections, and what the navigation calls them."""
_FOOTER = f"Written by neuronas {__version__}. This file is complete: it needs no network."
_LIVE_FOOTER = f"Shown by neuronas {__version__}, on this machine only."


@dataclass(frozen=True)
class Content:
    """What a page shows: its sections by identifier, and the data of its charts and of its explorer."""

    sections: dict[str, Html]
    data: dict[str, Any]


def report_page(run: RunFacts) -> str:
    """One run, in full."""
    return _page(f"Run {run.name}", LINKS, content(run), _assets("start.js"), _FOOTER)


def comparison_page(runs: tuple[RunFacts, ...]) -> str:
    """Several runs: one table, one plot, the cells side by side."""
    sections = {"runs": comparison_section(runs), "candidates": explorer_section(runs)}
    shown = Content(sections, _data({}, runs))
    return _page(f"{len(runs)} runs compared", {name: name for name in sections}, shown, _assets("start.js"), _FOOTER)


def live_page() -> tuple[str, str]:
    """A page without content, which asks its server for that (``live.LiveRun``), and its content security policy."""
    status = element("p", {"id": "live", "class": "live"}, "Asking neuronas …")
    assets = _assets("live.js", connect="'self'")
    return _page("Live page", LINKS, Content({"live": status}, {}), assets, _LIVE_FOOTER), assets.policy


def content(run: RunFacts) -> Content:
    """What a run's page shows."""
    drawn = charts(run)
    sections = {
        "asked": asked_section(run),
        "answer": answer_section(run, drawn),
        "candidates": explorer_section((run,)),
        "rejected": rejected_section(run),
        "progress": progress_section(run, drawn),
        "costs": costs_section(run, drawn),
        "floorplan": floorplan_section(run),
        "training": training_section(run, drawn),
        "evaluation": evaluation_section(run, drawn),
        "chip": chip_section(run, drawn),
        "provenance": provenance_section(run),
        "reproduce": reproduce_section(run),
    }
    return Content(sections, _data(drawn, (run,)))


def _data(drawn: Mapping[str, Chart], runs: tuple[RunFacts, ...]) -> dict[str, Any]:
    views = {name: chart.views for name, chart in drawn.items()}
    return {"config": chart_config(), "charts": views, "explorer": explorer_document(runs)}


@dataclass(frozen=True)
class _Assets:
    """Style and script of a page, and a policy that lets only these work."""

    style: Html
    script: Html
    policy: str


@cache
def _assets(start: str, connect: str = "'none'") -> _Assets:
    """Put a page's script together.

    Args:
        start: the resource that starts it.
        connect: where the script may ask for more, in the words of a content security policy.
    """
    style = Html(style_sheet() + _resource("page.css"))
    own = "".join(map(_resource, (*_SCRIPTS, start)))
    script = Html(f'(() => {{\n"use strict";\n{{\n{_resource("vega.js")}}}\n{own}}})();\n')
    # A second lock behind the escaping: only this script and this style work, and nothing else is fetched or sent.
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
    head = element(
        "head",
        {},
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{assets.policy}">'),
        Html('<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'),
        element("title", {}, f"{title} – neuronas"),
        element("style", {}, assets.style),
    )
    navigation = element(
        "nav", {"aria-label": "sections"}, *(element("a", {"href": f"#{key}"}, text) for key, text in links.items())
    )
    body = element(
        "body",
        {},
        element("header", {}, element("h1", {}, title), navigation),
        element("noscript", {}, "Charts need JavaScript, which is off."),
        element("main", {}, *shown.sections.values()),
        element("footer", {}, footer),
        script_json("data", shown.data),
        element("script", {}, assets.script),
    )
    return join(Html("<!DOCTYPE html>\n"), element("html", {"lang": "en"}, head, body), "\n")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _resource(name: str) -> str:
    return files("neuronas.report").joinpath("resources", name).read_text(encoding="utf-8")
