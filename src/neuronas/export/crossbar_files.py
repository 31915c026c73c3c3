"""Format ``crossbars``: conductances, input vectors and expected outputs of each crossbar, for a test bench.

The files describe an ideal chip: no variation, no wire resistance, gain 1 in every column. The step of the ADCs is one
level, or larger if the largest possible sum requires it.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.chip.chip_model import ChipModel, chip_model
from neuronas.chip.slicing import columns_of
from neuronas.config import bits_of, plain_bits, write_bytes, write_text
from neuronas.errors import ConfigurationError
from neuronas.export.content import ExportContent
from neuronas.export.crossbars import CrossbarDocument
from neuronas.export.integer_interpreter import integer_scores
from neuronas.export.integer_network import IntegerNetwork
from neuronas.export.verification import N_IMAGES, probe_batch
from neuronas.snn.quantisation import ungrouped
from neuronas.space.node_operations import Weights

INDEX, PROGRAMMING, VECTORS, RESPONSES = "crossbars.json", "programming", "vectors", "responses"
_MICRO = 1e6
_IMAGES = (0, N_IMAGES // 2 - 1, N_IMAGES // 2)
"""Indices of three images of the fixed batch, noisy and smooth."""

Levels = NDArray[np.int64]


@dataclass(frozen=True)
class LayerVectors:
    """The inputs of a layer's crossbars on the images.

    Attributes:
        vectors: distinct input vectors [n, channels], 0 or 1.
        occurrences: [images, time steps, planes, pixels] index of the vector; one time step if all are equal.
        planes: digital factor of each bit of an input: 1 for spikes, powers of two for other integers.
    """

    vectors: NDArray[np.uint8]
    occurrences: NDArray[np.int32]
    planes: tuple[int, ...]


def write_crossbars(content: ExportContent, folder: Path) -> None:
    """Write the files of all crossbars to a folder; see docs/reference/export-formats.md.

    Raises:
        ConfigurationError: the accelerator has no memory device, or the weights are not quantised.
    """
    network, model = content.integers, model_of(content)
    inputs = layer_vectors(network, images_of(content))
    for name in (PROGRAMMING, VECTORS, RESPONSES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, found in inputs.items():
        _write_arrays(folder / VECTORS / f"{name}.npz", vectors=found.vectors, occurrences=found.occurrences)
    rows = []
    for number, (layer, place, crossbar) in enumerate(numbered(content)):
        levels = levels_of(content, layer, crossbar)
        conductance = conductance_us(model, levels)
        text = "\n".join(",".join(f"{cell:.6g}" for cell in row) for row in conductance)
        write_text(folder / PROGRAMMING / f"{number:05}.csv", text + "\n")
        write_bytes(folder / PROGRAMMING / f"{number:05}.f32", conductance.astype("<f4").tobytes())
        currents, codes = responses(model, levels, driven(inputs[layer], crossbar))
        _write_arrays(folder / RESPONSES / f"{number:05}.npz", currents_us=currents, codes=codes)
        rows.append({"number": number, "layer": layer, **place, **crossbar.model_dump()})
    crossbars = content.crossbars
    index = {
        "format": "neuronas-crossbars-1",
        "architecture": content.architecture,
        "hardware": crossbars.hardware,
        "sign_scheme": model.sign_scheme,
        "weight_bits": plain_bits(model.weight_bits),
        "bits_per_cell": model.bits_per_cell,
        "n_sign_columns": crossbars.n_sign_columns,
        "columns_per_output": crossbars.columns_per_output,
        "column_factors": column_factors(content),
        "on_conductance_us": _MICRO / model.on_resistance_ohm,
        "off_conductance_us": _MICRO / model.off_resistance_ohm,
        "level_us": _MICRO * model.level_siemens,
        "adc_bits": model.adc_bits,
        "adc_step_levels": converter_step(model),
        "rows_per_read": model.rows_read,
        "images": images_of(content).tolist(),
        "layers": {name: {"planes": one.planes, "n_vectors": len(one.vectors)} for name, one in inputs.items()},
        "crossbars": rows,
    }
    write_text(folder / INDEX, json.dumps(index) + "\n")


def _write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_bytes(path, file.getvalue())


def model_of(content: ExportContent) -> ChipModel:
    """The ideal chip of the run's accelerator.

    Raises:
        ConfigurationError: it has no memory device.
    """
    if content.accelerator is None:
        raise ConfigurationError("no accelerator given; expected one for --format crossbars")
    return chip_model(content.accelerator, content.crossbars.hardware, content.weight_bits)


def images_of(content: ExportContent) -> Tensor:
    """The three images, uint8 [3, C, H, W]."""
    network, given = content.network, content.input
    return probe_batch(network.graph, network.timesteps, given.mean, given.std)[..., list(_IMAGES), :, :, :]


def numbered(content: ExportContent) -> Iterator[tuple[str, dict[str, int], CrossbarDocument]]:
    """All crossbars in the order of their numbers: layer, position on the chip, content."""
    for tile in content.crossbars.tiles:
        for number, pe in enumerate(tile.pes):
            for crossbar, one in enumerate(pe.crossbars):
                yield tile.layer, {"tile_x": tile.x, "tile_y": tile.y, "pe": number, "crossbar": crossbar}, one


def column_factors(content: ExportContent) -> list[float] | dict[str, list[float]]:
    """Digital factor of each column of an output, by layer if layers have different numbers of columns.

    With one sign column, the sum contains an offset of 2^(b-1) times the number of spikes.
    """
    found = {name: _factors(content, name) for name in content.network.weights}
    return next(iter(found.values())) if isinstance(content.crossbars.columns_per_output, int) else found


def _factors(content: ExportContent, layer: str) -> list[float]:
    return [factor for _, factor in _ordered(content, layer, np.zeros((1, 1), np.int64))[1]]


def levels_of(content: ExportContent, layer: str, crossbar: CrossbarDocument) -> Levels:
    """Target levels [channels, columns] of the cells of a crossbar."""
    network = content.integers
    operation = network.graph.by_name[layer].operation
    if not isinstance(operation, Weights):
        raise TypeError(f"layer {layer} holds no weights")
    codes = network.weights[layer].codes
    if operation.kernel:
        position = divmod(crossbar.kernel_position, operation.kernel)
        codes = ungrouped(codes, operation.groups)[:, :, position[0], position[1]]
    rows = slice(crossbar.first_channel, crossbar.first_channel + crossbar.n_channels)
    columns = slice(crossbar.first_column, crossbar.first_column + crossbar.n_columns)
    levels, _ = _ordered(content, layer, codes[:, rows].T)
    return levels.reshape(crossbar.n_channels, -1)[:, columns]


def _ordered(content: ExportContent, layer: str, codes: Levels) -> tuple[Levels, list[tuple[int, float]]]:
    """Levels [channels, outputs, columns of an output], and number and factor of each of these columns.

    Columns are ordered by slice, lowest first, then by sign column.
    """
    model = model_of(content)
    bits = bits_of(model.weight_bits, layer)
    found = columns_of(torch.from_numpy(codes).double(), model.sign_scheme, bits, model.bits_per_cell)
    n_columns, n_signs = content.crossbars.columns_of(layer), content.crossbars.n_sign_columns
    n_slices = n_columns // n_signs
    order = [sign * n_slices + number for number in range(n_slices) for sign in range(n_signs)]
    return found.levels.numpy().astype(np.int64)[..., order], [(number, found.factors[number]) for number in order]


def conductance_us(model: ChipModel, levels: Levels) -> NDArray[np.float64]:
    """Target conductances, µS."""
    return (levels.astype(np.float64) + model.off_levels) * (model.level_siemens * _MICRO)


def converter_step(model: ChipModel) -> float:
    """Step of the ADCs in levels: 1, or larger if the largest sum requires it."""
    if model.adc_bits is None:
        return 1.0
    return max(1.0, model.rows_read * model.largest_level / (int(2**model.adc_bits) - 1))


def driven(inputs: LayerVectors, crossbar: CrossbarDocument) -> NDArray[np.int64]:
    """Input vectors of the wordlines of a crossbar: [n vectors, channels]."""
    rows = slice(crossbar.first_channel, crossbar.first_channel + crossbar.n_channels)
    return inputs.vectors[:, rows].astype(np.int64)


def responses(
    model: ChipModel, levels: Levels, vectors: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Ideal outputs of a crossbar, [reads, n vectors, columns]; a read drives ``rows_read`` wordlines.

    Returns:
        Current of each column in µA per volt of read voltage (µS), including cells in the off state; and ADC codes of
        the current minus that of a column of cells in the off state.
    """
    n_rows = len(levels)
    reads = [slice(first, first + model.rows_read) for first in range(0, n_rows, model.rows_read)]
    sums = np.stack([vectors[:, read] @ levels[read] for read in reads])
    active = np.stack([vectors[:, read].sum(axis=1) for read in reads])[:, :, None]
    currents = (sums + active * model.off_levels) * (model.level_siemens * _MICRO)
    codes = np.floor(sums / converter_step(model) + 0.5)
    if model.adc_bits is not None:
        codes = codes.clip(0, 2**model.adc_bits - 1)
    return currents.astype(np.float32), codes.astype(np.int32)


@torch.no_grad()
def layer_vectors(network: IntegerNetwork, pixels: Tensor) -> dict[str, LayerVectors]:
    """Input vectors of all layers with weights on images, uint8 [n, C, H, W]."""
    seen: dict[str, list[Tensor]] = {}
    integer_scores(network, pixels, weighed=lambda name, x: seen.setdefault(name, []).append(x))
    return {name: _vectors(network, name, torch.stack(steps, dim=1)) for name, steps in seen.items()}


def _vectors(network: IntegerNetwork, name: str, x: Tensor) -> LayerVectors:
    """Bit planes of inputs [n, T, ...]; negative ones in two's complement."""
    node = network.graph.by_name[name]
    low, high = int(x.min()), int(x.max())
    n_bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) or 1
    planes = [2**bit for bit in range(n_bits)] + ([-(2**n_bits)] if low < 0 else [])
    flat = x.flatten(3) if isinstance(node.operation, Weights) and node.operation.kernel else x.flatten(2)[..., None]
    bits = torch.stack([(flat >> bit) & 1 for bit in range(len(planes))], dim=2)  # [n, T, planes, channels, pixels]
    rows = bits.movedim(3, -1).byte().numpy()
    vectors, inverse = np.unique(rows.reshape(-1, rows.shape[-1]), axis=0, return_inverse=True)
    return LayerVectors(vectors, inverse.reshape(rows.shape[:-1]).astype(np.int32), tuple(planes))
