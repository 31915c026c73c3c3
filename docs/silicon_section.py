"""The section of ``hardware-model.md`` on measured chips: the model, its constants and its errors."""

from math import exp
from statistics import median

from page_parts import table

from neuronas.hardware.silicon.calibration import SiliconCalibration, silicon_calibration
from neuronas.hardware.silicon.macro import ENERGY_PRIORS, TIME_PRIORS

_TEXT = r"""## Held against silicon

`neuronas reproduce silicon` estimates energy and time of measured compute-in-memory chips from their geometry and
compares them with the measurements. The table, `imc-chips.csv`, comes with the package: 115 rows of 80 chips (ISSCC,
VLSI, CICC, JSSC and ESSCIRC, 2018 to 2024), a part of the table that N. Shanbhag's group at the University of Illinois
maintains (MIT licence). `--chips FILE.csv` evaluates any file with the same columns; values that are not numbers are
refused, with row and column. `--out DIR` writes `silicon.json`, with every row, and `silicon.png`.

**What is estimated** is one invocation of an array that reads $r$ rows at once into $n$ columns, with $b_x$ input bits
and $b_w$ weight bits, converters of $b$ bits, at a node $f$ and a supply $V$ (`hardware/silicon/macro.py`):

$$
\begin{split}
E &= n \left( r b_x b_w \, e \, k_E \left( \frac{f}{28} \right)^{a} \left( \frac{V}{0.9} \right)^{c}
  + g \, E_{\text{survey}}(b, f) \left( \frac{V}{0.9} \right)^{c} + r \, I \, V \, t \right) \\
t &= t_0 \, k_t \left( \frac{f}{28} \right)^{p} \left( \frac{V}{0.9} \right)^{-q}
  \left( 1 + w \frac{r}{64} \right) \left( 1 + i (b_x - 1) \right)
\end{split}
$$

The first part of $E$ is cells and logic: switching a capacitance takes $C V^2$, and the capacitance shrinks with the
node (Dennard et al., JSSC 9(5), 1974), so the prior expectation is $a = 1$ and $c = 2$. The second part is converters:
$E_{\text{survey}} = 93.5\,\text{fJ} \cdot 2^{0.65 b} (f/28)^{1.77}$ is a fit to 88 converters of 3 to 9 bits in
Murmann's ADC survey (1997 to 2021), nine in ten of which take 0.2 to 8 times as much energy; their areas, 31,200 µm² at
28 nm, vary from 0.05 to 24 times. The third part is the current through cells if columns sum currents: in non-volatile
cells, and in SRAM that is read in this way. Digital arrays and digital processors have the first part only, and no $w$.

CONSTANTS

**Calibration.** The constants minimise the squared differences of logarithms (with the pseudo-Huber loss). Each paper
has the same weight, because rows of one paper are one chip at several precisions or voltages. All errors below are for
rows whose paper was not used in the fit (leave one paper out). The form of the laws was chosen among some twenty by the
same errors, so slightly larger errors are to be expected on another table. Energy is compared as TOPS/W of 1-bit
operations, as the table normalises it.

RESIDUALS

The median error is a factor. The last column is the factor of an interval that contains nine in ten rows (split
conformal, with papers as units). The intervals calibrated on other papers contain 89 % of the table's rows for energy
and 89 % for time. The next table compares the median errors with those of a least-squares regression on kind, node and
bits alone, for rows of unseen papers:

| | laws | regression | coverage of the intervals |
| --- | --- | --- | --- |
| SRAM (analog and digital), energy | 1.70 | 2.02 | 90 % |
| SRAM, time | 1.96 | 2.71 | 87 % |
| non-volatile, energy | 2.37 | 2.81 | 90 % |
| non-volatile, time | 1.54 | 2.54 | 95 % |

**Limits of this approach.** A median factor of 1.5 is nearly reached for the time of non-volatile arrays, but for no
other quantity. More constants do not help: a Gaussian process over fifteen columns of the table (kind, readout, cell,
node, supply, rows, columns, bits and more), also evaluated by leaving one paper out, has median errors of 1.8 for the
energy and 2.6 for the time of SRAM arrays. For non-volatile arrays it has 1.6 for time, and for energy 2.2 in the
median paper (1.4 in the median row, since nine of the 21 rows are from one group, whose chips predict each other). The
missing information is not in the table: the kind of converter, how sparse the data were, what else the power includes,
and whether the chip was optimised for speed or energy. For one chip, two supply voltages differ by a factor of 4 in
time and 6 in energy, and a 1-bit and a 5-bit converter by 31 in energy. The largest errors are in such rows; the
command lists them.
"""


_INTERVALS = r"""## Intervals

`estimate`, `search`, the report and their JSON (`intervals`) show latency and energy as `8.949 µJ (2.4–118)`: 90 % of
chips with an unseen array of this kind would lie in this interval, if everything else were as estimated. All layers are
on arrays of one kind, so their errors are fully correlated. With the array's part $A$ of a total $Q$ (`crossbar` of the
latency; `crossbar`, `adc`, `multiplexer` and `shift_add` of the energy) and the factor $k$ of the kind (accelerator
file: `macro.cell`; the last column above, pooled over SRAM and non-volatile arrays if the file does not give the kind),
the limits are $(Q - A) + A / k$ and $(Q - A) + k A$. The rest (wires, registers, buffers, neurons, the network on chip
and leakage) has no interval, since nothing is known about its error. A note names it with its share (JSON:
`not_validated`), and gives the energy and time expected from measured arrays. Area has no interval. With the
pipelined schedule, the slowest row is assumed to remain the slowest.

The intervals are wide because the geometry of an array determines little of its energy. They describe the error of the
laws; measured constants of an accelerator, as in four of the presets, may well be more accurate.

With `--confidence 0.9` the budgets of latency and energy apply to the bound that nine in ten such chips do not exceed;
errors in both directions are taken to be equally likely. Column `fits` gives the probability that a network meets its
limit, with or without `--confidence`: 50 % if cost and limit are equal.
"""


def silicon_section() -> str:
    """The section, with the stored constants and residuals."""
    known = silicon_calibration()
    text = _TEXT.replace("CONSTANTS", _constants(known).rstrip()).replace("RESIDUALS", _residuals(known).rstrip())
    return f"{text}\n{_INTERVALS}"


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
