"""The studies, in the order of the list."""

from neuronas.experiments import constraints, earlier_papers, neuronas_paper
from neuronas.experiments.study import Study

STUDIES: tuple[Study, ...] = (*neuronas_paper.STUDIES, *earlier_papers.STUDIES, constraints.STUDY)
