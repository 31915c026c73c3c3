"""Generate ``hardware-model.md``, ``reference/accelerators.md``, ``deviations.md`` and the JSON schemas from the code.

It also writes the results in ``training-results.md`` from ``benchmarks/results``, and the commands, operations and
public names of Python in the reference. Run it after a change to a cost model, a preset, a document, a command, a
docstring or a result: ``python docs/generate.py``. Tests check that all are current.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, get_args

from deviations_page import deviations_page
from page_parts import table
from pydantic import BaseModel
from reference_pages import choices_page, commands_page, python_page
from silicon_section import silicon_section
from training_results import training_results

from neuronas.api.doctor import Diagnosis
from neuronas.config import ACCELERATORS, Section
from neuronas.experiments.hardware_result import HardwareResult
from neuronas.experiments.proxy_result import ProxyResult
from neuronas.experiments.silicon_result import SiliconResult
from neuronas.experiments.study import StudyResult
from neuronas.export.integer_document import NetworkDocument
from neuronas.fitness.calibration import calibration
from neuronas.hardware import paper, scaling
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.design_space import DesignSpace
from neuronas.hardware.device_model import DeviceModel
from neuronas.hardware.mapped import area, digital_work, energy, latency, mapping
from neuronas.hardware.mapped.model import ASSUMPTIONS
from neuronas.report.cost_tables import counted
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.runs.costs import CostReport
from neuronas.runs.design_fronts import DesignFront
from neuronas.runs.designs import DesignResult, SettingChoice
from neuronas.runs.environment import Environment
from neuronas.runs.epoch import Epoch
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.finalists import FinalistChoice
from neuronas.runs.fits import FitResult
from neuronas.runs.floorplan_file import FloorplanFile
from neuronas.runs.hardware_comparison import HardwareComparison
from neuronas.runs.predictions import Predictions
from neuronas.runs.results import ExportManifest, ParetoFront, SearchSummary, TrainingResult
from neuronas.runs.streams import StreamResult

FOLDER = Path(__file__).parent

INTRODUCTION = """\
# Hardware model

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

`neuronas estimate ARCH` and `neuronas search` estimate the cost of a network with two models. `mapped` (the default)
places every layer on its own crossbars and counts pooling, sums, heads, buffers and the network on chip. `paper`
reproduces the closed form behind the published figures of NeuroNAS, for comparison with the literature. Budgets apply
to the model chosen with `--cost-model`. Every result shows both models, and marks a budget that is met by one model and
exceeded by the other.

All numbers are estimates. Use them to compare candidates, not to sign off a chip: [how far measured chips are from
estimates](#held-against-silicon).

![The tiles of a chip, coloured by the layer that uses them, with a scale and a list of layers](pictures/floorplan.png)

*The floorplan of a network on the default chip, by model `mapped` (`neuronas estimate RUN --floorplan chip.svg`).*

![Shares of the components in area, latency and energy of this network](pictures/components.png)

*The components of area, latency and energy of this network.*
"""

PAPER = r"""
## Equations of `paper`

$$
\begin{split}
f_l &= \lceil \text{weight bits}_l / 4 \rceil \\
\text{PE}_l &= \lceil C_{\text{in},l} / 64 \rceil \cdot \lceil C_{\text{out},l} / 64 \rceil \\
\text{energy} &= T \cdot E_{\text{PE}} \cdot \sum_l f_l \cdot \text{PE}_l \cdot o_l^2 \\
\text{latency} &= T \cdot \text{cycle} \cdot
  \left( 0.75 \sum_{l < \text{last}} C_{\text{out},l} \cdot o_l^2 + C_{\text{out,last}} \cdot o_{\text{last}}^2
  \right) \\
\text{area} &= A_{\text{tile}} \sum_l f_l \cdot \lceil f_l \cdot \text{PE}_l / 8 \rceil +
  a_{\text{bit}} \cdot \text{state} \\
\text{state} &= 22 \cdot
  \left( \sum_l f_l \cdot C_{\text{in},l} \cdot i_l^2 + \sum_{l \le 5} f_l \cdot C_{\text{out},l} \cdot o_l^2 \right) \\
E_{\text{PE}} &= E_{\text{H-tree}} + E_{\text{fetch}} + E_{\text{neuron}} + E_{\text{buffer}} +
  p \cdot \left( 9 E_{\text{crossbar}} + p \cdot (E_{\text{ADC}} + E_{\text{mux}}) + 16 E_{\text{subtract}} +
  E_{\text{register}} \right) \\
A_{\text{tile}} &= A_{\text{H-tree}} + A_{\text{buffer}} + A_{\text{register}} + p A_{\text{subtract}} +
  8 \cdot \left( 9 A_{\text{crossbar}} + p \cdot (A_{\text{ADC}} + A_{\text{mux}}) \right),
  \quad p = 64 / 8
\end{split}
$$

$l$ runs over the convolutions; $i_l$ and $o_l$ are the sides of input and output in pixels. The numbers are those of
`spikeflow-rram`: 64 the crossbar size, 4 the base weight bits, 8 the PEs per tile (in $p$: the columns per ADC), 9 the
crossbars per PE, 22 the bits of a neuron state. $E_{\text{crossbar}}$ is one phase of a crossbar; $p$ phases read each
cell once. The simplifications and errors of these equations are those of the publications:
""".removeprefix("\n")

COUNTS = """\
## Counts of `mapped`

Rows are layers, pooling and node sums. X is the crossbar size, k the side of the kernel, i and o the sides of input and
output in pixels, T the number of time steps; `steps` is 1 for the first layer, otherwise T. On this page a *cell* is a
memory cell of a crossbar. The constants are in the accelerator file ([those of the presets, with their
sources](reference/accelerators.md)).
"""

ACTIVITY = """\
## Spike activity

With `--activity dense` (the default and the worst case; needs no data) every input spikes at every time step.
`--activity rate --firing-rate 0.083` sets one rate for all layers. `--activity trace --trace FILE.yaml` reads a
measured rate for each layer with weights, or one for each time step; `--trace RUN/evaluation.json` uses the rates that
`neuronas evaluate RUN` measured:

```yaml
A.01: 0.12
head.1: [0.02, 0.07]
```

A layer that reads a still image needs no rate: it is always dense. **Energy falls less than the number of spikes.** The
energy of crossbar reads is proportional to the rate. A converter is idle only if its whole group of rows is silent:
with 64 rows and a rate of 8.3 %, in 0.4 % of all cases, unless spikes are clustered. No other term depends on activity.
In a measured case three quarters fewer spikes saved a quarter of the energy ([firing-rate
penalty](training-results.md#what-a-point-of-accuracy-costs)).

`estimate ARCH --activity forecast` needs neither data nor a trained network: it forecasts the rate of every LIF layer
after training (`firing_rates` in the JSON; a note states that it is a forecast, its accuracy, and which properties of
the network are outside the range that it was fitted for). A search cannot use the forecast, since each rate depends on
the whole architecture. $m, s, s_\\text{image}, r$ = CONSTANTS; $z$ is a standard normal value, $d = 1 - 1/\\tau$:

- after batch normalisation, the outputs of a convolution have mean $m$ and standard deviation $s$, those of a
  convolution of the image $s_\\text{image}$; at a node values are added, and outputs of different convolutions are
  treated as independent
- the mean of $n$ values has the standard deviation $s \\sqrt{(1 + (n - 1) r) / n}$; their maximum shifts the mean by
  $s \\sqrt{1 - r}\\, E_n$, where $E_n$ is the mean of the largest of $n$ values $z$
- a LIF layer with threshold $\\theta$ and a constant input $x$ fires at the rate
  $\\sum_{k=1}^T (\\lfloor T/k \\rfloor - \\lfloor T/(k+1) \\rfloor) / T \\cdot P(x \\geq \\theta / (1 - d^k))$

The four constants were fitted to one half of the functions in SpikeNAS-Bench's CIFAR-10 table
(`benchmarks/fit_firing_rate.py`). Networks of the same function stay in the same half, and each half is forecast with
constants fitted to the other half. Networks of the other tables are forecast with the constants of the first half.
`firing_rate_mean` of the tables against the forecast, only on rows that were not used in the fit:

RATE_ERRORS

Without any fit ($m = 0$, $s = s_\\text{image} = 1$, $r = 0$) rho is 0.91, 0.94 and 0.82. The mean in the tables
includes the layers of dead edges, which neuronas removes; networks without dead edges have rho 0.93, 0.93 and 0.83.
TinyImageNet's table has 52 connected networks with rate 0, which were not measured; they are excluded. The ranking is
more reliable than the level: on other data, the rates of all networks shift together. Pooling, feedback, other kernels,
thresholds other than 0.5, 1 and 1.5 and T other than 5 are covered by the same equations but were not part of the fit.
Narrow networks trained for minutes fire more than forecast: on three runs on digits and small photographs the median
layer was off by a factor of 1.6 to 2.0, the energy by 8 to 17 %. Inputs of the head are means over all pixels; the
forecast assumes independent pixels, so that nearly all means are nonzero (0.99 where 0.68 was measured).
"""

AGREEMENT = """\
## Agreement with SpikeSim

With SpikeSim's assumptions (4 bits per cell, one sign column, 64 x 64, dense) the term `crossbar` equals SpikeSim's up
to rounding for chains of 3x3 convolutions whose channels fill whole crossbars: 15.3 % of the energy of each layer.
Otherwise, as in a stem of 3 channels, SpikeSim drives all 64 rows, `mapped` only the 3 that hold weights. All other
terms differ by design. `spikeflow-rram` has 1 bit per cell and two sign columns, as in Table I of NeuroNAS and
SpikeSim's circuits: six columns for a weight of 4 bits, where SpikeSim's arithmetic has one.
"""

ACCELERATOR_FILES = """\
# Accelerators

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

`--hardware` takes one of the presets below or [your own](../howto/own-accelerator.md) `FILE.yaml`. The files of the
presets are in `src/neuronas/hardware/presets`. Each [key](#keys) contains its unit; a value is a number or
`{value: NUMBER, source: TEXT}`. [The JSON schema](../schemas/accelerator.schema.json) describes the format for editors;
put `# yaml-language-server: $schema=PATH` on the first line. The sections `macro` and `device` are optional: without
`macro` [intervals](../hardware-model.md#intervals) are derived from all measured arrays, without `device` a chip cannot
be simulated. [Hardware model](../hardware-model.md) has the equations that use these constants.

`neuronas estimate ARCH --sweep crossbar_size=32,64,128` varies one constant and keeps all others; `--plot FILE.svg`
draws the result (`pip install 'neuronas[figures]'`).
"""


BITS = """\
## Bits by layer

With [weight bits by layer](training.md#bits-by-layer), each layer has the `columns_per_output` of its own bits, and all
other counts follow; in model `paper` each layer has its own $f_l$. Nothing else of a layer depends on its bits, and no
crossbar, PE or tile is shared between layers. So each term of a layer is the same as in a network in which all layers
have that layer's bits. In model `paper` this holds for the whole cost of a layer; in model `mapped`, energy of the mesh
and leakage also depend on the whole chip. `memory_bits` is the sum over layers of weights times bits. A memory cell
stores at most as many bits as the layer with the fewest; `--hardware` with more bits per cell is refused, with the
names of these layers.
"""

GROUPS = """\
## Weights in groups

A depthwise convolution has as many groups as channels. Each output reads only the inputs of its own group, so at each
kernel position the weights form a block-diagonal matrix with one block of r rows and c columns per group (depthwise:
r = 1 and c = `columns_per_output`). A crossbar of X rows and columns holds min(⌊X / r⌋, ⌊X / c⌋) blocks on its
diagonal; the cells outside the blocks hold no weight and count as unused. A block larger than a crossbar is split into
pieces of X rows and X columns, like the single block of a layer without groups.

Both models count crossbars by this rule. The published form of `paper` has no groups; there c is the number of outputs
of a group, and a PE holds one block of the diagonal.
"""


SCALING = """\
## Other arrays: scaling laws

An accelerator file describes one measured or published design point. If the size and converters of the arrays are
varied (`neuronas.hardware.scaling`), the constants below change with them. Each law is a factor on the file's constant;
it is 1 for the file's own arrays. A crossbar is square. All other constants are unchanged: the area and leakage of a
memory cell, also if it stores more bits; digital units, network on chip, neurons; the clock cycles that fill a pass;
the global buffer; the registers of a tile. **These laws are published or calibrated one by one; no chip with changed
arrays was compared with them.**

LAWS
"""


def hardware_model() -> str:
    """The page."""
    counts = (
        mapping.parameters, mapping.columns_per_output, mapping.columns, mapping.row_blocks, mapping.reads,
        mapping.row_sets, mapping.replicas,
        mapping.crossbars, mapping.pes, mapping.tiles, mapping.used_cells, mapping.utilisation, mapping.passes,
        mapping.conversions,
        mapping.awake_share, digital_work.neurons, digital_work.neuron_operations,
        digital_work.digital_units, digital_work.additions, mapping.input_traffic_bits,
        mapping.partial_sum_bits,
    )  # fmt: skip
    parts = [
        INTRODUCTION,
        "## What each model counts\n",
        table(("", "paper", "mapped"), (tuple(row.values()) for row in counted())),
        PAPER,
        "".join(f"- {line}\n" for line in paper.ASSUMPTIONS),
        COUNTS,
        *map(_term, counts),
        GROUPS,
        BITS,
        "## Area\n",
        *map(_term, (*area.AREA_UM2.values(), area.global_buffer)),
        "## Latency\n",
        *map(_term, (latency.pass_ns, *latency.LATENCY_NS.values(), *latency.SCHEDULES.values())),
        "## Energy\n",
        *map(_term, (*energy.ENERGY_PJ.values(), energy.noc_bits, energy.mean_hops, energy.noc)),
        *map(_term, (energy.leaking_pw, energy.global_leaking_pw, energy.leakage)),
        _activity(),
        "## What `mapped` leaves out\n\n" + "".join(f"- {line}\n" for line in ASSUMPTIONS),
        silicon_section(),
        _scaling(),
        AGREEMENT,
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def accelerators() -> str:
    """The page of all accelerators: each constant with its source."""
    keys = table(("key", "meaning"), _keys(Accelerator))
    return "\n".join([ACCELERATOR_FILES, f"## Keys\n\n{keys}", *map(_preset, ACCELERATORS)])


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each key of an accelerator file with its meaning, from the docstrings of the sections."""
    _, _, attributes = (inspect.getdoc(model) or "").partition("Attributes:\n")
    meanings = dict(re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.M))
    for name, field in model.model_fields.items():
        inner = next((one for one in (field.annotation, *get_args(field.annotation)) if _is_section(one)), None)
        if inner is not None:
            yield from _keys(inner, f"{prefix}{name}.")
        else:
            yield f"`{prefix}{name}`", " ".join(meanings[name].split()).rstrip(".").replace("``", "`")


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section) and kind is not DeviceModel


def _activity() -> str:
    """The section on spike activity, with constants and errors of the forecast."""
    known = calibration().firing_rate
    errors = (
        (one.dataset, f"{one.n:,}", f"{one.rho:.3f}", f"{one.median_factor:.2f}", f"{one.factor_of_9_in_10:.2f}")
        for one in known.errors
    )
    errors_table = table(("networks of", "n", "rho", "median factor off", "nine in ten below"), errors)
    constants = ", ".join(f"{value:g}" for value in asdict(known.constants).values())
    return ACTIVITY.replace("CONSTANTS", constants).replace("RATE_ERRORS", errors_table.rstrip())


def _scaling() -> str:
    """The section on scaling laws: the laws, and the constants that follow them."""
    rows = ((f"`{key}`", f"`{law.__name__}`") for key, law in scaling.LAWS.items())
    laws = dict.fromkeys(scaling.LAWS.values())
    return SCALING.replace("LAWS", "\n".join([table(("constant", "law"), rows), *map(_term, laws)]).rstrip())


def _term(function: Callable[..., object]) -> str:
    """Convert a docstring whose first line is ``What it is: formula, unit; remark``."""
    first, *rest = (inspect.getdoc(function) or "").split("\n", 1)
    what, _, said = first.partition(": ")
    formula, remark = _split_formula(said)
    text = "".join([f"{what}: ${equation(formula)}$" if formula else what, remark, *(f"\n{more}" for more in rest)])
    return f"**`{function.__name__}`** {text}\n".replace(" * ", " · ").replace("um2", "µm²")


def _split_formula(text: str) -> tuple[str, str]:
    """Split off the formula, which ends at the first comma, semicolon or full stop outside parentheses."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and re.match(r"[,;.](\s|$)", text[place:]):
            return text[:place], text[place:]
    return text, ""


_TOKEN = re.compile(r"\s*(>=|[-+*/^=(),]|\d+(?:\.\d+)?|[A-Za-z][\w.-]*)")
_SIGNS = {"*": r" \cdot ", "/": " / ", "+": " + ", "-": " - ", ",": ", ", ">=": r" \ge ", "=": " = "}
_FUNCTIONS = {"ceil": (r"\lceil ", r" \rceil"), "min": (r"\min(", ")"), "max": (r"\max(", ")")}


def equation(formula: str) -> str:
    r"""LaTeX of a formula in a docstring.

    ``k^2 * ceil(C_in / X)`` becomes ``k^{2} \cdot \lceil C_{\text{in}} / X \rceil``; successive words remain words.
    """
    tokens = _TOKEN.findall(formula)
    if "".join(tokens) != "".join(formula.split()):
        raise ValueError(
            f"'{formula}' holds a sign that no equation has; expected words, numbers and + - * / ^ = >= ( ) ,"
        )
    latex, place = "", 0
    while place < len(tokens):
        piece, place = _piece(tokens, place)
        latex += piece
    return " ".join(latex.split())


def _piece(tokens: list[str], place: int) -> tuple[str, int]:
    """LaTeX of the sign, number, words or call at this position, and the position after it."""
    sign = tokens[place]
    if sign == "^":
        power, place = _piece(tokens, place + 1)
        return f"^{{{power}}}", place
    if sign in _FUNCTIONS:
        opening, closing = _FUNCTIONS[sign]
        inner, place = _until_closed(tokens, place + 2)
        return f"{opening}{inner}{closing}", place
    if sign == "(":
        inner, place = _until_closed(tokens, place + 1)
        return f"({inner})", place
    if not sign[0].isalpha():
        return _SIGNS.get(sign, sign), place + 1
    end = place + 1
    while end < len(tokens) and tokens[end][0].isalpha() and tokens[end] not in _FUNCTIONS:
        end += 1
    space = r"\ " if place and tokens[place - 1] not in _SIGNS and tokens[place - 1] not in "(^" else ""
    return space + r"\ ".join(map(_name, tokens[place:end])), end


def _until_closed(tokens: list[str], place: int) -> tuple[str, int]:
    inner = ""
    while tokens[place] != ")":
        piece, place = _piece(tokens, place)
        inner += piece
    return inner, place + 1


def _name(name: str) -> str:
    head, _, index = name.partition("_")
    if len(head) == 1:
        return f"{head}_{{\\text{{{index.replace('_', ' ')}}}}}" if index else head
    return rf"\text{{{re.sub('[._]', ' ', name)}}}"


def _preset(name: str) -> str:
    accelerator = load_accelerator(name)
    rows = ((f"`{key}`", f"{quantity:g}", quantity.source) for key, quantity in accelerator.quantities())
    return f"## `{name}`\n\n{accelerator.description}\n\n{table(('constant', 'value', 'source'), rows)}"


def schema(model: type[BaseModel]) -> str:
    """The JSON schema of a document."""
    dialect: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | model.model_json_schema(by_alias=True), indent=2) + "\n"


SCHEMAS: dict[str, type[BaseModel]] = {
    "accelerator": Accelerator,
    "architecture": ArchitectureFile,
    "chip": ChipEvaluation,
    "design": DesignResult,
    "design-front": DesignFront,
    "design-space": DesignSpace,
    "design-choice": SettingChoice,
    "environment": Environment,
    "epoch": Epoch,
    "estimate": CostReport,
    "evaluation": Evaluation,
    "predictions": Predictions,
    "stream": StreamResult,
    "doctor": Diagnosis,
    "export": ExportManifest,
    "finalists": FinalistChoice,
    "fit": FitResult,
    "floorplan": FloorplanFile,
    "front": ParetoFront,
    "hardware-comparison": HardwareComparison,
    "integer": NetworkDocument,
    "proxy-benchmark": ProxyResult,
    "reproduce-hardware": HardwareResult,
    "reproduce-silicon": SiliconResult,
    "result": SearchSummary,
    "study": StudyResult,
    "training": TrainingResult,
}
"""JSON documents by the name of their schema."""
CONTENT: dict[str, Callable[[], str]] = {
    "hardware-model.md": hardware_model,
    "reference/accelerators.md": accelerators,
    "reference/choices.md": choices_page,
    "reference/commands.md": commands_page,
    "reference/python.md": python_page,
    "deviations.md": deviations_page,
    "training-results.md": training_results,
    **{f"schemas/{name}.schema.json": partial(schema, model) for name, model in SCHEMAS.items()},
}
"""Every generated file with its content."""

if __name__ == "__main__":
    for name, content in CONTENT.items():
        (FOLDER / name).write_text(content(), encoding="utf-8")
