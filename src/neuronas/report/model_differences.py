"""What each cost model counts, side by side."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """One aspect of a chip, and what each model makes of it."""

    what: str
    paper: str
    mapped: str


COUNTED = (
    Counted("kernel", "always 3x3 (parameters: true size)", "true size"),
    Counted("layers with weights", "convolutions", "convolutions and fully connected layers"),
    Counted("pooling, node sums", "nothing", "adders, transfers"),
    Counted("tiles", "one layer each, factor f twice", "one layer each"),
    Counted("ADCs", "size / mux ratio for each PE", "size / mux ratio for each crossbar"),
    Counted("ADC energy", "once for a PE's crossbars", "every used column of every crossbar"),
    Counted("neuron state", "first five convolutions", "all layers"),
    Counted("first layer", "at each time step", "once per image, bit by bit"),
    Counted("latency", "a PE cycle per output channel and pixel", "a PE pass per pixel, PEs in parallel; transfers"),
    Counted("buffers", "8 kbit per tile, 22 bits per input", "PE, tile and global buffers, 1 bit per spike"),
    Counted("mesh NoC, leakage", "nothing", "routers, hops, memory at rest"),
    Counted("spike activity", "dense", "dense, one rate or a trace"),
    Counted("replication, schedule", "none, in order", "copies of weights; in order or pipelined"),
)
"""The differences between the cost models; equations in ``docs/hardware-model.md``."""
