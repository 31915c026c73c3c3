"""The whole page: style, content, data and script in one file that asks the network for nothing."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from neuronas.report.answer import answer_section, asked_section, progress_section, rejected_section
from neuronas.report.comparison import comparison_section
from neuronas.report.costs import costs_section, floorplan_section
from neuronas.report.explorer import explorer_data, explorer_section
from neuronas.report.facts import RunFacts
from neuronas.report.learning import chip_section, evaluation_section, training_section
from neuronas.report.markup import Html, element, join
from neuronas.report.provenance import again_section, provenance_section
from neuronas.version import __version__

_SCRIPTS = ("plot.js", "limits.js", "explorer.js", "page.js")
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
    "again": "again",
}
"""Identifiers of a run's sections, and what the navigation calls them."""
_FOOTER = f"Written by neuronas {__version__}. This file is complete: it needs no network."
_LIVE_FOOTER = f"Shown by neuronas {__version__}, on this machine only."


def report_page(run: RunFacts) -> str:
    """One run, in full."""
    return _page(
        f"Run {run.name}", LINKS, (*sections(run).values(), explorer_data((run,))), _assets("start.js"), _FOOTER
    )


def comparison_page(runs: tuple[RunFacts, ...]) -> str:
    """Several runs: one table, one plot, the cells side by side."""
    content = (comparison_section(runs), explorer_section(runs), explorer_data(runs))
    links = {"runs": "runs", "candidates": "candidates"}
    return _page(f"{len(runs)} runs compared", links, content, _assets("start.js"), _FOOTER)


def live_page() -> tuple[str, str]:
    """A page without content, which asks its server for that (``live.LiveRun``), and its content security policy."""
    status = element("p", {"id": "live", "class": "live"}, "Asking neuronas …")
    script = element("p", {"class": "needs-script missing"}, "The live page needs JavaScript, which is off.")
    assets = _assets("live.js", connect="'self'")
    return _page("Live page", LINKS, (status, script), assets, _LIVE_FOOTER), assets.policy


def sections(run: RunFacts) -> dict[str, Html]:
    """The parts of a run's page by their identifier, without the data of the plot."""
    return {
        "asked": asked_section(run),
        "answer": answer_section(run),
        "candidates": explorer_section((run,)),
        "rejected": rejected_section(run),
        "progress": progress_section(run),
        "costs": costs_section(run),
        "floorplan": floorplan_section(run),
        "training": training_section(run),
        "evaluation": evaluation_section(run),
        "chip": chip_section(run),
        "provenance": provenance_section(run),
        "again": again_section(run),
    }


@dataclass(frozen=True)
class _Assets:
    """Style and script of a page, and a policy that lets only these work."""

    style: Html
    script: Html
    policy: str


def _assets(start: str, connect: str = "'none'") -> _Assets:
    """Put a page's script together.

    Args:
        start: the resource that starts it.
        connect: where the script may ask for more, in the words of a content security policy.
    """
    style = Html(_resource("page.css"))
    script = Html("(() => {\n" + '"use strict";\n' + "".join(map(_resource, (*_SCRIPTS, start))) + "})();\n")
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


def _page(title: str, links: dict[str, str], content: tuple[str, ...], assets: _Assets, footer: str) -> str:
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
        element("main", {}, *content),
        element("footer", {}, footer),
        element("script", {}, assets.script),
    )
    return join(Html("<!DOCTYPE html>\n"), element("html", {"lang": "en"}, head, body), "\n")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _resource(name: str) -> str:
    return files("neuronas.report").joinpath("resources", name).read_text(encoding="utf-8")
