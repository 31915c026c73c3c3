"""``neuronas evaluate RUN --chip``: how chips are shown to people."""

from neuronas.cli import console
from neuronas.cli.tables import printable
from neuronas.report.accuracy_tables import (
    ablation_table,
    chip_accuracy,
    chip_layer_table,
    remedy_table,
    times_table,
)
from neuronas.report.tables import share
from neuronas.runs.chip_evaluations import ChipEvaluation


def print_chips(chips: ChipEvaluation, *, quiet: bool) -> None:
    """Show an evaluation on simulated chips to people."""
    out, interval, unrounded = console.answers, "", ""
    if chips.float_network_top1 is not None:
        unrounded = f", {share(chips.float_network_top1)} with float weights"
    if chips.top1_interval_95:
        low, high = map(share, chips.top1_interval_95)
        interval = f" (95 % interval of the mean {low} to {high})"
    out.print(
        f"top-1 {chip_accuracy(chips)} on {chips.n_chips} simulated {'chips' if chips.n_chips > 1 else 'chip'}"
        f"{chips.when}{interval}; {share(chips.quantised_network_top1)} without non-idealities{unrounded} "
        f"({chips.n_images:,} test images of {chips.dataset})",
        style="bold",
    )
    if any(one.extrapolated for one in chips.times):
        console.notes.print("extrapolated: the device was not measured so long after programming")
    if quiet:
        return
    names = ", ".join(chips.model.non_idealities) or "no non-ideality"
    out.print(f"{chips.hardware} with {names}; {chips.seconds:g} s")
    if len(chips.times) > 1:
        out.print(printable(times_table(chips.times)))
    out.print(printable(chip_layer_table(chips.layers)))
    if chips.ablation:
        out.print(printable(ablation_table(chips.ablation)))
    if chips.verdict:
        if chips.verdict.remedies:
            out.print(printable(remedy_table(chips.verdict)))
        out.print(f"verdict: {chips.verdict.text}", style="bold")
