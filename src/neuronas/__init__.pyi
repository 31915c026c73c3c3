"""Types of the package for editors and type checkers; written by docs/generate_settings.py."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from neuronas.api.evaluating.stream import Follower
from neuronas.config.setting import Section
from neuronas.fitness.expected_error import ErrorTerm
from neuronas.fitness.measure import Measure
from neuronas.hardware.device_model import DeviceModel
from neuronas.hardware.target import Target
from neuronas.search.algorithms.base import Algorithm
from neuronas.snn.classifier import Classifier
from torch.nn import Module
from neuronas.hardware.accelerator import Accelerator as Accelerator
from neuronas.space.genotype import Architecture as Architecture
from neuronas.runs.chip_evaluations import ChipEvaluation as ChipEvaluation
from neuronas.data.dataset import DataSet as DataSet
from neuronas.runs.design_fronts import DesignFront as DesignFront
from neuronas.runs.designs import DesignResult as DesignResult
from neuronas.hardware.design_space import DesignSpace as DesignSpace
from neuronas.api.estimating.estimate import Estimate as Estimate
from neuronas.runs.evaluations import Evaluation as Evaluation
from neuronas.runs.results import ExportManifest as ExportManifest
from neuronas.runs.fits import FitResult as FitResult
from neuronas.data.memory import InMemoryDataSet as InMemoryDataSet
from neuronas.runs.observer import Observer as Observer
from neuronas.api.reporting.report import Page as Page
from neuronas.config.plugins import Plugin as Plugin
from neuronas.runs.predictions import Predictions as Predictions
from neuronas.cli.progress import ProgressBar as ProgressBar
from neuronas.api.searching.result import SearchResult as SearchResult
from neuronas.space.spaces import Space as Space
from neuronas.runs.predictions import StreamResult as StreamResult
from neuronas.runs.results import TrainingResult as TrainingResult
from neuronas.config.given import RunConfig as RunConfig

__version__: str
__all__: list[str]

def compare(
    runs: Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str] | None = ...,
) -> Page:
    """Write several runs as one HTML file: one table and one plot, with costs by the same model.

    Args:
        runs: two or more different run directories.
        out: file or existing folder; default: ``compare.html`` in the current folder.

    Raises:
        ConfigurationError: fewer than two runs are given, or one is given twice.
        RunDirectoryError: one is not a run directory.
        VerificationError: a file is damaged.
    """


def design(
    *,
    design_space: DesignSpace | str | None = ...,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    out: str | os.PathLike[str] | None = ...,
    resume: bool | str = ...,
    download: bool = ...,
    prefer: str = ...,
    resolution: float = ...,
    error: ErrorTerm | None = ...,
    max_error: float | None = ...,
    observer: Observer | None = ...,
    seed: int | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    space: str | Space | None = ...,
    recipe: str | None = ...,
    limit: int | None = ...,
    epochs: int | None = ...,
    patience: int | None = ...,
    learning_rate: float | None = ...,
    class_weights: Literal['none', 'balanced'] | None = ...,
    augment: Literal['none', 'shift', 'flip', 'autoaugment', 'randaugment'] | None = ...,
    rate_weight: float | None = ...,
    chip_noise: float | None = ...,
    chips: int | None = ...,
    device_model: str | DeviceModel | None = ...,
    after: str | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    rounding: Literal['nearest', 'floor', 'stochastic'] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
    fitness: str | Measure | None = ...,
    batch_size: int | None = ...,
    exact: bool | None = ...,
    engine: Literal['fast', 'reference'] | None = ...,
    memory_limit: float | None = ...,
    workers: int | None = ...,
    cluster: str | None = ...,
    hardware: str | Accelerator | None = ...,
    cost_model: str | None = ...,
    schedule: Literal['layers-in-order', 'pipelined-over-timesteps'] | None = ...,
    replication: int | None = ...,
    activity: Literal['dense', 'rate', 'trace', 'forecast'] | None = ...,
    firing_rate: float | None = ...,
    trace: str | None = ...,
    max_parameters: float | None = ...,
    max_area_mm2: float | None = ...,
    max_latency_ms: float | None = ...,
    max_energy_uj: float | None = ...,
    confidence: float | None = ...,
    algorithm: str | Algorithm | None = ...,
    n_draws: int | None = ...,
    finalist_epochs: int | None = ...,
    finalist_images: int | None = ...,
    channels_choices: str | None = ...,
    timesteps_choices: str | None = ...,
    weight_bits_choices: str | None = ...,
    n_settings: int | None = ...,
    finalists: int | None = ...,
    formats: str | None = ...,
) -> DesignResult:
    """Design a trained, measured and exported network from data, chip and budgets. By default on the embedded digits.

    Channels, time steps and weight bits are free unless they are given. The run directory then holds the answer like
    any other run, for ``predict``, ``evaluate``, ``export`` and ``load``.

    Args:
        design_space: choose the chip as well, from this space: a YAML file, the name of a built-in one, or a
            ``DesignSpace``. First the front of networks and chips is computed (see ``design_front``), then the network
            is designed for the chosen chip, within the cost of the chosen design. None: the given chip.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: continue the design in ``out``, with an identical result; ``"auto"``: if it holds one.
        download: download the data set if it is missing.
        prefer: see ``design_front``; this and the next three only with ``design_space``.
        resolution: see ``design_front``.
        error: see ``design_front``.
        max_error: see ``design_front``.
        observer: observer of the progress.
        **options: settings by keyword (docs/reference/settings.md).

    Raises:
        ConfigurationError: an argument of the front without ``design_space``.
        NeuronasError: see ``plan_design`` and ``Design.run``; with ``design_space`` also ``design_front``.

    Settings:
        seed: Random seed [0].
        device: Device for all computations [auto].
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        recipe: Recipe for the training settings that are not given [default].
        limit: Number of training images, drawn with the random seed, the same share of each class [all].
        epochs: Training epochs [the recipe's].
        patience: Stop after this many epochs without a higher validation accuracy; 0: never [0].
        learning_rate: Peak learning rate [the recipe's].
        class_weights: Weights of the classes in the loss (balanced: for classes of different size) [none].
        augment: Augmentation of the training images [the data set's].
        rate_weight: Weight of the firing-rate penalty [the recipe's].
        chip_noise: Train with simulated write variation (relative standard deviation) [the recipe's].
        chips: Number of simulated chips [20].
        device_model: Measured statistics of the memory device, instead of the write variation; also FILE.yaml, or FILE.csv of measurements [the accelerator's].
        after: Times after programming at which the chips are measured, such as 1h,1d,1month [directly after programming].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        rounding: Rounding of weights [nearest].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
        fitness: Fitness measure (with --preset paper and in the papers' experiments: sahd) [path-and-size].
        batch_size: Batch size for the fitness [the data set's].
        exact: Evaluate every candidate on the full batch, without screening on a small one [off].
        engine: Engine that computes fitness; the reference is slow and gives the same numbers [fast].
        memory_limit: Memory limit of the engine on each machine (GiB) [its process stays below half of the free memory].
        workers: Number of worker processes that evaluate candidates [none].
        cluster: Evaluate on a Ray cluster: ray or ray:ADDRESS [none].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
        cost_model: Cost model that budgets apply to [mapped].
        schedule: Order in which layers are computed (cost model mapped) [layers-in-order].
        replication: Copies of each layer's weights (cost model mapped) [1].
        activity: Activity of the inputs (cost model mapped; forecast: estimate only) [dense].
        firing_rate: Fraction of the inputs that spike in a time step (--activity rate) [none].
        trace: Firing rate of each layer's inputs (--activity trace): YAML, or the evaluation.json of a run [none].
        max_parameters: Limit on the number of weights; inf: no limit [the algorithm's].
        max_area_mm2: Limit on the chip area; inf: no limit (mm²) [the algorithm's].
        max_latency_ms: Limit on the latency per image; inf: no limit (ms) [the algorithm's].
        max_energy_uj: Limit on the energy per image; inf: no limit (µJ) [the algorithm's].
        confidence: Apply budgets to the upper bounds of latency and energy at this confidence, not to the estimates [none].
        algorithm: Search algorithm [neuronas].
        n_draws: Number of candidates drawn by snasnet and evolution [5000].
        finalist_epochs: Training epochs of the last finalists [12].
        finalist_images: Maximum number of training images on which finalists are trained and compared [5000].
        channels_choices: Channels to choose from [--channels, or widths up to the data set's].
        timesteps_choices: Time steps T to choose from [--timesteps, or 2,3,4,5].
        weight_bits_choices: Weight precisions in bits to choose from [--weight-bits, or 4,6,8].
        n_settings: Maximum number of settings (channels, T, bits) at which cells are searched [4].
        finalists: Number of finalists, over all settings, that are trained briefly; the most accurate one is the result [4].
        formats: Export formats of the trained network [integer].
    """


def design_front(
    space: DesignSpace | str,
    *,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    out: str | os.PathLike[str] | None = ...,
    resume: bool | str = ...,
    download: bool = ...,
    prefer: str = ...,
    resolution: float = ...,
    error: ErrorTerm | None = ...,
    max_error: float | None = ...,
    observer: Observer | None = ...,
    seed: int | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    recipe: str | None = ...,
    limit: int | None = ...,
    epochs: int | None = ...,
    patience: int | None = ...,
    learning_rate: float | None = ...,
    class_weights: Literal['none', 'balanced'] | None = ...,
    augment: Literal['none', 'shift', 'flip', 'autoaugment', 'randaugment'] | None = ...,
    rate_weight: float | None = ...,
    chip_noise: float | None = ...,
    chips: int | None = ...,
    device_model: str | DeviceModel | None = ...,
    after: str | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    rounding: Literal['nearest', 'floor', 'stochastic'] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
    fitness: str | Measure | None = ...,
    batch_size: int | None = ...,
    exact: bool | None = ...,
    engine: Literal['fast', 'reference'] | None = ...,
    memory_limit: float | None = ...,
    workers: int | None = ...,
    cluster: str | None = ...,
    hardware: str | Accelerator | None = ...,
    cost_model: str | None = ...,
    schedule: Literal['layers-in-order', 'pipelined-over-timesteps'] | None = ...,
    replication: int | None = ...,
    activity: Literal['dense', 'rate', 'trace', 'forecast'] | None = ...,
    firing_rate: float | None = ...,
    trace: str | None = ...,
    max_parameters: float | None = ...,
    max_area_mm2: float | None = ...,
    max_latency_ms: float | None = ...,
    max_energy_uj: float | None = ...,
    confidence: float | None = ...,
    algorithm: str | Algorithm | None = ...,
    n_draws: int | None = ...,
    finalist_epochs: int | None = ...,
    finalist_images: int | None = ...,
    channels_choices: str | None = ...,
    timesteps_choices: str | None = ...,
    weight_bits_choices: str | None = ...,
    n_settings: int | None = ...,
    finalists: int | None = ...,
    formats: str | None = ...,
) -> DesignFront:
    """The Pareto front of network and chip together, and a design from it, ready to be trained.

    Args:
        space: the axes: a YAML file, the name of a built-in design space, or a design space.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: a new one under ``runs``.
        resume: continue in ``out``, with an identical result; ``"auto"``: if it holds a front.
        download: download the data set if it is missing.
        prefer: which design is chosen: ``knee``, one of the objectives ``error``, ``energy_uj``, ``latency_ms``,
            ``area_mm2``, ``memory_bits``, or ``edap``.
        resolution: relative tolerance of the front in each objective; 0: exact.
        error: model of the expected error; None: a prior, which is not fitted to this data.
        max_error: designs with a larger expected error on the chip are left out; None: halfway between the least error
            without a chip and that of guessing.
        observer: observer of the progress.
        **options: settings of ``design`` by keyword (docs/reference/settings.md).

    Raises:
        NeuronasError: see ``plan_front`` and ``FrontPlan.run``.

    Settings:
        seed: Random seed [0].
        device: Device for all computations [auto].
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        recipe: Recipe for the training settings that are not given [default].
        limit: Number of training images, drawn with the random seed, the same share of each class [all].
        epochs: Training epochs [the recipe's].
        patience: Stop after this many epochs without a higher validation accuracy; 0: never [0].
        learning_rate: Peak learning rate [the recipe's].
        class_weights: Weights of the classes in the loss (balanced: for classes of different size) [none].
        augment: Augmentation of the training images [the data set's].
        rate_weight: Weight of the firing-rate penalty [the recipe's].
        chip_noise: Train with simulated write variation (relative standard deviation) [the recipe's].
        chips: Number of simulated chips [20].
        device_model: Measured statistics of the memory device, instead of the write variation; also FILE.yaml, or FILE.csv of measurements [the accelerator's].
        after: Times after programming at which the chips are measured, such as 1h,1d,1month [directly after programming].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        rounding: Rounding of weights [nearest].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
        fitness: Fitness measure (with --preset paper and in the papers' experiments: sahd) [path-and-size].
        batch_size: Batch size for the fitness [the data set's].
        exact: Evaluate every candidate on the full batch, without screening on a small one [off].
        engine: Engine that computes fitness; the reference is slow and gives the same numbers [fast].
        memory_limit: Memory limit of the engine on each machine (GiB) [its process stays below half of the free memory].
        workers: Number of worker processes that evaluate candidates [none].
        cluster: Evaluate on a Ray cluster: ray or ray:ADDRESS [none].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
        cost_model: Cost model that budgets apply to [mapped].
        schedule: Order in which layers are computed (cost model mapped) [layers-in-order].
        replication: Copies of each layer's weights (cost model mapped) [1].
        activity: Activity of the inputs (cost model mapped; forecast: estimate only) [dense].
        firing_rate: Fraction of the inputs that spike in a time step (--activity rate) [none].
        trace: Firing rate of each layer's inputs (--activity trace): YAML, or the evaluation.json of a run [none].
        max_parameters: Limit on the number of weights; inf: no limit [the algorithm's].
        max_area_mm2: Limit on the chip area; inf: no limit (mm²) [the algorithm's].
        max_latency_ms: Limit on the latency per image; inf: no limit (ms) [the algorithm's].
        max_energy_uj: Limit on the energy per image; inf: no limit (µJ) [the algorithm's].
        confidence: Apply budgets to the upper bounds of latency and energy at this confidence, not to the estimates [none].
        algorithm: Search algorithm [neuronas].
        n_draws: Number of candidates drawn by snasnet and evolution [5000].
        finalist_epochs: Training epochs of the last finalists [12].
        finalist_images: Maximum number of training images on which finalists are trained and compared [5000].
        channels_choices: Channels to choose from [--channels, or widths up to the data set's].
        timesteps_choices: Time steps T to choose from [--timesteps, or 2,3,4,5].
        weight_bits_choices: Weight precisions in bits to choose from [--weight-bits, or 4,6,8].
        n_settings: Maximum number of settings (channels, T, bits) at which cells are searched [4].
        finalists: Number of finalists, over all settings, that are trained briefly; the most accurate one is the result [4].
        formats: Export formats of the trained network [integer].
    """


def estimate(
    architecture: Architecture | str | os.PathLike[str] | Module,
    *,
    input_shape: Sequence[int] | None = ...,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    space: str | Space | None = ...,
    dataset: str | DataSet | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    n_classes: int | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
    hardware: str | Accelerator | None = ...,
    cost_model: str | None = ...,
    schedule: Literal['layers-in-order', 'pipelined-over-timesteps'] | None = ...,
    replication: int | None = ...,
    activity: Literal['dense', 'rate', 'trace', 'forecast'] | None = ...,
    firing_rate: float | None = ...,
    trace: str | None = ...,
    max_parameters: float | None = ...,
    max_area_mm2: float | None = ...,
    max_latency_ms: float | None = ...,
    max_energy_uj: float | None = ...,
    confidence: float | None = ...,
) -> Estimate:
    """Estimate parameters, area, latency and energy of an architecture or of your own network.

    Args:
        architecture: its text, an ``architecture.json``, or a run directory, whose settings then apply as well; or your
            own network: an ``.onnx`` or ``.nir`` file, or an ``nn.Module``, whose weights are not read.
        input_shape: [C, H, W] of an image, for modules and for files that do not state it.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings by keyword (docs/reference/settings.md); the data set gives the input shape only.

    Raises:
        ConfigurationError: an option, name or value is unknown, or a layer is of a kind that cannot be costed.
        ArchitectureError: the argument is neither an architecture nor a path.
        VerificationError: a file is damaged.

    Settings:
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        dataset: Data set [digits].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        n_classes: Number of classes [the data set's].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
        cost_model: Cost model that budgets apply to [mapped].
        schedule: Order in which layers are computed (cost model mapped) [layers-in-order].
        replication: Copies of each layer's weights (cost model mapped) [1].
        activity: Activity of the inputs (cost model mapped; forecast: estimate only) [dense].
        firing_rate: Fraction of the inputs that spike in a time step (--activity rate) [none].
        trace: Firing rate of each layer's inputs (--activity trace): YAML, or the evaluation.json of a run [none].
        max_parameters: Limit on the number of weights; inf: no limit [the algorithm's].
        max_area_mm2: Limit on the chip area; inf: no limit (mm²) [the algorithm's].
        max_latency_ms: Limit on the latency per image; inf: no limit (ms) [the algorithm's].
        max_energy_uj: Limit on the energy per image; inf: no limit (µJ) [the algorithm's].
        confidence: Apply budgets to the upper bounds of latency and energy at this confidence, not to the estimates [none].
    """


def evaluate(
    run: str | os.PathLike[str],
    *,
    twin: bool = ...,
    integer: bool = ...,
    own_precision: bool = ...,
    assignments: Iterable[str] = ...,
    observer: Observer | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    plugin: Sequence[str] | None = ...,
    chips: int | None = ...,
    seed: int | None = ...,
    without: str | None = ...,
    sign_scheme: Literal['differential', 'offset-binary', 'twos-complement'] | None = ...,
    variation: Literal['normal', 'lognormal'] | None = ...,
    device_model: str | DeviceModel | None = ...,
    after: str | None = ...,
    drift_compensation: bool | None = ...,
    activation_bits: int | None = ...,
    gain_calibration: bool | None = ...,
    ablation: bool | None = ...,
    diagnosis: bool | None = ...,
    retrain_epochs: int | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    limit: int | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    hardware: str | Accelerator | None = ...,
) -> Evaluation:
    """Measure a trained run on its test images, and write ``evaluation.json`` into its directory.

    Args:
        run: run directory.
        twin: compare it with its artificial twin, which is first trained in RUN-twin if necessary; a further call after
            an interruption continues that training.
        integer: also measure the integer-only network that ``export`` writes as C and Verilog.
        own_precision: measure accuracy at the run's own precision only, in an eighth of the time.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: observer of the progress.
        **options: settings that may differ from the run's own, by keyword: ``hardware``, ``data_dir``, ``device``, ….

    Raises:
        ConfigurationError: your own network is given, which ``evaluate_on_chips`` takes; the run has no twin, or
            RUN-twin holds another run; the run has no integer-only network.
        RunDirectoryError: the directory holds no run, or the run was not trained (for a twin: not completely).
        DataError: images are missing or damaged.
        VerificationError: a file is damaged.

    Settings:
        device: Device for all computations [auto].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        chips: Number of simulated chips [20].
        seed: Random seed of the chips [0].
        without: Non-idealities to switch off: adc, read_noise, write_variation, drift, wire_resistance, stuck_cells or off_conductance [none].
        sign_scheme: Representation of signed weights [the accelerator's].
        variation: Distribution of the write variation [normal].
        device_model: Measured statistics of the memory device, instead of the write variation; also FILE.yaml, or FILE.csv of measurements [the accelerator's].
        after: Times after programming at which the chips are measured, such as 1h,1d,1month [directly after programming].
        drift_compensation: Drift compensation: scale the currents of each crossbar block by the loss of their sum since programming [off].
        activation_bits: Bits of inputs that are neither pixels nor spikes, such as after ReLU in your own network [8].
        gain_calibration: Calibrate the gain of each column [on].
        ablation: Measure the accuracy loss of each non-ideality [off].
        diagnosis: Find the causes of an accuracy loss and test changes to the chip, on validation images [on].
        retrain_epochs: Epochs of noise-aware training that the diagnosis tests as well, in RUN-noise; 0: none [0].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        limit: Number of test images, the same share of each class and the same for all runs [all].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
    """


def evaluate_on_chips(
    run: str | os.PathLike[str] | Module,
    *,
    out: str | os.PathLike[str] | None = ...,
    dt_s: float | None = ...,
    assignments: Iterable[str] = ...,
    observer: Observer | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    plugin: Sequence[str] | None = ...,
    chips: int | None = ...,
    seed: int | None = ...,
    without: str | None = ...,
    sign_scheme: Literal['differential', 'offset-binary', 'twos-complement'] | None = ...,
    variation: Literal['normal', 'lognormal'] | None = ...,
    device_model: str | DeviceModel | None = ...,
    after: str | None = ...,
    drift_compensation: bool | None = ...,
    activation_bits: int | None = ...,
    gain_calibration: bool | None = ...,
    ablation: bool | None = ...,
    diagnosis: bool | None = ...,
    retrain_epochs: int | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    limit: int | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    hardware: str | Accelerator | None = ...,
) -> ChipEvaluation:
    """Measure a trained run, or a network of your own, on simulated crossbar chips.

    ``chips/NAME.json`` is written into the run's directory, or into ``out``; with options that change the
    accelerator's chip, another file is used. Each finished chip is kept in ``chips/NAME.jsonl``: a further call, after
    an interruption or with more chips, simulates only the missing ones.

    Args:
        run: run directory; or, together with ``dataset``, an ``.onnx`` or ``.nir`` file, or an ``nn.Module``.
        out: directory for the results of your own network; None: nothing is written.
        dt_s: length of a time step in s for a NIR file that does not state it; None: 1e-4.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: observer of the progress.
        **options: settings by keyword: ``chips``, ``seed``, ``ablation``, ``sign_scheme``, ``hardware``, ….

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: the chip or a layer cannot be simulated, or the chip cannot hold these weights.
        VerificationError: a file is damaged.

    Settings:
        device: Device for all computations [auto].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        chips: Number of simulated chips [20].
        seed: Random seed of the chips [0].
        without: Non-idealities to switch off: adc, read_noise, write_variation, drift, wire_resistance, stuck_cells or off_conductance [none].
        sign_scheme: Representation of signed weights [the accelerator's].
        variation: Distribution of the write variation [normal].
        device_model: Measured statistics of the memory device, instead of the write variation; also FILE.yaml, or FILE.csv of measurements [the accelerator's].
        after: Times after programming at which the chips are measured, such as 1h,1d,1month [directly after programming].
        drift_compensation: Drift compensation: scale the currents of each crossbar block by the loss of their sum since programming [off].
        activation_bits: Bits of inputs that are neither pixels nor spikes, such as after ReLU in your own network [8].
        gain_calibration: Calibrate the gain of each column [on].
        ablation: Measure the accuracy loss of each non-ideality [off].
        diagnosis: Find the causes of an accuracy loss and test changes to the chip, on validation images [on].
        retrain_epochs: Epochs of noise-aware training that the diagnosis tests as well, in RUN-noise; 0: none [0].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        limit: Number of test images, the same share of each class and the same for all runs [all].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
    """


def export(
    run: str | os.PathLike[str],
    format_name: str,
    *,
    out: str | os.PathLike[str] | None = ...,
    assignments: Iterable[str] = ...,
    observer: Observer | None = ...,
    plugin: Sequence[str] | None = ...,
    dt_s: float | None = ...,
    opset: int | None = ...,
    fraction_bits: int | None = ...,
    max_ram_kib: float | None = ...,
    max_flash_kib: float | None = ...,
    lanes: int | None = ...,
    synthesise: bool | None = ...,
) -> ExportManifest:
    """Export of trained networks: integer format, NIR, ONNX. Each file is verified: it is read back and computed.

    Settings:
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        dt_s: nir: length of a time step (s) [0.0001].
        opset: onnx: version of the operators, from 18, or 21 with weights of more than 8 bits [21].
        fraction_bits: c, crossbars, rtl: fraction bits of values that are neither spikes nor sums of them [12].
        max_ram_kib: c: limit on values and state (KiB) [no limit].
        max_flash_kib: c: limit on constants (KiB) [no limit].
        lanes: rtl: outputs of a layer with weights that are computed in parallel [4].
        synthesise: rtl: count the cells and memories of an FPGA with Yosys [off].
    """


def fit(
    architecture: Architecture | str | os.PathLike[str] | Module,
    *,
    input_shape: Sequence[int] | None = ...,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    space: str | Space | None = ...,
    dataset: str | DataSet | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    n_classes: int | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
    target: str | Target | None = ...,
) -> FitResult:
    """Check a network against the documented limits of a chip.

    Args:
        architecture: its text, an ``architecture.json``, or a run directory, whose settings then apply as well; or your
            own network: an ``.onnx`` or ``.nir`` file, or an ``nn.Module``.
        input_shape: [C, H, W] of an image, for modules and for files that do not state it.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings by keyword: ``target``, ``dataset``, ``channels``, ``weight_bits``, ….

    Raises:
        ConfigurationError: an option, name or value is unknown.
        ArchitectureError: the argument is neither an architecture nor a path.
        VerificationError: a file is damaged.

    Settings:
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        dataset: Data set [digits].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        n_classes: Number of classes [the data set's].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
        target: Chip that the network must fit, or FILE.yaml [search: none; fit: speck2f].
    """


def load(
    run: str | os.PathLike[str],
    device: str = ...,
) -> Classifier:
    """Read the network of a trained run with its best weights, in evaluation mode.

    Args:
        run: run directory.
        device: ``cpu``, ``cuda`` or ``auto``.

    Returns:
        An ``nn.Module``: normalised images [B, C, H, W] -> class scores [T, B, n_classes], one set for each time
        step; the class with the highest mean over the time steps is the prediction.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        VerificationError: a file is damaged.
    """


def predict(
    run: str | os.PathLike[str],
    images: Any,
    *,
    top_k: int = ...,
    skip_corrupt: bool = ...,
    device: str = ...,
    observer: Observer | None = ...,
) -> Predictions:
    """Classify images with a trained run.

    Args:
        run: run directory.
        images: a file, a folder (searched recursively), a Pillow image, a uint8 array or tensor [N, H, W],
            [N, C, H, W] or [N, H, W, C]; or several files, folders and Pillow images. For a network that reads
            sequences, an array [N, T, C, H, W] or [N, T, H, W, C]; for recordings in files, see ``neuronas.run``.
        top_k: number of classes per image.
        skip_corrupt: leave out files that cannot be read; they are listed in ``unreadable``.
        device: ``auto``, ``cpu`` or ``cuda``.
        observer: observer of the progress.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: ``top_k`` is below 1.
        DataError: there is no image, or images cannot be read; the message says how many.
        VerificationError: a file is damaged.
    """


def report(
    run: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = ...,
    figures: str | os.PathLike[str] | None = ...,
    figure_format: str = ...,
) -> Page:
    """A self-contained HTML page about one or several runs, which works offline. Templates escape all values.
    """


def run(
    run: str | os.PathLike[str],
    events: str | os.PathLike[str],
    *,
    pace: float = ...,
    device: str = ...,
    follow: Follower | None = ...,
) -> StreamResult:
    """Classify a recording step by step.

    A step has the same length as in training: the window divided by T. The membrane potentials persist over the whole
    recording. Scores are means over the latest T steps; after the T-th step they equal those of ``evaluate``.

    Args:
        run: directory of a run that was trained on recordings.
        events: recording; see ``neuronas.data.events.files.read_recording``.
        pace: speed of the stream: 1: as recorded; 0: as fast as possible.
        device: ``auto``, ``cpu`` or ``cuda``.
        follow: observer of each step.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: the run was trained on still images, or its steps have no fixed duration.
        DataError: the recording cannot be read, has events outside the run's sensor, or too many time steps.
    """


def search(
    *,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    out: str | os.PathLike[str] | None = ...,
    resume: bool | str = ...,
    download: bool = ...,
    max_minutes: float | None = ...,
    observer: Observer | None = ...,
    seed: int | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    space: str | Space | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    rounding: Literal['nearest', 'floor', 'stochastic'] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
    fitness: str | Measure | None = ...,
    fitness_channels: int | None = ...,
    batch_size: int | None = ...,
    n_batches: int | None = ...,
    exact: bool | None = ...,
    screen_batch_size: int | None = ...,
    screen_keep: float | None = ...,
    chip_fitness: bool | None = ...,
    chips: int | None = ...,
    engine: Literal['fast', 'reference'] | None = ...,
    memory_limit: float | None = ...,
    workers: int | None = ...,
    cluster: str | None = ...,
    silence_limit_minutes: float | None = ...,
    hardware: str | Accelerator | None = ...,
    target: str | Target | None = ...,
    cost_model: str | None = ...,
    schedule: Literal['layers-in-order', 'pipelined-over-timesteps'] | None = ...,
    replication: int | None = ...,
    activity: Literal['dense', 'rate', 'trace', 'forecast'] | None = ...,
    firing_rate: float | None = ...,
    trace: str | None = ...,
    max_parameters: float | None = ...,
    max_area_mm2: float | None = ...,
    max_latency_ms: float | None = ...,
    max_energy_uj: float | None = ...,
    confidence: float | None = ...,
    algorithm: str | Algorithm | None = ...,
    n_draws: int | None = ...,
    max_evaluated: int | None = ...,
    population: int | None = ...,
    prefer: Literal['fitness', 'parameters', 'area_mm2', 'latency_ms', 'energy_uj', 'knee'] | None = ...,
    finalists: int | None = ...,
    finalist_epochs: int | None = ...,
    finalist_images: int | None = ...,
    finalist_eta: int | None = ...,
    finalist_validation: float | None = ...,
) -> SearchResult:
    """Architecture search: algorithms propose candidates, one loop evaluates them, a history stores them.

    Settings:
        seed: Random seed [0].
        device: Device for all computations [auto].
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        rounding: Rounding of weights [nearest].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
        fitness: Fitness measure (with --preset paper and in the papers' experiments: sahd) [path-and-size].
        fitness_channels: Channels of the network whose spikes the fitness reads; with fewer, a search is faster [network.channels, but at most 16 for path-and-size and path-information].
        batch_size: Batch size for the fitness [the data set's].
        n_batches: Number of batches over which fitness is averaged [1].
        exact: Evaluate every candidate on the full batch, without screening on a small one [off].
        screen_batch_size: Batch size for screening candidates [32].
        screen_keep: Fraction of the candidates that pass the screening [0.1].
        chip_fitness: Evaluate candidates with their weights as simulated chips hold them [off].
        chips: Number of simulated chips over which --chip-fitness averages [1].
        engine: Engine that computes fitness; the reference is slow and gives the same numbers [fast].
        memory_limit: Memory limit of the engine on each machine (GiB) [its process stays below half of the free memory].
        workers: Number of worker processes that evaluate candidates [none].
        cluster: Evaluate on a Ray cluster: ray or ray:ADDRESS [none].
        silence_limit_minutes: A worker is considered lost after this time without a message (and 20 times its longest silence) (minutes) [10].
        hardware: Accelerator, or FILE.yaml (estimate: or all) [spikeflow-rram].
        target: Chip that the network must fit, or FILE.yaml [search: none; fit: speck2f].
        cost_model: Cost model that budgets apply to [mapped].
        schedule: Order in which layers are computed (cost model mapped) [layers-in-order].
        replication: Copies of each layer's weights (cost model mapped) [1].
        activity: Activity of the inputs (cost model mapped; forecast: estimate only) [dense].
        firing_rate: Fraction of the inputs that spike in a time step (--activity rate) [none].
        trace: Firing rate of each layer's inputs (--activity trace): YAML, or the evaluation.json of a run [none].
        max_parameters: Limit on the number of weights; inf: no limit [the algorithm's].
        max_area_mm2: Limit on the chip area; inf: no limit (mm²) [the algorithm's].
        max_latency_ms: Limit on the latency per image; inf: no limit (ms) [the algorithm's].
        max_energy_uj: Limit on the energy per image; inf: no limit (µJ) [the algorithm's].
        confidence: Apply budgets to the upper bounds of latency and energy at this confidence, not to the estimates [none].
        algorithm: Search algorithm [neuronas].
        n_draws: Number of candidates drawn by snasnet and evolution [5000].
        max_evaluated: Stop after this many evaluated functions [no limit].
        population: Population size of evolution [100].
        prefer: How the result is chosen from the Pareto front (evolution, exhaustive) [fitness].
        finalists: Number of fittest distinct candidates that are trained briefly; the most accurate one is the result; 0: none [0].
        finalist_epochs: Training epochs of the last finalists [12].
        finalist_images: Maximum number of training images on which finalists are trained and compared [5000].
        finalist_eta: Reduction factor of halving: one in this many finalists is kept, and trained this many times as long [2].
        finalist_validation: Fraction of the finalists' images that is held out to compare them [0.25].
    """


def train(
    architecture: Architecture | str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | Mapping[str, Any] | Section | None = ...,
    assignments: Iterable[str] = ...,
    out: str | os.PathLike[str] | None = ...,
    resume: bool | str = ...,
    download: bool = ...,
    max_minutes: float | None = ...,
    observer: Observer | None = ...,
    preset: str | None = ...,
    plugin: Sequence[str] | None = ...,
    space: str | Space | None = ...,
    recipe: str | None = ...,
    seed: int | None = ...,
    device: Literal['auto', 'cpu', 'cuda'] | None = ...,
    limit: int | None = ...,
    epochs: int | None = ...,
    patience: int | None = ...,
    batch_size: int | None = ...,
    learning_rate: float | None = ...,
    optimiser: Literal['sgd', 'adamw', 'muon'] | None = ...,
    momentum: float | None = ...,
    weight_decay: float | None = ...,
    schedule: Literal['cosine', 'step'] | None = ...,
    learning_rate_floor: float | None = ...,
    warmup_epochs: float | None = ...,
    early_side: float | None = ...,
    full_from: float | None = ...,
    early_timesteps: int | None = ...,
    timesteps_from: float | None = ...,
    dropout: float | None = ...,
    clip_norm: float | None = ...,
    loss: Literal['mean', 'tet'] | None = ...,
    class_weights: Literal['none', 'balanced'] | None = ...,
    label_smoothing: float | None = ...,
    surrogate: str | None = ...,
    augment: Literal['none', 'shift', 'flip', 'autoaugment', 'randaugment'] | None = ...,
    border: Literal['zero', 'reflect'] | None = ...,
    event_flip: bool | None = ...,
    event_shift: int | None = ...,
    event_rotate: float | None = ...,
    event_zoom: float | None = ...,
    event_elastic: float | None = ...,
    event_drop: float | None = ...,
    event_jitter_ms: float | None = ...,
    mixup: float | None = ...,
    cutout: int | None = ...,
    ema: float | None = ...,
    rate_weight: float | None = ...,
    rate_target: float | None = ...,
    sparsity: float | None = ...,
    chip_noise: float | None = ...,
    scale: Literal['power-of-two', 'lsq', 'lsq-channel'] | None = ...,
    quantise: Literal['aware', 'after'] | None = ...,
    start_from: str | None = ...,
    teacher: str | None = ...,
    teacher_share: float | None = ...,
    validation_share: float | None = ...,
    precision: Literal['auto', 'float32', 'bfloat16'] | None = ...,
    checkpointing: bool | None = ...,
    ann: bool | None = ...,
    activation_bits: int | None = ...,
    tensorboard: bool | None = ...,
    dataset: str | DataSet | None = ...,
    data_dir: str | None = ...,
    image_side: int | str | tuple[int, int] | None = ...,
    image_channels: int | None = ...,
    mean: str | None = ...,
    std: str | None = ...,
    skip_corrupt: bool | None = ...,
    event_slices: Literal['time', 'count'] | None = ...,
    event_values: Literal['count', 'binary', 'first-spike'] | None = ...,
    event_window_ms: float | None = ...,
    event_sensor: str | None = ...,
    event_crop: str | None = ...,
    event_order: Literal['recorded', 'shuffled', 'collapsed'] | None = ...,
    channels: int | None = ...,
    timesteps: int | None = ...,
    weight_bits: int | str | Mapping[str, int] | None = ...,
    rounding: Literal['nearest', 'floor', 'stochastic'] | None = ...,
    head: Literal['gap', 'linear'] | None = ...,
    head_width: int | None = ...,
    n_voters: int | None = ...,
    tau: float | None = ...,
    v_threshold: float | None = ...,
    v_reset: float | None = ...,
) -> TrainingResult:
    """Train an architecture with surrogate gradients and quantised weights; a run is trained in its own directory.

    Args:
        architecture: its text, an ``architecture.json``, or the directory of a run.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        out: directory to write to; default: the run's own, or a new one under ``runs``.
        resume: resume the training in the directory; ``"auto"``: if there is a checkpoint, so that a notebook cell can
            be run again.
        download: download the data set if it is missing.
        max_minutes: stop after this time with a checkpoint; ``resume`` continues.
        observer: observer of the progress.
        **options: settings by keyword (docs/reference/settings.md).

    Raises:
        NeuronasError: see ``plan_training`` and ``Training.run``.

    Settings:
        preset: Settings to start from (paper: those of NeuroNAS's experiments) [default].
        plugin: Plug-in: a module, or FILE.py; may be repeated [none].
        space: Search space, or FILE.yaml [neuronas].
        recipe: Recipe for the training settings that are not given [default].
        seed: Random seed of training [the run's].
        device: Device for training [the run's].
        limit: Number of training images, drawn with the random seed, the same share of each class [all].
        epochs: Training epochs [the recipe's].
        patience: Stop after this many epochs without a higher validation accuracy; 0: never [0].
        batch_size: Batch size of a training step, summed over all processes [the recipe's].
        learning_rate: Peak learning rate [the recipe's].
        optimiser: Optimiser; muon: for kernels and matrices, with adamw for the rest [the recipe's].
        momentum: Momentum of SGD and Muon [the recipe's].
        weight_decay: Weight decay [the recipe's].
        schedule: Learning-rate schedule [the recipe's].
        learning_rate_floor: Learning rate at the end of the cosine schedule [the recipe's].
        warmup_epochs: Epochs of linear warm-up [the recipe's].
        early_side: Image side at the beginning, as a fraction of the full side; it grows until train.full_from [the recipe's].
        full_from: Fraction of the epochs after which images have their full side [the recipe's].
        early_timesteps: Time steps until train.timesteps_from; 0: all [the recipe's].
        timesteps_from: Fraction of the epochs after which all time steps are used [the recipe's].
        dropout: Dropout rate of the inputs of the head's first linear layer; the mask is the same at every time step [the recipe's].
        clip_norm: Gradient clipping: maximum norm; 0: none [the recipe's].
        loss: Loss: of the mean scores, or of each time step (TET) [the recipe's].
        class_weights: Weights of the classes in the loss (balanced: for classes of different size) [none].
        label_smoothing: Label smoothing [the recipe's].
        surrogate: Surrogate gradient of the spike function [the recipe's].
        augment: Augmentation of the training images [the data set's].
        border: Padding of shifted training images [the recipe's].
        event_flip: Mirror half of the recordings of event cameras [off].
        event_shift: Shift recordings of event cameras by up to this many sensor pixels in each direction [0].
        event_rotate: Rotate recordings of event cameras by up to this angle in each direction (degrees) [0].
        event_zoom: Scale recordings of event cameras up or down by a factor of up to 1 plus this [0].
        event_elastic: Elastically deform recordings of event cameras; standard deviation of the displacements (pixels) [0].
        event_drop: Fraction of the events of each recording that is dropped at random [0].
        event_jitter_ms: Standard deviation of the random shift of each event's time (ms) [0].
        mixup: Alpha of mixup; 0: none [the recipe's].
        cutout: Side of the square that cutout blanks; 0: none (pixels) [the recipe's].
        ema: Decay of the weights' exponential moving average; 0: none [the recipe's].
        rate_weight: Weight of the firing-rate penalty [the recipe's].
        rate_target: Firing rate above which the penalty applies [the recipe's].
        sparsity: Final fraction of pruned weights [the recipe's].
        chip_noise: Train with simulated write variation (relative standard deviation) [the recipe's].
        scale: Scale of quantised weights [the recipe's].
        quantise: Quantisation-aware training, or quantisation after training [the recipe's].
        start_from: Start with the best weights of a trained run (fine-tuning) [none].
        teacher: Learn the class probabilities of a trained run besides the labels (knowledge distillation) [none].
        teacher_share: Weight of the teacher's class probabilities in the targets [0.9].
        validation_share: Fraction of the training images that is held out for validation [the recipe's].
        precision: Floating-point format of convolutions [the recipe's].
        checkpointing: Recompute cells in the backward pass to save memory [the recipe's].
        ann: Train the artificial twin: ReLU instead of LIF neurons [off].
        activation_bits: Bits of the twin's ReLU, quantised with a learned range [not quantised].
        tensorboard: Write TensorBoard event files [off].
        dataset: Data set [digits].
        data_dir: Folder of downloaded data sets [$NEURONAS_DATA, or data].
        image_side: Resize images to this side, or to HEIGHTxWIDTH (pixels) [the data set's].
        image_channels: Image channels; for image folders 1 (grey) or 3 (RGB), to which files are converted [the data set's].
        mean: Mean of each channel, for pixels from 0 to 1, such as 0.49,0.48,0.45 [the data set's].
        std: Standard deviation of each channel, for pixels from 0 to 1, such as 0.2,0.2,0.2 [the data set's].
        skip_corrupt: Leave out images that cannot be read [off].
        event_slices: Time steps of equal duration, or of an equal number of events [time].
        event_values: Value of a pixel: the number of its events, whether it had any, or how early its first one was [count].
        event_window_ms: Part of each recording that is used, from its beginning (ms) [the data set's].
        event_sensor: Sensor size, HEIGHTxWIDTH, for file formats that do not state it (pixels) [the data set's].
        event_crop: Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side (pixels) [the whole sensor].
        event_order: Control experiments on timing: shuffle the time steps, or move every event to a random time step [recorded].
        channels: Channels before the first reduction [the data set's].
        timesteps: Time steps T [5].
        weight_bits: Weight precision in bits: 2 to 16 (fixed point) or 32 (no quantisation); one number, or one for each layer or part of the network, such as stem=8,A=4,reduction=4,B=4,head=8 [8].
        rounding: Rounding of weights [nearest].
        head: Classifier head: global average pooling and one linear layer, or two linear layers as in the papers [gap].
        head_width: Outputs of the linear head's first layer [the data set's].
        n_voters: Outputs per class of the linear head, whose mean is the score [the data set's].
        tau: Membrane time constant of the LIF neurons (time steps) [1.33333].
        v_threshold: Firing threshold of the LIF neurons [1].
        v_reset: Potential of the LIF neurons after a spike [0].
    """

