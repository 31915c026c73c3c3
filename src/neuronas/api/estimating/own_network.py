"""The user's own network, an ``.onnx`` or ``.nir`` file or an ``nn.Module``, prepared for simulated chips."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.setup.devices import device_named
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import gathered, planned
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
"""Settings, or their prefixes, that the user's own network determines or that only a run has."""


@dataclass(frozen=True)
class OwnNetwork:
    """The user's own network with its data set and chip.

    Attributes:
        name: name of the file or class.
        plan: complete settings.
        imported: network as it was read.
        device: device of the networks.
    """

    name: str
    plan: Plan
    imported: "ImportedNetwork"
    device: "torch.device"
    _images: dict[str, "Images"] = field(default_factory=dict, repr=False)

    def images(self, split: str) -> "Images":
        """Images of the data set's split ``train`` or ``test``, read once."""
        from neuronas.api.setup.trained import read_images

        if split not in self._images:
            self._images[split] = read_images(self.plan, split)
        return self._images[split]

    @cached_property
    def network(self) -> "ImportedClassifier":
        """The network with integer weights and, after activations such as ReLU, integer inputs."""
        from neuronas.api.setup.trained import calibration_images
        from neuronas.chip.activations import round_inputs

        made, config = self._made(self.plan.config.network.weight_bits), self.plan.config.chip
        round_inputs(made, calibration_images(self.images("train"), config.seed, self.device), config.activation_bits)
        return made

    @cached_property
    def float_network(self) -> "ImportedClassifier":
        """The network with its original weights."""
        from neuronas.config import FULL_PRECISION

        return self._made(FULL_PRECISION)

    @property
    def digest(self) -> bytes:
        """Digest of layers, weights, neurons and input formats."""
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
    """Whether the argument is a module or a network file, not an architecture or a run."""
    if not isinstance(given, str | os.PathLike):
        return True
    text = os.fspath(given)
    return "|" not in text and is_network_file(as_path(text, "ARCH"))


def read_own(
    given: object, options: Mapping[str, Any], assignments: Iterable[str] = (), dt_s: float | None = None
) -> OwnNetwork:
    """Read the user's own network for simulated chips.

    Default settings come from the file, if neuronas exported it; otherwise from the data set, with the default numbers
    of time steps and bits.

    Args:
        given: path, or an ``nn.Module``.
        options: settings by keyword.
        assignments: settings as ``section.key=value`` texts.
        dt_s: length of a time step in s for a NIR file that does not state it.

    Raises:
        ConfigurationError: a layer or setting cannot be simulated, or the data set has other images or classes.
        VerificationError: the file is damaged.
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
    run = planned("evaluate", options, config=config, assignments=assignments, warns=False)
    graph_bits(run.config.network.weight_bits, imported.graph)
    return OwnNetwork(name, run, imported, device_named(run.config.device))


def check_unread(
    verb: str, options: Mapping[str, Any], assignments: Iterable[str], unread: tuple[str, ...], expected: str
) -> None:
    """Refuse settings that would be ignored silently for the user's own network.

    Args:
        verb: command of the options.
        options: settings by keyword.
        assignments: settings as ``section.key=value`` texts.
        unread: ignored settings, or their prefixes.
        expected: end of the message.

    Raises:
        ConfigurationError: the message names the first of them.
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
    """The network adapted to the images of the data set: still images, or sequences."""
    if run.config.data.sequence:
        return replace(imported, graph=imported.graph.of_sequences())
    if imported.graph.is_sequence:
        raise ConfigurationError(
            f"{name} given, which reads sequences, with data set {run.config.data.name} of still images; expected "
            "sequences, such as --dataset events:DIR"
        )
    return imported


def _recorded(imported: "ImportedNetwork") -> dict[str, Any]:
    """Settings stored in the file, by path."""
    about, steps = imported.recorded, None if imported.is_spiking else 1
    found = {
        "network.timesteps": steps or about.timesteps,
        "network.weight_bits": about.weight_bits,
        "data.mean": about.mean,
        "data.std": about.std,
    }
    return cast("dict[str, Any]", {path: value for path, value in found.items() if value is not None})
