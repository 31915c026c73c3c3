"""Presets: named groups of settings. Settings that are given explicitly override them."""

from collections.abc import Mapping
from typing import Any

BUILTIN: dict[str, Mapping[str, Any]] = {
    "default": {},
    "paper": {
        "hardware": {"cost_model": "paper"},
        "network": {"head": "linear"},
        "fitness": {"name": "sahd", "exact": True},
        "train": {"recipe": "paper"},
    },
}
"""Nested values, as in a settings file.

``paper``: the experiments of NeuroNAS (arXiv 2407.00641, section IV). SpikeSim's cost model, which counts convolutions
only; a head of two linear layers; spike patterns as fitness, every candidate on the full batch; SNASNet's training.
"""
