"""Tables and sentences on a Pareto front of networks and chips."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from neuronas.hardware.design_space import NETWORK
from neuronas.hardware.units import quantity
from neuronas.report.tables import Table, duration, number, share
from neuronas.runs.design_fronts import DesignFront, DesignPoint, FrontChoice, Purchase
from neuronas.runs.network_setting import setting_values

OBJECTIVES = ("error", "energy_uj", "latency_ms", "area_mm2")
"""Objectives in charts and tables."""
NAMES = {"error": "expected error", "energy_uj": "energy", "latency_ms": "latency", "area_mm2": "area"}
_MORE = {**NAMES, "memory_bits": "memory", "edap": "energy × delay × area"}


def amount(name: str, value: float) -> str:
    """An objective with its unit."""
    if name == "error":
        return share(value)
    return f"{value / 8 / 1024:,.4g} KiB" if name == "memory_bits" else quantity(name, value)


def answer(front: DesignFront) -> tuple[tuple[str, str], ...]:
    """The chosen design, and the designs it was chosen from."""
    one, excluded = front.chosen, sum(front.excluded.values())
    costs = ", ".join(amount(name, getattr(one, name)) for name in (*OBJECTIVES[1:], "memory_bits"))
    rules = "; ".join(f"{n:,} with {rule}" for rule, n in front.excluded.items())
    return (
        ("network", f"{one.setting.text}: {one.architecture}"),
        ("chip", f"{one.chip}; {front.hardware} otherwise"),
        ("cost", costs),
        ("expected error", expected_error(front, one)),
        ("chosen as", f"{front.prefer} of {front.n_front:,} designs on the front"),
        (
            "covered",
            f"{front.n_covered:,} designs: {front.n_costed:,} costed one by one, the others bounded; "
            f"{front.n_feasible:,} of the costed ones keep all limits; {duration(front.seconds)}",
        ),
        ("excluded by rule", f"{excluded:,} combinations of setting and chip{': ' + rules if rules else ''}"),
        (
            "resolution",
            f"of each design left out, the front holds one that is worse by at most {front.resolution:.3g}",
        ),
    )


def expected_error(front: DesignFront, one: DesignPoint) -> str:
    """The expected error of a design, with its interval."""
    interval = front.error_interval(one)
    sure = (
        "not fitted to this data, no interval known"
        if interval is None
        else "90 % interval {} to {}".format(*map(share, interval))
    )
    return f"{share(one.error)} ({sure}; term {front.error_term})"


def commands(front: DesignFront) -> list[str]:
    """Commands for the next steps."""
    place = front.directory
    architecture, settings = (str(place / front.files[name]) for name in ("architecture", "settings"))
    run = str(place / "trained")
    return [
        shlex.join(["neuronas", "train", architecture, "--config", settings, "--out", run]),
        shlex.join(["neuronas", "evaluate", run, "--chip"]),
        shlex.join(["neuronas", "export", run, "--format", "integer"]),
    ]


def extremes(front: DesignFront) -> Table:
    """The chosen design, and the best one by each objective."""
    rows = [
        _row(front.prefer, front.chosen),
        *(_row(f"least {_MORE[name]}", one) for name, one in front.extremes.items()),
    ]
    titles = ("design", *NAMES.values(), "memory", "network", "chip")
    return Table("The chosen design, and the best of each kind", titles, tuple(rows), text_columns=(0, 6, 7))


def _row(name: str, one: DesignPoint) -> tuple[str, ...]:
    return (
        name,
        *(amount(objective, getattr(one, objective)) for objective in (*OBJECTIVES, "memory_bits")),
        one.setting.text,
        one.chip,
    )


def buys(front: FrontChoice) -> Table:
    """Gains in one objective for more of another."""
    titles = ("spend at most", "to get", "namely", "by changing")
    rows = tuple(_purchase(front, one) for one in front.purchases)
    return Table("Gains for more cost, no other objective worse (except memory)", titles, rows, text_columns=(0, 1, 3))


def more_accuracy(front: FrontChoice) -> Iterator[str]:
    """How to get a lower expected error for more of another cost, in sentences."""
    for one in front.purchases:
        if one.objective == "error":
            more, saved, amount_of, changes = _purchase(front, one)
            yield f"for {more}: {saved} ({amount_of}), by changing {changes}"


def _purchase(front: FrontChoice, one: Purchase) -> tuple[str, str, str, str]:
    return (
        f"{one.more:.0%} more {NAMES[one.spent]}",
        f"{one.saved:.1%} less {NAMES[one.objective]}",
        amount(one.objective, getattr(one.design, one.objective)),
        _changes(front.chosen, one.design),
    )


def _changes(own: DesignPoint, other: DesignPoint) -> str:
    left_out = {*OBJECTIVES, "memory_bits", *NETWORK}
    cells = [own.architecture, other.architecture]
    axes: dict[str, list[Any]] = {"architecture": cells, **setting_values([own.setting, other.setting])}
    axes |= {name: [before, getattr(other, name)] for name, before in own if name not in left_out}
    parts = [
        "cells" if name == "architecture" else f"{name.replace('_', ' ')} {before} to {after}"
        for name, (before, after) in axes.items()
        if before != after
    ]
    return ", ".join(parts)


def explained(front: DesignFront) -> Table:
    """Share of the variance that axes of the chip explain, each alone and together."""
    rows = [("each axis alone", *(share(front.explained[name]) for name in OBJECTIVES))]
    rows += [(pair, *(share(shares[name]) for name in OBJECTIVES)) for pair, shares in front.interactions.items()]
    titles = ("axes of the chip", *NAMES.values())
    return Table("Share of the variance over chips (of logarithms) that axes explain", titles, tuple(rows))


def shown(front: DesignFront, members: Sequence[DesignPoint]) -> str:
    """Number of designs in the charts."""
    return f"{len(members):,} of {front.n_front:,} designs on the front; front.csv has all of them."


def factor(value: float) -> str:
    """Readable form of a factor."""
    return f"× {number(value)}"
