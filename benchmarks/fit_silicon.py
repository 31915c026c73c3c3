"""Calibrates the model of compute-in-memory arrays on the measured chips included in the package.

    python benchmarks/fit_silicon.py

Writes ``calibration.json`` next to the table: constants fitted to all papers, and residuals of each row with constants
fitted to all papers but its own, by kind of array. ``neuronas reproduce silicon`` repeats the computation and checks
it.
"""

from importlib.resources import files
from pathlib import Path

from neuronas.experiments.silicon import residuals_by_kind
from neuronas.hardware.silicon.calibration import Residuals, SiliconCalibration
from neuronas.hardware.silicon.chips import bundled_chips
from neuronas.hardware.silicon.fit import calibrated
from neuronas.hardware.silicon.macro import Kind
from neuronas.hardware.silicon.spread import Spread

FILE = Path(str(files("neuronas.hardware.silicon"))) / "calibration.json"
DIGITS = 4


def main() -> None:
    """Fit, report and write."""
    constants = calibrated(bundled_chips())
    document = SiliconCalibration(
        energy={name: round(value, DIGITS) for name, value in constants.energy.items()},
        time={name: round(value, DIGITS) for name, value in constants.time.items()},
        energy_residuals=rounded(residuals_by_kind("energy")),
        time_residuals=rounded(residuals_by_kind("time")),
    )
    FILE.write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for name, law in (("energy", document.energy), ("time", document.time)):
        print(name, ", ".join(f"{key} {value:.3g}" for key, value in law.items()))
    print(f"written: {FILE}")


def rounded(spreads: dict[Kind, Spread]) -> dict[Kind, Residuals]:
    """Residuals rounded to few digits."""
    return {
        kind: Residuals(
            sizes=tuple(round(size, DIGITS) for size in spread.sizes),
            weights=tuple(round(weight, DIGITS) for weight in spread.weights),
        )
        for kind, spread in spreads.items()
    }


if __name__ == "__main__":
    main()
