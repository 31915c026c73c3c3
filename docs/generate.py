"""Write ``hardware-model.md`` and the JSON schemas beside this file from what the code says.

Run it after a change to ``neuronas.hardware`` or ``neuronas.export``: ``python docs/generate.py``. Tests check that all
are current.
"""

import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from neuronas.export.document import integer_schema
from neuronas.hardware.accelerator import Accelerator, load_accelerator, preset_names
from neuronas.hardware.comparison import COUNTED
from neuronas.hardware.mapped import area, energy, latency, mapping
from neuronas.hardware.mapped.model import ASSUMPTIONS

FOLDER = Path(__file__).parent

INTRODUCTION = """\
# Hardware model

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

`neuronas estimate ARCH` and `neuronas search` cost a network with one of two models. `paper` (the default) repeats the
closed form behind the published figures of NeuroNAS, so that results compare with the literature; its equations stand
in `src/neuronas/hardware/paper.py`. `mapped` maps every layer to crossbars of its own and counts what `paper` leaves
out. Choose with `--cost-model`; budgets apply to the chosen model, and every result names it. `estimate` prints both.

All numbers are estimates. Compare candidates with them; do not sign off a chip.
"""

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
SpikeSim's circuits say: eight columns for a weight of 4 bits where SpikeSim's arithmetic has one.
"""

FILES = """\
## Accelerator files

`--hardware` takes one of the presets below or your own `FILE.yaml`. Copy a preset from `src/neuronas/hardware/presets`.
The unit stands in each key; a value is a number or `{value: NUMBER, source: TEXT}`. `accelerator.schema.json` describes
the format for editors; put `# yaml-language-server: $schema=PATH` on the first line. `--sweep crossbar_size=32,64,128`
varies one constant and leaves all others as they are; `--plot FILE.svg` draws it (`pip install 'neuronas[plots]'`).
"""


def hardware_model() -> str:
    """The page."""
    counts = (
        mapping.parameters, mapping.columns, mapping.row_blocks, mapping.replicas, mapping.crossbars, mapping.pes,
        mapping.tiles, mapping.used_cells, mapping.utilisation, mapping.passes, mapping.conversions,
        mapping.awake_share, mapping.neurons, mapping.digital_units, mapping.additions, mapping.input_traffic_bits,
        mapping.partial_sum_bits,
    )  # fmt: skip
    parts = [
        INTRODUCTION,
        "## What each model counts\n",
        _table(("", "paper", "mapped"), ((row.what, row.paper, row.mapped) for row in COUNTED)),
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
        *map(_preset, preset_names()),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def accelerator_schema() -> str:
    """The JSON schema of accelerator files."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Accelerator.model_json_schema(), indent=2) + "\n"


def _term(function: Callable[..., object]) -> str:
    text = inspect.getdoc(function) or ""
    return f"**`{function.__name__}`** {text}\n".replace(" * ", " · ").replace("um2", "µm²")


def _preset(name: str) -> str:
    accelerator = load_accelerator(name)
    rows = ((f"`{key}`", f"{quantity:g}", quantity.source) for key, quantity in accelerator.quantities())
    return f"### `{name}`\n\n{accelerator.description}\n\n{_table(('constant', 'value', 'source'), rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def network_schema() -> str:
    """The JSON schema of what ``export --format integer`` writes."""
    return json.dumps(integer_schema(), indent=2) + "\n"


CONTENT = {
    "hardware-model.md": hardware_model,
    "accelerator.schema.json": accelerator_schema,
    "integer.schema.json": network_schema,
}
"""Each file with what belongs into it."""

if __name__ == "__main__":
    for name, content in CONTENT.items():
        (FOLDER / name).write_text(content(), encoding="utf-8")
