"""``neuronas reproduce NAME`` for the experiments that search and train over seeds."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from neuronas.api.devices import device_named
from neuronas.cli import console, options
from neuronas.config import plain, write_text
from neuronas.errors import RunDirectoryError
from neuronas.experiments.bench import RunBench
from neuronas.experiments.figures import Figure, markdown
from neuronas.experiments.study import Study
from neuronas.runs.environment import Environment

Scale = Literal["small", "full"]
_DATASET = "cifar10"


def study_command(study: Study) -> Callable[..., None]:
    """The command of a study."""

    def reproduce_study(
        scale: Annotated[Scale, typer.Option(help="How large; full needs a GPU where networks are trained.")] = "small",
        dataset: Annotated[str | None, typer.Option(help="Data set: a name or imagefolder:DIR.")] = None,
        data_dir: Annotated[str | None, typer.Option(help="Folder of downloaded data sets.")] = None,
        fitness: Annotated[str | None, typer.Option(help="Fitness measure.")] = None,
        n_seeds: Annotated[int | None, typer.Option(min=1, help="Repetitions (the size's own).")] = None,
        seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
        device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
        runs: Annotated[
            Path | None,
            typer.Option(help="Folder of the run directories (runs/reproduce-NAME-SCALE); experiments may share one."),
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on with the work in --runs.")] = False,
        out: Annotated[Path, typer.Option(help="Folder for NAME-SCALE.json and .md.")] = Path("results"),
        as_json: options.Json = False,
        quiet: options.Quiet = False,
    ) -> None:
        scale = _possible(study, scale, device)
        size = study.sizes[scale]
        folder = _folder(runs or Path("runs") / f"reproduce-{study.name}-{scale}", resume=resume)
        images = dataset or _DATASET
        common: dict[str, Any] = {"data": {"name": images, "data_dir": data_dir}}
        common |= {"fitness": {"name": fitness}} if fitness else {}
        common |= {"device": device} if device else {}
        seeds = range(seed, seed + (n_seeds or size.n_seeds))
        bench = RunBench(size, seeds, common, folder, _silent if quiet else console.notes.print)
        bench.check()
        try:
            figures = list(study.run(bench))
        except KeyboardInterrupt:
            if not quiet:
                console.notes.print(f"everything so far is kept; go on with --resume --runs {folder}")
            raise
        document = _document(study, scale, bench, figures, images)
        name = f"{study.name}-{scale}"
        options.write_document(out, f"{name}.json", plain(document))
        table = markdown(figures)
        write_text(out / f"{name}.md", _page(study, document, table))
        if as_json:
            console.print_json(document)
        else:
            console.answers.print(table)
            console.answers.print(f"\n{study.difference}\nwritten: {out / name}.json, {out / name}.md")

    return reproduce_study


def _possible(study: Study, scale: Scale, device: str | None) -> Scale:
    """The scale that this machine can do."""
    if scale == "full" and study.trains and device_named(device or "auto").type != "cuda":
        console.notes.print("--scale full trains networks for hours on a GPU, and there is none here; doing small")
        return "small"
    return scale


def _folder(path: Path, *, resume: bool) -> Path:
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"--runs '{path}' is a file; expected a folder")
    begun = path.is_dir() and any(path.iterdir())
    if begun and not resume:
        raise RunDirectoryError(f"--runs '{path}' holds work already; go on with --resume, or choose another --runs")
    if resume and not begun:
        raise RunDirectoryError(f"--runs '{path}' holds no work to go on with; leave out --resume")
    return path


def _silent(text: str) -> None:
    pass


def _document(study: Study, scale: str, bench: RunBench, figures: Sequence[Figure], dataset: str) -> dict[str, Any]:
    size = study.sizes[scale]
    machine = Environment.here().model_dump(mode="json", exclude={"command", "format"})
    return {
        "experiment": study.name,
        "scale": scale,
        "source": study.source,
        "shows": study.shows,
        "dataset": dataset,
        "seeds": list(bench.seeds),
        "size": asdict(size),
        "figures": [one.document() for one in figures],
        "difference": study.difference,
        "command": " ".join(["neuronas", *sys.argv[1:]]),
        "machine": {**machine, "n_cpus": os.cpu_count()},
        "pieces": bench.pieces,
    }


def _page(study: Study, document: dict[str, Any], table: str) -> str:
    seeds, size = document["seeds"], study.sizes[document["scale"]]

    n_training, n_test = ("all" if n is None else f"{n:,}" for n in (size.n_training, size.n_test))
    images = document["dataset"] + (f", {n_training} for training and {n_test} for testing" if study.trains else "")
    return (
        f"# {study.name}, {document['scale']}\n\n"
        f"Shows {study.shows}. Source: {study.source}.\n\n"
        f"Mean ± standard deviation [95 % confidence interval of the mean, Student's t] over {len(seeds)} seeds "
        f"({seeds[0]} to {seeds[-1]}). What is published and has no column here is not stated in our sources.\n\n"
        f"{table}\n\n"
        f"**Difference.** {study.difference[0].upper()}{study.difference[1:]}.\n\n"
        f"Images: {images}. Settings of every run, besides what a case changes: `{json.dumps(size.settings)}`\n\n"
        f"Command: `{document['command']}`\n"
    )
