"""Write a trained network in a format, compute it again from what was written, and keep it only if it is the same."""

import shutil
from pathlib import Path

from neuronas.errors import ConfigurationError
from neuronas.export.formats import ExportContent, Format
from neuronas.export.verification import RoundTrip, compare, make_probe
from neuronas.snn.classifier import Classifier


def export_network(network: Classifier, content: ExportContent, chosen: Format, path: Path) -> RoundTrip:
    """Export a network with a verified round trip.

    Args:
        network: on the CPU, in evaluation mode.
        content: the same network, ready to be written.
        chosen: the format.
        path: the file or folder to write; an older one is replaced only by one that was verified.

    Raises:
        ConfigurationError: the format cannot hold the network, or ``path`` is the root of all folders.
        VerificationError: what was written is not what the network computes; ``path`` is as before.
    """
    path = path.absolute()  # . has no name
    if path == path.parent:
        raise ConfigurationError(f"--out {path} given; expected a file or folder of its own")
    probe = make_probe(network, content.network, content.input.mean, content.input.std)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.stem}.unverified{path.suffix}")
    write, compute = chosen.load()
    try:
        write(content, beside)
        agreement = compare(str(path), probe, compute(beside, probe.images))
        _replace(beside, path)
    finally:
        _remove(beside)
    return agreement


def _replace(new: Path, path: Path) -> None:
    if not new.is_dir():
        new.replace(path)
        return
    path.mkdir(exist_ok=True)
    for file in sorted(new.iterdir()):
        file.replace(path / file.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
