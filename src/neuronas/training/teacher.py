"""Knowledge distillation: class probabilities of a trained network are learned beside the labels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import mean_scores


@dataclass(frozen=True)
class Teacher:
    """A trained network that is asked about every training image (Hinton et al., arXiv 1503.02531, temperature 1).

    Attributes:
        network: in evaluation mode; it has the classes and reads the images of the network that learns.
        share: of its answer in the targets; the rest is the label's.
        digest: of its weights and of what they were trained with.
    """

    network: Classifier
    share: float
    digest: str

    def taught(self, x: Tensor, targets: Tensor) -> Tensor:
        """Mix the class probabilities of the teacher into targets.

        Args:
            x: augmented images, as the learning network is shown them.
            targets: [B, n_classes] class probabilities of the labels.
        """
        with torch.no_grad():
            known = torch.softmax(mean_scores(self.network(x)).float(), dim=-1)
        return torch.lerp(targets, known, self.share)
