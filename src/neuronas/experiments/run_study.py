"""Runs a study at a size, and writes its figures to ``NAME-SCALE.json`` and, as a table, to ``NAME-SCALE.md``."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuronas.api.setup.devices import device_named
from neuronas.api.setup.settings import gathered
from neuronas.config import write_text, written
from neuronas.errors import RunDirectoryError
from neuronas.experiments.deviations import deviations_of
from neuronas.experiments.pieces import Pieces, Rehearsal
from neuronas.experiments.published import DATASETS
from neuronas.experiments.study import Scale, Study, StudyResult
from neuronas.runs.environment import Machine
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work


def possible_scale(study: Study, scale: Scale, device: str) -> Scale:
    """The scale that is feasible on this machine."""
    if scale == "full" and study.trains and device_named(device).type != "cuda":
        return "small"
    return scale


def run_study(
    study: Study,
    scale: Scale,
    options: Mapping[str, Any],
    seeds: range,
    folder: Path,
    observer: Observer | None = None,
    *,
    resume: bool,
) -> StudyResult:
    """Run a study.

    Args:
        study: the study.
        scale: size of the study.
        options: options of ``study`` by keyword, for every run.
        seeds: random seeds; everything is repeated for each.
        folder: folder of the run directories.
        observer: receives the progress.
        resume: whether the folder contains runs to continue.

    Raises:
        RunDirectoryError: the folder contains runs and ``resume`` is false, or it is empty and ``resume`` is true.
        NeuronasError: see ``neuronas.search``, ``train`` and ``evaluate``.
    """
    check_folder(folder, "--runs", resume=resume)
    size, common = study.sizes[scale], written(gathered("study", options, None))
    work = Work("reproduce", folder, "runs", observer)
    pieces = Pieces(size, common, seeds, folder, work)
    pieces.check(test_images=study.trains)
    rehearsal = Rehearsal(size, common, seeds, folder, work)
    tuple(study.run(rehearsal))
    work.start(rehearsal.n)
    dataset = common["data"]["name"]
    beside = DATASETS.get(dataset, DATASETS["cifar10"])
    figures = tuple(one.compared_with(beside) for one in study.run(pieces))
    result = StudyResult(
        experiment=study.name,
        scale=scale,
        source=study.about.source,
        shows=study.about.shows,
        dataset=dataset,
        seeds=tuple(seeds),
        size=size,
        compared_with=beside,
        figures=figures,
        deviations=deviations_of(study.name, scale),
        remarks=study.remarks(figures),
        command=" ".join(["neuronas", *sys.argv[1:]]),
        machine=Machine.here(),
        pieces=tuple(pieces.done),
    )
    work.finish(result)
    return result


def write_study(result: StudyResult, study: Study, folder: Path) -> Path:
    """Write the document and the page to a folder; returns their path without the suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.experiment}-{result.scale}"
    result.write(path.with_suffix(".json"))
    write_text(path.with_suffix(".md"), page(result, study))
    return path


def page(result: StudyResult, study: Study) -> str:
    """The figures as a page in Markdown."""
    seeds, size = result.seeds, result.size
    n_training, n_test = ("all" if n is None else f"{n:,}" for n in (size.n_training, size.n_test))
    remarks = "".join(f"{line}.\n\n" for line in result.remarks)
    differences = "\n".join(f"- {line}." for line in result.deviations)
    images = result.dataset + (f", {n_training} for training and {n_test} for testing" if study.trains else "")
    return (
        f"# {result.experiment}, {result.scale}\n\n"
        f"Shows {result.shows}. Source: {result.source}.\n\n"
        f"Mean ± standard deviation [95 % confidence interval of the mean, Student's t] over {len(seeds)} seeds "
        f"({seeds[0]} to {seeds[-1]}). Published figures stand beside ours; the papers print none of other rows.\n\n"
        f"{result.table}\n\n"
        f"{remarks}"
        f"Differences from the papers:\n\n{differences}\n\n"
        f"Images: {images}. Settings of every run, besides what a case changes: `{json.dumps(size.settings)}`\n\n"
        f"Command: `{result.command}`\n"
    )


def check_folder(path: Path, option: str, *, resume: bool) -> None:
    """Check that the runs of an experiment may be written to a folder.

    Args:
        path: the folder.
        option: option that specifies it, for messages.
        resume: whether the folder contains runs to continue.

    Raises:
        RunDirectoryError: it is a file; it contains runs and ``resume`` is false; or the reverse.
    """
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"{option} '{path}' is a file; expected a folder")
    begun = path.is_dir() and any(path.iterdir())
    if begun and not resume:
        raise RunDirectoryError(
            f"{option} '{path}' holds work already; resume it with --resume, or choose another {option}"
        )
    if resume and not begun:
        raise RunDirectoryError(f"{option} '{path}' holds no work to resume; leave out --resume")
