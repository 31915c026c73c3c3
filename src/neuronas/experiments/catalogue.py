"""The experiments by name: what each shows, what it needs, how long it takes."""

from neuronas.experiments import constraints, earlier_papers, neuronas_paper
from neuronas.experiments.study import Experiment, Study

STUDIES: tuple[Study, ...] = (*neuronas_paper.STUDIES, *earlier_papers.STUDIES, constraints.STUDY)
EXPERIMENTS: dict[str, Experiment] = {
    "hardware": Experiment(
        "parameters, area, latency and energy of NeuroNAS's and SNASNet's networks (Fig. 12 of arXiv 2407.00641)",
        "nothing",
        "less than a second",
    ),
    "search-time": Experiment(
        "how long Algorithm 1 searches against random search with 5,000 draws (Fig. 13 of arXiv 2407.00641)",
        "nothing at --scale small; CIFAR-10 at --scale full",
        "small: two minutes a seed on one thread; full: estimated at hours a seed on two cores, and not yet run",
    ),
    "proxy-benchmark": Experiment(
        "how well a fitness ranks networks whose trained accuracy is known",
        "a CSV file of SpikeNAS-Bench's columns, and training images",
        "about 0.5 s a network at batch 64 and 128 channels on one core with AMX",
    ),
    **{study.name: study for study in STUDIES},
}
