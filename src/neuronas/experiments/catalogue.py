"""The studies, in the order of the list."""

from neuronas.experiments import algorithm, constraints, earlier_papers, neuronas_paper, precision
from neuronas.experiments.study import Study

STUDIES: tuple[Study, ...] = (
    algorithm.STUDY,
    *neuronas_paper.STUDIES,
    *precision.STUDIES,
    *earlier_papers.STUDIES,
    constraints.STUDY,
)
