"""Equations of the cost models: from the docstrings of their functions to Markdown with LaTeX."""

import inspect
import re
from collections.abc import Callable

_TOKEN = re.compile(r"\s*(>=|[-+*/^=(),]|\d+(?:\.\d+)?|[A-Za-z][\w.-]*)")
_SIGNS = {"*": r" \cdot ", "/": " / ", "+": " + ", "-": " - ", ",": ", ", ">=": r" \ge ", "=": " = "}
_FUNCTIONS = {"ceil": (r"\lceil ", r" \rceil"), "min": (r"\min(", ")"), "max": (r"\max(", ")")}


def equation(formula: str) -> str:
    r"""LaTeX of a formula in a docstring.

    ``k^2 * ceil(C_in / X)`` becomes ``k^{2} \cdot \lceil C_{\text{in}} / X \rceil``; successive words remain words.
    """
    tokens = _TOKEN.findall(formula)
    if "".join(tokens) != "".join(formula.split()):
        raise ValueError(
            f"'{formula}' holds a sign that no equation has; expected words, numbers and + - * / ^ = >= ( ) ,"
        )
    latex, place = "", 0
    while place < len(tokens):
        piece, place = _piece(tokens, place)
        latex += piece
    return " ".join(latex.split())


def _piece(tokens: list[str], place: int) -> tuple[str, int]:
    """LaTeX of the sign, number, words or call at this position, and the position after it."""
    sign = tokens[place]
    if sign == "^":
        power, place = _piece(tokens, place + 1)
        return f"^{{{power}}}", place
    if sign in _FUNCTIONS:
        opening, closing = _FUNCTIONS[sign]
        inner, place = _until_closed(tokens, place + 2)
        return f"{opening}{inner}{closing}", place
    if sign == "(":
        inner, place = _until_closed(tokens, place + 1)
        return f"({inner})", place
    if not sign[0].isalpha():
        return _SIGNS.get(sign, sign), place + 1
    end = place + 1
    while end < len(tokens) and tokens[end][0].isalpha() and tokens[end] not in _FUNCTIONS:
        end += 1
    space = r"\ " if place and tokens[place - 1] not in _SIGNS and tokens[place - 1] not in "(^" else ""
    return space + r"\ ".join(map(_name, tokens[place:end])), end


def _until_closed(tokens: list[str], place: int) -> tuple[str, int]:
    inner = ""
    while tokens[place] != ")":
        piece, place = _piece(tokens, place)
        inner += piece
    return inner, place + 1


def _name(name: str) -> str:
    head, _, index = name.partition("_")
    if len(head) == 1:
        return f"{head}_{{\\text{{{index.replace('_', ' ')}}}}}" if index else head
    return rf"\text{{{re.sub('[._]', ' ', name)}}}"


def term(function: Callable[..., object]) -> str:
    """Convert a docstring whose first line is ``What it is: formula, unit; remark``."""
    first, *rest = (inspect.getdoc(function) or "").split("\n", 1)
    what, _, said = first.partition(": ")
    formula, remark = _split_formula(said)
    text = "".join([f"{what}: ${equation(formula)}$" if formula else what, remark, *(f"\n{more}" for more in rest)])
    return f"**`{function.__name__}`** {text}\n".replace(" * ", " · ").replace("um2", "µm²")


def _split_formula(text: str) -> tuple[str, str]:
    """Split off the formula, which ends at the first comma, semicolon or full stop outside parentheses."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and re.match(r"[,;.](\s|$)", text[place:]):
            return text[:place], text[place:]
    return text, ""
