"""The fitness ``path-information``: its equations by hand, and its properties."""

from itertools import pairwise, permutations
from math import isfinite, log, sqrt

import pytest
import torch

from neuronas.fitness.measure import Reading, Task, for_task
from neuronas.fitness.measures import BUILTIN
from neuronas.fitness.path_information import (
    LARGE_TASK,
    SMALL_TASK,
    Coefficients,
    PathInformation,
    cell_value,
    task_coefficients,
)
from neuronas.fitness.patterns import Patterns
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Genotype, node_pairs
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape

C = Coefficients(gain=2.0, keep=0.5, information=0.5, selectivity=0.75, output=0.25, convolutions=0.125, spread=1.5)
EDGES = [f"A.{low}{high}" for low, high in node_pairs(4)]
CHAIN = "|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"


def cell(text: str) -> Genotype:
    return parse_architecture(text).cells[0].cleaned


def value(text: str, entropy: float = 0.8) -> float:
    return cell_value(cell(text), dict.fromkeys(EDGES, entropy), C)


def test_reading_is_the_entropy_of_a_spike() -> None:
    measure = PathInformation()
    quarter = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0]])
    wanted = -(0.25 * log(0.25, 2) + 0.75 * log(0.75, 2))
    assert measure.read(Patterns.of(quarter[None])).tolist() == pytest.approx([wanted])
    # dead or saturated neurons carry no information
    assert measure.read(Patterns.of(torch.stack([torch.zeros(2, 4), torch.ones(2, 4)]))).tolist() == [0, 0]


def test_one_convolution_by_hand() -> None:
    # The output is only that convolution, and the logarithm of one is zero.
    wanted = 2 + 0.5 * 0.8 + 0.25 * 0.8
    assert value("|none~0|+|none~0|none~1|+|conv_3x3~0|none~1|none~2|") == pytest.approx(wanted)


def test_a_chain_by_hand() -> None:
    # After the first convolution no input remains, and the information of the first neurons is passed on.
    entropies = {"A.01": 0.9, "A.12": 0.6, "A.23": 0.3}
    first = 2 + 0.5 * 0.9
    second = 2 + 0.5 * first + 0.5 * 0.9 - 0.75 * 0.6
    third = 2 + 0.5 * second + 0.5 * 0.9 - 0.75 * 0.3
    spread = sqrt(((0.9 - 0.6) ** 2 + (0.3 - 0.6) ** 2) / 3)
    wanted = third + 0.25 * 0.9 + 0.125 * log(3) - 1.5 * spread
    assert cell_value(cell(CHAIN), entropies, C) == pytest.approx(wanted)


def test_nodes_that_add_by_hand() -> None:
    # Node 1 is the input twice (from node 0 and itself), node 2 a convolution of node 0 plus a skip from it.
    text = "|skip~0|+|conv_3x3~0|skip~1|+|none~0|none~1|conv_3x3~2|"
    entropies = {"A.02": 0.8, "A.23": 0.5}
    share = 1 / (1 + 1)  # of node 2: the input once, one convolution
    information = share * 0.5 + (1 - share) * 0.8
    path = 2 + 0.5 * (2 + 0.5 * 0.8) + 0.5 * information - 0.75 * (1 - share) * 0.5
    wanted = path + 0.25 * information + 0.125 * log(2) - 1.5 * 0.15
    assert cell_value(cell(text), entropies, C) == pytest.approx(wanted)


def test_an_output_that_adds_by_hand() -> None:
    # Two convolutions of the input arrive, the first passed on by a skip, and the input itself.
    text = "|conv_3x3~0|+|skip~0|none~1|+|skip~0|skip~1|conv_3x3~2|"
    entropies = {"A.01": 0.9, "A.23": 0.4}
    mixed = (1 + 0.9 + 0.4) / (1 + 2)  # the input once, two convolutions of it
    wanted = 2 + 0.5 * 0.9 + 0.25 * mixed + 0.125 * log(2) - 1.5 * 0.25
    assert cell_value(cell(text), entropies, C) == pytest.approx(wanted)


def test_an_output_without_convolutions_is_the_input() -> None:
    assert value("|skip~0|+|none~0|skip~1|+|skip~0|none~1|skip~2|") == pytest.approx(0.25)


def test_pooling_counts_as_a_skip_and_nothing_connected_as_nothing() -> None:
    assert value(CHAIN.replace("conv_3x3~2", "avg_pool_3x3~2")) == value(CHAIN.replace("conv_3x3~2", "skip~2"))
    assert value("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|") == 0


def test_longer_paths_are_better_with_diminishing_returns() -> None:
    texts = [CHAIN.replace("conv_3x3", "skip", n) for n in (3, 2, 1, 0)]
    values = [value(text) for text in texts]
    assert values == sorted(values)
    gains = [high - low for low, high in pairwise(values)]
    assert gains == sorted(gains, reverse=True)


def test_early_neurons_should_inform_and_late_ones_be_selective() -> None:
    edges = ["A.01", "A.12", "A.23"]
    fitted = PathInformation().coefficients
    best = max(
        permutations([0.2, 0.5, 0.9]),
        key=lambda order: cell_value(cell(CHAIN), dict(zip(edges, order, strict=True)), fitted),
    )
    assert best == (0.9, 0.5, 0.2)


@pytest.mark.parametrize(
    ("n_classes", "size", "expected"),
    [(2, (28, 28), SMALL_TASK), (10, (32, 32), SMALL_TASK), (100, (32, 32), SMALL_TASK), (200, (64, 64), LARGE_TASK),
     (1000, (224, 224), LARGE_TASK)],
)  # fmt: skip
def test_constants_follow_the_size_of_the_task(n_classes: int, size: tuple[int, int], expected: Coefficients) -> None:
    assert task_coefficients(n_classes, size) == expected
    adapted = for_task(PathInformation(), Task(NetworkShape(3, size, n_classes, 8), 5, 8))
    assert adapted == PathInformation(expected)


def test_between_small_and_large_tasks_constants_are_between() -> None:
    middle = task_coefficients(200, (32, 64))  # of the three factors of two from small to large, two are taken
    share = 2 / 3
    assert middle.convolutions == pytest.approx((1 - share) * SMALL_TASK.convolutions + share * LARGE_TASK.convolutions)
    assert middle.information == pytest.approx((1 - share) * SMALL_TASK.information)
    assert middle.gain == pytest.approx(SMALL_TASK.gain)


def test_a_measure_without_a_task_of_its_own_stays_what_it_is() -> None:
    measure = BUILTIN["sahd"]
    assert for_task(measure, Task(NetworkShape(3, 64, 200, 8), 5, 8)) is measure


def test_feedback_passes_on_what_went_round() -> None:
    forward = "|conv_3x3~0|+|none~0|skip~1|+|none~0|none~1|skip~2|"
    looped = "|conv_3x3~0|+|none~0|skip~1|+|conv_3x3^0|none~1|skip~2|"
    assert value(looped) > value(forward)


@pytest.mark.parametrize("second", [CHAIN, "|skip~0|+|skip~0|skip~1|+|skip~0|avg_pool_3x3~1|skip~2|"])
def test_fitness_is_the_mean_over_cells(second: str) -> None:
    first = "|skip~0|+|skip~0|conv_3x3~1|+|skip~0|skip~1|conv_3x3~2|"
    images = torch.randn(1, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    evaluator = ReferenceEvaluator(
        images, NetworkShape(3, 8, 10, 8), WeightSource(0), NeuronParameters(), 2, PathInformation()
    )
    [(_, found)] = evaluator.evaluate([parse_architecture(f"{first} / {second}")])
    assert isfinite(found)
    # The second cell never affects the neurons of the first cell.
    layers = [Reading(torch.tensor(0.5), 1)] * 20
    both = PathInformation(C).combine(parse_architecture(f"{first} / {second}"), 2, layers)
    assert both == pytest.approx((value(first, 0.5) + value(second, 0.5)) / 2)
