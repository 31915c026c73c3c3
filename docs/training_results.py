"""The generated part of ``training-results.md``: every result of ``benchmarks/accuracy.py``."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from page_parts import between, table

_PAGE = Path(__file__).parent / "training-results.md"
_RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
_HEAD = (
    "result", "random seed", "weight bits", "epochs", "test accuracy (95 % interval)", "training time", "processor",
    "weights", "area", "energy", "energy at measured activity",
)  # fmt: skip


def training_results() -> str:
    """The page in Markdown, with the generated table and learning curves between their marks."""
    results = {
        path.stem.removeprefix("accuracy-"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(_RESULTS.glob("accuracy-*.json"), key=lambda path: path.stem)
    }
    rows = (_row(name, result, one) for name, result in results.items() for one in result["rows"])
    page = between("results", table(_HEAD, rows), _PAGE.read_text(encoding="utf-8"))
    return between("learning curves", "\n".join(line for one in results.items() for line in _section(*one)), page)


def _row(name: str, result: dict[str, Any], one: dict[str, Any]) -> tuple[str, ...]:
    low, high = (f"{100 * limit:.1f}" for limit in one["interval_95"])
    cost, measured = one["cost"], one["cost_at_trace"]
    return (
        f"[{name}](#{name})",
        f"{one['seed']}",
        f"{_bits(one)}",
        f"{len(one['curve'])}",
        f"**{one['test_accuracy']:.1%}** ({low} to {high})".replace("%", " %"),
        f"{one['seconds'] / 60:.0f} min",
        one.get("machine", result["machine"])["kernels"].split(", ")[1],
        f"{cost['parameters']:,}",
        f"{cost['area_mm2']:.1f} mm²",
        f"{cost['energy_uj']:.0f} µJ",
        f"{measured['energy_uj']:.0f} µJ" if measured else "–",
    )


def _bits(one: dict[str, Any]) -> str:
    """Weight bits of a training, after those of the network from which it started."""
    return f"{one['tuned_from_bits']} → {one['weight_bits']}" if "tuned_from_bits" in one else f"{one['weight_bits']}"


def _section(name: str, result: dict[str, Any]) -> Iterator[str]:
    """Command, network and learning curves of one result."""
    yield f"### {name}\n"
    yield "<!-- not run: it trains for many minutes -->\n```sh"
    yield from (_wrapped(command) for command in result["command"].split("; "))
    yield "```\n"
    yield f"- Network: `{result['architecture']}`, T = {result['timesteps']}."
    if "now_add" in result:
        yield f"- Defaults have changed since; to repeat this result, add `{result['now_add']}`."
    if "note" in result:
        yield f"- Note: {result['note']}."
    for one in result["rows"]:
        curve = ", ".join(f"{100 * epoch['validation_accuracy']:.1f}" for epoch in one["curve"])
        which = f"{_bits(one)} bits, random seed {one['seed']}"
        yield f"- Validation accuracy after each epoch, in percent ({which}): {curve}."
    yield ""


def _wrapped(command: str) -> str:
    """The command in lines of at most 110 characters, with each option on the same line as its value."""
    joined = re.sub(r"(--\S+) (?!--)", "\\1\0", command)
    lines = wrap(joined, 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(lines).replace("\0", " ")
