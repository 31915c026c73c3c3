"""Knowledge distillation: a network learns from the class probabilities of a trained network besides the labels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neuronas.snn.classifier import Classifier
from neuronas.snn.decision import mean_scores


@dataclass(frozen=True)
class Teacher:
    """A trained network whose class probabilities are added to the targets (Hinton et al., arXiv 1503.02531).

    Attributes:
        network: network in evaluation mode, with the same classes and input as the network in training.
        share: weight of its probabilities in the targets; the labels have the remaining weight.
        digest: digest of its weights and settings of training.
    """

    network: Classifier
    share: float
    digest: str

    def taught(self, x: Tensor, targets: Tensor) -> Tensor:
        """Mix the class probabilities of the teacher into targets.

        Args:
            x: augmented images, as read by the network in training.
            targets: [B, n_classes] class probabilities of the labels.
        """
        with torch.no_grad():
            known = torch.softmax(mean_scores(self.network(x)).float(), dim=-1)
        return torch.lerp(targets, known, self.share)
