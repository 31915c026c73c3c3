"""``neuronas evaluate RUN [--twin] [--integer]``, or ``--chip``: a trained run on test images, or on chips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronas.cli import console, options as opt
from neuronas.cli.options import given_flags
from neuronas.cli.progress import ProgressBar
from neuronas.config import as_path, precision_text
from neuronas.errors import ConfigurationError, counted

if TYPE_CHECKING:
    from neuronas.runs.chip_evaluations import ChipEvaluation
    from neuronas.runs.costs import CostSummary
    from neuronas.runs.evaluations import Evaluation

_CHIP = "Chip simulation"


@opt.with_settings("evaluate")
def evaluate(
    run: Annotated[
        Path,
        typer.Argument(
            parser=as_path,
            metavar="RUN",
            help="Directory of a trained run; with --chip also your own network: an .onnx or .nir file.",
        ),
    ],
    options: dict[str, Any],
    chip: Annotated[bool, opt.option("Measure accuracy on simulated chips \\[off].", "--chip", panel=_CHIP)] = False,
    twin: Annotated[
        bool,
        opt.option(
            "Compare it with its artificial twin on the same chip; trains the twin in RUN-twin first \\[off].",
            "--twin",
        ),
    ] = False,
    integer: Annotated[
        bool,
        opt.option("Also measure the integer-only network that export writes as C and Verilog \\[off].", "--integer"),
    ] = False,
    own_precision: Annotated[
        bool,
        opt.option("Measure at the run's own precision only, in an eighth of the time \\[off].", "--own-precision"),
    ] = False,
    dt_s: Annotated[
        float | None,
        opt.option(
            "Length of a time step for a NIR file that does not state it \\[0.0001].",
            "--dt",
            panel=_CHIP,
            metavar="SECONDS",
        ),
    ] = None,
    out: Annotated[
        Path | None, opt.path("DIR", "Directory for chips/NAME.json of your own network \\[not written].")
    ] = None,
    assignments: opt.Set = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.estimating.own_network import is_own_network
    from neuronas.api.evaluating.chip import evaluate_on_chips
    from neuronas.api.evaluating.evaluate import evaluate as measure
    from neuronas.machine import keep_freed_memory

    keep_freed_memory()
    if not chip:
        flags = given_flags(options, "evaluate", "chip")
        flags += [flag for flag, value in (("--dt", dt_s), ("--out", out)) if value is not None]
        if flags:
            raise ConfigurationError(f"{flags[0]} given without --chip; add --chip to simulate chips")
    if chip:
        for flag, value in (("--integer", integer), ("--twin", twin), ("--own-precision", own_precision)):
            if value:
                raise ConfigurationError(f"{flag} given with --chip; expected one of them")
        try:
            with ProgressBar(quiet=quiet) as progress:
                chips = evaluate_on_chips(
                    run, out=out, dt_s=dt_s, assignments=assignments or (), observer=progress, **options
                )
        except KeyboardInterrupt:
            if not quiet and (out is not None or not is_own_network(run)):
                console.notes.print("finished chips are kept; the same command continues")
            raise
        if as_json:
            console.print_json(chips)
        else:
            _print_chips(chips, quiet=quiet)
        return
    with ProgressBar(quiet=quiet) as progress:
        try:
            found = measure(
                run,
                twin=twin,
                integer=integer,
                own_precision=own_precision,
                assignments=assignments or (),
                observer=progress,
                **options,
            )
        except KeyboardInterrupt:
            if twin and not quiet:
                console.notes.print("the twin's training is kept up to its last checkpoint; the same command continues")
            raise
    if as_json:
        console.print_json(found)
    else:
        _print(found, quiet=quiet)


def _print(document: "Evaluation", *, quiet: bool) -> None:
    from neuronas.cli.tables import printable
    from neuronas.report.accuracy_tables import decisions_table, precision_table, rates_table, twin_table

    out = console.answers
    low, high = document.interval_95(document.top1)
    top5 = f", top-5 {document.top5:.2%}" if document.says_top5 else ""
    out.print(
        f"top-1 {document.top1:.2%}{top5} at {precision_text(document.weight_bits)} "
        f"({document.n_images:,} test images of {document.dataset}; 95 % interval of top-1 {low:.1%} to {high:.1%})",
        style="bold",
    )
    if document.integer is not None:
        out.print(document.integer.text)
    if document.twin is not None:
        out.print(document.twin.text)
    if quiet:
        return
    if document.twin is not None:
        out.print(printable(twin_table(document.twin)))
    out.print(printable(precision_table(document.accuracy_by_bits)))
    if document.decisions is not None:
        out.print(printable(decisions_table(document.decisions)))
        out.print(document.decisions.text)
    if document.spiking:
        out.print(printable(rates_table(document.firing_rates)))
        out.print(
            f"{document.spikes_per_image:,.0f} spikes and {document.synaptic_operations_per_image:,.0f} synaptic "
            f"operations per image, {document.multiplications_per_image:,.0f} multiplications"
        )
    cost, traced = document.cost, document.cost_at_trace
    at_trace = f", {_energy(traced)} by model '{traced.cost_model}' at these spikes" if traced else ""
    out.print(
        f"energy: {document.literature_energy_uj:.4g} µJ by the literature's 0.9 and 4.6 pJ per operation; on "
        f"{cost.hardware} {_energy(cost)} by model '{cost.cost_model}', {cost.other_model.energy_uj:.4g} µJ by "
        f"model '{cost.other_model.cost_model}'{at_trace}"
    )


def _energy(cost: "CostSummary") -> str:
    """Energy with its interval, if the model has one."""
    from neuronas.hardware.units import with_range

    return with_range("energy_uj", cost.energy_uj, cost.intervals.get("energy_uj"))


def _print_chips(chips: "ChipEvaluation", *, quiet: bool) -> None:
    """Print an evaluation on simulated chips as text."""
    from neuronas.cli.tables import printable
    from neuronas.report.accuracy_tables import (
        ablation_table,
        chip_accuracy,
        chip_layer_table,
        remedy_table,
        times_table,
    )
    from neuronas.report.tables import share

    out, interval, unrounded = console.answers, "", ""
    if chips.float_network_top1 is not None:
        unrounded = f", {share(chips.float_network_top1)} with float weights"
    if chips.top1_interval_95:
        low, high = map(share, chips.top1_interval_95)
        interval = f" (95 % interval of the mean {low} to {high})"
    out.print(
        f"top-1 {chip_accuracy(chips)} on {counted(chips.n_chips, 'simulated chip')}"
        f"{chips.when}{interval}; {share(chips.quantised_network_top1)} without non-idealities{unrounded} "
        f"({chips.n_images:,} test images of {chips.dataset})",
        style="bold",
    )
    if any(one.extrapolated for one in chips.times):
        console.notes.print("extrapolated: the device was not measured so long after programming")
    if quiet:
        return
    names = ", ".join(chips.model.non_idealities) or "no non-ideality"
    out.print(f"{chips.chip} with {names}; {chips.seconds:g} s")
    if len(chips.times) > 1:
        out.print(printable(times_table(chips.times)))
    out.print(printable(chip_layer_table(chips.layers)))
    if chips.ablation:
        out.print(printable(ablation_table(chips.ablation)))
    if chips.verdict:
        if chips.verdict.remedies:
            out.print(printable(remedy_table(chips.verdict)))
        out.print(f"verdict: {chips.verdict.text}", style="bold")
