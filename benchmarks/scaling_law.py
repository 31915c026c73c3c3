"""Evaluates the measurements of ``scaling.py``: fitted exponents, tables in the notes and the manual, a picture."""

import sys
from collections.abc import Iterable
from math import inf, log
from pathlib import Path
from typing import Any

from scipy.stats import linregress

from common import save_picture
from neuronas.report.charts import Chart, View, colours, data, name, number
from neuronas.report.style import colour, series

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from page_parts import between, table  # noqa: E402

BASE = {"batch": 32, "channels": 64, "timesteps": 5, "side": 16, "cells": 2, "candidates": 60, "workers": 1}
CHANGES = {
    "batch": (8, 16, 32, 64, 128),
    "channels": (16, 32, 64, 128, 256),
    "timesteps": (2, 3, 5, 10),
    "side": (8, 12, 16, 24, 32),
    "cells": (1, 2, 3, 4),
    "candidates": (15, 30, 60, 120, 240),
    "workers": (1, 2, 4, 8),
}
TITLES = {
    "batch": "batch size", "channels": "channels", "timesteps": "T", "side": "pixels", "cells": "cells",
    "candidates": "candidates", "workers": "workers",
}  # fmt: skip
EXPECTED = {
    "batch": ("1", "every image costs the same"),
    "channels": ("1 to 2", "node passes: 1; convolutions: 2"),
    "timesteps": ("1", "every time step costs the same; only the stem is computed once"),
    "side": ("1", "every pixel costs the same"),
    "cells": ("no power law", "a cell has half the values of the one before and as many products; less is shared"),
    "candidates": ("below 1", "candidates share layers"),
    "workers": ("above −1", "workers repeat what their pieces share, and wait for the last piece"),
}
"""Expected exponent and reason, stated before measuring."""
LABELS = {"avx2": "AVX2", "avx512": "AVX-512 and AMX"}
TIMES = ("processor_s", "wall_s", "work_s")
Axis = dict[str, Any]


def fits(points: Iterable[dict[str, Any]]) -> dict[str, Axis]:
    """Best times along each axis, and the exponent by least squares of log(time) over log(value).

    Args:
        points: lines of ``scaling.py`` for one instruction set.

    Returns:
        By axis: ``rows`` (value, best seconds, number of rounds), ``exponent``, ``standard_error`` and ``r_squared``.
    """
    best: dict[tuple[int, ...], dict[str, float]] = {}
    for point in points:
        known = best.setdefault(tuple(point["setting"].values()), dict.fromkeys(TIMES, inf) | {"rounds": 0})
        known.update({key: min(known[key], point[key]) for key in TIMES}, rounds=known["rounds"] + 1)
    found = {}
    for axis, values in CHANGES.items():
        sizes = [value**2 if axis == "side" else value for value in values]  # pixels
        rows = [best[tuple((BASE | {axis: value}).values())] for value in values]
        fit = linregress([log(size) for size in sizes], [log(row["processor_s"]) for row in rows])
        found[axis] = {
            "rows": [
                {TITLES[axis]: size} | {key: round(value, 3) for key, value in row.items()}
                for size, row in zip(sizes, rows, strict=True)
            ],
            "exponent": round(float(fit.slope), 3),
            "standard_error": round(float(fit.stderr), 3),
            "r_squared": round(float(fit.rvalue) ** 2, 4),
            "expected": EXPECTED[axis][0],
        }
    return found


def tabulate(found: dict[str, dict[str, Axis]]) -> None:
    """Replace the tables between the marks ``scaling`` of the notes and the manual."""
    heads = [LABELS.get(target, target) for target in found]
    short, long = [], []
    for axis in CHANGES:
        exponents = [f"{_signed(one[axis]['exponent'])} ± {one[axis]['standard_error']:.2f}" for one in found.values()]
        rows = next(iter(found.values()))[axis]["rows"]
        seconds = [", ".join(f"{row['processor_s']:.3g}" for row in one[axis]["rows"]) for one in found.values()]
        values = ", ".join(f"{row[TITLES[axis]]:,}" for row in rows)
        expected, why = EXPECTED[axis]
        short.append((TITLES[axis], expected, *exponents))
        long.append((TITLES[axis], values, *seconds, *exponents, expected, why))
    seconds_heads = [f"seconds, {head}" for head in heads]
    long_head = ("time over", "values", *seconds_heads, *heads, "expected", "because")
    _write("benchmarks/NOTES.md", table(long_head, long))
    _write("docs/engine-results.md", table(("time over", "expected", *heads), short))


def _write(file: str, text: str) -> None:
    path = ROOT / file
    path.write_text(between("scaling", text, path.read_text(encoding="utf-8")), encoding="utf-8")


def draw(found: dict[str, dict[str, Axis]]) -> None:
    """Write the picture of the manual: seconds along each axis, both logarithmic, with the fitted power law."""
    seconds = [row["processor_s"] for axes in found.values() for one in axes.values() for row in one["rows"]]
    ticks = [step * 10.0**power for power in range(-3, 5) for step in (1, 2, 5)]
    low, high = max(one for one in ticks if one <= min(seconds)), min(one for one in ticks if one >= max(seconds))
    shown = [one for one in ticks if low <= one <= high]
    views = tuple(_view(axis, {target: axes[axis] for target, axes in found.items()}, shown) for axis in CHANGES)
    save_picture(Chart("Scaling law", views, columns=4, width=1000), "scaling.svg")


def _view(axis: str, found: dict[str, Axis], seconds: list[float]) -> View:
    labels = [LABELS.get(target, target) for target in found]
    rows = [
        {"kernels": label, "value": row[TITLES[axis]], "seconds": row["processor_s"]}
        for label, one in zip(labels, found.values(), strict=True)
        for row in one["rows"]
    ]
    ticks = sorted({row["value"] for row in rows})
    log_x = {"type": "log", "nice": False, "padding": 6}
    log_y = {"type": "log", "nice": False, "domain": [seconds[0], seconds[-1]]}
    encoding = {
        "x": number(
            "value", TITLES[axis], scale=log_x, axis={"values": ticks, "grid": False, "labelOverlap": "parity"}
        ),
        "y": number("seconds", "seconds", scale=log_y, axis={"values": seconds}),
        "color": name("kernels", **colours(labels, [series(place) for place in range(len(labels))])),
    }
    fit = {"regression": "seconds", "on": "value", "method": "pow", "groupby": ["kernels"]}
    exponents = " and ".join(_signed(one["exponent"]) for one in found.values())
    return data(rows) | {
        "height": 150,
        "title": {"text": f"exponent {exponents}", "fontSize": 12, "fontWeight": "normal", "color": colour("ink")},
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "point", "filled": True, "size": 40, "opacity": 1}},
            {"transform": [fit], "mark": {"type": "line", "strokeWidth": 1.5}},
        ],
    }


def _signed(exponent: float) -> str:
    return f"{exponent:.2f}".replace("-", "−")
