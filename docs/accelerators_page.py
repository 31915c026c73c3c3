"""The page of all accelerators."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

from page_parts import table
from pydantic import BaseModel

from neuronas.config import ACCELERATORS, Section
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.device_model import DeviceModel

_INTRODUCTION = """\
# Accelerators

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

`--hardware` takes one of the presets below or [your own](../howto/own-accelerator.md) `FILE.yaml`. The files of the
presets are in `src/neuronas/hardware/presets`. Each [key](#keys) contains its unit; a value is a number or
`{value: NUMBER, source: TEXT}`. [The JSON schema](../schemas/accelerator.schema.json) describes the format for editors;
put `# yaml-language-server: $schema=PATH` on the first line. The sections `macro` and `device` are optional: without
`macro` [intervals](../hardware-model.md#intervals) are derived from all measured arrays, without `device` a chip cannot
be simulated. [Cost equations](cost-equations.md) use these constants.

`neuronas estimate ARCH --sweep crossbar_size=32,64,128` varies one constant and keeps all others; `--plot FILE.svg`
draws the result (`pip install 'neuronas[figures]'`).
"""


def accelerators() -> str:
    """The page of all accelerators: each constant with its source."""
    keys = table(("key", "meaning"), _keys(Accelerator))
    return "\n".join([_INTRODUCTION, f"## Keys\n\n{keys}", *map(_preset, ACCELERATORS)])


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


def _preset(name: str) -> str:
    accelerator = load_accelerator(name)
    rows = ((f"`{key}`", f"{quantity:g}", quantity.source) for key, quantity in accelerator.quantities())
    return f"## `{name}`\n\n{accelerator.description}\n\n{table(('constant', 'value', 'source'), rows)}"
