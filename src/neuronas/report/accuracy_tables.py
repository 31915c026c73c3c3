"""Tables of accuracy by precision, by class, on simulated chips and of an artificial twin; and of firing rates."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from neuronas.config import duration, weights_text
from neuronas.errors import counted
from neuronas.hardware.units import component_name, quantity
from neuronas.report.tables import Table, aligned, number, share
from neuronas.runs.chip_evaluations import (
    ChipAblation,
    ChipAccuracies,
    ChipTime,
    ChipVerdict,
    LayerQuality,
    SimulatedChip,
)
from neuronas.runs.decisions import Decisions, EarlyExit, StepDecision
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.twins import TwinSide, TwinVerdict
from neuronas.space.shape import cell_name

RATE = "spikes per neuron per time step"
MOST_CLASSES = 20
"""Largest number of classes for which the confusion matrix is shown."""
_TWIN_TITLES = ("", "spiking", "artificial twin")
_IN_CELL = re.compile(r"([A-Z])\.(\d)\.lif(?:@(.+?))?(\.delayed)?")
_BEHIND_CELL = re.compile(r"reduction(?:\.(\d+))?\.lif")


def precision_table(accuracy_by_bits: Mapping[str, float]) -> Table:
    """One column for each precision of the weights."""
    titles = tuple(map(precision, accuracy_by_bits))
    return Table("Accuracy by precision", titles, (tuple(map(share, accuracy_by_bits.values())),), text_columns=())


def precision(name: str) -> str:
    """Readable form of a key of ``accuracy_by_bits``."""
    return f"{name} bits" if name.isdecimal() else name


def rates_table(firing_rates: Mapping[str, float]) -> Table:
    """One row for each LIF layer."""
    titles = neuron_titles(firing_rates)
    rows = tuple((titles[name], f"{rate:.3f}") for name, rate in firing_rates.items())
    return Table("Firing rates", ("neurons after", RATE), rows)


def decisions_table(decisions: Decisions) -> Table:
    """One row for each number of time steps after which to decide, and one for the early exit."""
    early = decisions.early_exit
    found: list[tuple[str, StepDecision | EarlyExit]] = [(str(one.timesteps), one) for one in decisions.steps]
    rows = [
        (title, share(one.top1), quantity("energy_uj", one.energy_uj), quantity("latency_ms", one.latency_ms))
        for title, one in [*found, (f"early exit: {early.timesteps:.2f}", early)]
    ]
    titles = ("time steps", "top-1", "energy a decision", "latency")
    return Table("Decisions after each time step, by model mapped at the measured activity", titles, tuple(rows))


def confusion_table(one: Evaluation, names: Sequence[str]) -> Table | None:
    """One row for each true class; None if the evaluation's lists have different lengths.

    Args:
        one: the evaluation.
        names: names of the classes, as far as they are known.
    """
    n = len(one.confusion)
    labels = [f"{label} {name}".rstrip() for label, name in zip_longest(range(n), names[:n], fillvalue="")]
    rows = tuple(
        (label, *(f"{count:,}" if count else "" for count in counts), share(accuracy))
        for label, counts, accuracy in zip(labels, one.confusion, one.per_class, strict=False)
    )
    titles = ("class", *map(str, range(n)), "correct")
    if any(len(row) != len(titles) for row in rows):
        return None
    return Table("Confusion matrix (rows: true class, columns: predicted)", titles, rows, is_matrix=True)


def chip_layer_table(layers: Mapping[str, LayerQuality]) -> Table:
    """Errors that the crossbars cause in the outputs of each layer."""
    noise = aligned([one.snr_db for one in layers.values()])
    rows = tuple(
        (name, text or "no error", share(one.adc_saturation))
        for (name, one), text in zip(layers.items(), noise, strict=True)
    )
    return Table("Layers on the chips", ("layer", "signal to noise in dB", "ADC saturated"), rows)


def ablation_table(rows: Iterable[ChipAblation]) -> Table:
    """Accuracy for each set of non-idealities."""
    cells = tuple((row.name, chip_accuracy(row), share(row.loss), str(row.n_chips)) for row in rows)
    return Table("Accuracy by non-ideality", ("non-idealities", "top-1", "loss", "chips"), cells)


def times_table(times: Iterable[ChipTime]) -> Table:
    """Accuracy at each time after programming."""
    rows = tuple(
        (
            duration(one.after_s) + (" (extrapolated)" if one.extrapolated else ""),
            chip_accuracy(one),
            " to ".join(map(share, one.top1_interval_95)) if one.top1_interval_95 else "not known",
            share(one.loss),
        )
        for one in times
    )
    return Table("Accuracy after programming", ("after", "top-1", "95 % interval of the mean", "loss"), rows)


def remedy_table(verdict: ChipVerdict) -> Table:
    """Accuracy without each non-ideality and with each change of the chip."""
    base, ideal = verdict.top1_mean, verdict.quantised_network_top1
    unchanged = ("unchanged", share(base), "", "")
    perfect = ("no non-ideality", share(ideal), _gain(ideal - base), "")
    causes = [(f"without {one.name}", chip_accuracy(one), _gain(one.top1_mean - base), "") for one in verdict.causes]
    changes = [(one.change, chip_accuracy(one), _gain(one.recovered), one.how) for one in verdict.remedies]
    caption = f"Causes and changes, on {verdict.n_images:,} {verdict.split} images"
    rows = (unchanged, perfect, *causes, *changes)
    return Table(caption, ("chips", "top-1", "points", "how"), rows, text_columns=(0, 3))


def cells_text(chip: SimulatedChip) -> str:
    """The memory cells of a simulated chip: bits, resistances, variation and faults."""
    device = chip.device_model
    errors = f"write variation {share(chip.write_variation)} ({chip.variation})"
    if device is not None:
        errors = f"device model {device.name or device.description}, {duration(chip.after_s)} after programming"
        errors += " with drift compensation" if chip.drift_compensation else ""
    off = "∞" if chip.off_resistance_ohm is None else number(chip.off_resistance_ohm)
    stuck = f", {share(chip.stuck_on_share)} stuck on, {share(chip.stuck_off_share)} stuck off"
    return (
        f"{counted(chip.bits_per_cell, 'bit')}; on {number(chip.on_resistance_ohm)} Ω, "
        f"off {off} Ω; {errors}, "
        f"read noise {share(chip.read_noise)}{stuck if chip.stuck_on_share or chip.stuck_off_share else ''}"
    )


def _gain(value: float) -> str:
    return f"{100 * value:+z.1f}"


def chip_accuracy(chips: ChipAccuracies) -> str:
    """Mean and standard deviation over chips; the latter requires at least two different chips."""
    spread = f" ± {share(chips.top1_std)}" if chips.n_chips > 1 else ""
    return f"{share(chips.top1_mean)}{spread}"


def neuron_titles(names: Iterable[str]) -> dict[str, str]:
    """The node of the drawn cells that each LIF layer follows: ``A in``, ``A node 2``, ``B out``.

    Args:
        names: names from ``Classifier.neurons``, such as ``A.2.lif``; other names are returned unchanged.
    """
    names = list(names)
    n_reductions = sum(bool(_BEHIND_CELL.fullmatch(name)) for name in names)
    return {name: _title(name, last=n_reductions) for name in names}


def _title(name: str, last: int) -> str:
    if found := _IN_CELL.fullmatch(name):
        threshold = f" θ{found[3]}" if found[3] else ""
        delay = " one step before" if found[4] else ""
        return f"{found[1]} {f'node {found[2]}' if int(found[2]) else 'in'}{threshold}{delay}"
    if found := _BEHIND_CELL.fullmatch(name):
        return f"{cell_name(int(found[1] or 1) - 1)} out"
    return f"{cell_name(last)} out" if name == "head.lif" else name


def twin_table(verdict: TwinVerdict) -> Table:
    """Accuracy, energy, latency and area of the spiking network and its artificial twin."""
    both = (verdict.spiking, verdict.artificial)
    costs = {
        "energy at measured activity": ("energy_uj", "energy_uj"),
        "energy, all inputs 1": ("energy_uj", "energy_dense_uj"),
        "latency": ("latency_ms", "latency_ms"),
        "area": ("area_mm2", "area_mm2"),
    }
    rows = (
        ("top-1", *(_twin_accuracy(verdict, side) for side in both)),
        ("between layers", f"spikes, {verdict.timesteps} time steps", f"{verdict.activation_bits} bits"),
        ("mean firing rate, or share of bits that are 1", *(f"{side.activity:.2%}" for side in both)),
        *(
            (title, *(quantity(unit, getattr(side, name)) for side in both))
            for title, (unit, name) in costs.items()
        ),
    )  # fmt: skip
    caption = f"Artificial twin: {weights_text(verdict.weight_bits)} on {verdict.hardware}, model mapped"
    return Table(caption, _TWIN_TITLES, rows)


def twin_energy_table(verdict: TwinVerdict) -> Table:
    """Energy of both networks by component, in descending order for the spiking network."""
    spiking, artificial = verdict.spiking.energy_components, verdict.artificial.energy_components
    names = sorted(spiking, key=spiking.__getitem__, reverse=True)
    columns = [aligned([side[name] for name in names]) for side in (spiking, artificial)]
    rows = tuple((component_name(name), *cells) for name, *cells in zip(names, *columns, strict=True))
    return Table("Energy at measured activity in µJ", _TWIN_TITLES, rows)


def _twin_accuracy(verdict: TwinVerdict, side: TwinSide) -> str:
    low, high = verdict.interval_95(side)
    return f"{share(side.top1)} ({share(low)} to {share(high)})"
