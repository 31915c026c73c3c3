"""Exports a network with verification: the written file is computed, and kept only if the results agree."""

import shutil
from dataclasses import replace
from pathlib import Path

from neuronas.errors import ConfigurationError, writing
from neuronas.export.content import ExportContent
from neuronas.export.formats import Format
from neuronas.export.verification import (
    IntegerResult,
    RoundTrip,
    compare,
    compare_integers,
    integer_result,
    make_probe,
)
from neuronas.runs.work import Work
from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import are_same


def export_network(
    network: Classifier, content: ExportContent, chosen: Format, path: Path, work: Work | None = None
) -> RoundTrip:
    """Export a network and verify the written file.

    Args:
        network: the network, on the CPU, in evaluation mode.
        content: the same network with all information to export.
        chosen: the export format.
        path: the file or folder to write; an existing one is replaced only after verification.
        work: reports the progress of each step.

    Raises:
        ConfigurationError: the format cannot represent the network, or ``path`` is the root directory, a folder for a
            file, or the reverse.
        RunDirectoryError: ``path`` cannot be written.
        VerificationError: the results of the written file differ from the network's; ``path`` is unchanged.
    """
    path = path.absolute()  # . has no name
    if path == path.parent:
        raise ConfigurationError(f"--out {path} given; expected another file or folder than the root directory")
    work = work or Work("export", path, "steps")
    work.start(3)
    probe = make_probe(network, content.network, content.input.mean, content.input.std)
    work.advance(1, "computing images with the network")
    beside = path.with_name(f"{path.stem}.unverified{path.suffix}")
    write, compute = chosen.load()
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            synthesis = write(content, beside)
        _check_kind(beside, path)
        work.advance(1, "writing the file")
        scores = probe.expected.scores
        if chosen.verify is not None:
            agreement = chosen.verify()(content, beside)
            work.advance(1, "checking the files")
            _replace(beside, path)
            return replace(agreement, same_scores=are_same(scores))
        found = compute(beside, probe.pixels if chosen.is_integer else probe.images)
        if isinstance(found, IntegerResult):
            integers = content.integers
            expected = integer_result(integers, probe.pixels)
            scores = expected.scores
            agreement = compare_integers(str(path), expected, found, integers.neuron_layers)
        else:
            agreement = compare(str(path), probe, found)
        work.advance(1, "computing the images from the file")
        _replace(beside, path)
    finally:
        _remove(beside)
    return replace(agreement, same_scores=are_same(scores), synthesis=synthesis)


def _check_kind(new: Path, path: Path) -> None:
    if path.exists() and path.is_dir() != new.is_dir():
        given, expected = (("a file", "a folder")[one.is_dir()] for one in (path, new))
        raise ConfigurationError(f"--out {path} given, which is {given}; expected {expected}, or a new name")


def _replace(new: Path, path: Path) -> None:
    if not new.is_dir():
        new.replace(path)
        return
    path.mkdir(exist_ok=True)
    for file in sorted(new.iterdir()):
        if file.is_dir():
            shutil.rmtree(path / file.name, ignore_errors=True)
        file.replace(path / file.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
