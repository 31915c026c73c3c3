"""A trained network as a NIR graph: python export_to_nir.py [RUN]

NIR is read by Norse, snnTorch, Lava, SpiNNaker2 and others. Needs the extra: pip install 'neuronas[export]'
"""

import sys
from collections import Counter

import nir

import neuronas

ARCHITECTURE = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"


def main(run: str = "runs/nir") -> None:
    """Train a small network on digits, export it as NIR, and print what the file contains."""
    trained = neuronas.train(ARCHITECTURE, channels=8, timesteps=2, head="gap", epochs=4, out=run)
    print(f"validation accuracy {trained.validation_accuracy:.1%}")

    exported = neuronas.export(trained.directory, "nir")
    print(f"{exported.path}: verified with {exported.verified_by}, difference {exported.largest_difference:.1g}")

    graph = nir.read(exported.path)
    for kind, count in sorted(Counter(type(node).__name__ for node in graph.nodes.values()).items()):
        print(f"  {count} x {kind}")
    print(f"  {len(graph.edges)} edges; time step {graph.metadata['dt_s']} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
