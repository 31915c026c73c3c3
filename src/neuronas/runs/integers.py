"""Accuracy loss due to precision: sections of ``evaluation.json`` and of the manifest of an export."""

from typing import Literal

from neuronas.config import WeightBits, weights_text
from neuronas.runs.document import Document, Share

SplitName = Literal["training", "validation", "test"]


def _beside(top1: float, other: float) -> str:
    """Comparison of two accuracies in words."""
    loss = 100 * (other - top1)
    return "equal to" if not loss else f"{abs(loss):.2f} points {'below' if loss > 0 else 'above'}"


class IntegerAccuracy(Document):
    """The integer-only network compared with its original (quantised weights, float32 arithmetic).

    Attributes:
        fraction_bits: fractional bits of values that are neither spikes nor sums of spikes.
        split: images of both evaluations.
        n_images: number of images.
        top1: top-1 accuracy of the integer-only network.
        float_top1: top-1 accuracy in float arithmetic.
        same_answers: share of the images with the same predicted class.
    """

    fraction_bits: int
    split: SplitName
    n_images: int
    top1: Share
    float_top1: Share
    same_answers: Share

    @property
    def text(self) -> str:
        """The comparison in words."""
        return (
            f"integer-only: top-1 {self.top1:.2%}, {_beside(self.top1, self.float_top1)} float arithmetic "
            f"({self.float_top1:.2%}); same class for {self.same_answers:.1%} of {self.n_images:,} {self.split} "
            f"images; "
            f"values with {self.fraction_bits} fraction bits, membranes of 16 bits"
        )


class WeightAccuracy(Document):
    """A network before and after rounding of its weights, in float arithmetic.

    Attributes:
        weight_bits: precision of the rounded weights.
        split: images of both evaluations.
        n_images: number of images.
        top1: top-1 accuracy with rounded weights.
        float_top1: top-1 accuracy with the original weights.
    """

    weight_bits: WeightBits
    split: SplitName
    n_images: int
    top1: Share
    float_top1: Share

    @property
    def text(self) -> str:
        """The comparison in words."""
        return (
            f"{weights_text(self.weight_bits)}: top-1 {self.top1:.2%}, {_beside(self.top1, self.float_top1)} the same "
            f"network before rounding ({self.float_top1:.2%}); {self.n_images:,} {self.split} images"
        )
