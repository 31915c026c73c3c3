"""The bench on which experiments search and train: each piece of work in a run directory of its own, done once."""

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from neuronas.api.compose import Plan, plan
from neuronas.api.devices import device_named
from neuronas.api.evaluators import make_evaluators
from neuronas.api.trained import read_images
from neuronas.config import RunConfig, given, read_json, write_json, write_yaml, written
from neuronas.errors import InfeasibleError, VerificationError
from neuronas.experiments.limited import limited
from neuronas.experiments.study import Learned, Searched, Settings, Size
from neuronas.hardware.cost import Cost
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.config_file import write_config
from neuronas.runs.directory import ARCHITECTURE, CONFIG, HISTORY, RunDirectory, identity
from neuronas.runs.history import History
from neuronas.search.loop import Problem, search
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.spaces import Space
from neuronas.space.workload import rows

if TYPE_CHECKING:
    from neuronas.training.images import Images

_DONE = "piece.json"
_TEST_DRAW = 0  # test images are the same for all seeds
Note = Callable[[str], None]
Piece = TypeVar("Piece", Searched, Learned)


class RunBench:
    """See ``experiments.study.Bench``.

    Args:
        size: of the experiment.
        seeds: to repeat everything over.
        common: settings of every run besides those of the size: data set, device.
        folder: of the run directories; a piece of work that lies there complete is read, one begun is gone on with.
        note: is told of each piece.
    """

    def __init__(self, size: Size, seeds: range, common: Settings, folder: Path, note: Note):
        self._size, self._seeds, self._common = size, seeds, common
        self._folder, self._note = folder, note
        self.pieces: list[dict[str, Any]] = []
        self._kept: dict[tuple[Any, ...], Images] = {}

    @property
    def seeds(self) -> range:
        """See ``Bench``."""
        return self._seeds

    def check(self) -> None:
        """Find out what is wrong with images, fitness or device before anything is begun.

        Raises:
            ConfigurationError, DataError: see ``make_evaluators``.
        """
        run = plan(self.config(self._seeds[0], {}))
        make_evaluators(run, download=False)
        run.dataset.load("test", run.shape.image_size)

    def config(self, seed: int, changes: Settings) -> RunConfig:
        """See ``Bench``."""
        values: dict[str, Any] = {"seed": seed}
        for one in (self._size.settings, self._common, changes):
            for key, value in one.items():
                values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
        return given(values, "experiment")

    def space(self, name: str, space: Space) -> str:
        """See ``Bench``."""
        path = self._folder / "spaces" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_yaml(path, space)
        return str(path)

    def cost(self, config: RunConfig, architecture: str) -> Cost:
        """See ``Bench``."""
        run = plan(config)
        return run.cost_model.estimate(rows(parse_architecture(architecture), run.shape))

    def search(self, what: str, config: RunConfig, n_evaluated: int | None = None) -> Searched:
        """See ``Bench``."""
        run = plan(config)
        if n_evaluated is not None:
            run = replace(run, algorithm=limited(run.algorithm, n_evaluated))
        key = identity(run.config, run.accelerator, run.activity, run.space, {"n_evaluated": n_evaluated})
        return self._piece(Searched, f"search-{key}", what, run, lambda files: _search(run, files, key))

    def train(self, what: str, config: RunConfig, architecture: str) -> Learned:
        """See ``Bench``."""
        # What a search is told has no part in training, so that equal networks are trained once.
        relevant = {"seed", "device", "space", "data", "network", "train"}
        run = plan(given({name: one for name, one in written(config).items() if name in relevant}, "experiment"))
        images = {"training": self._size.n_training, "test": self._size.n_test}
        settings = run.config.train.model_dump(exclude={"device", "tensorboard"})
        key = identity(run.config, run.space, architecture, settings, images)
        return self._piece(Learned, f"train-{key}", what, run, lambda files: self._learn(run, architecture, files, key))

    def _piece(
        self, kind: type[Piece], name: str, what: str, run: Plan, work: Callable[[RunDirectory], Piece]
    ) -> Piece:
        directory = self._folder / name
        done = directory / _DONE
        seed = run.config.seed
        if not done.exists():
            with RunDirectory(directory, run.origin, resume=(directory / CONFIG).is_file()) as files:
                write_json(done, asdict(work(files)))
        found = _read(kind, done)
        verb = name.split("-", maxsplit=1)[0]
        self._note(f"{what}, seed {seed}: {_summary(found)}")
        row = {"case": what, "piece": verb, "seed": seed, **read_json(done)}
        if row not in self.pieces:
            self.pieces.append(row)
        return found

    def _learn(self, run: Plan, text: str, files: RunDirectory, key: str) -> Learned:
        import numpy as np

        from neuronas.snn.quantisation import BITS, FULL_PRECISION
        from neuronas.training.distributed import Process
        from neuronas.training.evaluation import accuracy_by_bits
        from neuronas.training.images import stratified_split
        from neuronas.training.loop import begin
        from neuronas.training.model import make_classifier
        from neuronas.training.trained import load_trained

        started = perf_counter()
        settings, shape, own = run.config.train, run.shape, run.config.network.weight_bits
        device, architecture = device_named(run.config.device), parse_architecture(text)
        write_config(files.file(CONFIG), run.config)
        ArchitectureFile.of(architecture).write(files.file(ARCHITECTURE))
        images = self._images(run, "train", self._size.n_training, run.config.seed)
        split = stratified_split(images.labels, settings.validation_share, settings.seed)
        network = make_classifier(architecture, shape, run.config.network, settings, device)
        process = Process(0, 1, device)
        begin(network, settings, images, split, files.path, key, process, resume=True).run(lambda *_: None)
        trained = load_trained(files.path, architecture, shape, run.config.network, settings, device)
        if trained.accuracy is None:
            raise AssertionError("a study without validation images")
        test = self._images(run, "test", self._size.n_test, _TEST_DRAW)
        bits = (FULL_PRECISION, *BITS) if own == FULL_PRECISION else (own,)
        accuracy = accuracy_by_bits(trained.network, test, np.arange(len(test)), device, own, bits)
        by_bits = {bits: found.top1 for bits, found in accuracy.items()}
        return Learned(trained.epoch, trained.accuracy, by_bits, perf_counter() - started)

    def _images(self, run: Plan, split: str, n: int | None, seed: int) -> "Images":
        from neuronas.experiments.drawing import drawn

        data = run.config.data
        key = (data.name, data.data_dir, data.image_side, split, n, seed if n else None)
        if key not in self._kept:
            self._kept[key] = read_images(run, split, lambda source: drawn(source, n, seed))
        return self._kept[key]


def _search(run: Plan, files: RunDirectory, key: str) -> Searched:
    with History(files.file(HISTORY)) as history:
        history.claim(key)
        problem = Problem(run.space, run.shape, run.cost_model, run.budget)
        evaluators = make_evaluators(run, download=False)
        found = search(problem, run.algorithm, run.config.search, run.config.seed, evaluators, history)
        seconds = history.elapsed_s
    if not isfinite(found.fitness):
        raise InfeasibleError("of the candidates that fit, none tells two images apart; expected a larger budget")
    ArchitectureFile.of(found.architecture).write(files.file(ARCHITECTURE))
    cost = run.cost_model.estimate(rows(found.architecture, run.shape))
    return Searched(
        format_architecture(found.architecture),
        found.fitness,
        cost.parameters,
        cost.memory_bits,
        cost.area_mm2,
        cost.latency_ms,
        cost.energy_uj,
        found.n_candidates,
        found.n_evaluated,
        seconds,
    )


def _read(kind: type[Piece], path: Path) -> Piece:
    try:
        return TypeAdapter(kind).validate_python(read_json(path))
    except ValidationError:
        names = sorted(field.name for field in fields(kind))
        raise VerificationError(
            f"{path}: does not hold {', '.join(names)}; delete {path.parent} to do it again"
        ) from None


def _summary(piece: Searched | Learned) -> str:
    if isinstance(piece, Searched):
        return f"fitness {piece.fitness:.6g}, {piece.n_evaluated:,} evaluated, {piece.seconds:.0f} s"
    tested = ", ".join(f"{share:.1%} at {bits} bits" for bits, share in piece.test_accuracy.items())
    return f"validation {piece.validation_accuracy:.1%}, test {tested}, {piece.seconds:.0f} s"
