"""Style of all pictures, on light pages, on dark pages and in papers.

Charts and drawings refer to colours as style sheets do: ``var(--ink)``. A page defines these names, so that its
pictures follow the reader's light or dark setting; figures for papers contain the colours themselves.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

PALETTE = {
    # name: (on light, on dark)
    "page": ("#f6f7f9", "#14181f"),
    "card": ("#ffffff", "#1d232d"),
    "ink": ("#1c2330", "#e6eaf0"),
    "soft": ("#5b6575", "#9aa6b6"),
    "line": ("#d9dee6", "#343d4a"),
    "shade": ("#0003", "#fff3"),
    "note": ("#fff4d6", "#40371c"),
    "accent": ("#0072b2", "#7fb0ff"),
    "good": ("#009e73", "#5cc98d"),
    "bad": ("#d55e00", "#ff8f6b"),
    "point": ("#56b4e9", "#5b9cc9"),
    # Series: Okabe and Ito, Color Universal Design (2008); distinguishable by colour-blind readers.
    "series-0": ("#0072b2", "#7fb0ff"),
    "series-1": ("#e69f00", "#e3b454"),
    "series-2": ("#009e73", "#5cc98d"),
    "series-3": ("#cc79a7", "#e79ac8"),
    "series-4": ("#d55e00", "#ff9f5c"),
    "series-5": ("#56b4e9", "#56cfdb"),
    "series-6": ("#8c8c00", "#c9cc6a"),
}
N_SERIES = 7
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
_NAMED = re.compile(r"var\(--([\w-]+)\)")


def colour(name: str) -> str:
    """Reference to a colour of the palette, as in style sheets, charts and drawings."""
    return f"var(--{name})"


def series(number: int) -> str:
    """Colour of the n-th series, from 0."""
    return colour(f"series-{number % N_SERIES}")


def resolved(picture: str) -> str:
    """A picture as text, SVG or JSON, with the colours for light paper in place of their names."""
    return _NAMED.sub(lambda found: PALETTE[found[1]][0] if found[1] in PALETTE else found[0], picture)


def style_sheet() -> str:
    """CSS rules that define the colours of a page: light, dark, and light in print."""
    light, dark = (
        "".join(f"--{name}: {both[which]}; " for name, both in PALETTE.items()) + f"color-scheme: {scheme};"
        for which, scheme in enumerate(("light", "dark"))
    )
    on_dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    return f":root {{ {light} }}\n{on_dark}\n"


@cache
def chart_config() -> dict[str, Any]:
    """Vega-Lite configuration of all charts; sizes in pixels of a page. The page labels each chart as a whole."""
    return {"font": FONT, **json.loads(resource("charts.json"))}


def resource(name: str) -> str:
    """Text of a style sheet, script or declaration in the package."""
    return files("neuronas.report").joinpath("resources", name).read_text(encoding="utf-8")
