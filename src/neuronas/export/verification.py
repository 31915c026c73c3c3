"""Verification of an exported file: a fixed batch of images is computed by the network and from the file.

Results of float formats may differ by rounding; those of integer formats must be equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.errors import VerificationError
from neuronas.export.integer_interpreter import integer_scores
from neuronas.export.integer_network import IntegerNetwork
from neuronas.export.interpreter import interpret
from neuronas.export.spike_hash import SpikeHashes
from neuronas.runs.results import Synthesis
from neuronas.snn.bound_graph import BoundGraph
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import observed
from neuronas.space.graph import Graph
from neuronas.space.node_operations import Shape

N_IMAGES = 8
_BRIGHT = 3.0
"""Brightest pixel of random sequences, in standard deviations above the mean: event counts are small."""
_SEED = 20240700
_TOLERANCE, _TIED_TOLERANCE = 1e-4, 0.05
"""Allowed difference relative to the largest score; the second applies where a spike depends on rounding."""
_TIE = 3e-6
"""Distance of a potential from its threshold below which a spike can depend on float32 rounding."""


@dataclass(frozen=True)
class Computed:
    """Result of a file for a batch.

    Attributes:
        scores: class scores [T, B, n_classes].
        n_spikes: number of spikes [B] by name of the LIF layer; None if unknown.
    """

    scores: Tensor
    n_spikes: dict[str, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class IntegerResult:
    """Result of an integer network for a batch.

    Attributes:
        scores: class scores, summed over the time steps, [B, n_classes] int64.
        spikes: digests of the spikes of each layer, [B, layers] uint32; see ``export.spike_hash``.
    """

    scores: Tensor
    spikes: NDArray[np.uint32]


@dataclass(frozen=True)
class Probe:
    """The fixed batch and its result by the network.

    Attributes:
        pixels: the images as uint8.
        images: normalised images [B, C, H, W], or sequences [T, B, C, H, W]: noise and smooth random images, so that
            no data set is needed.
        expected: result of the network.
        tied: [B] whether a potential is so close to its threshold that a spike depends on rounding.
    """

    pixels: Tensor
    images: Tensor
    expected: Computed
    tied: Tensor


@dataclass(frozen=True)
class RoundTrip:
    """Agreement between the scores of a file and those of the network.

    Attributes:
        largest_difference: largest absolute difference between two scores.
        largest_score: largest absolute score of the network.
        n_images: number of images.
        n_tied: number of images where a spike depends on rounding.
        same_scores: whether the network gives all images the same scores; the agreement then says little.
        synthesis: cells of an FPGA that the file uses, if they were counted.
    """

    largest_difference: float
    largest_score: float
    n_images: int
    n_tied: int
    same_scores: bool = False
    synthesis: Synthesis | None = None


def probe_pixels(shape: Shape) -> Tensor:
    """The fixed batch of images, uint8 [B, C, H, W], of a shape [C, H, W]."""
    return (_noise(shape, torch.Generator().manual_seed(_SEED)) * 255).round().byte()


def probe_sequences(shape: Shape, timesteps: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """The fixed batch of sequences, uint8 [T, B, C, H, W], as bright as the training data."""
    generator = torch.Generator().manual_seed(_SEED)
    noise = torch.stack([_noise(shape, generator) for _ in range(timesteps)])
    brightest = (torch.tensor(mean) + _BRIGHT * torch.tensor(std)).clamp(1 / 255, 1)[:, None, None]
    return (noise * brightest * 255).round().byte()


def probe_batch(graph: Graph, timesteps: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """The fixed batch of a network: ``probe_pixels``, or ``probe_sequences`` if it reads sequences."""
    shape = graph.nodes[0].shape
    return probe_sequences(shape, timesteps, mean, std) if graph.is_sequence else probe_pixels(shape)


def _noise(shape: Shape, generator: torch.Generator) -> Tensor:
    """Random images with values in [0, 1]: half of them noise, half smooth."""
    channels, *size = shape
    half = N_IMAGES // 2
    fine = torch.rand(half, channels, *size, generator=generator)
    # A network trained on photographs, whose neighbouring pixels are similar, may not spike on noise at all.
    coarse = torch.rand(half, channels, 2, 2, generator=generator)
    smooth = F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)
    return torch.cat([fine, smooth])


def integer_result(network: IntegerNetwork, pixels: Tensor) -> IntegerResult:
    """Compute images, uint8 [B, C, H, W] or [T, B, C, H, W], with the interpreter."""
    hashes = SpikeHashes()
    scores = integer_scores(network, pixels, hashes).sum(dim=0)
    return IntegerResult(scores, hashes.table(network.neuron_layers, pixels.shape[-4]))


def compare_integers(what: str, expected: IntegerResult, found: IntegerResult, layers: Sequence[str]) -> RoundTrip:
    """Compare the results of a file and of the interpreter, which must be equal.

    Args:
        what: name of the file, for messages.
        expected: result of the interpreter.
        found: result of the file.
        layers: names of the LIF layers.

    Raises:
        VerificationError: spikes or scores differ; names the first such layer.
    """
    if found.spikes.shape != expected.spikes.shape or found.scores.shape != expected.scores.shape:
        raise VerificationError(
            f"{what}: gives {tuple(found.scores.shape)} scores and {found.spikes.shape} layers of spikes; the network "
            f"{tuple(expected.scores.shape)} and {expected.spikes.shape}"
        )
    wrong = found.spikes != expected.spikes
    if wrong.any():
        layer = int(np.flatnonzero(wrong.any(axis=0))[0])
        raise VerificationError(
            f"{what}: spikes of layer {layers[layer]} differ from the interpreter's in {int(wrong[:, layer].sum())} of "
            f"{len(wrong)} images; the file was not kept"
        )
    differences = (found.scores - expected.scores).abs()
    if differences.any():
        n_wrong = int(differences.any(dim=1).sum())
        raise VerificationError(
            f"{what}: scores of {n_wrong} of {len(wrong)} images differ from the interpreter's, at most by "
            f"{int(differences.max())}; the file was not kept"
        )
    return RoundTrip(0.0, float(expected.scores.abs().max()), len(wrong), 0)


def make_probe(network: Classifier, bound: BoundGraph, mean: tuple[float, ...], std: tuple[float, ...]) -> Probe:
    """Generate the fixed batch and compute it with the network (on the CPU, in float32)."""
    pixels = probe_batch(bound.graph, bound.timesteps, mean, std)
    images = (pixels.float() / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    n_spikes: dict[str, Tensor] = {}

    def count(name: str, spikes: Tensor) -> None:
        counted = spikes.sum(dim=0).flatten(1).sum(dim=1).long()
        n_spikes[name] = n_spikes.get(name, torch.zeros_like(counted)) + counted

    with observed(network.neurons(), count), torch.no_grad():
        scores = network(images)
    return Probe(pixels, images, Computed(scores, n_spikes), interpret(bound, images).margin < _TIE)


def compare(what: str, probe: Probe, found: Computed) -> RoundTrip:
    """Compare the results of a file and of the network.

    Args:
        what: name of the file, for messages.
        probe: the batch and the result of the network.
        found: the result of the file.

    Raises:
        VerificationError: scores or numbers of spikes differ by more than the rounding error.
    """
    expected = probe.expected.scores.double()
    if found.scores.shape != expected.shape:
        raise VerificationError(
            f"{what}: gives scores of shape {tuple(found.scores.shape)}, the network {tuple(expected.shape)}"
        )
    largest = float(expected.abs().max())
    differences = (found.scores.double() - expected).abs().amax(dim=(0, 2))
    strict = _TOLERANCE * largest
    allowed = torch.where(probe.tied, _TIED_TOLERANCE * largest, strict).double()
    wrong = ~(differences <= allowed)  # also true for NaN
    if not (differences <= strict).any():  # rounding cannot explain differences in all images
        wrong[:], allowed[:] = True, strict
    if wrong.any():
        image = int((differences - allowed).argmax())
        raise VerificationError(
            f"{what}: scores of {int(wrong.sum())} of {len(wrong)} images differ from the network's, at most by "
            f"{float(differences[image]):.3g} (allowed {float(allowed[image]):.3g}); the file was not kept"
        )
    for layer, counts in (found.n_spikes or {}).items():
        off = (counts != (probe.expected.n_spikes or {})[layer]) & ~probe.tied
        if off.any():
            image = int(off.nonzero()[0, 0])
            raise VerificationError(
                f"{what}: {int(counts[image])} spikes in {layer} for image {image}, the network has "
                f"{int((probe.expected.n_spikes or {})[layer][image])}; the file was not kept"
            )
    return RoundTrip(float(differences.max()), largest, len(wrong), int(probe.tied.sum()))
