"""The fitness ``path-and-size``: path information and the loss of small networks."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import spearmanr

import neuronas
from neuronas.api.designing.choice import axes_of, survey_plan
from neuronas.api.setup.settings import planned
from neuronas.config import SETTINGS, WeightBits
from neuronas.fitness.measure import Measure, Reading, Task, for_task
from neuronas.fitness.measures import BUILTIN
from neuronas.fitness.path_and_size import PathAndSize
from neuronas.fitness.path_information import ENOUGH_CHANNELS
from neuronas.space.genotype import Architecture
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape

DEEP = "|conv_3x3~0|+|none~0|conv_3x3~1|+|none~0|none~1|conv_3x3~2|"
BROAD = "|conv_3x3~0|+|conv_3x3~0|conv_3x3~1|+|conv_3x3~0|conv_3x3~1|conv_3x3~2|"
SKIPS = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"
TASK = Task(NetworkShape(3, 32, 10, 8, head="gap"), 4, 8)


def value(text: str, task: Task = TASK, entropy: float = 0.8, name: str = "path-and-size") -> float:
    architecture: Architecture = parse_architecture(text)
    n = 2 * text.count("conv") + 1
    measure: Measure = for_task(BUILTIN[name], task)
    return measure.combine(architecture, 2, [Reading(torch.tensor(entropy), 1)] * n)


def at(channels: int) -> Task:
    return replace(TASK, shape=replace(TASK.shape, channels=channels))


def test_small_networks_gain_by_weights_and_wide_ones_by_paths() -> None:
    paths = value(BROAD, name="path-information") - value(DEEP, name="path-information")
    assert abs(paths) < 1
    narrow, wide = (value(BROAD, at(n)) - value(DEEP, at(n)) for n in (4, 128))
    assert narrow > 5 * wide > 0
    texts = [SKIPS, DEEP, BROAD, DEEP.replace("conv_3x3~2", "skip~2"), DEEP.replace("conv_3x3~1", "skip~1")]
    wide_values, of_paths = ([value(text, at(512), name=name) for text in texts] for name in BUILTIN if "path" in name)
    assert spearmanr(wide_values, of_paths).statistic == pytest.approx(1)


def test_it_compares_widths_time_steps_and_precisions() -> None:
    for texts in (DEEP, SKIPS):
        assert value(texts, at(4)) < value(texts, at(8)) < value(texts, at(64))
        steps, bits = (
            [value(texts, replace(TASK, **{name: n})) for n in of]
            for name, of in (("timesteps", (1, 2, 4, 8)), ("weight_bits", (2, 3, 4, 8)))
        )
        assert steps == sorted(steps) and bits == sorted(bits)
        assert bits[3] - bits[2] < 0.1 * (bits[2] - bits[0])  # hardly any difference above 4 bits


def test_bits_by_layer_count_by_weights() -> None:
    mixed = neuronas.RunConfig.model_validate(
        {"network": {"weight_bits": {"stem": 8, "A": 2, "B": 4, "reduction": 4, "head": 4}}}
    )
    assert mixed.network is not None and mixed.network.weight_bits is not None
    bits: WeightBits = mixed.network.weight_bits
    low, middle, high = (value(DEEP, replace(TASK, weight_bits=one)) for one in (2, bits, 4))
    assert low < middle < high


def test_without_a_task_it_says_so() -> None:
    with pytest.raises(ValueError, match="without a task"):
        PathAndSize().combine(parse_architecture(DEEP), 2, [Reading(torch.tensor(0.8), 1)] * 7)


def test_a_search_ranks_by_it_and_both_engines_agree() -> None:
    options = {"dataset": "digits", "channels": 4, "timesteps": 2, "algorithm": "snasnet", "n_draws": 12, "head": "gap"}
    found = [neuronas.search(fitness="path-and-size", engine=engine, **options) for engine in ("fast", "reference")]
    assert found[0].architecture == found[1].architecture
    assert found[0].fitness == pytest.approx(found[1].fitness) and found[0].fitness > 0


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_spikes_can_be_read_from_a_narrower_network_than_the_one_that_is_costed(engine: str) -> None:
    options = {"dataset": "digits", "timesteps": 2, "algorithm": "snasnet", "n_draws": 8, "head": "gap"}
    narrow, wide = (
        neuronas.search(fitness="path-information", engine=engine, **options, **widths)
        for widths in ({"channels": 4}, {"channels": 12, "fitness_channels": 4})
    )
    assert (wide.architecture, wide.fitness) == (narrow.architecture, narrow.fitness)
    assert wide.cost.parameters > 5 * narrow.cost.parameters
    sized = neuronas.search(fitness="path-and-size", channels=12, fitness_channels=4, **options)
    assert sized.fitness > neuronas.search(fitness="path-and-size", channels=4, **options).fitness


def test_the_survey_of_a_design_compares_cells_only() -> None:
    for name, expected in (("path-and-size", "path-information"), ("sahd", "sahd")):
        run = planned("design", {"dataset": "digits", "fitness": name})
        survey = survey_plan(run, axes_of(run, is_resumed=False))
        assert survey.config.fitness.name == expected
        assert type(survey.measure) is type(BUILTIN[expected])
        assert survey.given.fitness is not None and survey.given.fitness.name == expected


@pytest.mark.parametrize(
    ("options", "channels"),
    [
        ({}, 16),
        ({"fitness": "path-information"}, 16),
        ({"channels": 12}, 12),
        ({"fitness_channels": 32}, 32),
        ({"fitness": "sahd"}, 24),
        ({"chip_fitness": True}, 24),
    ],
)
def test_spikes_are_read_from_a_network_as_wide_as_the_measure_needs(options: dict, channels: int) -> None:
    run = planned("search", {"dataset": "digits", "channels": 24, **options})
    assert run.fitness_shape == replace(run.shape, channels=channels)


def test_the_help_states_the_width_that_the_measures_need() -> None:
    assert f"at most {ENOUGH_CHANNELS} " in SETTINGS["fitness.channels"].meaning.unset
