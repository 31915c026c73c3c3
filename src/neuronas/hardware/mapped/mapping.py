"""Maps rows of work to counts on the chip: crossbars, PEs, tiles, passes, conversions, transferred bits.

Each function below returns one count for all rows at once, [n_rows] float64, 0 if a row has none. For many chips at
once, whose constants are columns [n_chips, 1], the shape is [n_chips, n_rows], also for area, latency and energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from neuronas.config import WeightBits, bits_of
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.circuits import Crossbar
from neuronas.hardware.cost import Array
from neuronas.hardware.diagonal import Diagonal
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.sensor import AT_ONCE, Sensor
from neuronas.space.shape import size_of
from neuronas.space.workload import Layer


@dataclass(frozen=True)
class MappedWork:
    """Rows of work as columns [n_rows], with the settings that determine their mapping.

    Attributes:
        accelerator: accelerator; constants are numbers or, for many chips at once, columns [n_chips, 1].
        weight_bits: bits of a weight; 0 without weights.
        replication: see ``replicas``; a number or a column [n_chips, 1].
        kernel_area: kernel positions, k^2; 0 for additions.
        i_area: pixels of the input, i^2; ``o_area`` of the output, o^2.
        has_weights: 1 for convolutions and fully connected layers, otherwise 0.
        steps: how often the row runs for one decision: 1 if it reads the same image at every time step (direct coding),
            otherwise T.
        input_bits: width of one input value; a crossbar reads its inputs bit by bit.
        rates: [n_rows, n] share of inputs that spike in each time step, or (n = 1) in all; for inputs of several bits,
            the share of bits that are 1.
        activation_bits: bits of the outputs of artificial neurons; None: LIF neurons.
    """

    accelerator: Accelerator
    weight_bits: Array
    replication: Array | int
    kernel_area: Array
    c_in: Array
    c_out: Array
    groups: Array
    i_area: Array
    o_area: Array
    has_weights: Array
    is_pool: Array
    is_addition: Array
    has_neurons: Array
    steps: Array
    input_bits: Array
    rates: Array
    activation_bits: int | None = None

    @cached_property
    def diagonal(self) -> Diagonal:
        """The parts into which groups cut the weights."""
        return Diagonal.of(self.c_in, columns(self), self.groups, self.accelerator.crossbar.size)

    @cached_property
    def rate(self) -> Array:
        """[n_rows] mean of ``rates`` over the time steps."""
        mean: Array = self.rates.mean(axis=1)
        return mean

    @cached_property
    def n_crossbars(self) -> Array:
        """See ``crossbars``; cached, since many terms use it."""
        return crossbars(self)

    @cached_property
    def sets(self) -> tuple[tuple[Array, Array], ...]:
        """Sets of rows read at once at one kernel position: pairs of the number of sets and their rows."""
        return _row_sets(self)

    @cached_property
    def awake(self) -> Array:
        """See ``awake_share``."""
        return awake_share(self)

    @cached_property
    def n_pes(self) -> Array:
        """See ``pes``."""
        return pes(self)

    @cached_property
    def n_tiles(self) -> Array:
        """See ``tiles``."""
        return tiles(self)


def make_work(
    rows: Sequence[Layer],
    accelerator: Accelerator,
    weight_bits: WeightBits,
    timesteps: int,
    replication: Array | int,
    activity: Activity,
    activation_bits: int | None = None,
    sensor: Sensor = AT_ONCE,
) -> MappedWork:
    """Convert rows (``space.workload``) to columns.

    Raises:
        ConfigurationError: the activity has rates for another number of time steps.
    """
    rates = activity.rates(rows)
    if rates.shape[1] not in (1, timesteps):
        raise ConfigurationError(
            f"a trace of {rates.shape[1]} time steps given with timesteps {timesteps}; expected rates for each of "
            f"{timesteps} time steps, or one rate for all"
        )
    largest = 2 ** (activation_bits or 1) - 1
    pixel_bits = sensor.bits_read(int(accelerator.digital.image_bits))
    bits = {"image": pixel_bits, "sequence": pixel_bits, "values": int(accelerator.neuron.state_bits)}
    return MappedWork(
        accelerator=accelerator,
        weight_bits=_column([bits_of(weight_bits, row.name) if row.has_weights else 0 for row in rows]),
        replication=replication,
        kernel_area=_column([prod(size_of(row.kernel)) for row in rows]),
        c_in=_column([row.in_channels for row in rows]),
        c_out=_column([row.out_channels for row in rows]),
        groups=_column([row.groups for row in rows]),
        i_area=_column([prod(size_of(row.in_side)) for row in rows]),
        o_area=_column([prod(size_of(row.out_side)) for row in rows]),
        has_weights=_column([row.has_weights for row in rows]),
        is_pool=_column([row.is_pool for row in rows]),
        is_addition=_column([row.kind == "add" for row in rows]),
        has_neurons=_column([row.has_neurons for row in rows]),
        steps=_column([1 if row.reads == "image" else timesteps for row in rows]),
        # a mean or a sum of n spikes takes n + 1 values
        input_bits=_column([bits.get(row.reads, (row.n_pooled * largest).bit_length()) for row in rows]),
        rates=rates,
        activation_bits=activation_bits,
    )


def parameters(work: MappedWork) -> Array:
    """Weights: k^2 * C_in / groups * C_out, convolutions and fully connected layers; no bias, no batch norm."""
    return work.has_weights * work.kernel_area * (work.c_in / work.groups) * work.c_out


def columns_per_output(weight_bits: Array, crossbar: Crossbar) -> Any:
    """Bitline columns of a filter: n_sign_columns * ceil(sliced_bits / bits_per_cell).

    Each bit slice and each sign has its own column (as in ISAAC, ISCA 2016). A pair of differential columns stores
    magnitudes with sliced_bits = weight_bits - 1; a single column stores sliced_bits = weight_bits. Columns in addition
    to the crossbar's X columns are not counted: the unit column of offset binary (ISAAC), the column of off cells.
    """
    return crossbar.n_sign_columns * -(-sliced_bits(weight_bits, crossbar.n_sign_columns) // crossbar.bits_per_cell)


def sliced_bits(weight_bits: Array | int, n_sign_columns: Any) -> Any:
    """Bits of a weight that are cut into slices: weight_bits - (n_sign_columns - 1); two columns hold the sign."""
    return weight_bits - (n_sign_columns - 1)


def columns(work: MappedWork) -> Array:
    """Bitline columns: C_out * columns_per_output."""
    return work.has_weights * work.c_out * columns_per_output(work.weight_bits, work.accelerator.crossbar)


def row_blocks(work: MappedWork) -> Array:
    """Sets of wordlines that a column sums separately: k^2 * ceil(C_in / X); with groups, those of one part.

    One for each kernel position and block of X input channels (SpikeSim, arXiv 2210.12899; parts:
    ``hardware.diagonal``).
    """
    return work.has_weights * work.kernel_area * work.diagonal.n_rows


def reads(work: MappedWork) -> Array:
    """Reads of a pass, one after another: ceil(rows in use / rows_per_read), of the crossbar with the most rows.

    A crossbar sums the currents of rows_per_read rows at once. If more rows are in use, its ADCs convert successive
    sets, whose sums are added digitally. All crossbars of a layer work at the same time.
    """
    most = np.minimum(work.accelerator.crossbar.size, _rows_of_a_part(work))
    return work.has_weights * np.ceil(most / work.accelerator.crossbar.rows_read)


def row_sets(work: MappedWork) -> Array:
    """Sets of rows converted separately: k^2 * (reads of all crossbars of a column); with groups, those of one part."""
    return work.has_weights * work.kernel_area * sum(count for count, _ in work.sets)


def replicas(work: MappedWork) -> Array:
    """Copies of a layer's weights: min(replication, o^2). They work on different pixels at the same time."""
    return work.has_weights * np.minimum(work.replication, work.o_area)


def crossbars(work: MappedWork) -> Array:
    """Crossbars: replicas * row_blocks * ceil(columns / X); with groups, the sum over all parts."""
    return replicas(work) * work.kernel_area * work.diagonal.n_crossbars


def pes(work: MappedWork) -> Array:
    """Processing elements: ceil(crossbars / n_per_pe). No PE is shared between layers."""
    return np.ceil(work.n_crossbars / work.accelerator.crossbar.n_per_pe)


def tiles(work: MappedWork) -> Array:
    """Tiles: ceil(PEs / n_per_tile). No tile is shared between layers (SpikeSim's mapping rule)."""
    return np.ceil(work.n_pes / work.accelerator.pe.n_per_tile)


def utilisation(work: MappedWork) -> Array:
    """Share of a layer's cells that hold a weight: replicas * cells / (crossbars * X^2), 0 to 1."""
    cells = work.n_crossbars * work.accelerator.crossbar.size**2
    return np.divide(replicas(work) * used_cells(work), cells, out=np.zeros_like(cells), where=cells > 0)


def used_cells(work: MappedWork) -> Array:
    """Cells that hold one copy of the weights: k^2 * C_in / groups * columns."""
    cells: Array = work.kernel_area * (work.c_in / work.groups) * columns(work)
    return cells


def passes(work: MappedWork) -> Array:
    """Crossbar passes of an image: steps * o^2 * input_bits. Each gives all outputs of one pixel for one input bit."""
    return work.has_weights * work.steps * work.o_area * work.input_bits


def conversions(work: MappedWork) -> Array:
    """ADC conversions of an image: passes * row_sets * columns; every used column of every crossbar at each read."""
    return passes(work) * row_sets(work) * columns(work)


def awake_share(work: MappedWork) -> Array:
    """Share of conversions with at least one spike in their rows: 1 - (1 - rate)^rows, the mean over the sets of rows.

    If rates are given by time step, it is also the mean over time steps. Rows are assumed to spike independently; a
    silent set of rows is not converted. A set has rows_per_read rows, the last of a crossbar or of a layer may have
    fewer; with groups, a crossbar has the rows of one part. For 64 rows and a rate of 8.3 % the share is 99.6 %:
    sparsity saves energy only in the crossbar unless spikes are clustered. For 8 rows it is 50 %.
    """
    sets = work.sets
    awake = sum(count * (1 - (1 - work.rates) ** rows[..., None]).mean(axis=-1) for count, rows in sets)
    share: Array = work.has_weights * awake / np.maximum(1, sum(count for count, _ in sets))
    return share


def input_traffic_bits(work: MappedWork) -> Array:
    """Bits into a row's tiles for an image: steps * input_bits * C_in * i^2 * max(1, tiles).

    Every tile of a layer receives all its inputs; inputs are spikes of one bit, image pixels, means of spikes, or
    for pooling and node sums values of the membrane's width.
    """
    return work.steps * work.input_bits * work.c_in * work.i_area * np.maximum(1, work.n_tiles)


def partial_sum_bits(work: MappedWork) -> Array:
    """Bits of partial sums between tiles: passes * C_out * (tiles that one column block spans - 1) * state_bits.

    The row blocks of a column fill ceil(row_blocks / (n_per_pe * n_per_tile)) tiles.
    """
    accelerator = work.accelerator
    per_tile = accelerator.crossbar.n_per_pe * accelerator.pe.n_per_tile
    spanned: Array = np.maximum(1.0, np.ceil(row_blocks(work) / per_tile))
    return passes(work) * work.c_out * (spanned - 1) * accelerator.neuron.state_bits


def _rows_of_a_part(work: MappedWork) -> Array:
    """Rows of one kernel position; with groups, of one part."""
    rows: Array = work.diagonal.n_together * (work.c_in / work.groups)
    return rows


def _row_sets(work: MappedWork) -> tuple[tuple[Array, Array], ...]:
    size, at_once = work.accelerator.crossbar.size, work.accelerator.crossbar.rows_read
    n_full = np.maximum(1, work.diagonal.n_rows) - 1  # crossbars, all of whose rows are in use
    last = _rows_of_a_part(work) - n_full * size
    n_whole: Array = n_full * (size // at_once) + np.floor(last / at_once)
    n_cut: Array = n_full * (size % at_once > 0)
    rest: Array = last % at_once
    n_rest, zero = (rest > 0).astype(np.float64), np.zeros_like(last)
    return (n_whole, at_once + zero), (n_cut, size % at_once + zero), (n_rest, rest)


def _column(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64)
