"""Calculates the firing rates below which a spiking network needs less energy than its artificial twin.

    python benchmarks/break_even.py

Nothing is trained: a fifth of the twin's input bits are assumed to be 1, and all layers of the spiking network to have
the same firing rate. Both networks are on the same chip, with cost model ``mapped``.
"""

from dataclasses import replace
from math import ceil, log2

import neuronas
from common import write
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.break_even import break_even_rate
from neuronas.hardware.mapped.model import MappedCostModel

ARCHITECTURE = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|"
CHANNELS, WEIGHT_BITS = 128, 8
CHIPS = ("spikeflow-rram", "sram-65nm", "isaac-rram")
TIMESTEPS = (1, 2, 4, 5, 8)
ONES = 0.2
"""Share of the twin's input bits that are 1."""


def main() -> None:
    """Calculate, print and write the rates."""
    work = neuronas.estimate(ARCHITECTURE, dataset="cifar10", channels=CHANNELS).work
    trace = {layer.name: ONES for layer in work}
    rows = []
    for chip in CHIPS:
        for timesteps in TIMESTEPS:
            spiking = MappedCostModel(load_accelerator(chip), WEIGHT_BITS, timesteps)
            bits = ceil(log2(timesteps + 1))
            twin = replace(spiking, timesteps=1, activation_bits=bits, activity=Activity(rate=ONES))
            rate = break_even_rate(spiking, work, trace, ONES, twin.estimate(work).energy_uj)
            rows.append({"hardware": chip, "timesteps": timesteps, "break_even_rate": round(rate, 4)})
            print(rows[-1])
    about = {"architecture": ARCHITECTURE, "channels": CHANNELS, "weight_bits": WEIGHT_BITS, "ones": ONES}
    write("break_even", {**about, "rows": rows})


if __name__ == "__main__":
    main()
