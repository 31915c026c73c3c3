"""Measured compute-in-memory chips, and a model of one array invocation that is calibrated on them."""
