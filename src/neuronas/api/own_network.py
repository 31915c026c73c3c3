"""A network of one's own, an ``.onnx`` or ``.nir`` file or an ``nn.Module``, made ready for simulated chips."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.compose import Plan
from neuronas.api.devices import device_named
from neuronas.api.settings import gathered, planned
from neuronas.config import SETTINGS, WeightBits, as_path, value_at, with_value, written
from neuronas.errors import ConfigurationError
from neuronas.importing.read import is_network_file, read_network_arrays
from neuronas.space.layer_bits import graph_bits

if TYPE_CHECKING:
    import torch

    from neuronas.snn.imported import ImportedNetwork
    from neuronas.snn.imported_network import ImportedClassifier
    from neuronas.space.node_operations import Shape
    from neuronas.training.images import Images

_OF_RUNS = ("space", "train.", "network.channels", "network.head", "network.tau", "network.v_", "chip.retrain_epochs")
"""Settings, or what they begin with, that a network of one's own decides, or that only a run has."""


@dataclass(frozen=True)
class OwnNetwork:
    """A network of one's own with its data set and chip.

    Attributes:
        name: of the file or class.
        plan: complete settings.
        imported: as it was read.
        device: of the networks.
    """

    name: str
    plan: Plan
    imported: "ImportedNetwork"
    device: "torch.device"
    _images: dict[str, "Images"] = field(default_factory=dict, repr=False)

    def images(self, split: str) -> "Images":
        """Images of the data set, ``train`` or ``test``; read once."""
        from neuronas.api.trained import read_images

        if split not in self._images:
            self._images[split] = read_images(self.plan, split)
        return self._images[split]

    @cached_property
    def network(self) -> "ImportedClassifier":
        """With integer weights and, behind ReLU and the like, integer inputs."""
        from neuronas.api.trained import calibration_images
        from neuronas.chip.activations import round_inputs

        made, config = self._made(self.plan.config.network.weight_bits), self.plan.config.chip
        round_inputs(made, calibration_images(self.images("train"), config.seed, self.device), config.activation_bits)
        return made

    @cached_property
    def float_network(self) -> "ImportedClassifier":
        """With the weights as they were read."""
        from neuronas.config import FULL_PRECISION

        return self._made(FULL_PRECISION)

    @property
    def digest(self) -> bytes:
        """Identifies layers, weights, neurons and formats of inputs."""
        found = blake2b(repr((self.imported.graph, self.network.input_formats())).encode(), digest_size=16)
        for name, values in self.network.state_dict().items():
            found.update(name.encode() + values.cpu().numpy().tobytes())
        for name, rule in self.imported.neurons.items():
            found.update(f"{name} {type(rule).__name__} {getattr(rule, 'largest', '')}".encode())
        return found.digest()

    def _made(self, weight_bits: WeightBits) -> "ImportedClassifier":
        from neuronas.snn.imported_network import ImportedClassifier

        return ImportedClassifier(self.imported, self.plan.config.network.timesteps, weight_bits).eval().to(self.device)


def is_own_network(given: object) -> bool:
    """Whether it is a module or a network file, and neither an architecture nor a run."""
    if not isinstance(given, str | os.PathLike):
        return True
    text = os.fspath(given)
    return "|" not in text and is_network_file(as_path(text, "ARCH"))


def read_own(
    given: object, options: Mapping[str, Any], assignments: Iterable[str] = (), dt_s: float | None = None
) -> OwnNetwork:
    """Read a network of one's own for simulated chips.

    What is not given is as the file says, if neuronas exported it; else as the data set says, with the default number
    of time steps and bits.

    Args:
        given: a path, or an ``nn.Module``.
        options: settings by keyword.
        assignments: the same as ``section.key=value`` texts.
        dt_s: length of a time step, s, of a NIR file that does not say it.

    Raises:
        ConfigurationError: a layer or setting that cannot be simulated, or a data set with other images or classes.
        VerificationError: a damaged file.
    """
    assignments = tuple(assignments)
    check_unread(
        "evaluate", options, assignments, _OF_RUNS, "expected settings of the data set, the chip, weight bits and steps"
    )
    run = planned("evaluate", options, assignments=assignments)
    name, imported = _imported(given, run, dt_s)
    shape, n_classes = imported.graph.nodes[0].shape, _n_classes(name, imported)
    values = written(run.given)
    _check_images(name, shape, run, is_given=value_at(values, "data.image_side") is not None)
    if n_classes != run.config.data.n_classes:
        raise ConfigurationError(
            f"{name} given, which has {n_classes} class scores, with data set {run.config.data.name} of "
            f"{run.config.data.n_classes} classes; expected as many"
        )
    steps = value_at(values, "network.timesteps")
    if not imported.is_spiking and steps not in (None, 1):
        raise ConfigurationError(
            f"--timesteps {steps} given with {name}, whose neurons do not spike: it runs once; leave the option out"
        )
    imported = _shown(name, imported, run)
    defaults: dict[str, Any] = {"data.image_side": shape[1:], **_recorded(imported)}
    config: dict[str, Any] = {}
    for path, value in defaults.items():
        config = with_value(config, path, value)
    run = planned("evaluate", options, config=config, assignments=assignments)
    graph_bits(run.config.network.weight_bits, imported.graph)
    return OwnNetwork(name, run, imported, device_named(run.config.device))


def check_unread(
    verb: str, options: Mapping[str, Any], assignments: Iterable[str], unread: tuple[str, ...], expected: str
) -> None:
    """Refuse settings that a network of one's own would leave out in silence.

    Args:
        verb: whose options they are.
        options: settings by keyword.
        assignments: ``section.key=value`` texts.
        unread: settings, or what they begin with.
        expected: the end of the message.

    Raises:
        ConfigurationError: names the first.
    """
    values = written(gathered(verb, options, None, assignments))
    for path, one in SETTINGS.items():
        if path.startswith(unread) and value_at(values, path) is not None:
            raise ConfigurationError(
                f"{one.flag if one.meaning.is_option else path} given with a network of your own, whose layers are "
                f"given; {expected}"
            )


def _imported(given: object, run: Plan, dt_s: float | None) -> "tuple[str, ImportedNetwork]":
    default = (run.config.data.image_channels, *run.config.data.image_side)
    if isinstance(given, str | os.PathLike):
        path = as_path(given, "RUN")
        return path.name, read_network_arrays(path, default, dt_s)
    from torch import nn

    from neuronas.importing.module import read_module_arrays
    from neuronas.snn.graph_network import GraphNetwork

    if not isinstance(given, nn.Module):
        raise ConfigurationError(f"{given!r:.60} given; expected a run's directory, a network file, or an nn.Module")
    if isinstance(given, GraphNetwork):
        raise ConfigurationError(f"{type(given).__name__} of neuronas given; expected the directory of its run")
    if dt_s is not None:
        raise ConfigurationError(f"dt_s {dt_s:g} given with a module; expected it with NIR files only")
    return type(given).__name__, read_module_arrays(given, default)


def _n_classes(name: str, imported: "ImportedNetwork") -> int:
    n_classes, *sides = imported.graph.nodes[-1].shape
    if any(side != 1 for side in sides):
        raise ConfigurationError(
            f"{name}: output of shape {[n_classes, *sides]} given; expected one score for each class"
        )
    return n_classes


def _check_images(name: str, shape: "Shape", run: Plan, *, is_given: bool) -> None:
    data = run.config.data
    if shape[0] != data.image_channels:
        raise ConfigurationError(
            f"{name} given, which reads images of {shape[0]} channels, with data set {data.name} of "
            f"{data.image_channels}; expected as many (--image-channels converts image folders)"
        )
    if is_given and shape[1:] != data.image_side:
        expected, found = ("x".join(map(str, sides)) for sides in (shape[1:], data.image_side))
        raise ConfigurationError(f"--image-side {found} given with {name}; expected {expected}, or nothing")


def _shown(name: str, imported: "ImportedNetwork", run: Plan) -> "ImportedNetwork":
    """The network as it reads the images of the data set: stills, or sequences."""
    if run.config.data.sequence:
        return replace(imported, graph=imported.graph.of_sequences())
    if imported.graph.is_sequence:
        raise ConfigurationError(
            f"{name} given, which reads sequences, with data set {run.config.data.name} of still images; expected "
            "sequences, such as --dataset events:DIR"
        )
    return imported


def _recorded(imported: "ImportedNetwork") -> dict[str, Any]:
    """Settings that the file gives, by path."""
    about, steps = imported.recorded, None if imported.is_spiking else 1
    found = {
        "network.timesteps": steps or about.timesteps,
        "network.weight_bits": about.weight_bits,
        "data.mean": about.mean,
        "data.std": about.std,
    }
    return cast("dict[str, Any]", {path: value for path, value in found.items() if value is not None})
