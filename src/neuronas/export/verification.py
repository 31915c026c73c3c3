"""The round trip: a fixed batch through the network and through what its exported file says."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.errors import VerificationError
from neuronas.export.bound_graph import BoundGraph
from neuronas.export.interpreter import interpret
from neuronas.snn.classifier import Classifier
from neuronas.snn.lif import observed

N_IMAGES = 8
_SEED = 20240700
_TOLERANCE, _TIED_TOLERANCE = 1e-4, 0.05
"""Of the largest score; the second where a spike may come or not by rounding alone."""
_TIE = 3e-6
"""Distance of a potential from its threshold that rounding in float32 can bridge."""


@dataclass(frozen=True)
class Computed:
    """What a file gives for a batch: scores [T, B, n_classes] and, where known, spikes [B] of each node of neurons."""

    scores: Tensor
    n_spikes: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class Probe:
    """The fixed batch and what the network makes of it.

    Attributes:
        images: [B, C, H, W], normalised; noise and smooth random images, so that no data set is needed.
        expected: of the network.
        tied: [B] whether some neuron of the image comes so near to its threshold that rounding decides.
    """

    images: Tensor
    expected: Computed
    tied: Tensor


@dataclass(frozen=True)
class RoundTrip:
    """How well a file's scores agree with the network's.

    Attributes:
        largest_difference: of a score.
        largest_score: of the network, in magnitude.
        n_images: in the batch; ``n_tied`` of them may differ by a spike.
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
    # Noise alone may leave a network silent that has learned from photographs, whose neighbouring pixels are alike.
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
    """Hold what a file computes against the network.

    Args:
        what: the file, for the message.
        probe: the batch.
        found: of the file.

    Raises:
        VerificationError: scores or spikes differ by more than rounding explains.
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
    wrong = ~(differences <= allowed)  # so that NaN is wrong
    if not (differences <= strict).any():  # ties are few: rounding does not decide in every image
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
