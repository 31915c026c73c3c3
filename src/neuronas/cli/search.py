"""``neuronas search``: find the fittest architecture that breaks no budget."""

from neuronas.api.compose import Plan
from neuronas.api.search import SearchResult, plan_search
from neuronas.cli import console, options
from neuronas.cli.fronts import print_front
from neuronas.cli.progress import SearchProgress
from neuronas.cli.serving import Port, Serve, served
from neuronas.cli.tables import printable
from neuronas.config import read_json
from neuronas.errors import ConfigurationError
from neuronas.hardware.units import quantity
from neuronas.report.cost_tables import budget_table
from neuronas.runs.directory import CONFIG, LOG
from neuronas.search.survey import FRONT

_SHOWING = {"as_json", "quiet", "serve", "port"}  # options that are no settings of the run


def search(
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    download: options.Download = False,
    image_side: options.ImageSide = None,
    skip_corrupt: options.SkipCorrupt = None,
    batch_size: options.BatchSize = None,
    space: options.SpaceName = None,
    algorithm: options.AlgorithmName = None,
    fitness: options.FitnessName = None,
    exact: options.Exact = None,
    chip_fitness: options.ChipFitness = False,
    chips: options.FitnessChips = None,
    n_draws: options.NDraws = None,
    population: options.Population = None,
    prefer: options.Prefer = None,
    channels: options.Channels = None,
    head: options.Head = None,
    timesteps: options.Timesteps = None,
    weight_bits: options.WeightBits = None,
    rounding: options.Rounding = None,
    hardware: options.Hardware = None,
    cost_model: options.CostModelName = None,
    schedule: options.Schedule = None,
    replication: options.Replication = None,
    activity: options.Activity = None,
    firing_rate: options.FiringRate = None,
    trace: options.Trace = None,
    max_parameters: options.MaxParameters = None,
    max_area_mm2: options.MaxArea = None,
    max_latency_ms: options.MaxLatency = None,
    max_energy_uj: options.MaxEnergy = None,
    config: options.Config = None,
    seed: options.Seed = None,
    device: options.Device = None,
    engine: options.Engine = None,
    memory_limit: options.MemoryLimit = None,
    workers: options.Workers = None,
    cluster: options.Cluster = None,
    out: options.Out = None,
    resume: options.Resume = False,
    dry_run: options.DryRun = False,
    serve: Serve = False,
    port: Port = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find the fittest spiking network that fits all budgets. Without options: on the embedded digits."""
    if chips is not None and not chip_fitness:
        raise ConfigurationError("--chips given without --chip-fitness; add it to judge candidates on simulated chips")
    chips = (chips or 1) if chip_fitness else None
    given = {
        name: value
        for name, value in locals().items()
        if name not in {"config", "out", "resume", "dry_run", "download", "chip_fitness", *_SHOWING}
    }
    planned = plan_search(given, config=config, out=out, resume=resume)
    if not quiet:
        console.note_unread(planned.plan.config.hardware)
    if dry_run:
        _print_plan(planned.plan, as_json=as_json)
        return
    directory = planned.directory
    try:
        with served(directory, serve=serve, port=port, quiet=quiet), SearchProgress(quiet=quiet) as progress:
            result = planned.run(progress, download=download)
    except KeyboardInterrupt:
        if not quiet and (directory / CONFIG).is_file():
            console.notes.print(f"everything so far is kept; go on with: neuronas search --resume --out {directory}")
        raise
    if result.was_finished and not quiet:
        console.notes.print(f"note: the search in {directory} had come to its end before; this is its answer")
    if as_json:
        console.print_json(result.document)
    elif quiet:
        console.answers.print(result.text)
    else:
        if result.plan.algorithm.surveys:
            print_front(read_json(directory / FRONT))
        _print_answer(result)


def _print_plan(run: Plan, *, as_json: bool) -> None:
    document = {
        "dry_run": True,
        "settings": run.config.model_dump(mode="json"),
        "n_genotypes": run.space.n_genotypes,
        "n_architectures": run.space.n_architectures,
    }
    if as_json:
        console.print_json(document)
        return
    console.answers.print(
        f"would search {run.config.space} "
        f"({run.space.n_genotypes:,} cells, {run.space.n_architectures:,} architectures) "
        f"with {run.config.search.algorithm} ({run.algorithm.source}) for {run.config.data.name}"
    )
    for name, limit in run.budget.limits.items():
        console.answers.print(f"  {name}: at most {quantity(name, limit)}")


def _print_answer(result: SearchResult) -> None:
    out, run, found, directory = console.answers, result.plan, result.found, result.directory
    out.print(result.text, style="bold")
    out.print()
    out.print(console.architecture_table(found.architecture, run.shape.n_cells))
    out.print()
    out.print(printable(budget_table(result.cost, run.budget)))
    broken = ", ".join(f"{name} {count:,}" for name, count in found.rejected.items() if count) or "none"
    out.print(
        f"\nfitness {found.fitness:.6g} ({run.config.fitness.name}); {found.n_candidates:,} candidates, "
        f"{found.n_evaluated:,} distinct functions evaluated, {found.n_full:,} on the full batch; "
        f"broke a budget: {broken}"
    )
    if found.failed:
        out.print(
            f"{len(found.failed):,} candidates failed and are left out; {directory / LOG} says why", style="yellow"
        )
    out.print(
        f"{result.document['seconds']:.1f} s, {result.document['peak_memory_mb']:.0f} MB; cost is an estimate of model "
        f"'{run.cost_model.name}' for {run.config.hardware.accelerator}; run: {directory}"
    )
