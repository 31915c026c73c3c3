"""Settings of a design; see ``neuronas.config.schema``."""

from typing import Any

from pydantic import field_validator

from neuronas.config.setting import Section, setting
from neuronas.config.values import DESIGN, FULL_PRECISION, Names, WholeNumbers

_RANGES = {"channels_choices": (1, 4096), "timesteps_choices": (1, 256), "weight_bits_choices": (2, FULL_PRECISION)}


class DesignConfig(Section):
    """Design: which settings are free besides the cells, and how many designs are searched and trained."""

    channels_choices: WholeNumbers | None = setting(
        "Channels to choose from", None, (DESIGN,), metavar="C,C",
        unset="--channels, or widths up to the data set's",
    )  # fmt: skip
    timesteps_choices: WholeNumbers | None = setting(
        "Time steps T to choose from", None, (DESIGN,), metavar="T,T", unset="--timesteps, or 2,3,4,5"
    )
    weight_bits_choices: WholeNumbers | None = setting(
        "Weight precisions in bits to choose from", None, (DESIGN,), metavar="BITS,BITS",
        unset="--weight-bits, or 4,6,8",
    )  # fmt: skip
    n_settings: int = setting(
        "Maximum number of settings (channels, T, bits) at which cells are searched",
        4,
        (DESIGN,),
        is_option=False,
        ge=1,
        le=100,
    )
    n_finalists: int = setting(
        "Number of finalists, over all settings, that are trained briefly; the most accurate one is the result", 4,
        (DESIGN,), name="finalists", ge=2, le=1000,
    )  # fmt: skip
    formats: Names = setting("Export formats of the trained network", ("integer",), (DESIGN,), metavar="NAME,NAME")

    @field_validator(*_RANGES)
    @classmethod
    def _can_be_chosen_from(cls, values: tuple[int, ...] | None, info: Any) -> tuple[int, ...] | None:
        low, high = _RANGES[info.field_name]
        if values is not None and not values:
            raise ValueError("expected at least one number")
        for value in values or ():
            is_gap = info.field_name == "weight_bits_choices" and 16 < value < FULL_PRECISION
            if not low <= value <= high or is_gap:
                extent = "2 to 16 or 32" if high == FULL_PRECISION else f"{low} to {high}"
                raise ValueError(f"{value} given; expected numbers from {extent}")
        if values is not None and len(set(values)) < len(values):
            raise ValueError("a number given twice; expected different ones")
        # Sorted, so that a design can be resumed with its choices in any order.
        return None if values is None else tuple(sorted(values, reverse=True))
