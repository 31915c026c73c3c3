"""``neuronas train``: training of an architecture at the chip's weight precision."""

from typing import Annotated, Any

import typer

from neuronas.cli import console, options as opt
from neuronas.cli.dry_run import checked_images
from neuronas.cli.progress import ProgressBar
from neuronas.errors import quoted


@opt.with_settings("train")
def train(
    arch: Annotated[str, typer.Argument(metavar="ARCH|RUN", help="Architecture, architecture.json or run directory.")],
    options: dict[str, Any],
    download: opt.Download = False,
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    dry_run: opt.DryRun = False,
    max_minutes: opt.MaxMinutes = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.training.train import plan_training
    from neuronas.machine import keep_freed_memory
    from neuronas.runs.directory import CONFIG

    training = plan_training(arch, options, config=config, assignments=assignments or (), out=out, resume=resume)
    if dry_run:
        images, lines = checked_images(training)
        if images is None:
            console.notes.print(f"note: {lines[0]}")
        document = {"dry_run": True, "directory": str(training.directory), "images": images and images.plain()}
        console.print_json(document | {"settings": training.plan.config.model_dump(mode="json")})
        return
    from neuronas.training.distributed import is_first_process  # imports torch

    keep_freed_memory()
    is_first = is_first_process()
    quiet = quiet or not is_first
    if resume and (training.directory / CONFIG).is_file() and not training.has_checkpoint and not quiet:
        console.notes.print(f"note: {training.directory} holds no checkpoint yet; training begins with the first epoch")
    with ProgressBar(quiet=quiet) as progress:
        try:
            done = training.run(progress, download=download, max_minutes=max_minutes)
        except KeyboardInterrupt:
            if training.has_checkpoint and not quiet:
                again = f"neuronas train {quoted(training.directory)} --resume"
                console.notes.print(f"everything up to the last checkpoint is kept; resume with: {again}")
            raise
    if not is_first:
        return  # every process would print the same
    if done.out_of_time and not quiet:
        console.notes.print(
            f"note: stopped after {max_minutes:g} minutes, in epoch {done.epochs + 1}; continue with: neuronas train "
            f"{quoted(done.directory)} --resume"
        )
    if as_json:
        console.print_json(done)
    elif not done.best_epoch:
        console.answers.print("no epoch has ended yet, so that there is no trained network")
    else:
        accuracy = done.validation_accuracy
        reached = "without validation images" if accuracy is None else f"validation accuracy {accuracy:.2%}"
        if done.stopped_early and not quiet:
            console.notes.print(f"stopped after epoch {done.epochs}: the validation accuracy no longer rose")
        console.answers.print(
            f"best epoch {done.best_epoch}: {reached}; measure it with: neuronas evaluate {quoted(done.directory)}"
        )
