"""Every reader of files and texts from outside, as a function of bytes, with valid examples as seeds.

``tests/test_bad_input.py`` slightly changes the examples in every test run; ``tests/fuzz/readers.py`` does so for any
length of time, guided by code coverage.
"""

import io
import json
import sqlite3
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image

from cifar_files import WRITERS, images_of
from neuronas.api.reporting.run_facts import read_run
from neuronas.api.setup.compose import plan
from neuronas.api.setup.settings import planned
from neuronas.config import HardwareConfig, given, parse_json
from neuronas.data.cifar import Cifar10
from neuronas.data.download import unpack
from neuronas.data.source import FileSource
from neuronas.data.tiny_imagenet import TinyImageNet
from neuronas.errors import NeuronasError
from neuronas.experiments.labels import read_labels
from neuronas.export.content import ExportContent
from neuronas.export.crossbars import CrossbarsDocument
from neuronas.export.formats import format_named
from neuronas.export.from_network import bind
from neuronas.export.integer import read_integer, write_integer
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.mapped.activity import load_activity
from neuronas.importing.read import read_network, read_network_arrays
from neuronas.report.page import report_page
from neuronas.runs.architectures import read_architecture
from neuronas.runs.candidates import read_candidates
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.runs.environment import Environment
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.history import History
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.metrics import read_epochs
from neuronas.runs.results import SearchSummary, TrainingResult
from neuronas.snn.bound_graph import BoundGraph, NeuronArrays, WeightArrays
from neuronas.snn.classifier import Classifier
from neuronas.snn.imported_network import ImportedClassifier
from neuronas.space.canonical import architecture_key
from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image as ImageInput, Neurons, Votes, Weights
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.training.build import make_classifier
from neuronas.training.checkpoint import read_checkpoint, write_checkpoint
from neuronas.training.state import Progress, State

sys.path.append(str(Path(__file__).parents[1] / "support"))
from mutations import Change, change_json, change_lines, change_yaml
from report_runs import add_training, make_run

ARCHITECTURE = "|conv_3x3@0.5~0|+|skip^0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|none~2|"
CELL = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
Read = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        read: gets an empty folder for its files, which is reused, and the bytes.
        seeds: creates valid examples in an empty folder.
        codes: allowed exit codes of rejections.
        change: changes values of documents, see ``mutations``.
    """

    read: Read
    seeds: Callable[[Path], list[bytes]]
    codes: frozenset[int] = frozenset({2})
    change: Change | None = None


class WrongAnswerError(Exception):
    """A reader accepted invalid content, or rejected it in the wrong way."""


def check(target: Target, folder: Path, data: bytes) -> bool:
    """Read bytes: True if accepted, False if rejected in one line with the right exit code.

    Raises:
        WrongAnswerError: rejected in another way.
        Exception: any other exception of the reader.
    """
    try:
        target.read(folder, data)
    except NeuronasError as error:
        if error.exit_code not in target.codes:
            raise WrongAnswerError(f"exit code {error.exit_code}; expected one of {sorted(target.codes)}") from error
        if not str(error) or len(str(error)) > 2000:
            raise WrongAnswerError(f"a message of {len(str(error))} characters") from error
        return False
    return True


def _architecture(folder: Path, data: bytes) -> None:
    given = parse_architecture(data.decode("utf-8", "surrogateescape"))
    if parse_architecture(format_architecture(given)) != given:
        raise WrongAnswerError("text and value do not round-trip")
    architecture_key(given)


def _file(name: str, read: Callable[[Path], object]) -> Read:
    def reader(folder: Path, data: bytes) -> None:
        path = folder / name
        path.write_bytes(data)
        read(path)

    return reader


def _own_network(path: Path) -> None:
    """Read it with its weights, and compute an image."""
    imported = read_network_arrays(path, (1, 8, 8))
    with torch.no_grad():
        ImportedClassifier(imported, 2, 8)(torch.ones(1, *imported.graph.nodes[0].shape))


def _settings(path: Path) -> None:
    planned("search", {}, config=path)


def _accelerator(path: Path) -> None:
    """Load it, and cost a network with it: every accepted value must be usable in computations."""
    load_accelerator(str(path))
    run = planned("estimate", {"hardware": str(path), "cost_model": "mapped"})
    from neuronas.space.workload import rows

    work = rows(parse_architecture(CELL), run.shape)
    for cost in (run.cost_model.estimate(work), planned("estimate", {"hardware": str(path)})
                 .cost_model.estimate(work)):  # fmt: skip
        if not all(np.isfinite([cost.area_mm2, cost.latency_ms, cost.energy_uj])):
            raise WrongAnswerError("a cost is not finite")


def _history(folder: Path, data: bytes) -> None:
    path = folder / "history.sqlite"
    for name in ("history.sqlite-wal", "history.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    path.write_bytes(data)
    read_candidates(path)
    with closing(History(path)) as history:  # as in a resumed search
        history.columns("position", "architecture", "key")
        for screened in (False, True):
            history.fitness(screened=screened)
            history.failures(screened=screened)
        history.seconds()
        history.peak_memory_mb()
        history.evaluation_seconds()


DOCUMENTS = {
    "result.json": SearchSummary, "evaluation.json": Evaluation, "chips/spikeflow-rram.json": ChipEvaluation,
    "environment.json": Environment,
}  # fmt: skip


def _report(name: str) -> Read:
    """A run with one bad file."""

    def reader(folder: Path, data: bytes) -> None:
        run = folder / "run"
        if not run.exists():
            add_training(make_run(run, n=6, settings={"network": {"channels": 4}}))
        path = run / name
        whole = path.read_bytes()
        path.write_bytes(data)
        try:
            if name in DOCUMENTS:  # most bytes are rejected here; the rest of the run takes a hundred times as long
                DOCUMENTS[name].read(path)
            elif name == "metrics.jsonl":
                read_epochs(path)
            report_page(read_run(run, "run"))
        finally:
            path.write_bytes(whole)

    return reader


def _image(path: Path) -> None:
    for channels in (1, 3):
        found = FileSource([path], np.zeros(1, np.int64), channels, 8).read(0)
        if found.shape != (channels, 8, 8) or found.dtype != torch.uint8:
            raise WrongAnswerError(f"an image became {found.dtype} {tuple(found.shape)}")


def _cifar(folder: Path, data: bytes) -> None:
    (folder / Cifar10.versions[0].train_files[0]).touch()
    (folder / "test_batch.bin").write_bytes(data)
    Cifar10().within(folder).load("test", 32)


def _cifar_of_python(folder: Path, data: bytes) -> None:
    (folder / Cifar10.versions[1].train_files[0]).touch()
    (folder / "test_batch").write_bytes(data)
    Cifar10().within(folder).load("test", 32)


def _tiny(folder: Path, data: bytes) -> None:
    names, _, annotations = data.partition(b"\0")
    (folder / "val" / "images").mkdir(parents=True, exist_ok=True)
    (folder / "wnids.txt").write_bytes(names)
    (folder / "val" / "val_annotations.txt").write_bytes(annotations)
    TinyImageNet().within(folder).load("test", 64)


def _archive(suffix: str) -> Read:
    def reader(folder: Path, data: bytes) -> None:
        from shutil import rmtree

        inside = folder / "outer" / "inside"
        rmtree(folder / "outer", ignore_errors=True)
        inside.mkdir(parents=True)
        path = folder / f"archive{suffix}"
        path.write_bytes(data)
        try:
            unpack(path, inside)
        finally:
            if [*(folder / "outer").iterdir()] != [inside]:
                raise WrongAnswerError("an archive wrote outside its folder")
            if any(found.is_symlink() for found in inside.rglob("*")):
                raise WrongAnswerError("an archive made a link")

    return reader


def _integer(folder: Path, data: bytes) -> None:
    if not (folder / "weights.safetensors").exists():
        small_export(folder)
    (folder / "network.json").write_bytes(data)
    read_integer(folder)


def _integer_weights(folder: Path, data: bytes) -> None:
    """The weights for which the document was written."""
    if not (folder / "network.json").exists():
        small_export(folder)
    network = json.loads((folder / "network.json").read_bytes())
    (folder / "network.json").write_text(json.dumps({**network, "weights_sha256": sha256(data).hexdigest()}))
    (folder / "weights.safetensors").write_bytes(data)
    read_integer(folder)


def small_export(folder: Path) -> None:
    """The smallest network in format ``integer``."""
    write_integer(_small_content(), folder)


def _exported_seeds(format_name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        folder.mkdir(parents=True, exist_ok=True)
        write, _ = format_named(format_name).load()
        write(replace(_small_content(), network=bind(_small_classifier())), folder / "seed")
        return [(folder / "seed").read_bytes()]

    return seeds


def _small_content() -> ExportContent:
    codes, one = np.arange(8, dtype=np.int32).reshape(2, 4), np.ones(1, np.float32)
    nodes = (
        Node("image", ImageInput(), (), (1, 2, 2)),
        Node("head", Weights(2), (Link("image"),), (2,)),
        Node("spikes", Neurons(), (Link("head"),), (2,)),
        Node("votes", Votes(1), (Link("spikes"),), (2,)),
    )
    weights = {"head": WeightArrays(codes.astype(np.float32), codes, one, gain=np.ones(2))}
    neurons = {"spikes": NeuronArrays(4 / 3, one, np.zeros(1, np.float32), 0.0)}
    network = BoundGraph(Graph(nodes), 2, weights, neurons)
    sizes = dict.fromkeys(
        ("crossbar_size", "n_crossbars_per_pe", "n_pes_per_tile", "mesh_side", "bits_per_cell", "n_sign_columns",
         "columns_per_output", "replication"), 1,
    )  # fmt: skip
    crossbars = CrossbarsDocument(hardware="spikeflow-rram", tiles=(), **sizes)
    shown = NetworkInput(channels=1, height=2, width=2, mean=(0.5,), std=(0.25,))
    return ExportContent(network, CELL, 8, shown, None, crossbars)


def _progress(folder: Path, data: bytes) -> None:
    """Progress of the previous training, as passed to a resumed one, with matching digests."""
    try:
        facts = parse_json(data.decode("utf-8", "surrogateescape"))
    except ValueError:
        facts = None
    network = _small_classifier()
    state = State(network, plan(given({}, "fuzz")).config.train, "mine")
    state.save(folder / "last.safetensors")
    tensors, whole = read_checkpoint(folder / "last.safetensors")
    write_checkpoint(folder / "last.safetensors", tensors, {"identity": whole["identity"], "progress": facts})
    state.load(folder / "last.safetensors")


@cache
def _small_classifier() -> Classifier:
    shape = NetworkShape(image_channels=1, image_side=8, n_classes=3, channels=2, head="gap")
    train = plan(given({}, "fuzz")).config.train
    return make_classifier(
        parse_architecture(CELL), shape, plan(given({}, "fuzz")).config.network, train, torch.device("cpu")
    )


def _yaml_seeds(folder: Path) -> list[bytes]:
    preset = plan(given({}, "fuzz")).config.model_dump()
    return [yaml.safe_dump(preset).encode(), b"seed: 3\nnetwork: {channels: 16, tau: 1.5e0}\n", b"a: &x [1]\nb: *x\n"]


def _preset_files(package: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        import neuronas

        presets = Path(neuronas.__file__).parent / package / "presets"
        return [path.read_bytes() for path in sorted(presets.glob("*.yaml"))]

    return seeds


def _history_seeds(folder: Path) -> list[bytes]:
    run = make_run(folder / "searched", n=6)
    path = run / "history.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    return [path.read_bytes()]


def _run_seeds(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        run = make_run(folder / "searched", n=6)
        add_training(run)
        return [(run / name).read_bytes()]

    return seeds


def _checkpoint_seeds(folder: Path) -> list[bytes]:
    path = folder / "one.safetensors"
    write_checkpoint(path, {"weight": torch.ones(2, 3), "n": torch.tensor(3)}, {"epoch": 1, "accuracy": 0.5})
    return [path.read_bytes()]


def _image_seeds(folder: Path) -> list[bytes]:
    gradient = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)
    grey = Image.fromarray(gradient)
    found = []

    def add(image: Image.Image, kind: str, **options: object) -> None:
        content = io.BytesIO()
        image.save(content, kind, **options)
        found.append(content.getvalue())

    for mode, kind in (
        ("L", "PNG"), ("RGB", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("RGB", "JPEG"),
        ("CMYK", "JPEG"), ("L", "JPEG"), ("RGB", "BMP"), ("P", "BMP"), ("RGB", "WEBP"), ("RGB", "PPM"), ("L", "PPM"),
        ("RGB", "TIFF"), ("CMYK", "TIFF"), ("P", "GIF"),
    ):  # fmt: skip
        add(grey.convert(mode), kind)
    add(Image.fromarray(gradient.astype(np.uint16) * 300), "PNG")
    add(Image.fromarray(gradient.astype(np.float32) / 255), "TIFF")
    add(grey.convert("RGB"), "TIFF", compression="tiff_lzw")
    add(grey.convert("P"), "GIF", save_all=True, append_images=[grey.convert("P").rotate(90)])
    return found


def _cifar_seeds(folder: Path) -> list[bytes]:
    return [bytes(2 * 3073), bytes([9]) + bytes(3072)]


def _cifar_of_python_seeds(folder: Path) -> list[bytes]:
    images, labels = images_of(Cifar10(), 2)
    return [writer({"data": images, "labels": labels, "filenames": ["a", "b"]}) for writer in WRITERS.values()]


def _tar_seeds(folder: Path) -> list[bytes]:
    found = []
    for kind, name, link in (
        (tarfile.REGTYPE, "cifar-10-batches-bin/data_batch_1.bin", ""), (tarfile.REGTYPE, "../escaped", ""),
        (tarfile.REGTYPE, "/tmp/neuronas-escaped", ""), (tarfile.SYMTYPE, "link", ".."), (tarfile.LNKTYPE, "hard", "a"),
        (tarfile.FIFOTYPE, "pipe", ""),
    ):  # fmt: skip
        for mode in ("w:gz", "w"):
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode=mode) as archive:
                member = tarfile.TarInfo(name)
                member.type, member.linkname, member.size = kind, link, 3 if kind == tarfile.REGTYPE else 0
                archive.addfile(member, io.BytesIO(b"abc"))
            found.append(content.getvalue())
    return found


def _zip_seeds(folder: Path) -> list[bytes]:
    found = []
    for name in ("tiny-imagenet-200/wnids.txt", "../escaped", "/tmp/neuronas-escaped", "a/../../escaped"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, "abc")
        found.append(content.getvalue())
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "..")
    return [*found, content.getvalue()]


def _label_seeds(folder: Path) -> list[bytes]:
    return [b"id,op_01,op_02,op_12,op_03,op_13,op_23,test_accuracy\n1,2,1,0,3,4,2,81.5\n2,0,0,0,0,0,0,10\n"]


def _integer_seeds(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        small_export(folder)
        return [(folder / name).read_bytes()]

    return seeds


def _given(*seeds: bytes) -> Callable[[Path], list[bytes]]:
    return lambda folder: list(seeds)


TRAINED = TrainingResult(
    directory=Path("run"), epochs=2, best_epoch=1, validation_accuracy=0.5, n_training=9, n_validation=1, seed=0,
    seconds=2.5,
).model_dump_json()  # fmt: skip
CORRUPT, EITHER = frozenset({4}), frozenset({2, 4})
TARGETS: dict[str, Target] = {
    "architecture": Target(_architecture, _given(ARCHITECTURE.encode(), f"{CELL} / {CELL}".encode())),
    "configuration": Target(_file("settings.yaml", _settings), _yaml_seeds, change=change_yaml),
    "accelerator": Target(_file("chip.yaml", _accelerator), _preset_files("hardware"), change=change_yaml),
    "space": Target(
        _file("space.yaml", lambda path: load_space(str(path)).edge_choices), _preset_files("space"), change=change_yaml
    ),
    "trace": Target(
        _file("trace.json", lambda path: load_activity(HardwareConfig(activity="trace", trace=str(path)))),
        _given(b'{"layers": {"A.01": {"input_rate": 0.25}}}'),
        change=change_json,
    ),
    "labels": Target(_file("labels.csv", read_labels), _label_seeds),
    "image": Target(_file("one.jpg", _image), _image_seeds),
    "cifar": Target(_cifar, _cifar_seeds),
    "cifar for Python": Target(_cifar_of_python, _cifar_of_python_seeds),
    "tiny-imagenet": Target(_tiny, _given(b"n01\nn02\n\0val_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn01\t0\t0\t9\t9\n")),
    "tar": Target(_archive(".tar.gz"), _tar_seeds),
    "zip": Target(_archive(".zip"), _zip_seeds),
    "architecture.json": Target(
        _file("architecture.json", lambda path: read_architecture(str(path))), _run_seeds("architecture.json"), CORRUPT,
        change_json,
    ),
    "history": Target(_history, _history_seeds, CORRUPT),
    "checkpoint": Target(_file("best.safetensors", read_checkpoint), _checkpoint_seeds, CORRUPT),
    "network.json": Target(_integer, _integer_seeds("network.json"), CORRUPT, change_json),
    "weights.safetensors": Target(_integer_weights, _integer_seeds("weights.safetensors"), CORRUPT),
    "network.onnx": Target(_file("network.onnx", read_network), _exported_seeds("onnx"), EITHER),
    "network.onnx on a chip": Target(_file("network.onnx", _own_network), _exported_seeds("onnx"), EITHER),
    "network.nir": Target(_file("network.nir", read_network), _exported_seeds("nir"), EITHER),
    "progress": Target(_progress, _given(json.dumps(vars(Progress())).encode()), CORRUPT, change_json),
    "training.json": Target(
        _file("training.json", TrainingResult.read), _given(TRAINED.encode()), CORRUPT, change_json
    ),
    **{
        name: Target(_report(name), _run_seeds(name), codes, change)
        for name, codes, change in (
            ("config.yaml", EITHER, change_yaml), ("metrics.jsonl", CORRUPT, change_lines),
            *((name, CORRUPT, change_json) for name in DOCUMENTS),
        )
    },
}  # fmt: skip
"""Every reader, by the name of its input."""
