"""Generated parts of the pages on cost: equations from the code, constants and errors from the calibrations."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from math import exp
from pathlib import Path
from statistics import median

from equations import term
from page_parts import between, table

from neuronas.fitness.calibration import calibration
from neuronas.hardware import paper, scaling
from neuronas.hardware.mapped import area, digital_work, energy, latency, mapping
from neuronas.hardware.mapped.model import ASSUMPTIONS
from neuronas.hardware.silicon.calibration import SiliconCalibration, silicon_calibration
from neuronas.hardware.silicon.macro import ENERGY_PRIORS, TIME_PRIORS
from neuronas.report.cost_tables import counted

_FOLDER = Path(__file__).parent
_COUNTS = (
    mapping.parameters, mapping.columns_per_output, mapping.columns, mapping.row_blocks, mapping.reads,
    mapping.row_sets, mapping.replicas,
    mapping.crossbars, mapping.pes, mapping.tiles, mapping.used_cells, mapping.utilisation, mapping.passes,
    mapping.conversions,
    mapping.awake_share, digital_work.neurons, digital_work.neuron_operations,
    digital_work.digital_units, digital_work.additions, mapping.input_traffic_bits,
    mapping.partial_sum_bits,
)  # fmt: skip
_ENERGY = (
    *energy.ENERGY_PJ.values(), energy.noc_bits, energy.mean_hops, energy.noc,
    energy.leaking_pw, energy.global_leaking_pw, energy.leakage,
)  # fmt: skip


def hardware_model() -> str:
    """The page on the hardware model."""
    rows = (tuple(row.values()) for row in counted())
    return _filled(
        "hardware-model.md",
        {"counted": table(("", "paper", "mapped"), rows), "left out": _listed(ASSUMPTIONS)},
    )


def cost_equations() -> str:
    """The page of all equations."""
    rows = ((f"`{key}`", f"`{law.__name__}`") for key, law in scaling.LAWS.items())
    laws = table(("constant", "law"), rows) + "\n" + _terms(dict.fromkeys(scaling.LAWS.values()))
    names, values = ("$m$", "$s$", "$s_\\text{image}$", "$r$"), asdict(calibration().firing_rate.constants).values()
    forecast = ((name, f"{value:g}") for name, value in zip(names, values, strict=True))
    parts = {
        "assumptions of paper": _listed(paper.ASSUMPTIONS),
        "counts": _terms(_COUNTS),
        "area": _terms((*area.AREA_UM2.values(), area.global_buffer)),
        "latency": _terms((latency.pass_ns, *latency.LATENCY_NS.values(), *latency.SCHEDULES.values())),
        "energy": _terms(_ENERGY),
        "constants of the forecast": table(("constant", "value"), forecast),
        "scaling laws": laws,
    }
    return _filled("reference/cost-equations.md", parts)


def cost_results() -> str:
    """The page that compares estimates with measurements."""
    known = silicon_calibration()
    errors = (
        (one.dataset, f"{one.n:,}", f"{one.rho:.3f}", f"{one.median_factor:.2f}", f"{one.factor_of_9_in_10:.2f}")
        for one in calibration().firing_rate.errors
    )
    head = ("networks of", "n", "rho", "median factor off", "nine in ten below")
    parts = {"constants": _constants(known), "errors": _residuals(known), "errors of the forecast": table(head, errors)}
    return _filled("cost-results.md", parts)


def _filled(name: str, parts: dict[str, str]) -> str:
    page = (_FOLDER / name).read_text(encoding="utf-8")
    for mark, text in parts.items():
        page = between(mark, text, page)
    return page


def _listed(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _terms(functions: Iterable[Callable[..., object]]) -> str:
    return "\n".join(map(term, functions))


_MEANINGS = {
    "node_exponent": ("$a$", "$p$"),
    "supply_exponent": ("$c$", "$q$"),
    "ln_operation_fj": ("$e$, fJ", ""),
    "ln_digital_array": ("$k_E$, digital arrays", ""),
    "ln_processor": ("$k_E$, digital processors", ""),
    "ln_adc": ("$g$", ""),
    "ln_row_current_ua": ("$I$, µA", ""),
    "ln_time_ns": ("", "$t_0$, ns"),
    "ln_envm": ("", "$k_t$, non-volatile"),
    "ln_digital": ("", "$k_t$, digital"),
    "ln_mram": ("", "$k_t$, MRAM, in addition"),
    "ln_rows": ("", "$w$"),
    "ln_input_bit": ("", "$i$"),
}


def _constants(known: SiliconCalibration) -> str:
    rows = []
    for law, priors, which in ((known.energy, ENERGY_PRIORS, 0), (known.time, TIME_PRIORS, 1)):
        for name, prior in priors.items():
            value, expected = law[name], prior.mean
            if name.startswith("ln_"):
                value, expected = exp(value), exp(expected)
            rows.append((_MEANINGS[name][which], f"{value:.3g}", f"{expected:.3g}"))
    return table(("constant", "calibrated", "expected before"), rows)


def _residuals(known: SiliconCalibration) -> str:
    rows = []
    for quantity, residuals in (("energy", known.energy_residuals), ("time", known.time_residuals)):
        for kind, one in residuals.items():
            n_papers = round(one.spread.n_papers)
            off = exp(median(one.sizes))
            rows.append(
                (kind, quantity, f"{len(one.sizes)}", f"{n_papers}", f"{off:.2f}", f"{one.spread.within(0.9):.1f}")
            )
    return table(("array", "", "rows", "papers", "median factor off", "nine in ten within"), rows)
