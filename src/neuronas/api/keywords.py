"""Keywords of the functions that mirror the verbs: the options of the command line.

``None`` and absence mean the same: what a settings file says, or the default. Values are checked as those of a settings
file are. ``neuronas.config`` says what each setting means.
"""

from typing import TypedDict


class DataOptions(TypedDict, total=False):
    """Which images.

    Attributes:
        dataset: ``digits``, ``cifar10``, ``cifar100``, ``tiny-imagenet-200`` or ``imagefolder:DIR``.
        data_dir: folder of downloaded data sets.
        image_side: resize images to this side, pixels.
        skip_corrupt: pass over images that cannot be read.
    """

    dataset: str | None
    data_dir: str | None
    image_side: int | None
    skip_corrupt: bool | None


class NetworkOptions(TypedDict, total=False):
    """The network around the cells, and its precision.

    Attributes:
        space: search space, a name or a YAML file; for one architecture: how many cells it has.
        channels: before the reduction.
        head: ``linear`` (the papers') or ``gap`` (few weights).
        timesteps: time steps T.
        weight_bits: 4 to 16, or 32 for none.
        rounding: ``nearest``, ``floor`` or ``stochastic``.
    """

    space: str | None
    channels: int | None
    head: str | None
    timesteps: int | None
    weight_bits: int | None
    rounding: str | None


class HardwareOptions(TypedDict, total=False):
    """The accelerator and the cost model.

    Attributes:
        hardware: accelerator, a name or a YAML file.
        cost_model: ``paper`` or ``mapped``; budgets apply to it.
        schedule: mapped: ``layers-in-order`` or ``pipelined-over-timesteps``.
        replication: mapped: copies of each layer's weights.
        activity: mapped: ``dense``, ``rate`` or ``trace``.
        firing_rate: mapped: share of inputs that spike (activity ``rate``).
        trace: mapped: a file of rates per layer (activity ``trace``).
    """

    hardware: str | None
    cost_model: str | None
    schedule: str | None
    replication: int | None
    activity: str | None
    firing_rate: float | None
    trace: str | None


class BudgetOptions(TypedDict, total=False):
    """Upper limits; ``math.inf`` for none.

    Attributes:
        max_parameters: weights.
        max_area_mm2: area, mm².
        max_latency_ms: latency of an image, ms.
        max_energy_uj: energy of an image, µJ.
    """

    max_parameters: float | None
    max_area_mm2: float | None
    max_latency_ms: float | None
    max_energy_uj: float | None


class RunOptions(TypedDict, total=False):
    """What all runs have.

    Attributes:
        seed: decides weights, images and draws.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    seed: int | None
    device: str | None


class EstimateOptions(DataOptions, NetworkOptions, HardwareOptions, BudgetOptions, RunOptions, total=False):
    """Everything that a cost depends on, and the budget that it is held against."""


class SearchOptions(EstimateOptions, total=False):
    """Everything that a search depends on.

    Attributes:
        algorithm: ``neuronas``, ``spikenas``, ``snasnet``, ``evolution`` or ``exhaustive``.
        n_draws: candidates of ``snasnet`` and ``evolution``.
        population: survivors of a generation of ``evolution``.
        prefer: what chooses the answer from a Pareto front.
        fitness: ``sahd``, ``sahd-sum``, ``sahd-snasnet``, ``hamming``, ``path-information``.
        batch_size: images that fitness reads at a time.
        exact: give every candidate the full batch; no screening.
        chips: judge fitness on so many simulated chips (their mean), not on the ideal network.
        engine: ``fast`` or ``reference`` (slow, the same numbers).
        memory_limit: GiB that the engine may use.
        workers: processes that evaluate candidates.
        cluster: ``ray`` or ``ray:ADDRESS``.
    """

    algorithm: str | None
    n_draws: int | None
    population: int | None
    prefer: str | None
    fitness: str | None
    batch_size: int | None
    exact: bool | None
    chips: int | None
    engine: str | None
    memory_limit: float | None
    workers: int | None
    cluster: str | None


class TrainOptions(DataOptions, NetworkOptions, total=False):
    """Everything that training depends on.

    Attributes:
        recipe: ``default`` or ``paper``; decides what is not given here.
        epochs: passes over the training images.
        batch_size: images in a step.
        learning_rate: the largest of the schedule.
        loss: ``mean`` or ``tet``.
        surrogate: derivative of a spike.
        augment: ``none``, ``shift``, ``flip``, ``autoaugment`` or ``randaugment``.
        scale: of quantised weights, ``power-of-two``, ``lsq`` or ``lsq-channel``.
        quantise: ``aware`` or ``after``.
        sparsity: share of weights to prune.
        rate_weight: weight of the firing-rate penalty.
        chip_noise: write variation of the chip's cells that it learns to bear.
        start_from: a trained run whose best weights are the first ones.
        precision: ``auto``, ``float32`` or ``bfloat16``.
        ann: train the artificial twin, ReLU for LIF.
        tensorboard: write event files.
        seed: decides first weights and draws of training.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    recipe: str | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    loss: str | None
    surrogate: str | None
    augment: str | None
    scale: str | None
    quantise: str | None
    sparsity: float | None
    rate_weight: float | None
    chip_noise: float | None
    start_from: str | None
    precision: str | None
    ann: bool | None
    tensorboard: bool | None
    seed: int | None
    device: str | None
