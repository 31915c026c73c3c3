"""Progressive training: input of each epoch, and that training ends with full images and all time steps."""

import pytest
import torch

from neuronas.api.setup.compose import plan
from neuronas.config import given as checked
from neuronas.errors import ConfigurationError
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape, Side
from neuronas.training.recipes import check_training
from neuronas.training.stages import Stages
from neuronas.training.state import State

ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


def classifier(side: Side, timesteps: int, *, spiking: bool = True) -> Classifier:
    settings = ClassifierSettings(WeightFormat(8), NeuronParameters(), timesteps, spiking=spiking)
    return Classifier(parse_architecture(ARCH), NetworkShape(3, side, 10, 4, head="gap"), settings)


def stages(network: Classifier, **train: object) -> Stages:
    settings = plan(checked({"train": {"recipe": "fast", **train}}, "test")).config.train
    return Stages(settings, network.shape, network.timesteps)


def shown(network: Classifier, plan: Stages, epoch: int) -> tuple[tuple[int, ...], int]:
    """Size of the images read by the stem, and number of time steps of the scores."""
    seen: list[tuple[int, ...]] = []
    hook = network.layers["stem"].register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:])))
    plan.present(network, epoch)
    scores = network(torch.zeros(2, 3, *network.shape.image_size))
    hook.remove()
    assert scores.shape[1:] == (2, 10)
    return seen[0], len(scores)


@pytest.mark.parametrize(
    ("side", "sizes"),
    [(32, [(16, 16), (24, 24), (32, 32)]), ((28, 40), [(16, 20), (20, 32), (28, 40)]), (8, [(4, 4), (8, 8), (8, 8)])],
)
def test_images_and_time_steps_grow(side: Side, sizes: list[tuple[int, int]]) -> None:
    network = classifier(side, 4)
    found = stages(network, epochs=10, full_from=0.8, timesteps_from=0.8)
    assert found.last_begins == 8
    assert [shown(network, found, epoch) for epoch in (0, 3, 4, 7, 8, 9)] == [
        (sizes[0], 1), (sizes[0], 1), (sizes[1], 1), (sizes[1], 1), (sizes[2], 4), (sizes[2], 4)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("full", "timesteps", "begin"), [(0.6, 0.8, [3, 6, 8]), (0.6, 0.3, [3, 6]), (1.0, 0.2, [2, 5, 9])]
)
def test_stages_begin_where_something_changes(full: float, timesteps: float, begin: list[int]) -> None:
    found = stages(classifier(32, 4), epochs=10, full_from=full, timesteps_from=timesteps)
    assert [epoch for epoch in range(10) if found.begins(epoch)] == begin
    assert found.last_begins == begin[-1]


def test_one_time_step_has_no_stage_of_fewer() -> None:
    found = stages(classifier(32, 1), epochs=10, full_from=0.6, timesteps_from=0.8)
    assert [epoch for epoch in range(10) if found.begins(epoch)] == [3, 6]
    assert found.last_begins == 6


def test_side_and_time_steps_grow_apart() -> None:
    network = classifier(32, 4)
    found = stages(network, epochs=10, full_from=0.4, timesteps_from=0.8)
    assert [shown(network, found, epoch) for epoch in (0, 2, 4, 7, 8)] == [
        ((16, 16), 1), ((24, 24), 1), ((32, 32), 1), ((32, 32), 1), ((32, 32), 4)
    ]  # fmt: skip
    found = stages(network, epochs=10, full_from=0.8, timesteps_from=0.4)
    assert [shown(network, found, epoch) for epoch in (3, 4, 8)] == [((16, 16), 1), ((24, 24), 4), ((32, 32), 4)]


def test_all_at_once_is_one_stage() -> None:
    plain = {"full_from": 0.0, "early_side": 1.0, "timesteps_from": 0.0, "early_timesteps": 0}
    found = stages(classifier(32, 4), epochs=10, **plain)
    assert not any(found.begins(epoch) for epoch in range(10))


def test_an_average_that_is_restarted_holds_the_next_weights_alone() -> None:
    network = classifier(8, 1)
    settings = plan(checked({"train": {"recipe": "fast"}}, "test")).config.train
    state = State(network, settings, "test")
    for value in (1.0, 2.0, 3.0):
        torch.nn.init.constant_(network.weighted_layers()["stem"].weight, value)
        state.update_average()
    averaged = state.evaluated.weighted_layers()["stem"].weight
    assert 1 < averaged.mean() < 3
    state.restart_average()
    torch.nn.init.constant_(network.weighted_layers()["stem"].weight, 4.0)
    state.update_average()
    assert torch.equal(averaged, network.weighted_layers()["stem"].weight)


def test_one_epoch_is_the_last_stage() -> None:
    network = classifier(32, 2)
    assert shown(network, stages(network, epochs=1), 0) == ((32, 32), 2)
    assert stages(network, epochs=5, full_from=1.0).last_begins == 4


def test_an_artificial_network_has_one_time_step() -> None:
    network = classifier(32, 4, spiking=False)
    found = stages(network, epochs=10)
    assert shown(network, found, 0) == ((16, 16), 1)
    assert shown(network, found, 9) == ((32, 32), 1)


def test_a_network_that_was_shown_small_images_is_the_same_afterwards() -> None:
    random = torch.Generator().manual_seed(0)
    network, images = classifier(16, 3), torch.randn(2, 3, 16, 16, generator=random)
    before = network(images)
    assert before.any()
    found = stages(network, epochs=4)
    found.present(network, 0)
    assert not torch.equal(network(images)[0], before[0])
    found.present(network, 4)
    assert torch.equal(network(images), before)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"early_side": 0.5}, "early_side 0.5 given with full_from 0; expected more than 0"),
        ({"early_timesteps": 1}, "early_timesteps 1 given with timesteps_from 0; expected more than 0"),
        ({"early_side": 0.5, "full_from": 0.5, "early_timesteps": 1}, "early_timesteps 1 given with timesteps_from 0"),
    ],
)
def test_a_stage_without_epochs_is_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_training(plan(checked({"train": setting}, "test")).config.train)
