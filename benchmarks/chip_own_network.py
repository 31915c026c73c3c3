"""Simulates a ReLU network that was trained without quantisation on chips.

    python benchmarks/chip_own_network.py [--chips 3] [--seed 0]

Digits; two convolutions, batch normalisation, a linear layer; 40 epochs of Adam in float32. Weights and activations are
rounded afterwards, to the same number of bits.
"""

import argparse
import sys
from pathlib import Path

import neuronas
from common import write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from relu_network import trained

BITS, HARDWARE = (8, 6, 4), ("spikeflow-rram", "isaac-rram")
WIDTHS, EPOCHS, LEARNING_RATE = (16, 32), 40, 3e-3


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    network = trained(WIDTHS, EPOCHS, LEARNING_RATE, options.seed)
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


if __name__ == "__main__":
    main()
