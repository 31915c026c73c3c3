"""Tables of a design: its result, the cost of alternative settings, and the settings it was chosen from."""

from collections.abc import Iterator

from neuronas.errors import counted
from neuronas.hardware.units import BUDGETED, quantity, word
from neuronas.report.front_tables import more_accuracy
from neuronas.report.tables import Table, duration, number, share
from neuronas.runs.designs import Alternative, DesignResult, SettingChoice


def answer_rows(design: DesignResult) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The result as names with findings: design, accuracy, loss on the chip, reason, and how to get more accuracy."""
    return (*((name, (finding,)) for name, finding in _answer(design)), *_reasons(design))


def _reasons(design: DesignResult) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "why this one", design.reason
    yield "more accuracy", tuple(_buys(design))


def _answer(design: DesignResult) -> Iterator[tuple[str, str]]:
    cost = design.cost
    yield "network", f"{design.setting.text}; {cost.parameters:,} weights; on {cost.hardware}"
    yield "test accuracy", f"{design.test_accuracy.text} on {design.n_test:,} images"
    yield "in integers", design.integer.text if design.integer else f"not computed: {design.integer_left_out}"
    if design.chip_accuracy is not None and design.chip_loss is not None:
        points = round(100 * design.chip_loss, 1)
        yield (
            "on the chip",
            f"{design.chip_accuracy.text}, mean of {counted(design.n_chips, 'simulated chip')}: {abs(points):.1f} "
            f"points {'lost' if points >= 0 else 'gained'}",
        )
    else:
        yield "on the chip", f"not simulated: {design.chips_left_out}"
    yield "verdict", design.verdict


def _buys(design: DesignResult) -> Iterator[str]:
    """How to get more accuracy, and the obstacles."""
    if design.front is not None:
        found = list(more_accuracy(design.front))
        yield from found or ["no design of the front has a lower expected error for up to 50 % more of one cost"]
        return
    larger = [one for one in design.alternatives if one.is_larger]
    if not larger:
        yield "the largest setting there is"
    for one in larger:
        what = (
            f"{changed(design, one)} for {quantity('energy_uj', one.energy_uj)}, {quantity('area_mm2', one.area_mm2)}"
        )
        if one.needs:
            yield f"{what}: needs {one.needs}"
        elif one.is_offered:
            yield f"{what}: within the budget, but this setting was trained and did not win, or was not searched"
        else:
            yield f"{what}: within the budget; {_choice_of(design, one)} offers it"


def changed(design: DesignResult, one: Alternative) -> str:
    """Readable form of the axis in which an alternative differs from the answer."""
    if one.setting.channels != design.channels:
        return f"{one.setting.channels} channels"
    if one.setting.timesteps != design.timesteps:
        return f"T = {one.setting.timesteps}"
    return f"{one.setting.weight_bits} bits"


def _choice_of(design: DesignResult, one: Alternative) -> str:
    """The option that makes an alternative available."""
    axes = design.choice.axes
    for name, flag in (("channels", "channels"), ("timesteps", "timesteps"), ("weight_bits", "weight-bits")):
        value = getattr(one.setting, name)
        if value != getattr(design, name):
            return f"--{flag}-choices {','.join(map(str, (*reversed(getattr(axes, name)), value)))}"
    raise ValueError("an alternative with the answer's own setting given; expected another")


def alternatives_table(design: DesignResult) -> Table:
    """The answer's cells with one axis increased or decreased, and the cost of each.

    The limits of a design that goes on from a front are the chosen design's cost, which no option raises.
    """
    own = design.cost
    rows = [("the answer", *(quantity(name, getattr(own, name)) for name in BUDGETED), "chosen")]
    alerts: list[tuple[int, int]] = []
    for number_of, one in enumerate(design.alternatives, start=1):
        fits = "costs more than the chosen design" if one.needs and design.front else one.needs or "fits"
        costs = (quantity(name, getattr(one, name)) for name in BUDGETED)
        rows.append((f"{changed(design, one)}", *costs, fits))
        broken = [name for name in BUDGETED if f"--max-{name.replace('_', '-')}" in one.needs.split()]
        alerts += [(number_of, 1 + BUDGETED.index(name)) for name in broken]
    titles = ("same cells, but", *map(word, BUDGETED), "budget")
    return Table("One axis changed", titles, tuple(rows), text_columns=(0, len(titles) - 1), alerts=alerts)


def contenders_table(choice: SettingChoice) -> Table:
    """The non-dominated settings, in the order in which they are searched."""
    rows = tuple(
        (
            one.setting.text,
            share(one.share),
            number(one.fitness),
            *(quantity(name, getattr(one, name)) for name in BUDGETED),
            "searched" if place < choice.n_searched else "not searched",
        )
        for place, one in enumerate(choice.contenders)
    )
    titles = ("channels, T, bits", "cells that fit", "best fitness", *map(word, BUDGETED), "")
    return Table("Settings", titles, rows, text_columns=(0, len(titles) - 1))


def stages_line(design: DesignResult) -> str:
    """The stages with their times, on one line."""
    stages = ", ".join(f"{one.name} {duration(one.seconds)}" for one in design.stages)
    return f"{duration(design.seconds_in_all)} in all: {stages}"
