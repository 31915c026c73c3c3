"""The papers' experiments and the judging of fitness: what ``neuronas reproduce`` runs."""
