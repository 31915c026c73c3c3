"""Cost model ``paper``: the closed form behind the published figures of NeuroNAS (arXiv 2407.00641).

It is SpikeSim's ELA arithmetic (arXiv 2210.12899) with a factor for wider weights, recovered by fitting the
published numbers. Every cost is a count times a constant::

    f        = ceil(weight_bits / 4)
    PE_l     = ceil(Cin_l / 64) * ceil(Cout_l / 64)
    energy   = f * T * E_pe * sum_l PE_l * o_l^2
    latency  = T * cycle * (0.75 * sum_{l < last} Cout_l * o_l^2 + Cout_last * o_last^2)
    area     = f * (A_tile * sum_l ceil(f * PE_l / 8) + a_bit * state)
    state    = 22 * (sum_l Cin_l * i_l^2 + sum_{l <= 5} Cout_l * o_l^2)

    E_pe     = E_htree + E_fetch + E_neuron + E_buffer + p * (9 * E_crossbar + p * (E_adc + E_mux) + 16 * E_sub + E_reg)
    A_tile   = A_htree + A_buffer + A_reg + p * A_sub + 8 * (9 * A_crossbar + p * (A_adc + A_mux)),  p = 64 / 8

with o_l and i_l the output and input side of convolution l. Its faults are part of it: ``ASSUMPTIONS``.
"""

from dataclasses import dataclass, fields

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.cost import Array, Cost, LayerCost, Totals
from neuronas.space.layers import Kernels, Layer

N_LAYERS_WITH_NEURON_STATE = 5
_CHUNK = 8192  # rows costed at a time: keeps the intermediate arrays in cache
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
    """How often each constant is due: [n, n_slots], 0 where no convolution stands."""

    pes: Array
    pe_passes: Array
    tiles: Array
    state_bits: Array
    cycles: Array


@dataclass(frozen=True)
class PaperCostModel:
    """The published model.

    Attributes:
        share_tiles: let layers share tiles, as SpikeSim's own script does; the papers' figures do not.
    """

    accelerator: Accelerator
    weight_bits: int
    timesteps: int
    share_tiles: bool = False

    @property
    def name(self) -> str:
        """See ``CostModel``."""
        return "paper"

    @property
    def slices(self) -> int:
        """``f``: how many base-width arrays hold one weight."""
        return -(-self.weight_bits // int(self.accelerator.crossbar.base_weight_bits))

    def totals(self, slots: tuple[Layer, ...], kernels: Kernels) -> Totals:
        """See ``CostModel``; places for anything but convolutions are passed over."""
        counted = [index for index, slot in enumerate(slots) if slot.kind == "conv"]
        if len(counted) < len(slots):
            return self.totals(tuple(slots[index] for index in counted), kernels[:, counted])
        if len(kernels) > _CHUNK:
            chunks = [self.totals(slots, kernels[start : start + _CHUNK]) for start in range(0, len(kernels), _CHUNK)]
            return Totals(
                *(np.concatenate([getattr(chunk, field.name) for chunk in chunks]) for field in fields(Totals))
            )
        counts = self._counts(slots, kernels)
        units = {"tiles": counts.tiles.sum(axis=1), "state": counts.state_bits.sum(axis=1)}
        area = [units[unit] * constant for unit, constant in self._area_constants().values()]
        return Totals(
            parameters=_n_weights(slots, kernels).sum(axis=1),
            area_mm2=sum(area[1:], start=area[0]),
            latency_ms=counts.cycles.sum(axis=1) * self._cycle_ms,
            energy_uj=counts.pe_passes.sum(axis=1) * sum(self._energy_constants().values()),
        )

    def estimate(self, layers: tuple[Layer, ...]) -> Cost:
        """See ``CostModel``."""
        convolutions = tuple(layer for layer in layers if layer.kind == "conv")
        kernels = np.array([[layer.kernel for layer in convolutions]], dtype=np.uint8)
        counts = self._counts(convolutions, kernels)
        units = {"tiles": counts.tiles[0], "state": counts.state_bits[0]}
        parts = {
            "area_mm2": {name: units[unit] * constant for name, (unit, constant) in self._area_constants().items()},
            "latency_ms": {"pe_passes": counts.cycles[0] * self._cycle_ms},
            "energy_uj": {name: counts.pe_passes[0] * constant for name, constant in self._energy_constants().items()},
        }
        area, latency, energy = (_add(terms) for terms in parts.values())
        rows = dict(zip(convolutions, range(len(convolutions)), strict=True))
        counted = tuple(
            self._row(
                layer,
                counts,
                rows[layer],
                float(area[rows[layer]]),
                float(latency[rows[layer]]),
                float(energy[rows[layer]]),
            )
            if layer in rows
            else LayerCost(layer, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
            for layer in layers
        )
        return Cost.of(self.totals(convolutions, kernels), self.weight_bits, counted, parts, ASSUMPTIONS)

    def _row(self, layer: Layer, counts: _Counts, index: int, area: float, latency: float, energy: float) -> LayerCost:
        crossbar = self.accelerator.crossbar
        n_pes = int(counts.pes[0, index])
        n_crossbars = n_pes * int(crossbar.n_per_pe)
        return LayerCost(
            layer=layer,
            n_crossbars=n_crossbars,
            n_pes=n_pes,
            n_tiles=-(-n_pes // int(self.accelerator.pe.n_per_tile)),
            # More than nine kernel positions do not fit the model's nine crossbars; it packs them all the same.
            utilisation=min(1.0, self.slices * layer.n_weights / (n_crossbars * crossbar.size**2)),
            area_mm2=area,
            latency_ms=latency,
            energy_uj=energy,
        )

    def _counts(self, slots: tuple[Layer, ...], kernels: Kernels) -> _Counts:
        f, steps = self.slices, self.timesteps
        size, per_tile = float(self.accelerator.crossbar.size), float(self.accelerator.pe.n_per_tile)
        c_in, c_out, i_side, o_side = (
            np.array(column, dtype=np.float64)
            for column in zip(
                *(
                    (slot.in_channels, slot.out_channels, -(-slot.in_side // slot.stride), slot.out_side)
                    for slot in slots
                ),
                strict=True,
            )
        )
        present = kernels > 0
        pes = f * np.ceil(c_in / size) * np.ceil(c_out / size)
        tiles = np.where(present, np.ceil(pes / per_tile), 0.0)
        if self.share_tiles:
            packed = np.ceil((present * pes).sum(axis=1, keepdims=True) / per_tile)
            tiles = present * pes / (present * pes).sum(axis=1, keepdims=True) * packed
        outputs = c_out * o_side**2
        holds_state = present & (np.cumsum(present, axis=1, dtype=np.uint8) <= N_LAYERS_WITH_NEURON_STATE)
        last = present & (np.cumsum(present[:, ::-1], axis=1, dtype=np.uint8)[:, ::-1] == 1)
        return _Counts(
            pes=present * pes,
            pe_passes=present * (steps * pes * o_side**2),
            tiles=f * tiles,
            state_bits=f
            * float(self.accelerator.neuron.state_bits)
            * (present * (c_in * i_side**2) + holds_state * outputs),
            cycles=steps * outputs * (OVERLAP * present + (1 - OVERLAP) * last),
        )

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
        """UJ of each component per PE pass; they add up to the form's E_pe = 828.486 pJ."""
        a, phases = self.accelerator, self._phases
        pj = {
            "crossbar": a.crossbar.n_per_pe * a.crossbar.size**2 * a.crossbar.cell_read_energy_pj,
            "adc": phases * phases * a.adc.energy_pj,  # so many conversions in each of so many phases
            "multiplexer": phases * phases * a.multiplexer.energy_pj,
            "subtract": phases * 16 * a.pe.subtract_energy_pj,
            "register": phases * a.pe.register_energy_pj,
            "tile_buffer": a.tile.buffer_energy_pj,
            "buffer_fetch": a.memory.fetch_energy_pj,
            "htree": a.tile.htree_energy_pj,
            "neuron": a.neuron.energy_pj,
        }
        return {name: float(value) * 1e-6 for name, value in pj.items()}


def _n_weights(slots: tuple[Layer, ...], kernels: Kernels) -> Array:
    channels = np.array([slot.in_channels * slot.out_channels for slot in slots], dtype=np.float64)
    sides: Array = kernels.astype(np.float64)
    weights: Array = channels * sides**2
    return weights


def _add(parts: dict[str, Array]) -> Array:
    total: Array = np.sum(list(parts.values()), axis=0)
    return total
