"""Neurons, quantised layers and the classifier learn as expected; each part compared with another source."""

from copy import deepcopy
from dataclasses import replace
from math import pi
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from spikingjelly.activation_based import surrogate as spikingjelly_surrogate
from torch.nn import functional as F  # noqa: N812

from measured_activity import activity_of
from neuronas.api.setup.compose import plan
from neuronas.api.setup.held_out import DIAGNOSIS, EARLY_EXIT, PRECISION, held_out
from neuronas.config import SURROGATES, given as checked
from neuronas.data.counts import drawn_of, split_of
from neuronas.data.source import ArraySource
from neuronas.errors import ConfigurationError
from neuronas.kernels.library import native
from neuronas.snn import lif as lif_module, trainable
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.fake_quantisation import SCALES, WeightQuantiser, power_of_two_step
from neuronas.snn.lif import Lif
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.normalisation import BatchNorm
from neuronas.snn.quantisation import quantise
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.snn.surrogates import NO_KERNEL
from neuronas.snn.trainable import QuantisedConvolution, WeightFormat, dropout_mask
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows
from neuronas.training.activity import ActivityReader
from neuronas.training.augmentation import Augmentation
from neuronas.training.distributed import Process
from neuronas.training.early_exit import Answers, AnswersReader
from neuronas.training.evaluation import AccuracyAndRates, accuracy_and_rates, accuracy_of, dead_outputs
from neuronas.training.images import Images, drawn, stratified_split
from neuronas.training.objective import (
    balanced_weights,
    classification_loss,
    firing_rates,
    learning_rate,
    planned_sparsity,
    prune,
    rate_penalty,
    sparsity_of,
)
from neuronas.training.optimisers import AdamW, Muon, Sgd, orthogonal
from neuronas.training.passes import ClassScores, class_scores, run_pass
from neuronas.training.random_numbers import seeded
from neuronas.training.recipes import check_training
from neuronas.training.state import State

NEURON = NeuronParameters()
ARCH = (
    "|conv_3x3~0|+|skip~0|conv_1x1~1|+|conv_3x3@0.5~0|avg_pool_3x3~1|conv_3x3~2| / "
    "|skip~0|+|conv_3x3~0|none~1|+|skip~0|skip~1|conv_5x5~2|"
)
BACK = "|conv_3x3~0|+|skip^0|conv_3x3^1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"


def classifier(text: str = ARCH, bits: int = 8, head: str = "linear", seed: int = 0, **changes: object) -> Classifier:
    shape = NetworkShape(2, 8, 3, 4, head_width=6, head=head)
    settings_ = {"form": WeightFormat(bits), "neuron": NEURON, "timesteps": 3, **changes}
    return Classifier(parse_architecture(text), shape, ClassifierSettings(**settings_), seed)  # type: ignore[arg-type]


def images(n: int = 6) -> torch.Tensor:
    return torch.randn(n, 2, 8, 8, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(("tau", "threshold", "reset"), [(4 / 3, 1.0, 0.0), (2.0, 0.6, -0.25)])
def test_lif_is_spikingjellys(tau: float, threshold: float, reset: float, inside: bool) -> None:
    parameters = NeuronParameters(tau, threshold, reset)
    x = torch.randn(5, 3, 4, 6, 7, generator=torch.Generator().manual_seed(1)) * 2
    if inside:
        x = x.movedim(2, -1).contiguous().movedim(-1, 2)
    gradient = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    spikes = Lif(parameters, SURROGATES["atan"], 5)(ours)
    wanted = SpikingJellyLif(parameters, 5)(theirs)
    assert torch.equal(spikes, wanted)
    spikes.backward(gradient)
    wanted.backward(gradient)
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", list(SURROGATES))
def test_fused_and_plain_lif_agree(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: torch.dtype, constant: bool
) -> None:
    x = (torch.randn(1 if constant else 4, 2, 33, generator=torch.Generator().manual_seed(1)) * 2).to(kind)
    gradient = torch.randn(4, 2, 33, generator=torch.Generator().manual_seed(2)).to(kind)
    found = []
    for fused in (True, False):
        if not fused:
            monkeypatch.setattr(lif_module, "_is_native", lambda _: False)
        copy = x.clone().requires_grad_()
        spikes = Lif(NEURON, SURROGATES[name], 4)(copy)
        spikes.backward(gradient)
        found.append((spikes, copy.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.allclose(found[0][1].float(), found[1][1].float(), atol=1e-5 if kind == torch.float32 else 0.02)


def test_a_surrogate_of_ones_own_needs_no_kernel() -> None:
    x = torch.randn(4, 2, 33, generator=torch.Generator().manual_seed(1)) * 2
    gradients = []
    for code in (SURROGATES["triangle"].code, NO_KERNEL):
        copy = x.clone().requires_grad_()
        Lif(NEURON, replace(SURROGATES["triangle"], code=code), 4)(copy).square().sum().backward()
        gradients.append(copy.grad)
    assert torch.allclose(*gradients, atol=1e-5)


def test_a_surrogate_that_no_kernel_knows_is_refused() -> None:
    if native().library is None:
        pytest.skip(f"no native kernels here: {native().reason}")
    spikes = Lif(NEURON, replace(SURROGATES["atan"], code=5), 4)(torch.zeros(4, 3, requires_grad=True))
    with pytest.raises(ValueError, match="unknown code given to a kernel"):
        spikes.sum().backward()


def test_single_steps_and_all_steps_agree() -> None:
    x = (torch.randn(5, 40, generator=torch.Generator().manual_seed(1)) * 2).requires_grad_()
    lif, v, found = Lif(NEURON, SURROGATES["sigmoid"], 5), None, []
    for x_t in x:
        spikes, v = lif.step(x_t, v)
        found.append(spikes)
    weights = torch.randn(5, 40, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.stack(found), lif(x))
    (stepwise,) = torch.autograd.grad((torch.stack(found) * weights).sum(), x)
    (at_once,) = torch.autograd.grad((lif(x) * weights).sum(), x)
    assert torch.allclose(stepwise, at_once, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "other"),
    [("atan", spikingjelly_surrogate.ATan(alpha=2.0)), ("sigmoid", spikingjelly_surrogate.Sigmoid(alpha=4.0))],
)
def test_surrogates_are_spikingjellys(name: str, other: torch.nn.Module) -> None:
    u = torch.linspace(-3, 3, 101, requires_grad=True)
    other(u).sum().backward()
    assert torch.allclose(SURROGATES[name].slope(u.detach()), u.grad, atol=1e-6)
    assert SURROGATES["atan"].slope(torch.tensor(1 / pi)) == pytest.approx(0.5)


@given(
    st.lists(st.floats(-4, 4, width=32).filter(lambda x: not x or abs(x) > 1e-20), min_size=1, max_size=30),
    st.integers(4, 16),
)
def test_fake_quantisation_is_that_of_the_search(values: list[float], bits: int) -> None:
    weight = torch.tensor(values)
    wanted = quantise(weight.double().numpy(), bits)
    codes, step = WeightQuantiser(weight, bits).codes(weight)
    if any(values):
        assert float(step) == 2.0**-wanted.exponent
    assert (codes.numpy() == wanted.codes).all()


@pytest.mark.parametrize("scale", SCALES)
def test_gradients_go_straight_through(scale: str) -> None:
    weight = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    quantiser = WeightQuantiser(weight, 4, scale)
    held = quantiser(weight)
    codes, step = quantiser.codes(weight)
    assert torch.allclose(held, codes * step, atol=1e-6)
    assert codes.abs().max() <= 7 and (codes == codes.round()).all()
    held.sum().backward()
    inside = codes.abs() < 7
    assert torch.allclose(weight.grad[inside], torch.ones(()))
    if scale != "power-of-two":
        assert quantiser.log_step.grad.abs().sum() > 0
        quantiser.bits = 8  # after training: no learned step applies
        assert quantiser.codes(weight).step == power_of_two_step(weight, 8)


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [(AdamW, torch.optim.AdamW, {"weight_decay": 0.1}), (Sgd, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1})],
)
def test_optimisers_step_as_those_of_torch(
    ours: type[torch.optim.Optimizer], theirs: type[torch.optim.Optimizer], settings: dict[str, float]
) -> None:
    drawn = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    one, other = torch.nn.Parameter(drawn.clone()), torch.nn.Parameter(drawn.clone())
    mine, torchs = ours([one], lr=0.1, **settings), theirs([other], lr=0.1, **settings)
    for step in range(4):
        for weights, optimiser in ((one, mine), (other, torchs)):
            (weights**2).sum().backward()
            optimiser.step()
            optimiser.zero_grad()
            assert weights.grad is None and weights.requires_grad
        assert torch.equal(one, other), step
        states = deepcopy((mine.state_dict(), torchs.state_dict()))
        torchs.load_state_dict(states[0])
        mine.load_state_dict(states[1])


@pytest.mark.parametrize("size", [(6, 20), (20, 6), (8, 8), (1, 5)])
def test_muon_orthogonalises(size: tuple[int, int]) -> None:
    """Compared with the singular value decomposition: same singular vectors, singular values of about 1."""
    drawn = torch.randn(size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u, _, v = torch.linalg.svd(drawn, full_matrices=False)
    turned = u.T @ orthogonal(drawn) @ v.T
    assert turned.diagonal().min() > 0.65 and turned.diagonal().max() < 1.25
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-9)
    assert torch.equal(orthogonal(torch.zeros(size)), torch.zeros(size))


def test_tiny_gradients_move_nothing() -> None:
    """The squares of 1e-25 are 0 in float32."""
    assert torch.linalg.norm(orthogonal(torch.full((8, 8), 1e-25))) < 1e-9


def test_muon_is_torchs_where_torchs_can_be_used() -> None:
    """Matrices: equal up to torch's products in bfloat16; other parameters: AdamW's update, bit for bit."""
    weight, bias = (torch.randn(n, generator=torch.Generator().manual_seed(2)) for n in ((7, 30), (30,)))
    mine, torchs = ([torch.nn.Parameter(one.clone()) for one in (weight, bias)] for _ in range(2))
    muon = Muon(mine[:1], mine[1:], lr=0.02, momentum=0.95, weight_decay=0.1)
    references = (
        torch.optim.Muon(torchs[:1], lr=0.02, momentum=0.95, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(torchs[1:], lr=0.02, weight_decay=0.0),
    )
    for _ in range(4):
        for weight, bias in (mine, torchs):
            ((weight @ weight.T).sin().sum() + (weight @ bias).square().sum()).backward()
        for optimiser in (muon, *references):
            optimiser.step()
            optimiser.zero_grad()
        assert torch.allclose(mine[0], torchs[0], atol=2e-3), (mine[0] - torchs[0]).abs().max()
        assert torch.allclose(mine[1], torchs[1], atol=2e-3)
        muon.load_state_dict(deepcopy(muon.state_dict()))


@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize(("scale", "direction"), [("lsq", 1), ("lsq-channel", 1), ("lsq", -1), ("lsq-channel", -1)])
def test_no_learned_step_ever_dies(scale: str, direction: int, optimiser: type[torch.optim.Optimizer]) -> None:
    """With any number of updates in one direction, steps stay positive, some code is not 0 and some weight learns."""
    weight = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    quantiser = WeightQuantiser(weight, 12, scale)
    updates = optimiser(quantiser.parameters(), lr=0.5)
    for _ in range(50):
        updates.zero_grad()
        (direction * quantiser.log_step.sum()).backward()
        updates.step()
        quantiser.keep_alive(weight)
    codes, step = quantiser.codes(weight)
    assert (step > 0).all()
    codes = codes.flatten(1) if scale == "lsq-channel" else codes.reshape(1, -1)
    assert (codes != 0).any(dim=1).all()
    assert (codes.abs() < 2047).any(dim=1).all()


def test_a_step_learns_by_the_share_that_lsq_learns_by() -> None:
    weight = torch.randn(4, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    quantiser = WeightQuantiser(weight, 4, "lsq")
    step = quantiser.step_of(weight).clone().requires_grad_()
    scaled = (weight / step).clamp(-7, 7)
    ((scaled + (scaled.round() - scaled).detach()) * step).square().sum().backward()
    quantiser(weight).square().sum().backward()
    lsq = step.grad / (weight.numel() * 7) ** 0.5  # arXiv 1902.08153, section 2.2
    assert quantiser.log_step.grad == pytest.approx(float(lsq / step.detach()), rel=1e-5)


def test_dead_outputs_and_silent_layers_are_found() -> None:
    network = classifier(form=WeightFormat(8, "lsq-channel"))
    assert not dead_outputs(network)
    name, layer = next(iter(network.weighted_layers().items()))
    layer.weight.data[:2] = 0
    assert dead_outputs(network) == {name: 2}
    assert AccuracyAndRates(0.5, {"a": 0.0, "b": 0.5}).silent == ("a",)
    assert AccuracyAndRates(0.5, {"a": 0.0, "b": 0.5}).mean_rate == 0.25
    assert AccuracyAndRates(0.5, {}).mean_rate is None


@pytest.mark.parametrize("head", ["linear", "gap"])
def test_layers_are_those_of_the_table(head: str) -> None:
    network = classifier(head=head)
    table = [row for row in rows(network.architecture, network.shape) if row.has_weights]
    found = network.weighted_layers()
    assert list(found) == [layer.name for layer in table]
    assert [layer.weight.numel() for layer in found.values()] == [layer.n_weights for layer in table]


@pytest.mark.parametrize("head", ["gap", "linear"])
@pytest.mark.parametrize("text", ["|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|avg_pool_3x3~1|conv_3x3~2|", ARCH])
def test_classifier_is_the_plain_network(text: str, head: str) -> None:
    from plain_network import PlainNetwork, copy_weights

    ours = classifier(text, head=head, bits=32).train()
    plain = PlainNetwork(ours.architecture, ours.shape, 3).train()
    copy_weights(ours, plain)
    ours_scores, plain_scores = ours(images()), plain(images())
    assert torch.allclose(ours_scores, plain_scores, atol=1e-4)
    ours_scores.square().sum().backward()
    plain_scores.square().sum().backward()
    assert torch.allclose(ours.weighted_layers()["stem"].weight.grad, plain.stem[0].weight.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("text", [ARCH, BACK])
@pytest.mark.parametrize("changes", [{}, {"spiking": False}, {"low_precision": True}])
def test_every_weight_learns(text: str, changes: dict[str, object]) -> None:
    network = classifier(text, **changes).train()
    scores = network(images())
    assert scores.shape == (1 if changes.get("spiking") is False else 3, 6, 3)
    (scores * torch.randn(scores.shape, generator=torch.Generator().manual_seed(9))).sum().backward()
    for name, layer in network.weighted_layers().items():
        assert layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("head", ["gap", "linear"])
def test_dropout_by_hand(head: str) -> None:
    """Half of the inputs of the head's first layer are 0 and the others doubled, the same ones at every step."""
    plain, dropping = classifier(head=head), classifier(head=head, dropout=0.5)
    assert torch.equal(plain.eval()(images()), dropping.eval()(images()))
    first = "head" if head == "gap" else "head.1"
    seen = []
    dropping.weighted_layers()[first].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    plain.weighted_layers()[first].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    torch.manual_seed(3)
    dropping.train()(images())
    plain.train()(images())
    dropped, whole = seen
    factor = torch.where(whole == 0, torch.nan, dropped / whole)  # [T, B, n]
    known = ~factor.isnan()
    assert set(factor[known].tolist()) == {0.0, 2.0}
    for step in factor[1:]:
        both = ~(step.isnan() | factor[0].isnan())
        assert both.any()
        assert torch.equal(step[both], factor[0][both])
    others = [layer for name, layer in dropping.named_modules() if getattr(layer, "dropout", 0)]
    assert len(others) == 1


def test_dropout_of_processes_is_that_of_the_global_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.ones(6, 40)
    torch.manual_seed(1)
    whole = dropout_mask(x, 0.25)
    assert whole.unique().tolist() == pytest.approx([0, 4 / 3])
    monkeypatch.setattr(trainable, "is_distributed", lambda: True)
    monkeypatch.setattr(trainable.dist, "get_world_size", lambda: 2)
    for rank in (0, 1):
        monkeypatch.setattr(trainable.dist, "get_rank", lambda rank=rank: rank)
        torch.manual_seed(1)
        share = Process(rank, 2, torch.device("cpu")).share_of(len(x))
        assert torch.equal(dropout_mask(x[share], 0.25), whole[share])


def test_checkpointing_changes_nothing() -> None:
    plain, saving = classifier().train(), classifier(checkpointing=True).train()
    for network in (plain, saving):
        network(images()).square().sum().backward()
    for (name, one), other in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad), name
    for (name, one), other in zip(plain.named_buffers(), saving.buffers(), strict=True):
        assert torch.equal(one, other), name  # running statistics are updated once


def test_batch_norm_is_torchs() -> None:
    ours, theirs = BatchNorm(5).train(), torch.nn.BatchNorm2d(5).train()
    x = torch.randn(7, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var)


def test_losses_by_hand() -> None:
    scores = torch.tensor([[[2.0, 0.0]], [[0.0, 1.0]]])
    target = torch.tensor([[1.0, 0.0]])
    mean = float(torch.log(1 + torch.exp(torch.tensor(0.5 - 1.0))))
    assert float(classification_loss(scores, target, "mean", 0.0)) == pytest.approx(mean)
    each = [float(torch.log(1 + torch.exp(torch.tensor(-2.0)))), float(torch.log(1 + torch.exp(torch.tensor(1.0))))]
    squares = (1 + 1 + 1 + 0) / 4
    assert float(classification_loss(scores, target, "tet", 0.0)) == pytest.approx(
        0.95 * sum(each) / 2 + 0.05 * squares
    )


def test_balanced_classes_by_hand() -> None:
    labels = torch.tensor([0] * 6 + [1] * 2)
    weights = balanced_weights(labels, 3)
    assert weights.tolist() == pytest.approx([8 / (2 * 6), 8 / (2 * 2), 1])
    scores, targets = torch.zeros(2, 8, 3), F.one_hot(labels, 3).float()
    each = F.cross_entropy(scores[0], targets, weights, reduction="none")
    assert float(each[:6].sum()) == pytest.approx(float(each[6:].sum()))  # each class has the same share
    plain = float(classification_loss(scores, targets, "mean", 0.0))
    assert float(classification_loss(scores, targets, "mean", 0.0, weights)) == pytest.approx(plain)
    assert float(classification_loss(scores, targets, "tet", 0.0, weights)) == pytest.approx(
        float(classification_loss(scores, targets, "tet", 0.0))
    )


def test_schedules() -> None:
    assert learning_rate("cosine", 0.2, 0.0, 0.0) == pytest.approx(0.2)
    assert learning_rate("cosine", 0.2, 1.0, 0.1) == pytest.approx(0.0, abs=1e-12)
    assert learning_rate("cosine", 0.2, 0.05, 0.1) == pytest.approx(0.1)
    assert learning_rate("cosine", 0.2, 0.5, 0.0, 0.01) == pytest.approx((0.2 + 0.01) / 2)
    assert learning_rate("cosine", 0.2, 1.0, 0.0, 0.01) == pytest.approx(0.01)
    assert [learning_rate("step", 1.0, at, 0.0) for at in (0.4, 0.6, 0.8, 0.95)] == pytest.approx([1, 0.1, 0.01, 0.001])
    assert [planned_sparsity(0.8, at) for at in (0.0, 0.1, 0.7, 1.0)] == pytest.approx([0, 0, 0.8, 0.8])


def test_pruning_keeps_the_largest_weights() -> None:
    network = classifier(form=WeightFormat(8, prunable=True), bits=8)
    before = network.weighted_layers()["A.01"].weight.detach().clone()
    prune(network, 0.5)
    layer = network.weighted_layers()["A.01"]
    assert layer.mask is not None
    assert before[layer.mask].abs().min() >= before[~layer.mask].abs().max()
    assert sparsity_of(network) >= 0.45
    assert network.weighted_layers()["stem"].mask.all()


def test_weight_decay_leaves_scales_alone() -> None:
    network = classifier(form=WeightFormat(4, "lsq-channel"), bits=4)
    resolved = plan(checked({}, "test")).config.train
    decayed, others = State(network, resolved, "").optimiser.param_groups
    assert decayed["weight_decay"] > 0 == others["weight_decay"]
    scales = {id(layer.quantiser.log_step) for layer in network.weighted_layers().values()}
    assert scales <= {id(one) for one in others["params"]}
    assert {id(layer.weight) for layer in network.weighted_layers().values()} == {id(one) for one in decayed["params"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimiser": "adamw", "momentum": 0.5}, "expected optimiser sgd or muon"),
        ({"rate_target": 0.1}, "without rate_weight"),
        ({"recipe": "paper", "learning_rate": 0.005}, "learning_rate_floor 0.01; expected a floor below it"),
        ({"schedule": "step", "learning_rate_floor": 1e-4}, "expected schedule cosine"),
        ({"quantise": "after", "scale": "lsq"}, "expected quantise aware"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_training(plan(checked({"train": changes}, "test")).config.train)
    check_training(plan(checked({"train": {"recipe": "paper", "optimiser": "adamw"}}, "test")).config.train)


def test_rates_are_seen_with_gradients() -> None:
    network = classifier(BACK).train()
    with firing_rates(network) as rates:
        network(images())
    assert set(rates) == set(network.neurons())
    assert all(0 <= rate.item() <= 1 for rate in rates.values())
    rate_penalty(rates, 0.0).backward()
    assert network.weighted_layers()["stem"].weight.grad is not None
    assert rate_penalty(rates, 1.0).item() == 0


@settings(max_examples=30)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.floats(0, 0.9), st.integers(0, 99))
def test_splits_are_stratified(labels: list[int], share: float, seed: int) -> None:
    tensor = torch.tensor(labels)
    split = stratified_split(tensor, share, seed)
    assert sorted([*split.training, *split.validation]) == list(range(len(labels)))
    for one in set(labels):
        n = labels.count(one)
        there = int((tensor[torch.from_numpy(split.validation)] == one).sum())
        assert abs(there - share * n) <= 1
        assert there < n
    assert np.array_equal(split.validation, stratified_split(tensor, share, seed).validation)
    counts = [labels.count(one) for one in range(5)]
    assert split_of(counts, share) == (len(split.training), len(split.validation))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.none() | st.integers(1, 70), st.integers(0, 99))
def test_the_images_of_a_sample_are_known_without_reading_them(labels: list[int], n: int | None, seed: int) -> None:
    source = ArraySource(torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8), np.array(labels))
    found = drawn(source, n, seed).labels.tolist()
    assert drawn_of([labels.count(one) for one in range(5)], n) == tuple(found.count(one) for one in range(5))


@pytest.mark.parametrize("border", ["zero", "reflect"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 24), (24, 16)])
def test_augmentation_moves_but_does_not_invent(height: int, width: int, border: str) -> None:
    pixels = torch.randint(1, 256, (50, 3, height, width), dtype=torch.uint8)
    torch.manual_seed(0)
    moved = Augmentation("flip", border).pixels(pixels)
    assert moved.shape == pixels.shape and moved.dtype == torch.uint8 and not torch.equal(moved, pixels)
    centre = pixels[:, :, 4:-4, 4:-4].flatten(1).sort().values
    assert all(set(one.tolist()) <= set(whole.flatten().tolist()) for one, whole in zip(centre, moved, strict=True))
    assert bool((moved == 0).any()) == (border == "zero")
    torch.manual_seed(0)
    assert torch.equal(Augmentation("flip", border).pixels(pixels), moved)
    x, targets = Augmentation("none", cutout=4, mixup=0.5).mixed(
        torch.ones(50, 3, height, width), F.one_hot(torch.arange(50) % 5).float()
    )
    assert torch.allclose(targets.sum(dim=1), torch.ones(50))
    assert (x == 0).any() and x.max() == 1


@pytest.mark.parametrize(("height", "width"), [(16, 24), (8, 8), (2, 3)])
def test_a_reflected_border_is_that_of_torch(height: int, width: int) -> None:
    pixels = torch.randint(0, 256, (20, 3, height, width), dtype=torch.uint8)
    torch.manual_seed(0)
    moved = Augmentation("shift", "reflect").pixels(pixels)
    torch.manual_seed(0)
    margin = max(1, min(height, width) // 8)
    top, left = torch.randint(2 * margin + 1, (2, len(pixels)))
    padded = F.pad(pixels.float(), [margin] * 4, mode="reflect").to(torch.uint8)
    expected = [
        one[:, y : y + height, x : x + width] for one, y, x in zip(padded, top.tolist(), left.tolist(), strict=True)
    ]
    assert torch.equal(moved, torch.stack(expected))


def test_policies_need_torchvision() -> None:
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        with pytest.raises(ConfigurationError, match="pip install torchvision"):
            Augmentation("randaugment")
    else:
        pixels = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
        assert Augmentation("randaugment").pixels(pixels).shape == pixels.shape


def test_accuracy_by_hand() -> None:
    scores = torch.eye(7)[[0, 1, 2, 3, 6, 5]] + 0.01 * torch.arange(7)
    found = accuracy_of(scores, torch.tensor([0, 1, 2, 4, 4, 0]))
    assert found.top1 == pytest.approx(3 / 6)
    assert found.top5 == pytest.approx(5 / 6)  # the last image: class 0 has the lowest score
    assert found.confusion[4].tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert np.isnan(found.per_class[3]) and found.per_class[0] == 0.5


def test_activity_is_counted_exactly() -> None:
    from neuronas.data.source import ArraySource

    network = classifier("|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|", head="gap").eval()
    source = ArraySource(torch.randint(0, 256, (4, 2, 8, 8), dtype=torch.uint8), np.zeros(4, dtype=np.int64))
    data = Images(source, (0.5, 0.5), (0.5, 0.5))
    seen: dict[str, torch.Tensor] = {}
    layer = network.weighted_layers()["A.01"]
    assert isinstance(layer, QuantisedConvolution)
    layer.register_forward_pre_hook(lambda module, inputs: seen.update(x=inputs[0]))
    activity = activity_of(network, data, 4)
    spikes, weights = seen["x"], layer.held
    patches = F.unfold(spikes, 3, padding=1)  # [T * B, C * 9, pixels]
    wanted = (patches[:, None] * (weights != 0).flatten(1).float()[None, :, :, None]).sum() / 4
    assert activity.layers["A.01"].operations == pytest.approx(float(wanted))
    assert activity.layers["A.01"].spiking and not activity.layers["stem"].spiking
    assert activity.firing_rates["A.0.lif"] == pytest.approx(float(spikes.mean()))
    energy = (0.9 * activity.accumulations + 4.6 * activity.multiplications) / 1e6
    assert activity.literature_energy_uj == pytest.approx(energy)


def test_one_pass_measures_what_passes_of_their_own_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuronas.data.source import ArraySource
    from neuronas.training import images as images_module

    monkeypatch.setattr(images_module, "BATCH", 4)  # three batches, the last one smaller
    generator = torch.Generator().manual_seed(3)
    pixels, labels = torch.randint(0, 256, (11, 2, 8, 8), dtype=torch.uint8, generator=generator), np.arange(11) % 3
    data, device = Images(ArraySource(pixels, labels), (0.5, 0.5), (0.5, 0.5)), torch.device("cpu")
    chosen = np.array([9, 2, 3, 4, 5, 8, 7, 6, 0])
    network, seen = classifier(), list[int]()
    scores, answers, counted = ClassScores(), AnswersReader(), ActivityReader(network, data)
    run_pass(network, data, chosen, device, scores, answers, counted, seen=seen.append)
    assert seen == [4, 4, 1]
    assert torch.equal(scores.result, class_scores(network, data, chosen, device))
    with torch.no_grad():
        whole = Answers.of(network(data.shown(chosen, device)), data.labels[chosen])
    assert np.array_equal(answers.result.right, whole.right)
    assert answers.result.confidence == pytest.approx(whole.confidence, abs=1e-6)
    alone = ActivityReader(network, data)
    run_pass(network, data, chosen, device, alone)
    assert counted.result == alone.result
    measured = accuracy_and_rates(network, data, chosen, Process(0, 1, device))
    assert measured.top1 == answers.result.top1[-1] == accuracy_of(scores.result, data.labels[chosen]).top1
    assert measured.rates == pytest.approx(counted.result.firing_rates)
    assert not any(layer._forward_pre_hooks for layer in network.weighted_layers().values())
    assert not any(lif.observer for lif in network.neurons().values())


def test_a_network_is_at_another_precision_in_a_context_only() -> None:
    network = classifier()
    network.weighted_layers()["stem"].quantiser.bits = 5
    before = {name: layer.quantiser.bits for name, layer in network.weighted_layers().items()}
    with pytest.raises(KeyError), network.at_bits(4):
        assert {layer.quantiser.bits for layer in network.weighted_layers().values()} == {4}
        raise KeyError
    assert {name: layer.quantiser.bits for name, layer in network.weighted_layers().items()} == before


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_images_that_are_held_out_are_drawn_by_purpose_and_seed(share: float) -> None:
    from neuronas.data.source import ArraySource

    labels = np.arange(5000) % 3
    data = Images(ArraySource(torch.zeros(5000, 1, 1, 1, dtype=torch.uint8), labels), (0.5,), (0.5,))
    run = plan(checked({"train": {"validation_share": share, "seed": 3}}, "test"))

    class Run:
        plan = run

        def images(self, split: str) -> Images:
            assert split == "train"
            return data

    found = {draw: held_out(Run(), draw) for draw in (DIAGNOSIS, EARLY_EXIT, PRECISION)}
    validation = stratified_split(data.labels, share, 3).held_out[1]
    for draw, sample in found.items():
        assert sample.split == ("validation" if share else "training")
        assert len(set(sample.indices)) == len(sample.indices) == draw.at_most
        assert np.isin(sample.indices, validation).all() and (np.diff(sample.indices) > 0).all()
        assert sample.labels.tolist() == labels[sample.indices].tolist()
    assert not np.array_equal(found[EARLY_EXIT].indices, found[PRECISION].indices)
    assert not np.array_equal(held_out(Run(), DIAGNOSIS, 4).indices, found[DIAGNOSIS].indices)


def test_own_operations_learn_on_images_that_are_not_square(own_operations: tuple[str, ...]) -> None:
    """Groups, maxima and five nodes: every weight learns, and operations of a depthwise convolution are counted."""
    from neuronas.data.source import ArraySource

    assert {"own_depthwise", "own_max"} <= set(own_operations)
    text = (
        "|own_depthwise~0|+|own_max~0|skip~1|+|skip^0|conv_3x3~1|own_grouped~2|+|none~0|skip~1|skip~2|own_mean_5x5~3|"
    )
    settings_ = ClassifierSettings(WeightFormat(8), NEURON, 3)
    network = Classifier(parse_architecture(text), NetworkShape(2, (8, 12), 3, 4, head="gap"), settings_).train()
    x = torch.randn(6, 2, 8, 12, generator=torch.Generator().manual_seed(0))
    scores = network(x)
    assert scores.shape == (3, 6, 3)
    (scores * torch.randn(scores.shape, generator=torch.Generator().manual_seed(9))).sum().backward()
    for name, layer in network.weighted_layers().items():
        assert layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0, name
    source = ArraySource(torch.randint(0, 256, (4, 2, 8, 12), dtype=torch.uint8), np.zeros(4, dtype=np.int64))
    seen: list[torch.Tensor] = []
    depthwise = network.eval().weighted_layers()["A.01.depthwise"]
    depthwise.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    data = Images(source, (0.5, 0.5), (0.5, 0.5))
    activity = activity_of(network, data, 4)
    kernels = (depthwise.held != 0).float()  # each channel has its own
    expected = F.conv2d(torch.cat(seen), kernels, padding=1, groups=len(kernels)).sum() / 4
    assert activity.layers["A.01.depthwise"].operations == pytest.approx(float(expected))


def test_training_in_two_threads_draws_as_in_one_and_leaves_the_callers_generator_alone() -> None:
    cpu, inside, tried = torch.device("cpu"), Event(), Event()
    torch.manual_seed(5)
    expected = torch.rand(3).tolist()
    torch.manual_seed(5)
    with seeded(1, cpu):
        alone = torch.rand(4).tolist()
    drawn: list[float] = []

    def first() -> None:
        with seeded(1, cpu):
            drawn.extend(torch.rand(2).tolist())
            inside.set()
            tried.wait(0.3)  # the other thread draws now, unless it has to wait
            drawn.extend(torch.rand(2).tolist())

    def second() -> None:
        inside.wait(10)
        with seeded(2, cpu):
            torch.rand(1)
            tried.set()

    threads = [Thread(target=one) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert drawn == alone
    assert torch.rand(3).tolist() == expected
