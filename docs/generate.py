"""Write ``hardware-model.md`` and the JSON schemas beside this file from what the code says.

Run it after a change to a cost model, a preset or a document: ``python docs/generate.py``. Tests check that all are
current.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from neuronas.config import ACCELERATORS
from neuronas.experiments.hardware import HardwareResult
from neuronas.experiments.proxy_benchmark import ProxyResult
from neuronas.experiments.search_time import SearchTimeResult
from neuronas.experiments.study import StudyResult
from neuronas.export.integer_document import NetworkDocument
from neuronas.hardware import paper
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.mapped import area, energy, latency, mapping
from neuronas.hardware.mapped.model import ASSUMPTIONS
from neuronas.report.cost_tables import COUNTED
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.costs import CostReport
from neuronas.runs.environment import Environment
from neuronas.runs.evaluations import ChipEvaluation, Evaluation
from neuronas.runs.metrics import Epoch
from neuronas.runs.results import ExportManifest, ParetoFront, SearchSummary, TrainingResult

FOLDER = Path(__file__).parent

INTRODUCTION = """\
# Hardware model

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

`neuronas estimate ARCH` and `neuronas search` cost a network with one of two models. `paper` (the default) repeats the
closed form behind the published figures of NeuroNAS, so that results compare with the literature. `mapped` maps every
layer to crossbars of its own and counts what `paper` leaves out. Choose with `--cost-model`; budgets apply to the
chosen model, and every result names it. `estimate` prints both.

All numbers are estimates. Compare candidates with them; do not sign off a chip.
"""

PAPER = r"""
## Equations of `paper`

$$
\begin{split}
f &= \lceil \text{weight bits} / 4 \rceil \\
\text{PE}_l &= \lceil C_{\text{in},l} / 64 \rceil \cdot \lceil C_{\text{out},l} / 64 \rceil \\
\text{energy} &= f \cdot T \cdot E_{\text{PE}} \cdot \sum_l \text{PE}_l \cdot o_l^2 \\
\text{latency} &= T \cdot \text{cycle} \cdot
  \left( 0.75 \sum_{l < \text{last}} C_{\text{out},l} \cdot o_l^2 + C_{\text{out,last}} \cdot o_{\text{last}}^2
  \right) \\
\text{area} &= f \cdot
  \left( A_{\text{tile}} \sum_l \lceil f \cdot \text{PE}_l / 8 \rceil + a_{\text{bit}} \cdot \text{state} \right) \\
\text{state} &= 22 \cdot
  \left( \sum_l C_{\text{in},l} \cdot i_l^2 + \sum_{l \le 5} C_{\text{out},l} \cdot o_l^2 \right) \\
E_{\text{PE}} &= E_{\text{H-tree}} + E_{\text{fetch}} + E_{\text{neuron}} + E_{\text{buffer}} +
  p \cdot \left( 9 E_{\text{crossbar}} + p \cdot (E_{\text{ADC}} + E_{\text{mux}}) + 16 E_{\text{subtract}} +
  E_{\text{register}} \right) \\
A_{\text{tile}} &= A_{\text{H-tree}} + A_{\text{buffer}} + A_{\text{register}} + p A_{\text{subtract}} +
  8 \cdot \left( 9 A_{\text{crossbar}} + p \cdot (A_{\text{ADC}} + A_{\text{mux}}) \right),
  \quad p = 64 / 8
\end{split}
$$

$l$ runs over the convolutions; $i_l$ and $o_l$ are the sides of input and output in pixels. Numbers are those of
`spikeflow-rram`: 64 its crossbar's size, 4 its base width, 8 its PEs per tile (in $p$: its columns per ADC), 9 its
crossbars per PE, 22 its neuron's bits; $E_{\text{crossbar}}$ is one phase of a crossbar; $p$ read each cell once.
What is wrong in these equations is published, and kept:
""".removeprefix("\n")

COUNTS = """\
## Counts of `mapped`

Rows are layers, pooling and node sums. X is the crossbar's size, k the kernel's side, i and o the sides of input and
output in pixels, T the number of time steps; `steps` is 1 for the first layer, otherwise T. Constants come from the
accelerator file; those of the presets stand below with their sources.
"""

ACTIVITY = """\
## Spike activity

`--activity dense` (the default, the worst case, needs no data) lets every input spike at every time step.
`--activity rate --firing-rate 0.083` gives all layers one rate. `--activity trace --trace FILE.yaml` reads a measured
rate for each layer that holds weights, but for the first; `--trace RUN/evaluation.json` takes the rates that
`neuronas evaluate RUN` measured:

```yaml
A.01: 0.12
head.1: 0.05
```

The image is no spike train: the first layer is always dense. **Sparsity saves little.** Crossbar reads shrink with the
rate. A converter rests only where its whole group of rows is silent: at 64 rows and a rate of 8.3 % in 0.4 % of all
cases, unless spikes are clustered. All other terms do not depend on activity.
"""

AGREEMENT = """\
## Agreement with SpikeSim

With SpikeSim's assumptions (4 bits per cell, one sign column, 64 x 64, dense) the term `crossbar` equals SpikeSim's on
chains of 3x3 convolutions to rounding, wherever channels fill whole crossbars: 15.3 % of its energy for each layer.
Where they do not, as at a stem of 3 channels, SpikeSim drives all 64 rows and `mapped` the 3 that hold weights.
Everything else differs on purpose. `spikeflow-rram` has 1 bit per cell and two sign columns, as Table I of NeuroNAS and
SpikeSim's circuits say: six columns for a weight of 4 bits where SpikeSim's arithmetic has one.
"""

FILES = """\
## Accelerator files

`--hardware` takes one of the presets below or your own `FILE.yaml`. Copy a preset from `src/neuronas/hardware/presets`.
The unit stands in each key; a value is a number or `{value: NUMBER, source: TEXT}`. `schemas/accelerator.schema.json`
describes the format for editors; put `# yaml-language-server: $schema=PATH` on the first line.
`--sweep crossbar_size=32,64,128` varies one constant and leaves all others as they are; `--plot FILE.svg` draws it
(`pip install 'neuronas[figures]'`).
"""


def hardware_model() -> str:
    """The page."""
    counts = (
        mapping.parameters, mapping.columns_per_output, mapping.columns, mapping.row_blocks, mapping.replicas,
        mapping.crossbars, mapping.pes, mapping.tiles, mapping.used_cells, mapping.utilisation, mapping.passes,
        mapping.conversions,
        mapping.awake_share, mapping.neurons, mapping.digital_units, mapping.additions, mapping.input_traffic_bits,
        mapping.partial_sum_bits,
    )  # fmt: skip
    parts = [
        INTRODUCTION,
        "## What each model counts\n",
        _table(("", "paper", "mapped"), ((row.what, row.paper, row.mapped) for row in COUNTED)),
        PAPER,
        "".join(f"- {line}\n" for line in paper.ASSUMPTIONS),
        COUNTS,
        *map(_term, counts),
        "## Area\n",
        *map(_term, (*area.AREA_UM2.values(), area.global_buffer)),
        "## Latency\n",
        *map(_term, (latency.pass_ns, *latency.LATENCY_NS.values(), *latency.SCHEDULES.values())),
        "## Energy\n",
        *map(_term, (*energy.ENERGY_PJ.values(), energy.noc_bits, energy.mean_hops, energy.noc)),
        *map(_term, (energy.leaking_pw, energy.global_leaking_pw, energy.leakage)),
        ACTIVITY,
        "## What `mapped` does not know\n\n" + "".join(f"- {line}\n" for line in ASSUMPTIONS),
        AGREEMENT,
        FILES,
        *map(_preset, ACCELERATORS),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _term(function: Callable[..., object]) -> str:
    """A docstring whose first line reads ``What it is: formula, unit; remark``."""
    first, *rest = (inspect.getdoc(function) or "").split("\n", 1)
    what, _, said = first.partition(": ")
    formula, remark = _split_formula(said)
    text = "".join([f"{what}: ${equation(formula)}$" if formula else what, remark, *(f"\n{more}" for more in rest)])
    return f"**`{function.__name__}`** {text}\n".replace(" * ", " · ").replace("um2", "µm²")


def _split_formula(text: str) -> tuple[str, str]:
    """Formula and what follows it: the first comma, semicolon or full stop that stands in no parentheses ends it."""
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
    r"""LaTeX of a formula as docstrings have it.

    ``k^2 * ceil(C_in / X)`` becomes ``k^{2} \cdot \lceil C_{\text{in}} / X \rceil``; words that follow one another stay
    words.
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
    """LaTeX of the sign, number, words or call at this place, and the place behind it."""
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
    return f"### `{name}`\n\n{accelerator.description}\n\n{_table(('constant', 'value', 'source'), rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def schema(model: type[BaseModel]) -> str:
    """The JSON schema of a document."""
    dialect: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | model.model_json_schema(by_alias=True), indent=2) + "\n"


SCHEMAS: dict[str, type[BaseModel]] = {
    "accelerator": Accelerator,
    "architecture": ArchitectureFile,
    "chip": ChipEvaluation,
    "environment": Environment,
    "epoch": Epoch,
    "estimate": CostReport,
    "evaluation": Evaluation,
    "export": ExportManifest,
    "front": ParetoFront,
    "integer": NetworkDocument,
    "proxy-benchmark": ProxyResult,
    "reproduce-hardware": HardwareResult,
    "result": SearchSummary,
    "search-time": SearchTimeResult,
    "study": StudyResult,
    "training": TrainingResult,
}
"""Each JSON document by the name of its schema."""
CONTENT: dict[str, Callable[[], str]] = {
    "hardware-model.md": hardware_model,
    **{f"schemas/{name}.schema.json": partial(schema, model) for name, model in SCHEMAS.items()},
}
"""Each file with what belongs in it."""

if __name__ == "__main__":
    for name, content in CONTENT.items():
        (FOLDER / name).write_text(content(), encoding="utf-8")
