"""Common parts of generated programs: the integer network, its description, and the inputs of the self-test."""

from dataclasses import dataclass

from torch import Tensor

from neuronas.config import weights_text
from neuronas.export.content import ExportContent
from neuronas.export.integer_network import IntegerNetwork
from neuronas.export.verification import IntegerResult, integer_result, probe_batch
from neuronas.version import __version__


@dataclass(frozen=True, eq=False)
class SelfTest:
    """The common parts of a generated program.

    Attributes:
        network: the network that the program computes.
        frames: inputs of the self-test, [inputs, frames, H, W, C] uint8; see ``frames_of``.
        expected: the interpreter's results for them.
        opening: values for the header of its files: ``about`` and ``version``.
    """

    network: IntegerNetwork
    frames: Tensor
    expected: IntegerResult
    opening: dict[str, str]


def self_test(content: ExportContent) -> SelfTest:
    """Make the common parts of a program.

    Raises:
        ConfigurationError: see ``to_integers``.
    """
    network = content.integers
    pixels = probe_batch(network.graph, network.timesteps, content.input.mean, content.input.std)
    about = f"Spiking network {content.architecture}, {weights_text(content.weight_bits)}."
    opening = {"about": about, "version": __version__}
    return SelfTest(network, frames_of(pixels), integer_result(network, pixels), opening)


def frames_of(pixels: Tensor) -> Tensor:
    """Inputs in the order in which programs read them: row by row, channels last.

    Args:
        pixels: uint8 images [B, C, H, W], or sequences [T, B, C, H, W].

    Returns:
        [B, 1, H, W, C], or [B, T, H, W, C].
    """
    sequences = pixels if pixels.dim() == 5 else pixels[None]
    return sequences.permute(1, 0, 3, 4, 2).contiguous()
