"""Settings of exports, each read by the formats that its help names (``export.formats.Format.reads``)."""

from typing import Any

from neuronas.config.setting import Section, setting
from neuronas.config.values import DT_S, EXPORT, FEWEST_FRACTION_BITS, FRACTION_BITS


def _written(help: str, default: Any, **more: Any) -> Any:  # noqa: A002
    return setting(help, default, (EXPORT,), **more)


class ExportConfig(Section):
    """Export: how a trained network is written for other tools, as C and for hardware."""

    dt_s: float = _written("nir: length of a time step", DT_S, option="dt", unit="s", gt=0, lt=1)
    opset: int = _written("onnx: version of the operators, from 18, or 21 with weights of more than 8 bits", 21)
    fraction_bits: int = _written(
        "c, crossbars, rtl: fraction bits of values that are neither spikes nor sums of them", FRACTION_BITS,
        ge=FEWEST_FRACTION_BITS, le=FRACTION_BITS,
    )  # fmt: skip
    max_ram_kib: float | None = _written(
        "c: limit on values and state", None, option="max_ram", unit="KiB", metavar="KIB", unset="no limit", gt=0
    )
    max_flash_kib: float | None = _written(
        "c: limit on constants", None, option="max_flash", unit="KiB", metavar="KIB", unset="no limit", gt=0
    )
    lanes: int = _written("rtl: outputs of a layer with weights that are computed in parallel", 4, ge=1, le=64)
    synthesise: bool = _written("rtl: count the cells and memories of an FPGA with Yosys", False)
