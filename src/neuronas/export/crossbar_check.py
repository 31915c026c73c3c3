"""Verifies crossbar files: the sums of every layer, computed from the files alone, must equal the network's."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812

from neuronas.chip.partial_sums import gathered
from neuronas.errors import VerificationError
from neuronas.export.content import ExportContent
from neuronas.export.crossbar_files import (
    INDEX,
    PROGRAMMING,
    RESPONSES,
    VECTORS,
    LayerVectors,
    images_of,
    layer_vectors,
)
from neuronas.export.verification import RoundTrip
from neuronas.space.node_operations import Weights


def verify_crossbars(content: ExportContent, folder: Path) -> RoundTrip:
    """Compute the sums of every layer from the files in a folder, and compare them with those of the network.

    Conductances become levels again, the spike vectors are applied to them, and the columns of each output are added
    with their factors, over all crossbars of a copy of the layer and all kernel positions.

    Raises:
        VerificationError: a sum differs, or a current or ADC code does not follow from conductances and spikes.
    """
    index = json.loads((folder / INDEX).read_text())
    network = content.integers
    expected = layer_vectors(network, images_of(content))
    stored = {
        name: LayerVectors(**_arrays(folder / VECTORS / f"{name}.npz"), planes=tuple(layer["planes"]))
        for name, layer in index["layers"].items()
    }
    totals: dict[tuple[str, int], NDArray[np.float64]] = {}
    off, level = index["off_conductance_us"], index["level_us"]
    for row in index["crossbars"]:
        name, layer, file = row["layer"], network.graph.by_name[row["layer"]], f"{row['number']:05}"
        shape = (row["n_channels"], row["n_columns"])
        cells = np.fromfile(folder / PROGRAMMING / f"{file}.f32", "<f4").reshape(shape).astype(np.float64)
        text = np.loadtxt(folder / PROGRAMMING / f"{file}.csv", delimiter=",", ndmin=2)
        if not np.allclose(cells, text, rtol=1e-5):
            raise VerificationError(f"{folder}: {PROGRAMMING}/{file}.csv and .f32 differ")
        vectors = stored[name].vectors
        driven = vectors[:, row["first_channel"] : row["first_channel"] + row["n_channels"]].astype(np.float64)
        _check_responses(folder, file, index, cells, driven)
        whole = totals.setdefault((name, row["replica"]), _zeros(content, name, len(vectors)))
        levels = np.rint((cells - off) / level)
        n = _of(index["columns_per_output"], name)
        factors = np.resize(np.array(_of(index["column_factors"], name)), n * layer.shape[0])
        columns = slice(row["first_column"], row["first_column"] + row["n_columns"])
        outputs = np.arange(columns.start, columns.stop) // n
        answers = driven @ levels * factors[columns]
        if index["n_sign_columns"] == 1:  # offset binary: codes are 2^(b-1) lower than the stored values
            answers[:, (np.arange(columns.start, columns.stop) % n) == 0] -= (
                2 ** (_of(index["weight_bits"], name) - 1) * driven.sum(axis=1)[:, None]
            )
        np.add.at(whole[row["kernel_position"]].T, outputs, answers.T)
    largest = 0.0
    for (name, replica), whole in totals.items():
        if not np.array_equal(stored[name].occurrences, expected[name].occurrences):
            raise VerificationError(f"{folder}: vectors of layer {name} are not those of the images")
        largest = max(largest, _check_sums(content, name, replica, whole, stored[name], folder))
    return RoundTrip(0.0, largest, len(index["images"]), 0)


def _of(value: Any, layer: str) -> Any:
    """The value of one layer, if given by layer; otherwise the common value."""
    return value[layer] if isinstance(value, dict) else value


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def _zeros(content: ExportContent, name: str, n_vectors: int) -> NDArray[np.float64]:
    operation = content.integers.graph.by_name[name].operation
    assert isinstance(operation, Weights)  # noqa: S101 - only these are on crossbars
    return np.zeros((max(operation.kernel, 1) ** 2, n_vectors, operation.n_out))


def _check_responses(
    folder: Path, file: str, index: dict[str, Any], cells: NDArray[np.float64], driven: NDArray[np.float64]
) -> None:
    found = _arrays(folder / RESPONSES / f"{file}.npz")
    at_once = index["rows_per_read"]
    reads = [slice(first, first + at_once) for first in range(0, len(cells), at_once)]
    for number, read in enumerate(reads):
        current = driven[:, read] @ cells[read]
        if not np.allclose(found["currents_us"][number], current, rtol=1e-4, atol=1e-4 * float(cells.max(initial=0))):
            raise VerificationError(f"{folder}: currents of crossbar {file} do not follow from its conductances")
        above = current - driven[:, read].sum(axis=1)[:, None] * index["off_conductance_us"]
        level = index["level_us"] * index["adc_step_levels"]
        code = above / level
        if index["adc_bits"] is not None:
            code = code.clip(0, 2 ** index["adc_bits"] - 1)
        if (np.abs(found["codes"][number] - code) > 0.501).any():
            raise VerificationError(f"{folder}: ADC codes of crossbar {file} do not follow from its currents")


def _check_sums(
    content: ExportContent,
    name: str,
    replica: int,
    whole: NDArray[np.float64],
    stored: LayerVectors,
    folder: Path,
) -> float:
    """Compare the sums of a layer, shifted and added over kernel positions, with its convolution."""
    network = content.integers
    node = network.graph.by_name[name]
    operation, codes = node.operation, torch.from_numpy(network.weights[name].codes).double()
    assert isinstance(operation, Weights)  # noqa: S101 - only these are on crossbars
    n, steps = stored.occurrences.shape[:2]
    occurrences = torch.from_numpy(stored.occurrences).long()
    answers = torch.from_numpy(whole)[:, occurrences]  # [positions, n, T, planes, pixels, out]
    factors = torch.tensor(stored.planes, dtype=torch.float64)
    summed = torch.einsum("kntpxo,p->kntxo", answers, factors).flatten(1, 2)
    inputs = torch.from_numpy(stored.vectors)[occurrences].double()
    x = torch.einsum("ntpxc,p->ntcx", inputs, factors).flatten(0, 1)
    if operation.kernel:
        height, width = network.graph.input_shape(node)[1:]
        y = F.conv2d(
            x.reshape(n * steps, -1, height, width), codes, stride=operation.stride, padding=operation.n_padded,
            groups=operation.groups,
        )  # fmt: skip
        found = gathered(
            summed.reshape(*summed.shape[:2], height, width, -1), operation.kernel, operation.stride, operation.n_padded
        )
    else:
        y, found = F.linear(x.flatten(1), codes), summed[0, :, 0]
    if not torch.equal(found, y):
        n_wrong = int((found != y).sum())
        raise VerificationError(
            f"{folder}: {n_wrong} of {y.numel()} sums of layer {name}, copy {replica}, differ from the network's"
        )
    return float(y.abs().max())
