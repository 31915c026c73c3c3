"""A ReLU network that was trained without any quantisation, on simulated chips.

    python benchmarks/chip_own_network.py [--chips 3] [--seed 0]

The digits; two convolutions, batch normalisation, a linear layer; 40 epochs of Adam in float32. Weights and activations
are rounded afterwards, to the same number of bits.
"""

import argparse

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import neuronas
from common import write
from neuronas.data.presets import Digits
from neuronas.training.images import Images

BITS, HARDWARE = (8, 6, 4), ("spikeflow-rram", "isaac-rram")
EPOCHS, BATCH_SIZE, LEARNING_RATE = 40, 64, 3e-3


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    network = trained(options.seed)
    rows = []
    for bits in BITS:
        for hardware in HARDWARE:
            found = neuronas.evaluate_on_chips(
                network, dataset="digits", hardware=hardware, chips=options.chips, seed=options.seed, weight_bits=bits,
                activation_bits=bits, diagnosis=False,
            )  # fmt: skip
            row = {"bits": bits, "hardware": hardware, "float": found.float_network_top1}
            row |= {"rounded": found.quantised_network_top1, "mean": found.top1_mean, "std": found.top1_std}
            rows.append({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()})
            print(rows[-1])
    write("chip_own_network", {**vars(options), "n_images": found.n_images, "rows": rows})


def trained(seed: int) -> nn.Module:
    """The network, with weights trained on all training images."""
    digits = Digits()
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, digits.n_classes),
    )
    images = digits.load("train", digits.image_size)
    pixels, labels = normalised(images, digits), torch.from_numpy(images.labels)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(pixels)).split(BATCH_SIZE):
            optimiser.zero_grad()
            cross_entropy(network(pixels[chosen]), labels[chosen]).backward()
            optimiser.step()
    return network.eval()


def normalised(images: Images, digits: Digits) -> Tensor:
    """Pixels [n, 1, H, W] as networks see them."""
    mean, std = (torch.tensor(one)[:, None, None] for one in (digits.mean, digits.std))
    return (images.images.float() / 255 - mean) / std


if __name__ == "__main__":
    main()
