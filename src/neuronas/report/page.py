"""The whole page: style, content, data and script in one file that asks the network for nothing."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from neuronas.report.answer import answer_section, asked_section, progress_section, rejected_section
from neuronas.report.comparison import comparison_section
from neuronas.report.costs import costs_section, floorplan_section
from neuronas.report.explorer import explorer_section
from neuronas.report.facts import RunFacts
from neuronas.report.learning import chip_section, evaluation_section, training_section
from neuronas.report.markup import Html, element, join
from neuronas.report.provenance import again_section, provenance_section
from neuronas.version import __version__

_SCRIPTS = ("plot.js", "explorer.js", "page.js")
_LINKS = {
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
    "again": "again",
}


def report_page(run: RunFacts) -> str:
    """One run, in full."""
    sections = (
        asked_section(run),
        answer_section(run),
        explorer_section((run,)),
        rejected_section(run),
        progress_section(run),
        costs_section(run),
        floorplan_section(run),
        training_section(run),
        evaluation_section(run),
        chip_section(run),
        provenance_section(run),
        again_section(run),
    )
    return _page(f"Run {run.name}", _LINKS, sections)


def comparison_page(runs: tuple[RunFacts, ...]) -> str:
    """Several runs: one table, one plot, the cells side by side."""
    sections = (comparison_section(runs), explorer_section(runs))
    return _page(f"{len(runs)} runs compared", {"runs": "runs", "candidates": "candidates"}, sections)


def _page(title: str, links: dict[str, str], sections: tuple[Html, ...]) -> str:
    style = Html(_resource("page.css"))
    script = Html("(() => {\n" + '"use strict";\n' + "".join(map(_resource, _SCRIPTS)) + "})();\n")
    # A second lock behind the escaping: only this script runs, and nothing can be fetched or sent.
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            f"script-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    head = element(
        "head",
        {},
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'),
        element("title", {}, f"{title} – neuronas"),
        element("style", {}, style),
    )
    navigation = element(
        "nav", {"aria-label": "sections"}, *(element("a", {"href": f"#{key}"}, text) for key, text in links.items())
    )
    body = element(
        "body",
        {},
        element("header", {}, element("h1", {}, title), navigation),
        element("main", {}, *sections),
        element("footer", {}, f"Written by neuronas {__version__}. This file is complete: it needs no network."),
        element("script", {}, script),
    )
    return join(Html("<!DOCTYPE html>\n"), element("html", {"lang": "en"}, head, body), "\n")


def _resource(name: str) -> str:
    return files("neuronas.report").joinpath("resources", name).read_text(encoding="utf-8")
