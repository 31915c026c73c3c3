"""Distribution: workers on this machine or on a cluster evaluate candidates in groups that share their first layers."""
