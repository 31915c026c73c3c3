"""Device models: moments of programmed cells compared with the published polynomials, a slow reference, fits, times."""

import json
from dataclasses import replace
from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neuronas.chip.calibration import LayerInputs, recovery
from neuronas.chip.chip_model import ChipModel, chip_model
from neuronas.chip.design import programmed
from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.programming import program, seeded
from neuronas.cli.main import run as command
from neuronas.config import duration, seconds
from neuronas.config.durations import SECONDS
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.device_model import DeviceModel, load_device_model
from neuronas.hardware.measurements import fitted_device_model
from neuronas.snn.weighted import InputFormat

DAY = 86400.0
WAN = {  # standard deviation in µS of x = G / 40 µS, highest power first (Wan et al. 2022, as fitted in aihwkit)
    1.0: (-16.815, 45.393, -43.853, 16.030, 0.348),
    DAY: (-16.458, 47.095, -50.773, 22.086, 0.701),
    2 * DAY: (-11.934, 37.062, -43.507, 20.274, 0.782),
}


def chip(name: str, *, off: float = 1 / 10, bits: int = 3) -> ChipModel:
    """3-bit cells with the measured conductance when on; off cells conduct a fraction of it."""
    device = load_device_model(name)
    on = 1e6 / device.reference_us
    return ChipModel(
        weight_bits=4, bits_per_cell=bits, crossbar_size=64, sign_scheme="differential", on_resistance_ohm=on,
        off_resistance_ohm=on / off, device_model=device, after_s=device.first_s, programming_error=True,
        slow_noise=device.slow_noise is not None,
    )  # fmt: skip


def cells(model: ChipModel, level: int, seed: int = 0, n: int = 400) -> Tensor:
    """Conductances in µS of n * 64 cells of one level."""
    levels = torch.full((1, 64, n, 1), float(level), dtype=torch.float64)
    found = program(levels, model, seeded(seed), has_reference=False)
    on = model.largest_level + model.off_levels
    return (found.current * (model.device_model.reference_us / on)).flatten()  # type: ignore[union-attr]


def without_off_column(model: ChipModel) -> ChipModel:
    """Cells whose off-state conductance is 0, so that no current is subtracted."""
    return replace(model, off_resistance_ohm=float("inf"))


@pytest.mark.parametrize("after_s", WAN)
@pytest.mark.parametrize("level", [2, 4, 7])
def test_rram_has_the_published_standard_deviation(after_s: float, level: int) -> None:
    model = without_off_column(chip("rram-wan-2022")).after(after_s)
    found, target = cells(model, level), 40 * level / 7
    wanted = float(np.polyval(WAN[after_s], level / 7))
    assert abs(float(found.std()) / wanted - 1) < 0.02  # 25,600 cells: three standard errors of the deviation are 1.3 %
    assert abs(float(found.mean()) - target) < 0.02 * wanted


def test_between_and_behind_the_measured_times() -> None:
    """Linear in the logarithm of time; after the last time, the line through the first and the last is extrapolated."""
    device = load_device_model("rram-wan-2022")
    assert device.weights(1.0) == (1.0, 0.0, 0.0) and device.weights(2 * DAY) == (0.0, 0.0, 1.0)
    assert device.weights(sqrt(DAY)) == pytest.approx((0.5, 0.5, 0.0))
    assert device.weights((2 * DAY) ** 1.5) == pytest.approx((-0.5, 0.0, 1.5))
    assert not device.is_extrapolated(2 * DAY) and device.is_extrapolated(3 * DAY)
    model = without_off_column(chip("rram-wan-2022")).after(sqrt(DAY))
    wanted = (np.polyval(WAN[1.0], 4 / 7) + np.polyval(WAN[DAY], 4 / 7)) / 2
    assert abs(float(cells(model, 4).std()) / wanted - 1) < 0.02


@pytest.mark.parametrize("level", [1, 4, 7])
def test_pcm_has_the_published_moments(level: int) -> None:
    """Programming, drift and 1/f noise one by one, by the equations of Nandakumar et al. 2019 and Joshi et al. 2020."""
    x = level / 7
    model = without_off_column(chip("pcm-nandakumar-2019"))
    quiet = replace(model, slow_noise=False)
    written = cells(quiet, level)
    wanted = 0.26348 + 1.9650 * x - 1.1731 * x * x
    assert abs(float(written.std()) / wanted - 1) < 0.02 and abs(float(written.mean()) - 25 * x) < 0.02 * wanted

    exponents = -(cells(quiet.after(DAY), level) / written).log() / log(DAY / 20)
    mean, std = (
        min(max(constant + slope * log(x), low), high)
        for constant, slope, low, high in ((0.0244, -0.0155, 0.049, 0.1), (-0.0059, -0.0125, 0.008, 0.045))
    )
    assert abs(float(exponents.mean()) / mean - 1) < 0.02 and abs(float(exponents.std()) / std - 1) < 0.03

    noise = cells(model.after(DAY), level) / cells(quiet.after(DAY), level) - 1
    q = min(0.0088 / x**0.65, 0.2) * sqrt(log((DAY + 250e-9) / 500e-9))
    assert abs(float(noise.std()) / q - 1) < 0.02 and abs(float(noise.mean())) < 0.02 * q


def reference(levels: list[int], model: ChipModel, draws: dict[int, list[float]]) -> list[float]:
    """Cell by cell, in µS of the measurement, following the printed equations."""
    device = model.device_model
    assert device is not None
    on, found = float(device.reference_us), []
    times = [one.after_s for one in device.deviations]
    for number, level in enumerate(levels):
        x = (level + model.off_levels) / (model.largest_level + model.off_levels)

        def std_at(time: float, x: float = x) -> float:
            """Piecewise linear in the logarithm of time."""
            values = [float(np.polyval(one.std_us[::-1], x)) for one in device.deviations]
            if time > times[-1] > times[0]:
                slope = (values[-1] - values[0]) / (log(times[-1]) - log(times[0]))
                return max(values[-1] + slope * (log(time) - log(times[-1])), 0.0)
            return float(np.interp(log(time), np.log(times), values))

        before, after = std_at(times[0]), std_at(model.after_s)
        conductance = on * x + min(before, after) * draws[0][number]
        conductance += sqrt(max(after**2 - before**2, 0.0)) * draws[1][number]
        conductance = max(conductance, 0.0)
        if device.drift is not None:
            law = device.drift
            nu = sum(
                factor * min(max(one.constant + one.slope * log(x), one.lowest), one.highest)
                for one, factor in ((law.exponent_mean, 1.0), (law.exponent_std, draws[2][number]))
            )
            conductance *= (model.after_s / law.after_s) ** -max(nu, 0.0)
        if device.slow_noise is not None:
            noise = device.slow_noise
            q = min(noise.factor / x**noise.power, noise.highest)
            q *= sqrt(log((model.after_s + noise.read_s) / (2 * noise.read_s)))
            conductance *= max(1 + q * draws[3][number], 0.0)
        found.append(conductance)
    return found


@given(st.sampled_from(["rram-wan-2022", "pcm-nandakumar-2019"]), st.floats(20, 3e7), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_cells_against_loops(name: str, after_s: float, seed: int) -> None:
    model = chip(name).after(after_s)
    levels = torch.randint(0, 8, (1, 5, 3, 1), generator=seeded(seed)).double()
    generator = seeded(seed, 1)
    shape = (1, 5, 4)  # with the column of off cells
    streams = {0: seeded(seed, 1)} | {number: seeded(generator.initial_seed(), 2, number) for number in (1, 2, 3)}
    draws = {number: torch.randn(shape, generator=one).flatten().tolist() for number, one in streams.items()}
    every = torch.cat([levels.reshape(1, 5, 3), torch.zeros(1, 5, 1)], dim=2).flatten().int().tolist()
    wanted = torch.tensor(reference(every, model, draws), dtype=torch.float64).reshape(shape)
    on = (model.largest_level + model.off_levels) / float(model.device_model.reference_us)  # type: ignore[union-attr]
    found = program(levels, model, generator, has_reference=False).current.reshape(1, 5, 3)
    assert torch.allclose(found, (wanted[..., :3] - wanted[..., 3:]) * on, rtol=1e-5, atol=1e-6)


def test_each_cause_can_be_switched_off_and_leaves_the_other_draws() -> None:
    model = without_off_column(chip("pcm-nandakumar-2019")).after(DAY)
    assert model.active == ("write_variation", "drift", "read_noise") and model.is_random
    for names in (["write_variation"], ["drift"], ["read_noise"]):
        assert set(model.without(names).active) == set(model.active) - set(names)
    exact = cells(model.without(model.active), 7)
    assert torch.allclose(exact, torch.full_like(exact, 25.0))
    only = cells(model.without(["read_noise", "write_variation"]), 7) / 25
    both = cells(model.without(["read_noise"]), 7) / cells(model.without(["read_noise", "drift"]), 7)
    assert torch.allclose(only, both)
    fresh = model.fresh
    assert fresh.after_s == 20 and not fresh.drift and fresh.fresh == fresh
    rram = without_off_column(chip("rram-wan-2022")).after(DAY)
    change = cells(rram.without(["write_variation"]), 4).std() ** 2 + cells(rram.without(["drift"]), 4).std() ** 2
    assert abs(float(change.sqrt() / cells(rram, 4).std()) - 1) < 0.01  # independent, so variances add up


def test_drift_compensation_recovers_the_mean() -> None:
    model = replace(chip("pcm-nandakumar-2019"), slow_noise=False)
    levels = torch.randint(0, 8, (1, 64, 60, 1), generator=seeded(3)).double()
    fresh, now = (program(levels, one, seeded(4), has_reference=False) for one in (model, model.after(DAY)))
    assert recovery(model.after(DAY), fresh, now) == 1.0
    factor = recovery(replace(model, drift_compensation=True).after(DAY), fresh, now)
    assert 1.3 < factor < 1.7 and exp(0.05 * log(DAY / 20)) == pytest.approx(1.52, abs=0.01)
    assert float(now.current.sum()) * factor == pytest.approx(float(fresh.current.sum()))


def test_a_chip_is_calibrated_once_and_reproduces() -> None:
    """The gains are those of the fresh chip, so drift has an effect; draws depend on seed and number only."""
    accelerator = load_accelerator("spikeflow-rram")
    model = chip_model(accelerator, "x", 4, device_model=load_device_model("pcm-nandakumar-2019"))
    assert model.write_variation == 0 and model.programming_error and not model.drift and model.after_s == 20
    levels = torch.randint(0, 2, (1, 64, 30, 6), generator=seeded(5)).double()
    first, again = (program(levels, model.after(DAY), seeded(1, 2), has_reference=True).current for _ in range(2))
    assert torch.equal(first, again)
    other = program(levels, model.after(DAY), seeded(1, 3), has_reference=True).current
    assert not torch.equal(first, other)
    assert torch.equal(first[:, :, :10, -1], first[:, :, :1, -1].expand(1, 64, 10))  # one reference column

    codes = torch.randint(-7, 8, (20, 32, 1, 1), generator=seeded(6)).float()
    x = (torch.rand(4, 32, 6, 6, generator=seeded(7)) < 0.2).float()
    effective = {}
    ideal = model.without(["adc", "read_noise", "wire_resistance", "write_variation"])
    for one in (ideal, ideal.after(DAY), replace(ideal, drift_compensation=True).after(DAY)):
        layer = MappedLayer("layer", codes, codes, torch.ones(1, dtype=torch.float64), 1, InputFormat(), one)
        inputs = LayerInputs()
        inputs.add(layer, x)
        effective[one] = programmed(layer, torch.ones(len(layer.factors)), inputs, 0, 0, 0).effective
    shares = [float((one * codes).sum() / codes.square().sum()) for one in effective.values()]
    assert shares == pytest.approx([1, (DAY / 20) ** -0.052, 1], abs=0.03)


def write(path: Path, rows: list[tuple[object, ...]], head: str = "target_us,measured_us,time_s") -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.mark.parametrize("targets", [7, 200])
def test_a_fit_finds_what_made_the_measurements(tmp_path: Path, targets: int) -> None:
    """Few targets with many cells, and many targets with few cells each."""
    random = np.random.default_rng(1)
    g = np.repeat(np.linspace(2, 40, targets), 2100 // targets)
    rows = []
    for time, scale in ((1.0, 1.0), (DAY, 2.0)):
        measured = g - 0.02 * g * log(time) / log(DAY) + scale * (0.3 + 0.02 * g) * random.standard_normal(len(g))
        rows += [(*row, time) for row in zip(g, measured, strict=True)]
    model = fitted_device_model(write(tmp_path / "mine.csv", rows))
    assert model.reference_us == 40 and model.lowest_us == 2 and model.first_s == 1 and len(model.deviations) == 2
    assert load_device_model(str(tmp_path / "mine.csv")) == model
    for one, scale, lost in zip(model.deviations, (1, 2), (0, 0.02), strict=True):
        for target in (4, 20, 38):
            x, std = target / 40, scale * (0.3 + 0.02 * target)
            assert float(np.polyval(one.std_us[::-1], x)) == pytest.approx(std, rel=0.12)
            assert float(np.polyval(one.mean_us[::-1], x)) == pytest.approx(-lost * target, abs=0.25 * std)


HEAD = "target_us,measured_us,time_s"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "row 1: column target_us not found"),
        (HEAD, "holds no measurement"),
        ("target_us,measured_us\n1,2", "row 1: column time_s not found"),
        ("target_ns,measured_us,time_s\n1,2,3", "row 1: column target_us not found; column target_ns found"),
        (f"{HEAD},time_s\n1,2,3,4", "row 1: column time_s given twice"),
        (f"{HEAD}\n1,2,3\n1,2 uS,3", "row 3, column measured_us: given '2 uS'; expected a number without its unit"),
        (f"{HEAD}\n1,nan,3", "row 2, column measured_us: given 'nan'; expected a number"),
        (f"{HEAD}\n-1,1,3", "row 2, column target_us: given '-1'; expected a number of at least 0"),
        (f"{HEAD}\n1,1,0", "row 2, column time_s: given '0'; expected a number above 0"),
        (f"{HEAD}\n1,1", "row 2, column time_s: given ''"),
        (f"{HEAD}\n1,1,1\n1,2,1", "column target_us has only 1; expected at least two targets"),
        (f"{HEAD}\n1,1,1\n2,2,1", "fewer than two targets with 5 cells each"),
    ],
)
def test_measurements_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        fitted_device_model(tmp_path / "bad.csv")
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_files_and_their_mistakes(tmp_path: Path) -> None:
    device = load_device_model("rram-wan-2022")
    assert device.name == "rram-wan-2022" and "Nature 608" in device.deviations[0].source
    file = tmp_path / "device.yaml"
    plain = {"reference_us": 40, "deviations": [{"after_s": 1, "std_us": [0.5, 1]}]}
    file.write_text(yaml.safe_dump(plain))
    assert load_device_model(str(file)).name == "device.yaml" and not load_device_model(str(file)).changes
    drift = {"after_s": 2, "exponent_mean": {"constant": 0.05, "slope": 0, "lowest": 0, "highest": 1}}
    drift["exponent_std"] = dict(drift["exponent_mean"])
    later = {"after_s": 9, "std_us": [1]}
    for change, message in (
        ({"reference_us": -1}, "reference_us"),
        ({"lowest_us": 50}, "lowest_us below reference_us"),
        ({"deviations": [{"after_s": 1, "std_us": [0.5, -1]}]}, "std_us of at least 0; after 1 s it is -0.0"),
        ({"deviations": [later, plain["deviations"][0]]}, "ascending order"),
        ({"deviations": [{"after_s": 1, "std_us": []}]}, "std_us"),
        ({"drift": drift}, "the same after_s"),
        ({"drift": drift, "deviations": [*plain["deviations"], later]}, "drift or several deviations"),
        ({"drfit": 1}, "did you mean 'drift'"),
    ):
        file.write_text(yaml.safe_dump(plain | change))
        with pytest.raises(ConfigurationError) as raised:
            load_device_model(str(file))
        assert message in str(raised.value) and "\n" not in str(raised.value), change


def test_an_accelerator_names_its_device_model(accelerator: Accelerator) -> None:
    content = accelerator.model_dump()
    content["device"] |= {"model": "pcm-nandakumar-2019", "write_variation": 0}
    made = Accelerator.model_validate(content)
    assert made.device is not None and made.device.model == load_device_model("pcm-nandakumar-2019")
    assert Accelerator.model_validate(made.model_dump()) == made  # the copy in a run's directory is complete
    assert dict(made.quantities()).keys() == dict(accelerator.quantities()).keys()
    model = chip_model(made, "x", 8)
    assert model.device_model == made.device.model
    with pytest.raises(ValueError, match="write_variation 0"):
        Accelerator.model_validate(content | {"device": content["device"] | {"write_variation": 0.1}})
    with pytest.raises(ValueError, match="did you mean 'pcm-nandakumar-2019'"):
        Accelerator.model_validate(content | {"device": content["device"] | {"model": "pcm-nandakumar"}})
    with pytest.raises(ConfigurationError, match="variation lognormal given with device model"):
        chip_model(made, "x", 8, variation="lognormal")


@given(st.sampled_from(sorted(SECONDS)), st.integers(1, 99))
def test_times_are_read_as_they_are_written(unit: str, n: int) -> None:
    assert seconds(f"{n}{unit}") == n * SECONDS[unit] == seconds(duration(n * SECONDS[unit]))


def test_times() -> None:
    assert seconds("2 hours") == 7200 and seconds("1.5d") == 129600 and duration(129600) == "36 h"
    for wrong in ("1", "5ms", "1dd", "-1s", "0s", "1e9year", "", "day"):
        with pytest.raises(ValueError, match="expected a"):
            seconds(wrong)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("aging") / "run"
    options = ["--channels", "2", "--timesteps", "1", "--epochs", "1", "--quiet", "--limit", "100"]
    assert (
        command(["train", "|skip~0|+|skip~0|skip~1|+|skip~0|avg_pool_3x3~1|skip~2|", "--out", str(run), *options]) == 0
    )
    return run


def test_evaluate_after_several_times(trained: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--chip", "--chips", "2", "--no-diagnosis", "--device-model", "pcm-nandakumar-2019", "--limit", "20"]
    capsys.readouterr()
    assert command(["evaluate", str(trained), *options, "--after", "1month,1d,20s", "--json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    name = "spikeflow-rram.device-model-pcm-nandakumar-2019.after-20s-1d-1month.json"
    assert json.loads((trained / "chips" / name).read_text()) == document
    assert [one["after_s"] for one in document["times"]] == [20, DAY, 30 * DAY]
    assert document["times"][-1]["top1_per_chip"] == document["top1_per_chip"]
    assert all(one["n_chips"] == 2 and not one["extrapolated"] for one in document["times"])
    assert document["model"]["after_s"] == 30 * DAY
    assert DeviceModel.model_validate(document["model"]["device_model"]) == load_device_model("pcm-nandakumar-2019")
    assert document["options"][:4] == ["--device-model", "pcm-nandakumar-2019", "--after", "20s,1d,1month"]
    (trained / "chips/spikeflow-rram.jsonl").unlink()
    assert command(["evaluate", str(trained), *options, "--after", "1d", "--json", "--quiet"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["top1_per_chip"] == document["times"][1]["top1_per_chip"]  # independent of the other times
    assert command(["evaluate", str(trained), *options, "--after", "20s,1d"]) == 0
    printed = capsys.readouterr().out
    assert "on 2 simulated chips, 1 d after programming" in printed and "20 s" in printed
    assert command(["report", str(trained), "--out", str(tmp_path / "page.html"), "--quiet"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "Accuracy against time after programming" in page and "1 d after programming" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--after", "1d"], "--after given, but cells of hardware spikeflow-rram do not change"),
        (["--drift-compensation"], "--drift-compensation given, but cells"),
        (["--after", "1s", "--device-model", "pcm-nandakumar-2019"], "expected at least 20 s"),
        (["--after", "1x", "--device-model", "rram-wan-2022"], "chip.after: given '1x'; expected a number with a unit"),
        (["--device-model", "rram-wan"], "did you mean 'rram-wan-2022'"),
        (["--device-model", "absent.csv"], "absent.csv: cannot be read"),
    ],
)
def test_mistakes(trained: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert command(["evaluate", str(trained), "--chip", "--quiet", *options]) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
