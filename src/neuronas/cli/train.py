"""``neuronas train``: the found network learns, at the chip's precision."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronas.api.architectures import Given, architecture_document, read_architecture
from neuronas.api.compose import Plan, plan
from neuronas.api.devices import device_named, fetch
from neuronas.api.runs import log_to, new_directory
from neuronas.api.settings import KEYS, read_settings
from neuronas.api.trained import read_images
from neuronas.cli import console, options
from neuronas.cli.progress import TrainingProgress
from neuronas.config import RunConfig, TrainConfig, write_yaml
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.search.files import write_json
from neuronas.search.run_directory import ARCHITECTURE, CONFIG, LOG, RunDirectory, identity
from neuronas.space.canonical import architecture_key

if TYPE_CHECKING:
    from neuronas.training.distributed import Process

_TRAINING = "Training"
_SHAPING = ("dataset", "data_dir", "image_side", "channels", "timesteps", "weight_bits", "rounding", "head", "space")

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
    float | None, typer.Option(help="Relative noise on the weights, to bear a chip's.", rich_help_panel=_TRAINING)
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
    given = read_architecture(arch)
    settings = read_settings(config or given.config, **given_options)
    directory = _directory(given, arch, settings, out, given_options)
    if resume and (directory / CONFIG).is_file() and config is None:
        settings = read_settings(directory / CONFIG, **given_options)
    run = plan(settings)
    chosen = _resolved(run)
    run = run.with_training(chosen)
    if dry_run:
        document = {"dry_run": True, "directory": str(directory), "settings": run.config.model_dump(mode="json")}
        console.print_json(document)
        return
    document = _train(run, given, directory, download=download, resume=resume, quiet=quiet)
    if as_json:
        console.print_json(document)
    else:
        console.answers.print(
            f"best epoch {document['best_epoch']}: validation accuracy {document['validation_accuracy']:.2%}; "
            f"measure it with: neuronas evaluate {directory}"
        )


def _directory(given: Given, arch: str, settings: RunConfig, out: Path | None, options_given: dict[str, Any]) -> Path:
    if out is not None:
        return out
    if given.config is None:
        return new_directory(settings.data.name, "train")
    changed = [name for name in _SHAPING if options_given.get(name) is not None]
    if changed:
        raise ConfigurationError(
            f"--{changed[0].replace('_', '-')} differs from the run's own; add --out DIR to train it there"
        )
    return Path(arch)


def _resolved(run: Plan) -> TrainConfig:
    from neuronas.training.recipes import resolve

    return resolve(run.config.train, run.preset, run.config.seed, run.config.device)


def _train(run: Plan, given: Given, directory: Path, *, download: bool, resume: bool, quiet: bool) -> dict[str, Any]:
    from neuronas.training.checkpoint import FOLDER
    from neuronas.training.distributed import joined

    settings = run.config.train
    with joined(device_named(settings.device or "auto"), settings.batch_size or 0) as process:
        if process.rank:
            process.wait_for_others()  # until the first one has the data set
            return _work(run, given, directory, process, resume=resume, quiet=True)
        if download:
            fetch(run.config.data)
        process.wait_for_others()
        # A run that was searched, or stopped while it trained, is there already.
        there = (directory / CONFIG).is_file()
        with RunDirectory(directory, run.config, resume=there) as files, log_to(files.file(LOG)):
            if there and files.file(FOLDER).exists() and not resume:
                raise RunDirectoryError(
                    f"run directory {directory}: holds checkpoints; go on with --resume, or choose another --out"
                )
            write_yaml(files.file(CONFIG), run.config)
            if not files.file(ARCHITECTURE).exists():
                write_json(files.file(ARCHITECTURE), architecture_document(given.architecture))
            return _work(run, given, directory, process, resume=resume, quiet=quiet)


def _work(run: Plan, given: Given, directory: Path, process: "Process", *, resume: bool, quiet: bool) -> dict[str, Any]:
    from neuronas.training.images import stratified_split
    from neuronas.training.model import make_classifier
    from neuronas.training.session import learn

    settings = run.config.train
    images = read_images(run, "train")
    split = stratified_split(images.labels, settings.validation_share or 0.0, settings.seed or 0)
    network = make_classifier(given.architecture, run.shape, run.config.network, settings, process.device)
    with TrainingProgress(settings.epochs or 0, quiet=quiet) as progress:
        try:
            identity = _identity(run, given)
            done = learn(network, settings, images, split, directory, identity, process, progress.report, resume=resume)
        except KeyboardInterrupt:
            if not quiet:
                console.notes.print(f"everything up to the last checkpoint is kept; go on with: --resume ({directory})")
            raise
    return {
        "directory": str(directory),
        "epochs": done.epoch,
        "best_epoch": done.best_epoch,
        "validation_accuracy": done.best_accuracy,
        "n_training": len(split.training),
        "n_validation": len(split.validation),
        "seed": settings.seed,
    }


def _identity(run: Plan, given: Given) -> str:
    """A key of everything that decides what is learned."""
    settings = run.config.train.model_dump(exclude={"device", "tensorboard"})
    return identity(run.config, run.space, architecture_key(given.architecture), settings)
