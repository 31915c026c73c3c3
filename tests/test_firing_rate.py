"""The forecast of firing rates: its equations by hand and on simulated neurons, and its use in ``estimate``."""

import json
from math import sqrt
from random import Random
from statistics import NormalDist

import pytest
import torch

from conftest import Neuronas
from neuronas.errors import ConfigurationError
from neuronas.fitness.calibration import calibration
from neuronas.fitness.firing_rate import (
    LifNeuron,
    RateConstants,
    forecast_rates,
    input_rates,
    largest_of,
    lif_rate,
    mean_rate,
)
from neuronas.snn.neuron import lif_step
from neuronas.space.lowering import lower, lower_as_written
from neuronas.space.node_operations import Neurons
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

SHAPE = NetworkShape(3, 32, 10, 16, head="gap")
NEURON = LifNeuron(tau=4 / 3, v_threshold=1.0, v_reset=0.0, timesteps=5)
C = RateConstants(mean=-0.25, deviation=1.0, image_deviation=1.5, correlation=0.5)
CHAIN = "|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"


def rates(text: str, neuron: LifNeuron = NEURON) -> dict[str, float]:
    return forecast_rates(lower(parse_architecture(text), SHAPE).nodes, neuron, C)


def rate(mean: float, deviation: float, threshold: float = 1.0) -> float:
    return lif_rate(mean, deviation, threshold, 4 / 3, 5)


def test_rate_of_neurons_by_hand() -> None:
    # d = 1/4: an input of 4/3 reaches the threshold at once (5 spikes), of 16/15 at step 2 (2 spikes), and smaller ones
    # at steps 3 to 5 with a single spike.
    at_least = [1 - NormalDist(0.2, 0.7).cdf(1 / (1 - 0.25**k)) for k in (1, 2, 5)]
    expected = (5 * at_least[0] + 2 * (at_least[1] - at_least[0]) + (at_least[2] - at_least[1])) / 5
    assert lif_rate(0.2, 0.7, 1.0, 4 / 3, 5) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tau", "timesteps", "threshold"), [(4 / 3, 5, 1.0), (2.0, 8, 0.5), (5.0, 7, 1.5), (2.0, 1, 1.0)]
)
def test_rate_is_that_of_simulated_neurons(tau: float, timesteps: int, threshold: float) -> None:
    normal = NormalDist(0.3, 1.2)
    x = torch.tensor([normal.inv_cdf((place + 0.5) / 40_000) for place in range(40_000)], dtype=torch.float64)
    v, n_spikes = torch.zeros_like(x), 0
    for _ in range(timesteps):
        u, v = lif_step(x, v, tau, threshold, 0.0, 0.0)
        n_spikes += int((u >= 0).sum())
    assert lif_rate(0.3, 1.2, threshold, tau, timesteps) == pytest.approx(n_spikes / timesteps / len(x), abs=1e-4)


def test_a_chain_by_hand() -> None:
    found = rates(CHAIN)
    assert found["A.0.lif"] == rate(-0.25, 1.5)  # the stem reads the image
    assert found["A.1.lif"] == found["A.2.lif"] == found["reduction.lif"] == found["head.lif"] == rate(-0.25, 1.0)
    assert found["B.0.lif"] == pytest.approx(rate(-0.25, sqrt((1 + 3 * 0.5) / 4)))  # mean of 2x2 pixels


def test_sums_and_thresholds_by_hand() -> None:
    # Node 2 gets a convolution, and the input twice: through its own skip and through node 1.
    found = rates("|skip~0|+|skip~0|skip~1|+|conv_3x3@0.5~0|none~1|conv_3x3@1.5~2|")
    assert found["A.2.lif@1.5"] == pytest.approx(rate(2 * -0.25, 2 * 1.5, 1.5))
    assert found["A.0.lif@0.5"] == rate(-0.25, 1.5, 0.5)
    both = rates("|conv_3x3~0|+|skip~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|")
    assert both["A.2.lif"] == pytest.approx(rate(2 * -0.25, sqrt(1.5**2 + 1)))


def test_pools_by_hand() -> None:
    text = "|{}_pool_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|skip~2|"
    assert rates(text.format("avg"))["A.1.lif"] == pytest.approx(rate(-0.25, 1.5 * sqrt((1 + 8 * 0.5) / 9)))
    mean, variance = largest_of(9)
    assert (mean, variance) == pytest.approx((1.48501, 0.35735), abs=1e-4)  # tables of normal order statistics
    largest = rate(-0.25 + 1.5 * sqrt(0.5) * mean, 1.5 * sqrt(0.5 + 0.5 * variance))
    assert rates(text.format("max"))["A.1.lif"] == pytest.approx(largest)


def test_feedback_by_hand() -> None:
    # Node 1 also gets a convolution of node 2, from the second of T steps on.
    found = rates("|conv_3x3~0|+|conv_3x3~0|conv_3x3^1|+|none~0|conv_3x3~1|none~2|")
    later = rate(2 * -0.25, sqrt(2))
    assert found["A.1.lif"] == pytest.approx((rate(-0.25, 1.0) + 4 * later) / 5)
    assert found["A.2.lif.delayed"] == pytest.approx(4 / 5 * rate(-0.25, 1.0))


@pytest.mark.parametrize("space", ["neuronas", "spikenas", "snasnet", "snasnet-backward", "spikenas-bench"])
def test_every_layer_of_every_space_has_a_rate(space: str) -> None:
    for seed in range(10):
        graph = lower(load_space(space).random_architecture(Random(seed)), SHAPE)
        found = forecast_rates(graph.nodes, NEURON, C)
        assert set(found) == {node.name for node in graph.nodes if isinstance(node.operation, Neurons)}
        assert all(0 < one < 1 for one in found.values())


def test_inputs_of_a_pooled_head_are_silent_together() -> None:
    graph = lower(parse_architecture(CHAIN), SHAPE)
    found = rates(CHAIN)
    inputs = input_rates(graph.nodes, found)
    assert set(inputs) == {"A.01", "A.12", "A.23", "reduction", "B.01", "B.12", "B.23", "head"}  # all but the stem
    assert inputs["A.12"] == pytest.approx(found["A.1.lif"])
    assert inputs["head"] == pytest.approx(1 - (1 - found["head.lif"]) ** (16 * 16))


def test_the_mean_counts_dead_edges_as_written() -> None:
    # As in SpikeNAS-Bench: a layer without input counts as 0.
    alone = parse_architecture("|none~0|+|none~0|none~1|+|conv_3x3~0|none~1|none~2|")
    unreached = parse_architecture("|none~0|+|none~0|conv_3x3~1|+|conv_3x3~0|none~1|none~2|")
    means = []
    for architecture in (alone, unreached):
        nodes = lower_as_written(architecture, SHAPE)
        means.append(mean_rate(nodes, forecast_rates(nodes, NEURON, C)))
    assert means[1] == pytest.approx(means[0] * 4 / 6)


def test_calibration_says_what_it_was_checked_on() -> None:
    known = calibration().firing_rate
    assert all(error.rho > 0.8 and error.median_factor < 1.5 for error in known.errors)
    assert known.not_fitted("cifar10", 5, ["conv_3x3", "skip"], feeds_back=False) == []
    found = known.not_fitted("digits", 4, ["conv_1x1"], feeds_back=True)
    assert found == ["data set digits", "T = 4", "conv_1x1", "feedback"]


def test_threshold_is_above_reset() -> None:
    with pytest.raises(ConfigurationError, match="v_reset 1 given with activity forecast"):
        rates(CHAIN, LifNeuron(4 / 3, 1.0, 1.0, 5))


def test_estimate_at_the_forecast(neuronas: Neuronas) -> None:
    text = "|conv_3x3@0.5~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
    given = ("estimate", text, "--dataset", "cifar10", "--channels", 16)
    _, out, _ = neuronas(*given, "--json")
    dense = json.loads(out)
    assert "firing_rates" not in dense
    code, out, err = neuronas(*given, "--activity", "forecast", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["energy_uj"] < dense["energy_uj"]
    assert found["area_mm2"] == dense["area_mm2"]
    forecast = found["firing_rates"]
    assert forecast["layers"]["A.0.lif@0.5"] > forecast["layers"]["A.1.lif"]
    assert (forecast["checked_on"], forecast["not_fitted"]) == ("cifar10", ["avg_pool_3x3"])
    code, _, err = neuronas(*given, "--activity", "forecast")
    assert "firing rates are a forecast" in " ".join(err.split())
    assert "not fitted for avg_pool_3x3" in " ".join(err.split())


def test_a_forecast_is_of_one_architecture(neuronas: Neuronas) -> None:
    code, _, err = neuronas("search", "--activity", "forecast", "--dry-run")
    assert code == 2
    assert "rates are forecast for a single architecture" in " ".join(err.split())
