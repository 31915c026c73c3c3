"""Cost model ``paper``: the closed form behind the published figures of NeuroNAS (arXiv 2407.00641).

It is SpikeSim's ELA arithmetic (arXiv 2210.12899) with a factor for wider weights, recovered by fitting the
published numbers. Every cost is a count times a constant::

    f_l      = ceil(weight_bits_l / 4)
    PE_l     = ceil(Cin_l / 64) * ceil(Cout_l / 64)    (with groups: see ``hardware.diagonal``)
    energy   = T * E_pe * sum_l f_l * PE_l * o_l^2
    latency  = T * cycle * (0.75 * sum_{l < last} Cout_l * o_l^2 + Cout_last * o_last^2)
    area     = A_tile * sum_l f_l * ceil(f_l * PE_l / 8) + a_bit * state
    state    = 22 * (sum_l f_l * Cin_l * i_l^2 + sum_{l <= 5} f_l * Cout_l * o_l^2)

    latency counts from the first event where a sensor records (``hardware.sensor``), as that of ``mapped`` does

    E_pe     = E_htree + E_fetch + E_neuron + E_buffer + p * (9 * E_crossbar + p * (E_adc + E_mux) + 16 * E_sub + E_reg)
    A_tile   = A_htree + A_buffer + A_reg + p * A_sub + 8 * (9 * A_crossbar + p * (A_adc + A_mux)),  p = 64 / 8

with o_l and i_l the output and input side of convolution l (their squares are pixels). Its known faults are kept; see
``ASSUMPTIONS``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from neuronas.config import WeightBits, bits_of
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array, Cost, LayerCost, Totals, tabulate
from neuronas.hardware.diagonal import Diagonal
from neuronas.hardware.sensor import AT_ONCE, Sensor
from neuronas.space.shape import size_of
from neuronas.space.workload import Column, Layer, Occupancy, Slot, always, columns

N_LAYERS_WITH_NEURON_STATE = 5
_N_QUANTITIES = 6
_CHUNK = 2048  # architectures costed at a time: keeps the intermediate arrays in the cache
OVERLAP = 0.75
"""Share of a layer's latency that the next layer does not hide."""

ASSUMPTIONS = (
    "cost is an analytical estimate (cost model 'paper': SpikeSim's arithmetic, 65 nm), not a measurement",
    "every convolution is costed as 3x3; parameters use the true kernel size",
    "pooling, skip connections, additions and the head's linear layers cost nothing and are counted nowhere",
    "the stem runs at every time step; its input buffer is counted at the stem's output side",
    "neuron state is counted for the first five convolutions only",
    "one PE pass per output channel and pixel; PEs of a layer do not work in parallel",
    "crossbar size / mux ratio is the number of phases and of a PE's ADCs at once; right only at 64 / 8",
    "no network-on-chip, leakage or spike activity (dense worst case)",
)


@dataclass(frozen=True)
class _Counts:
    """Counts of each constant of the model: [n_columns, n] each, 0 if there is no convolution.

    Architectures are the last axis, so that sums over columns add whole rows of memory.
    """

    weights: Array
    pes: Array
    pe_passes: Array
    tiles: Array
    state_bits: Array
    cycles: Array


@dataclass(frozen=True)
class PaperCostModel:
    """The published model.

    Attributes:
        share_tiles: whether layers share tiles, as in SpikeSim's script but not in the papers' figures.
        sensor: sensor that provides the images; the papers use static images.
    """

    accelerator: Accelerator
    weight_bits: WeightBits
    timesteps: int
    share_tiles: bool = False
    sensor: Sensor = AT_ONCE

    @property
    def name(self) -> str:
        """See ``CostModel``."""
        return "paper"

    def slices(self, layer: str) -> int:
        """``f``: number of base-width arrays that store one weight of a layer."""
        return -(-bits_of(self.weight_bits, layer) // int(self.accelerator.crossbar.base_weight_bits))

    def totals(self, slots: Sequence[Slot], occupancy: Occupancy) -> Totals:
        """See ``CostModel``; work other than convolutions is ignored."""
        places = _convolutions(columns(slots, occupancy))
        table = self._table(places, occupancy)
        starts = range(0, len(occupancy), _CHUNK)
        chunks = [self._chunk(places, table, occupancy[start : start + _CHUNK]) for start in starts]
        return Totals.joined(chunks)

    def _chunk(self, places: Sequence[Column], table: Array, occupancy: Occupancy) -> Totals:
        counts = self._counts(places, table, occupancy)
        units = {"tiles": counts.tiles.sum(axis=0), "state": counts.state_bits.sum(axis=0)}
        area = [units[unit] * constant for unit, constant in self._area_constants().values()]
        return Totals(
            parameters=counts.weights.sum(axis=0),
            area_mm2=sum(area[1:], start=area[0]),
            latency_ms=self._decision_ms(counts.cycles.sum(axis=0) * self._cycle_ms),
            energy_uj=counts.pe_passes.sum(axis=0) * sum(self._energy_constants().values()),
        )

    def estimate(self, layers: Sequence[Layer]) -> Cost:
        """See ``CostModel``."""
        slots, occupancy = always(layers)
        places = _convolutions(columns(slots, occupancy))
        counts = self._counts(places, self._table(places, occupancy), occupancy)
        units = {"tiles": counts.tiles[:, 0], "state": counts.state_bits[:, 0]}
        parts = {
            "area_mm2": {name: units[unit] * constant for name, (unit, constant) in self._area_constants().items()},
            "latency_ms": self._latency_parts(counts.cycles[:, 0] * self._cycle_ms),
            "energy_uj": {
                name: counts.pe_passes[:, 0] * constant for name, constant in self._energy_constants().items()
            },
        }
        said = (*ASSUMPTIONS, *self.sensor.assumptions("latency includes"))
        costs = {name: _add(terms) for name, terms in parts.items()}
        rows = [LayerCost(layer, self._bits(layer), 0, 0, 0, 0.0, 0.0, 0.0, 0.0) for layer in layers]
        for index, place in enumerate(places):
            by_name = {name: float(cost[index]) for name, cost in costs.items()}
            rows[place.slot] = self._row(layers[place.slot], int(counts.pes[index, 0]), by_name)
        convolutions = (layers[place.slot] for place in places)
        memory_bits = sum(row.n_weights * self._bits(row) for row in convolutions)
        return Cost.of(self.totals(slots, occupancy), memory_bits, tuple(rows), parts, said)

    def _decision_ms(self, busy_ms: Array) -> Array:
        return self.sensor.decision_ms(busy_ms, busy_ms / self.timesteps, self.timesteps)

    def _latency_parts(self, busy_ms: Array) -> dict[str, Array]:
        """Latency of each convolution; that of the first includes waiting for the sensor."""
        parts = {"pe_passes": busy_ms}
        if not self.sensor.window_ms:
            return parts
        total = busy_ms.sum(keepdims=True)
        return parts | {"sensor": (np.arange(len(busy_ms)) == 0) * (self._decision_ms(total) - total)}

    def _bits(self, layer: Layer) -> int:
        return bits_of(self.weight_bits, layer.name) if layer.has_weights else 0

    def _row(self, layer: Layer, n_pes: int, costs: Mapping[str, float]) -> LayerCost:
        crossbar = self.accelerator.crossbar
        n_crossbars = n_pes * int(crossbar.n_per_pe)
        return LayerCost(
            layer=layer,
            weight_bits=self._bits(layer),
            n_crossbars=n_crossbars,
            n_pes=n_pes,
            n_tiles=-(-n_pes // int(self.accelerator.pe.n_per_tile)),
            # More than nine kernel positions exceed the model's nine crossbars; the model ignores this.
            utilisation=min(1.0, self.slices(layer.name) * layer.n_weights / (n_crossbars * crossbar.size**2)),
            **costs,
        )

    def _counts(self, places: Sequence[Column], table: Array, occupancy: Occupancy) -> _Counts:
        steps, per_tile = self.timesteps, float(self.accelerator.pe.n_per_tile)
        choices = occupancy.T[[place.slot for place in places]] + len(table) * np.arange(len(places))[:, None]
        weights, f, n_pes, o_area, inputs, outputs = (values.T.ravel()[choices] for values in np.moveaxis(table, 2, 0))
        present = n_pes > 0
        if self.share_tiles:
            total = n_pes.sum(axis=0)
            tiles = n_pes / total * np.ceil(total / per_tile)
        else:
            tiles = np.ceil(n_pes / per_tile)
        holds_state = present & (np.cumsum(present, axis=0, dtype=np.uint8) <= N_LAYERS_WITH_NEURON_STATE)
        last = present & (np.cumsum(present[::-1], axis=0, dtype=np.uint8)[::-1] == 1)
        return _Counts(
            weights=weights,
            pes=n_pes,
            pe_passes=steps * n_pes * o_area,
            tiles=f * tiles,
            state_bits=f * float(self.accelerator.neuron.state_bits) * (inputs + holds_state * outputs),
            cycles=steps * outputs * (OVERLAP * present + (1 - OVERLAP) * last),
        )

    def _table(self, places: Sequence[Column], occupancy: Occupancy) -> Array:
        if not places:  # a network of linear layers, none of which is counted
            return np.zeros((int(occupancy.max()) + 1, 0, _N_QUANTITIES))
        return tabulate(places, occupancy, self._quantities)

    def _quantities(self, rows: Sequence[Layer]) -> Array:
        """[n_rows, 6] weights, slices, PEs, output pixels, inputs and outputs."""
        c_in, c_out, groups, i_area, o_area = np.array([_dimensions(row) for row in rows], dtype=np.float64).T
        f = np.array([self.slices(row.name) for row in rows], dtype=np.float64)
        n_pes = f * Diagonal.of(c_in, c_out, groups, float(self.accelerator.crossbar.size)).n_crossbars
        weights = [row.n_weights for row in rows]
        return np.stack([weights, f, n_pes, o_area, c_in * i_area, c_out * o_area], axis=1)

    @property
    def _cycle_ms(self) -> float:
        return float(self.accelerator.pe.cycle_clocks / self.accelerator.clock_mhz * 1e-3)

    @property
    def _phases(self) -> float:
        """SpikeSim's ``xbar_size/8``: phases of a PE pass, converters of a PE and subtractors of a tile in one."""
        return float(self.accelerator.crossbar.size / self.accelerator.multiplexer.ratio)

    def _area_constants(self) -> dict[str, tuple[str, float]]:
        """mm2 of each component per tile, or per bit of state."""
        a = self.accelerator
        n_adcs = self._phases  # per PE, as the published form has it
        tile = {
            "crossbar": a.pe.n_per_tile * a.crossbar.n_per_pe * a.crossbar.size**2 * a.crossbar.cell_area_um2,
            "adc": a.pe.n_per_tile * n_adcs * a.adc.area_um2,
            "multiplexer": a.pe.n_per_tile * n_adcs * a.multiplexer.area_um2,
            "subtract": self._phases * a.pe.subtract_area_um2,
            "register": a.tile.register_area_um2,
            "tile_buffer": a.memory.sram_bit_area_um2 * a.tile.buffer_bits,
            "htree": a.tile.htree_area_um2,
        }
        per_tile = {name: ("tiles", float(um2) * 1e-6) for name, um2 in tile.items()}
        return per_tile | {"neuron_state": ("state", float(a.memory.sram_bit_area_um2) * 1e-6)}

    def _energy_constants(self) -> dict[str, float]:
        """Energy of each component per PE pass in uJ; the sum is E_pe = 828.486 pJ."""
        a, phases = self.accelerator, self._phases
        pj = {
            "crossbar": a.crossbar.n_per_pe * a.crossbar.size**2 * a.crossbar.cell_read_energy_pj,
            "adc": phases * phases * a.adc.energy_pj,  # ``phases`` conversions in each of ``phases`` phases
            "multiplexer": phases * phases * a.multiplexer.energy_pj,
            "subtract": phases * 16 * a.pe.subtract_energy_pj,
            "register": phases * a.pe.register_energy_pj,
            "tile_buffer": a.tile.buffer_energy_pj,
            "buffer_fetch": a.memory.fetch_energy_pj,
            "htree": a.tile.htree_energy_pj,
            "neuron": a.neuron.energy_pj,
        }
        return {name: float(value) * 1e-6 for name, value in pj.items()}


def _dimensions(row: Layer) -> tuple[int, ...]:
    """Channels in and out, groups, pixels that the stride leaves of the input, pixels of the output."""
    strides = zip(size_of(row.in_side), size_of(row.stride), strict=True)
    i_area = prod(-(-side // stride) for side, stride in strides)
    return row.in_channels, row.out_channels, row.groups, i_area, prod(size_of(row.out_side))


def _convolutions(places: Sequence[Column]) -> list[Column]:
    found = (
        Column(place.slot, {choice: row for choice, row in place.rows.items() if row.kind == "conv"})
        for place in places
    )
    return [place for place in found if place.rows]


def _add(parts: dict[str, Array]) -> Array:
    total: Array = np.sum(list(parts.values()), axis=0)
    return total
