"""The finalists of a search: their selection, their training settings, and checks of both."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from neuronas.api.searching.finalist_training import Finals, check_untrained, discard_finalists, enough_images
from neuronas.api.setup.devices import missing
from neuronas.api.setup.plan import Plan
from neuronas.api.training.checks import check_settings, learned_with
from neuronas.api.training.teacher import teacher_of
from neuronas.config import TrainConfig
from neuronas.data.counts import check_enough, drawn_of
from neuronas.data.datasets import check_described
from neuronas.errors import ConfigurationError
from neuronas.runs.finalists import FINALISTS, Finalist, FinalistChoice
from neuronas.runs.history_file import HistoryFile
from neuronas.runs.identity import identity
from neuronas.search.halving import fittest, rungs

_UNLIKE_TRAINING = ("patience", "start_from", "tensorboard")
"""Settings of ``train`` that short trainings do not use: they end with their rung, and start from new weights."""


def check_finalists(run: Plan) -> None:
    """Refuse settings with which finalists cannot be compared or trained; without finalists, nothing is checked.

    Raises:
        ConfigurationError: the message names the settings.
    """
    search = run.config.search
    if not search.finalists:
        return
    if search.prefer != "fitness":
        raise ConfigurationError(
            f"--finalists {search.finalists} given with --prefer {search.prefer}; expected one of them: finalists are "
            "chosen by their accuracy"
        )
    check_settings(learning_plan(run))


def learning_plan(run: Plan) -> Plan:
    """The plan for training finalists: the settings of training, on fewer images and epochs.

    Warm-up keeps its share of the training.
    """
    train, search = run.config.train, run.config.search
    brief = {
        **{name: TrainConfig.model_fields[name].default for name in _UNLIKE_TRAINING},
        "epochs": search.finalist_epochs,
        "warmup_epochs": train.warmup_epochs * search.finalist_epochs / train.epochs,
        "n_images": min(search.finalist_images, train.n_images or search.finalist_images),
        "validation_share": search.finalist_validation,
    }
    return replace(run, config=run.config.model_copy(update={"train": train.model_copy(update=brief)}))


def check_images(run: Plan) -> None:
    """Check before a search that fitness and finalists will have enough training images; nothing is decoded.

    Raises:
        DataError: there are too few; the message says how many and how many are expected.
    """
    check_described(run.config.data, run.dataset)
    try:
        source = run.dataset.load("train", run.shape.image_size)
    except ImportError as error:
        raise missing(error) from error
    check_counts(run, tuple(Counter(source.labels.tolist()).values()))


def check_counts(run: Plan, by_class: Sequence[int]) -> None:
    """The same for known numbers of training images of each class."""
    fitness, train = run.config.fitness, learning_plan(run).config.train
    check_enough(sum(by_class), fitness.batch_size, fitness.n_batches)
    enough_images(drawn_of(by_class, train.n_images), train)


def chosen_from(run: Plan, history: HistoryFile, directory: Path) -> Finals | None:
    """The finalists of a finished search, as far as they have been trained.

    Args:
        run: plan of the search.
        history: history of the search.
        directory: run directory.

    Returns:
        None if finalists are not requested, or fewer than two distinct candidates fit the budgets.

    Raises:
        RunDirectoryError: their training is unfinished, but the run's network is trained.
        VerificationError: a file is damaged.
    """
    search = run.config.search
    ranked = fittest(history, search.finalists) if search.finalists else ()
    return finals_of(run, ranked, search.finalists, directory)


def finals_of(run: Plan, ranked: tuple[Finalist, ...], asked: int, directory: Path) -> Finals | None:
    """The same for given finalists.

    Args:
        run: settings of network, training and finalists; a finalist can have its own setting.
        ranked: finalists, the fittest first.
        asked: requested number of finalists.
        directory: directory of their trainings.
    """
    search = run.config.search
    if len(ranked) < 2:
        discard_finalists(directory)
        return None
    brief = learning_plan(run)
    train = brief.config.train
    own_settings = any(one.setting is not None for one in ranked)
    # Training settings are not part of it: a later training of the answer may have others.
    names = {
        "candidates": [one.architecture for one in ranked],
        **({"settings": [one.setting and one.setting.folder for one in ranked]} if own_settings else {}),
        **{name: value for name, value in search.model_dump().items() if name.startswith("finalist_")},
    }
    question = identity(run.config, run.space, run.dataset.fingerprint, names)
    there = FinalistChoice.read_if_there(directory / FINALISTS)
    known = Finals(brief, directory, there) if there is not None and there.question == question else None
    if known is not None and known.choice.is_complete:
        known.clear()  # left by a process that was killed at this point
        return known
    check_untrained(directory)
    teacher = teacher_of(brief)
    learned = identity(run.config, question, learned_with(train, teacher))
    if known is not None and known.choice.identity == learned:
        return replace(known, teacher=teacher)
    fresh = FinalistChoice(
        asked=asked,
        eta=search.finalist_eta,
        n_training=0,
        n_validation=0,
        weight_bits=None if own_settings else run.config.network.weight_bits,
        seed=train.seed,
        seconds=0.0,
        rungs=rungs(len(ranked), search.finalist_eta, search.finalist_epochs),
        finalists=ranked,
        question=question,
        identity=learned,
    )
    return Finals(brief, directory, fresh, teacher, is_new=True)
