"""The cost of a network on a chip of your own: python own_accelerator.py [FILE.yaml]

The chip is a YAML file, such as own_accelerator.yaml next to this script. An unknown or missing key, or a wrong value,
is refused with its name. Neither data nor torch is needed.
"""

import sys
from pathlib import Path

import neuronas

ARCHITECTURE = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


def main(file: str = str(Path(__file__).with_suffix(".yaml"))) -> None:
    """Print area, latency, energy and crossbar utilisation on a preset and on the file's chip."""
    for hardware in ("spikeflow-rram", file):
        found = neuronas.estimate(ARCHITECTURE, dataset="cifar10", hardware=hardware)
        cells = sum(layer.n_crossbars for layer in found.cost.layers)
        used = sum(layer.n_crossbars * layer.utilisation for layer in found.cost.layers) / cells
        costs = f"{found.cost.area_mm2:,.1f} mm², {found.cost.latency_ms:,.2f} ms, {found.cost.energy_uj:,.0f} µJ"
        print(f"{Path(hardware).name}: {costs}; {cells:,} crossbars, {used:.0%} of their devices hold a weight")

    chip = neuronas.estimate(ARCHITECTURE, dataset="cifar10", hardware=file)
    sweep, points = chip.sweep("crossbar_size=32,64,128")
    for point in points:
        print(f"{sweep.key} {point.value:g}: energy {point.cost.energy_uj:,.0f} µJ")


if __name__ == "__main__":
    main(*sys.argv[1:])
