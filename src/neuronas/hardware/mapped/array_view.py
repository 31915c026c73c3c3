"""Energy and time of an accelerator's array by its own constants, and as expected from measured arrays."""

import numpy as np

from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.mapped.latency import clock_ns
from neuronas.hardware.silicon.calibration import silicon_calibration
from neuronas.hardware.silicon.macro import REFERENCE_V, Macros, invocation_ns, invocation_pj


def as_macro(accelerator: Accelerator) -> Macros:
    """One phase of a read as an array: the rows read at once, and one column per ADC."""
    crossbar, macro = accelerator.crossbar, accelerator.macro
    is_sram = macro is not None and macro.cell == "sram"
    columns = {
        "node_nm": accelerator.technology_nm,
        "supply_v": REFERENCE_V if macro is None else macro.supply_v,
        "rows": crossbar.rows_read,
        "n_adcs": _n_adcs(accelerator),
        "input_bits": 1,
        "weight_bits": crossbar.bits_per_cell,
        "adc_bits": accelerator.adc.bits,
    }
    return Macros(
        kind=np.array(["SRAM" if is_sram else "eNVM"]),
        sums_currents=np.array([not is_sram]),
        is_mram=np.array([macro is not None and macro.cell == "mram"]),
        **{name: np.array([float(value)]) for name, value in columns.items()},
    )


def own_phase(accelerator: Accelerator) -> tuple[float, float]:
    """Energy in pJ and time in ns of such a phase by the accelerator's constants, for dense inputs."""
    per_column = (
        accelerator.crossbar.rows_read * accelerator.crossbar.cell_read_energy_pj
        + accelerator.adc.energy_pj
        + accelerator.multiplexer.energy_pj
        + accelerator.digital.add_energy_pj
    )
    clocks = accelerator.adc.conversion_clocks + accelerator.pe.fill_clocks / accelerator.multiplexer.ratio
    return float(_n_adcs(accelerator) * per_column), float(clocks * clock_ns(accelerator))


def array_view(accelerator: Accelerator) -> str:
    """Both estimates in one line, for messages."""
    known, macros = silicon_calibration(), as_macro(accelerator)
    pj, ns = own_phase(accelerator)
    expected_pj = float(invocation_pj(macros, known.energy, known.time)[0])
    expected_ns = float(invocation_ns(macros, known.time)[0])
    rows, n_adcs = int(accelerator.crossbar.rows_read), _n_adcs(accelerator)
    return (
        f"{rows} rows read at once by {n_adcs} converters take {pj:.3g} pJ and {ns:.3g} ns by the accelerator's "
        f"constants; expected from measured arrays: {expected_pj:.3g} pJ and {expected_ns:.3g} ns"
    )


def _n_adcs(accelerator: Accelerator) -> int:
    return -(-int(accelerator.crossbar.size) // int(accelerator.multiplexer.ratio))
