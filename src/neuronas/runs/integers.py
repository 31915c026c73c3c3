"""What integer arithmetic costs: a section of ``evaluation.json`` and of the manifest of an integer export."""

from neuronas.runs.document import Document, Share


class IntegerAccuracy(Document):
    """The integer-only network beside the network it was made from (quantised weights, float32 arithmetic).

    Attributes:
        fraction_bits: of values that are neither spikes nor sums of them.
        n_images: test images of both.
        top1: accuracy of the integer-only network.
        float_top1: accuracy in float arithmetic.
        same_answers: share of the images to which both give the same class.
    """

    fraction_bits: int
    n_images: int
    top1: Share
    float_top1: Share
    same_answers: Share

    @property
    def loss_points(self) -> float:
        """Percentage points of accuracy by which integer arithmetic is worse; negative where it is better."""
        return 100 * (self.float_top1 - self.top1)

    @property
    def text(self) -> str:
        """The comparison, for people."""
        loss = self.loss_points
        change = "equal to" if not loss else f"{abs(loss):.2f} points {'below' if loss > 0 else 'above'}"
        return (
            f"integer-only: top-1 {self.top1:.2%}, {change} float arithmetic ({self.float_top1:.2%}); "
            f"same class for {self.same_answers:.1%} of {self.n_images:,} images; "
            f"values with {self.fraction_bits} fraction bits, membranes of 16 bits"
        )
