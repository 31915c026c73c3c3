"""Experiments of ``neuronas reproduce``: those of the papers, and the comparison of fitness with trained accuracy."""
