"""A small ReLU network, trained on the digits without quantisation, for tests and benchmarks."""

import torch
from torch import Tensor, nn

from neuronas.data.dataset import DataSet
from neuronas.data.datasets import open_dataset


def trained(widths: tuple[int, int], n_epochs: int, learning_rate: float, seed: int = 0) -> nn.Sequential:
    """Two convolutions, the second without padding, with ReLU and batch normalisation; trained with Adam.

    Args:
        widths: channels of both convolutions.
        n_epochs: epochs of training on all training images, in batches of 64.
        learning_rate: learning rate of Adam.
        seed: random seed of weights and order.
    """
    data = open_dataset("digits")
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, widths[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(*widths, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(widths[1], data.n_classes),
    )
    source = data.load("train", data.image_size)
    images, labels = prepared(data, source.images), torch.from_numpy(source.labels)
    optimiser = torch.optim.Adam(network.parameters(), learning_rate)
    for _ in range(n_epochs):
        for chosen in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images[chosen]), labels[chosen]).backward()
            optimiser.step()
    return network.eval()


def prepared(data: DataSet, pixels: Tensor) -> Tensor:
    """Pixels 0 to 255, [n, C, H, W], the input of the network."""
    mean, std = (torch.tensor(one)[:, None, None] for one in (data.mean, data.std))
    return (pixels / 255 - mean) / std
