"""``neuronas train``: the found network learns, at the chip's precision."""

from typing import Annotated

import typer

from neuronas.api.settings import KEYS
from neuronas.api.train import plan_training
from neuronas.cli import console, options
from neuronas.cli.progress import TrainingProgress
from neuronas.runs.directory import CONFIG

_TRAINING = "Training"

Recipe = Annotated[str | None, typer.Option(help="default or paper.", rich_help_panel=_TRAINING)]
Epochs = Annotated[int | None, typer.Option(help="Passes over the training images.", rich_help_panel=_TRAINING)]
TrainBatch = Annotated[int | None, typer.Option("--batch-size", help="Images in a step.", rich_help_panel=_TRAINING)]
LearningRate = Annotated[float | None, typer.Option(help="The largest.", rich_help_panel=_TRAINING)]
Loss = Annotated[str | None, typer.Option(help="mean or tet.", rich_help_panel=_TRAINING)]
Surrogate = Annotated[
    str | None, typer.Option(help="atan, sigmoid, triangle, rectangle, fast-sigmoid.", rich_help_panel=_TRAINING)
]
Augment = Annotated[
    str | None, typer.Option(help="none, shift, flip, autoaugment, randaugment.", rich_help_panel=_TRAINING)
]
Scale = Annotated[
    str | None, typer.Option(help="Of weights: power-of-two, lsq, lsq-channel.", rich_help_panel=_TRAINING)
]
Quantise = Annotated[
    str | None,
    typer.Option(help="aware: learn with rounded weights; after: round then.", rich_help_panel=_TRAINING),
]
Sparsity = Annotated[float | None, typer.Option(help="Share of weights to prune.", rich_help_panel=_TRAINING)]
RateWeight = Annotated[float | None, typer.Option(help="Weight of the firing-rate penalty.", rich_help_panel=_TRAINING)]
ChipNoise = Annotated[
    float | None, typer.Option(help="Write variation of cells that it learns to bear.", rich_help_panel=_TRAINING)
]
StartFrom = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Begin with a trained run's best weights.", rich_help_panel=_TRAINING),
]
Precision = Annotated[str | None, typer.Option(help="auto, float32 or bfloat16.", rich_help_panel=_TRAINING)]
Ann = Annotated[bool | None, typer.Option("--ann", help="Train the artificial twin: ReLU for LIF.")]
Tensorboard = Annotated[bool | None, typer.Option("--tensorboard", help="Write event files.")]


def train(
    arch: Annotated[str, typer.Argument(metavar="ARCH|RUN", help="Architecture, architecture.json or run directory.")],
    recipe: Recipe = None,
    epochs: Epochs = None,
    train_batch_size: TrainBatch = None,
    learning_rate: LearningRate = None,
    loss: Loss = None,
    surrogate: Surrogate = None,
    augment: Augment = None,
    scale: Scale = None,
    quantise: Quantise = None,
    sparsity: Sparsity = None,
    rate_weight: RateWeight = None,
    chip_noise: ChipNoise = None,
    start_from: StartFrom = None,
    precision: Precision = None,
    ann: Ann = None,
    tensorboard: Tensorboard = None,
    dataset: options.Dataset = None,
    data_dir: options.DataDir = None,
    download: options.Download = False,
    image_side: options.ImageSide = None,
    skip_corrupt: options.SkipCorrupt = None,
    space: options.SpaceName = None,
    channels: options.Channels = None,
    timesteps: options.Timesteps = None,
    weight_bits: options.WeightBits = None,
    rounding: options.Rounding = None,
    head: options.Head = None,
    config: options.Config = None,
    train_seed: options.TrainSeed = None,
    train_device: options.TrainDevice = None,
    out: options.Out = None,
    resume: options.Resume = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train an architecture with surrogate gradients and quantised weights; a run is trained in its own directory."""
    values = locals()
    given_options = {name: values[name] for name in KEYS if name in values}
    from neuronas.training.distributed import is_first_process

    training = plan_training(arch, given_options, config=config, out=out, resume=resume)
    if dry_run:
        settings = training.plan.config.model_dump(mode="json")
        console.print_json({"dry_run": True, "directory": str(training.directory), "settings": settings})
        return
    is_first = is_first_process()
    quiet = quiet or not is_first
    if resume and (training.directory / CONFIG).is_file() and not training.has_checkpoint and not quiet:
        console.notes.print(f"note: {training.directory} holds no checkpoint yet; training begins with the first epoch")
    with TrainingProgress(training.plan.config.train.epochs or 0, quiet=quiet) as progress:
        try:
            done = training.run(progress.report, download=download)
        except KeyboardInterrupt:
            if training.has_checkpoint and not quiet:
                again = f"neuronas train {training.directory} --resume"
                console.notes.print(f"everything up to the last checkpoint is kept; go on with: {again}")
            raise
    if not is_first:
        return  # every process would say the same
    if as_json:
        console.print_json(done)
    else:
        accuracy = done.validation_accuracy
        reached = "without validation images" if accuracy is None else f"validation accuracy {accuracy:.2%}"
        console.answers.print(
            f"best epoch {done.best_epoch}: {reached}; measure it with: neuronas evaluate {done.directory}"
        )
