"""The fast evaluation: the reference's numbers, with everything that candidates have in common computed once."""
