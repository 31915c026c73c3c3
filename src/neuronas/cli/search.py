"""``neuronas search``: find the fittest architecture that breaks no budget."""

from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from neuronas.api.architectures import architecture_document
from neuronas.api.compose import Plan, plan
from neuronas.api.runs import log, log_to, new_directory
from neuronas.api.workers import computing
from neuronas.api.settings import read_settings
from neuronas.cli import console, options
from neuronas.cli.fronts import print_front
from neuronas.cli.progress import SearchProgress
from neuronas.cli.serving import Port, Serve, served
from neuronas.errors import ConfigurationError, NeuronasError
from neuronas.hardware.cost import Cost
from neuronas.hardware.units import quantity
from neuronas.search.files import read_json, write_json
from neuronas.search.history import History
from neuronas.search.loop import Found, Problem
from neuronas.search.loop import search as run_search
from neuronas.search.result import result_document
from neuronas.search.run_directory import ARCHITECTURE, CONFIG, HISTORY, LOG, RESULT, RunDirectory, identity
from neuronas.search.survey import FRONT, RANKING, front_document, write_ranking
from neuronas.space.workload import rows

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
    started = perf_counter()
    if resume and out is None:
        raise ConfigurationError("--resume needs --out DIR, the run directory to go on with")
    given = {
        name: value
        for name, value in locals().items()
        if name not in {"started", "config", "out", "resume", "dry_run", "download", *_SHOWING}
    }
    if resume and out is not None and config is None and (out / CONFIG).is_file():
        config = out / CONFIG
    run = plan(read_settings(config, **given))
    if dry_run:
        _print_plan(run, as_json=as_json)
        return
    directory = out or new_directory(run.config.data.name, run.config.search.algorithm)
    with (
        served(directory, serve=serve, port=port, quiet=quiet),
        computing(run, download=download) as here,
        RunDirectory(directory, run.config, resume=resume) as files,
        log_to(files.file(LOG)),
    ):
        history = History(files.file(HISTORY))
        before = history.seconds()
        try:
            history.claim(identity(run.config, run.accelerator, run.activity, run.space))
            with SearchProgress(quiet=quiet) as progress:
                problem = Problem(run.space, run.shape, run.cost_model, run.budget)
                found = run_search(
                    problem, run.algorithm, run.config.search, run.config.seed, here.evaluators, history, progress
                )
        except KeyboardInterrupt:
            if not quiet:
                console.notes.print(f"everything so far is kept; go on with --resume --out {directory}")
            raise
        finally:
            seconds = before + perf_counter() - started
            with suppress(NeuronasError):  # what ended the search matters more, such as a full disk
                history.set_seconds(seconds)
            history.close()
        cost = run.cost_model.estimate(rows(found.architecture, run.shape))
        document = _document(run, found, cost, seconds, here.peak_memory_mb)
        write_json(files.file(ARCHITECTURE), architecture_document(found.architecture))
        if run.algorithm.surveys:
            _keep_survey(files, found, run.config.search.prefer, document["architecture"])
        write_json(files.file(RESULT), document)
        log.info("done: %s", document["architecture"])
    if as_json:
        console.print_json(document)
    elif quiet:
        console.answers.print(document["architecture"])
    else:
        if run.algorithm.surveys:
            print_front(read_json(directory / FRONT))
        _print_answer(run, found, cost, document, directory)


def _document(run: Plan, found: Found, cost: Cost, seconds: float, workers_memory_mb: float) -> dict[str, Any]:
    costs = run.cost_document(found.architecture, cost)
    return result_document(run.config, run.budget, found, cost, costs, seconds, workers_memory_mb)


def _keep_survey(files: RunDirectory, found: Found, prefer: str, chosen: str) -> None:
    write_json(files.file(FRONT), front_document(found.surveyed, prefer, chosen))
    write_ranking(files.file(RANKING), found.surveyed)


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


def _print_answer(run: Plan, found: Found, cost: Cost, document: dict[str, Any], directory: Path) -> None:
    out = console.answers
    out.print(document["architecture"], style="bold")
    out.print()
    out.print(console.architecture_table(found.architecture, run.shape.n_cells))
    out.print()
    out.print(console.budget_table(cost, run.budget))
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
        f"{document['seconds']:.1f} s, {document['peak_memory_mb']:.0f} MB; cost is an estimate of model "
        f"'{run.cost_model.name}' for {run.config.hardware.accelerator}; run: {directory}"
    )
