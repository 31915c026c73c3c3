"""Verification of an exported file: a fixed batch of images is computed by the network and from the file."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.errors import VerificationError
from neuronas.export.interpreter import interpret
from neuronas.snn.bound_graph import BoundGraph
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import observed

N_IMAGES = 8
_SEED = 20240700
_TOLERANCE, _TIED_TOLERANCE = 1e-4, 0.05
"""Allowed difference relative to the largest score; the second for images where a spike depends on rounding."""
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


@dataclass(frozen=True)
class Probe:
    """The fixed batch and its result by the network.

    Attributes:
        images: normalised images [B, C, H, W]: noise and smooth random images, so that no data set is needed.
        expected: result of the network.
        tied: [B] whether a potential is so near to its threshold that a spike depends on rounding.
    """

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
    """

    largest_difference: float
    largest_score: float
    n_images: int
    n_tied: int


def make_probe(network: Classifier, bound: BoundGraph, mean: tuple[float, ...], std: tuple[float, ...]) -> Probe:
    """Draw the fixed batch and let the network (on the CPU, in float32) compute it."""
    channels, *size = bound.graph.nodes[0].shape
    generator, half = torch.Generator().manual_seed(_SEED), N_IMAGES // 2
    fine = torch.rand(half, channels, *size, generator=generator)
    # A network trained on photographs, whose neighbouring pixels are similar, may not spike on noise at all.
    coarse = torch.rand(half, channels, 2, 2, generator=generator)
    smooth = F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)
    pixels = torch.cat([fine, smooth])
    images = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    n_spikes: dict[str, Tensor] = {}

    def count(name: str, spikes: Tensor) -> None:
        counted = spikes.sum(dim=0).flatten(1).sum(dim=1).long()
        n_spikes[name] = n_spikes.get(name, torch.zeros_like(counted)) + counted

    with observed(network.neurons(), count), torch.no_grad():
        scores = network(images)
    return Probe(images, Computed(scores, n_spikes), interpret(bound, images).margin < _TIE)


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
    if not largest:
        raise VerificationError(
            f"{what}: the network's scores are all 0 for the fixed batch, so that nothing can be verified; expected a "
            "network that has learned"
        )
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
