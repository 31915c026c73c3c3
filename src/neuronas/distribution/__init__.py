"""Distribution: workers, on this machine or on a cluster, evaluate the candidates in subtrees."""
