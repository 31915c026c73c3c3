"""Line charts as SVG, in the colours of the style sheet."""

from collections.abc import Sequence
from math import ceil, floor, log10

from neuronas.report.curves import Curves
from neuronas.report.markup import Html, element
from neuronas.report.tables import number

_WIDTH, _HEIGHT = 480, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 38, 40
_N_TICKS = 5


def line_chart(curves: Curves) -> Html:
    """Draw lines over one another, with a legend where there are several; equal colours for equal places."""
    title, drawn = curves.title, curves.drawn
    xs = [x for line in drawn for x, _ in line.points]
    ys = [y for line in drawn for _, y in line.points]
    x_ticks, y_ticks = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
    across = (min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1)
    up = (y_ticks[0], y_ticks[-1])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (x - across[0]) / (across[1] - across[0]) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - (y - up[0]) / (up[1] - up[0]) * (_HEIGHT - _TOP - _BOTTOM),
        )

    grid = [_y_tick(place(across[0], y)[1], f"{number(100 * y)}%" if curves.shares else number(y)) for y in y_ticks]
    grid += [_x_tick(place(value, up[0])[0], value) for value in x_ticks if across[0] <= value <= across[1]]
    paths = [
        element(
            "path", {"class": f"line series-{index}", "d": _path([place(x, y) for x, y in line.points], line.steps)}
        )
        for index, line in enumerate(drawn)
    ]
    legend = [
        element(
            "text", {"class": f"legend series-{index}", "x": _WIDTH - _RIGHT - 110 * (len(drawn) - 1 - index), "y": 18},
            f"— {line.name}",
        )
        for index, line in enumerate(drawn)
        if len(drawn) > 1
    ]  # fmt: skip
    last = ", ".join(f"{line.name} ends at {number(line.points[-1][1])}" for line in drawn)
    return element(
        "svg",
        {"class": "chart", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": f"{title}: {last}"},
        element("text", {"class": "title", "x": 8, "y": 18}, title),
        *grid,
        *paths,
        *legend,
        element("text", {"class": "tick middle", "x": (_LEFT + _WIDTH) / 2, "y": _HEIGHT - 6}, curves.x_title),
    )


def ticks(low: float, high: float) -> list[float]:
    """Round values at equal distances that enclose a range."""
    size = max(abs(low), abs(high))
    if high - low <= max(1e-12 * size, 1e-300):  # equal, but for what floats cannot divide
        room = size / 10 if size > 1e-300 else 0.1
        low, high = low - room, high + room
    rough = (high - low) / _N_TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [step * count for count in range(first, last + 1)]


def _path(points: Sequence[tuple[float, float]], steps: bool) -> str:
    text = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for x, y in points[1:]:
        text.append(f"H{x:.1f}V{y:.1f}" if steps else f"L{x:.1f} {y:.1f}")
    return "".join(text)


def _y_tick(y: float, label: str) -> Html:
    line = element("path", {"class": "grid", "d": f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"})
    text = element("text", {"class": "tick end", "x": _LEFT - 6, "y": round(y + 4, 1)}, label)
    return element("g", {}, line, text)


def _x_tick(x: float, value: float) -> Html:
    return element("text", {"class": "tick middle", "x": round(x, 1), "y": _HEIGHT - _BOTTOM + 16}, number(value))
