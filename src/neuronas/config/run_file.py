"""The file ``config.yaml`` of a run. It says how many settings it holds, so that one that was cut off is noticed.

A version that adds a setting still reads the runs of before: these lack it, and say a smaller number.
"""

from pathlib import Path
from typing import Any

import yaml

from neuronas.config.files import read_yaml, write_text
from neuronas.config.models import RunConfig
from neuronas.errors import VerificationError

_COUNT = "n_settings"
_ALWAYS = ("seed", "device", "space", "data", "network", "fitness", "hardware", "budget", "search")
"""In the file of every run, also of those from before the number was written."""


def write_config(path: Path, config: RunConfig) -> None:
    """Write the settings of a run so that ``read_config`` gives them back unchanged."""
    values = config.model_dump()
    write_text(path, yaml.safe_dump({_COUNT: _count(values), **values}, sort_keys=False, allow_unicode=True))


def read_config(path: Path, *, own: bool) -> dict[str, Any]:
    """Read settings as plain values, which are not validated yet.

    Args:
        path: the file.
        own: it is that of a run, which leaves out nothing; a person's may.

    Raises:
        ConfigurationError: no file, or no YAML mapping.
        VerificationError: it was cut off.
    """
    values = read_yaml(path)
    wanted, found = values.pop(_COUNT, None), _count(values)
    if wanted is not None and (type(wanted) is not int or found < wanted):
        raise VerificationError(
            f"{path}: holds {found} of the {str(wanted)[:20]} settings that it was written with; it is cut off (where "
            f"some were taken out on purpose, remove {_COUNT} too)"
        )
    if own and (missing := [name for name in _ALWAYS if name not in values]):
        raise VerificationError(f"{path}: lacks '{missing[0]}', which the settings of every run have; it is cut off")
    return values


def _count(values: Any) -> int:
    """Values that are no mappings."""
    return sum(map(_count, values.values())) if isinstance(values, dict) else 1
