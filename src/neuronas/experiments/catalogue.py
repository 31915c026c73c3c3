"""The studies, in the order of ``neuronas reproduce --list``."""

from neuronas.experiments import algorithm, constraints, earlier_papers, neuronas_paper, precision, search_time
from neuronas.experiments.study import Study

STUDIES: tuple[Study, ...] = (
    algorithm.STUDY,
    search_time.STUDY,
    *neuronas_paper.STUDIES,
    *precision.STUDIES,
    *earlier_papers.STUDIES,
    constraints.STUDY,
)
