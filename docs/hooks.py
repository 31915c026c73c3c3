"""MkDocs hook: convert equations to MathML."""

import re
from html import unescape

from latex2mathml.converter import convert

_EQUATION = re.compile(r'<(?P<tag>span|div) class="arithmatex">(?P<open>\\[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.S)


def on_page_content(html: str, **_: object) -> str:
    """Convert LaTeX to MathML, which browsers render without scripts, fonts or other sites."""
    return _EQUATION.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found["open"] == r"\[" else "inline"
    return convert(unescape(found["latex"]), display=display)
