"""Tables of a spiking network beside its artificial twin."""

from neuronas.hardware.units import quantity
from neuronas.report.tables import Table, aligned, share
from neuronas.runs.twins import TwinSide, TwinVerdict

_TITLES = ("", "spiking", "artificial twin")


def twin_table(verdict: TwinVerdict) -> Table:
    """Accuracy, energy, latency and area of both networks."""
    both = (verdict.spiking, verdict.artificial)
    costs = {
        "energy at measured activity": ("energy_uj", "energy_uj"),
        "energy, all inputs 1": ("energy_uj", "energy_dense_uj"),
        "latency": ("latency_ms", "latency_ms"),
        "area": ("area_mm2", "area_mm2"),
    }
    rows = (
        ("top-1", *(_accuracy(verdict, side) for side in both)),
        ("between layers", f"spikes, {verdict.timesteps} time steps", f"{verdict.activation_bits} bits"),
        ("mean firing rate, or share of bits that are 1", *(f"{side.activity:.2%}" for side in both)),
        *(
            (title, *(quantity(unit, getattr(side, name)) for side in both))
            for title, (unit, name) in costs.items()
        ),
    )  # fmt: skip
    caption = f"Artificial twin: {verdict.weight_bits}-bit weights on {verdict.hardware}, model mapped"
    return Table(caption, _TITLES, rows)


def twin_energy_table(verdict: TwinVerdict) -> Table:
    """What the energy of both networks consists of, the largest part of the spiking network first."""
    spiking, artificial = verdict.spiking.energy_components, verdict.artificial.energy_components
    names = sorted(spiking, key=spiking.__getitem__, reverse=True)
    columns = [aligned([side[name] for name in names]) for side in (spiking, artificial)]
    rows = tuple((name.replace("_", " "), *cells) for name, *cells in zip(names, *columns, strict=True))
    return Table("Energy at measured activity in µJ", _TITLES, rows)


def _accuracy(verdict: TwinVerdict, side: TwinSide) -> str:
    low, high = verdict.interval_95(side)
    return f"{share(side.top1)} ({share(low)} to {share(high)})"
