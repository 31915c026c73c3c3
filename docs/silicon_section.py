"""The section of ``hardware-model.md`` on measured chips: the laws, their constants, how far off they are."""

from math import exp
from statistics import median

from deviations_page import table

from neuronas.hardware.silicon.calibration import SiliconCalibration, silicon_calibration
from neuronas.hardware.silicon.macro import ENERGY_PRIORS, TIME_PRIORS

_TEXT = r"""## Held against silicon

`neuronas reproduce silicon` estimates measured compute-in-memory chips from their geometry and compares. The table,
`imc-chips.csv`, comes with the package: 115 rows of 80 chips (ISSCC, VLSI, CICC, JSSC and ESSCIRC, 2018 to 2024), a
part of the one that N. Shanbhag's group at the University of Illinois maintains (MIT licence). `--chips FILE.csv`
judges any file of its columns; cells that hold no number are refused by row and column. `--out DIR` writes
`silicon.json`, with every row, and `silicon.png`.

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

The first part of $E$ is cells and logic: a capacitance takes $C V^2$ and shrinks with the node (Dennard et al., JSSC
9(5), 1974), so $a = 1$ and $c = 2$ are expected before any chip is seen. The second is converters:
$E_{\text{survey}} = 93.5\,\text{fJ} \cdot 2^{0.65 b} (f/28)^{1.77}$ is a fit to 88 converters of 3 to 9 bits in
Murmann's ADC survey (1997 to 2021), nine in ten of which take 0.2 to 8 times as much; their areas, 31,200 µm² at 28
nm, scatter from 0.05 to 24 times. The third is the current through cells where columns sum currents: non-volatile
cells, and SRAM read that way. Digital arrays and digital processors have the first part only, and no $w$.

CONSTANTS

**How it is calibrated.** Least squares of logarithms (pseudo-Huber); each paper weighs the same, because rows of one
paper are one chip at several precisions or voltages. Every figure below is of a row whose paper had no part in the fit
(leave one paper out). The form of the laws was chosen among some twenty by the same errors, so expect another table to
be missed by a little more. Energy is compared as TOPS/W of 1-bit operations, as the table normalises it.

RESIDUALS

The median error is a factor; the last column is the factor of an interval that holds nine in ten (split conformal,
papers as units). Of the table's rows, the intervals of other papers hold 89 % for energy and 89 % for time. Against a
least-squares regression on kind, node and bits alone, rows of unseen papers:

| | laws | regression | intervals hold |
| --- | --- | --- | --- |
| SRAM (analog and digital), energy | 1.70 | 2.02 | 90 % |
| SRAM, time | 1.96 | 2.71 | 87 % |
| non-volatile, energy | 2.37 | 2.81 | 90 % |
| non-volatile, time | 1.54 | 2.54 | 95 % |

**Where this ends.** A median factor of 1.5 is nearly reached for the time of non-volatile arrays, and not otherwise.
More constants do not help: a Gaussian process over fifteen columns of the table (kind, readout, cell, node, supply,
rows, columns, bits and more), left one paper out like the laws, is off by 1.8 for SRAM's energy and by 2.6 for its
time; for non-volatile arrays by 1.6 for time, and for energy by 2.2 in the median paper (by 1.4 in the median row,
since nine of the 21 rows are from one group, whose chips foretell each other). What is missing is not in the table:
the kind of converter, how sparse the data were, what else the power includes, and whether speed or energy was the
aim. Of one chip, two voltages differ by 4 in time and 6 in energy, and a 1-bit and a 5-bit converter by 31 in energy.
The worst misses are such rows; the command names them.
"""


_INTERVALS = r"""## Intervals

`estimate`, `search`, the report and their JSON (`intervals`) show latency and energy as `8.949 µJ (2.4–118)`: 90 % of
chips with an unseen array of this kind would lie there, if everything else were as estimated. All layers lie on
arrays of one kind, so their errors go together. With the array's part $A$ of a total $Q$ (`crossbar` of the latency;
`crossbar`, `adc`, `multiplexer` and `shift_add` of the energy) and the factor $k$ of the kind (accelerator file:
`macro.cell`; the last column above, pooled over SRAM and non-volatile arrays where it is not said), the limits
are $(Q - A) + A / k$ and $(Q - A) + k A$. The rest is taken as it is, since nothing is known of its error: wires,
registers, buffers, neurons, the network on chip and leakage. A note names it with its share (JSON: `not_validated`),
and gives the energy and time expected from measured arrays. Area has no interval. When the schedule is pipelined, the
slowest row is taken to stay the slowest.

The intervals are wide because geometry says little of an array's energy. They are those of the laws; the constants of
an accelerator that were measured, as in the presets below, may well be nearer.

`--confidence 0.9` judges the budgets of latency and energy by the bound that nine in ten such chips keep, half of the
misses being above. Column `fits` says how often a network keeps its limit, whatever it is judged by: 50 % where cost
and limit are equal.
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
