"""Joint design of network and chip: the front, the chosen design as files, resuming, and rejected settings."""

import csv
import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import neuronas
from conftest import Neuronas
from neuronas.config import LayerBits, as_weight_bits, bits_of
from neuronas.errors import ConfigurationError, InfeasibleError, RunDirectoryError, VerificationError
from neuronas.fitness.calibration import calibration
from neuronas.fitness.expected_error import ErrorPrior
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.design_space import DesignSpace
from neuronas.report import front_page
from neuronas.report.design_tables import alternatives_table
from neuronas.report.front_tables import OBJECTIVES, answer, buys
from neuronas.report.style import PALETTE
from neuronas.runs.design_fronts import CHECKPOINT, FRONT, FRONT_PAGE, FRONT_TABLE, SPACE as SPACE_FILE, DesignFront
from neuronas.runs.designs import DesignResult
from neuronas.runs.observer import Advanced, Finished, Started
from neuronas.search.joint_choice import chip_effects, chosen, purchases

SPACE = DesignSpace(
    channels=(4, 8), timesteps=2, weight_bits=(4, 8), crossbar_size=(32, 64), rows_per_read=(8, 32, 64),
    adc_bits=(3, 4, 6), adcs_per_array=(8, 16), sign_scheme="free", replication=(1, 2, 4), schedule="free",
)  # fmt: skip
FEW: dict[str, Any] = {"algorithm": "snasnet", "n_draws": 12, "batch_size": 16}


class Stopping:
    """An observer that interrupts the enumeration, like Ctrl-C."""

    def __init__(self, after: int):
        self.after = after

    def started(self, event: Started) -> None:
        pass

    def progress(self, event: Advanced) -> None:
        if "covered" in event.part and event.done >= self.after:
            raise KeyboardInterrupt

    def finished(self, event: Finished) -> None:
        pass


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DesignFront:
    return neuronas.design_front(SPACE, out=tmp_path_factory.mktemp("front") / "run", **FEW)


def answered(run: Path) -> dict[str, Any]:
    """The document without times and paths."""
    content = json.loads((run / FRONT).read_text())
    return {name: one for name, one in content.items() if name not in ("seconds", "directory")}


def test_the_chosen_design_costs_what_the_front_says(made: DesignFront) -> None:
    own = made.chosen
    assert f"{own.bits_per_cell} bit{'' if own.bits_per_cell == 1 else 's'} per cell" in own.chip
    cost = neuronas.estimate(
        made.directory / made.files["architecture"], config=made.directory / made.files["settings"]
    ).cost
    for name in ("energy_uj", "latency_ms", "area_mm2"):
        assert getattr(cost, name) == pytest.approx(getattr(own, name), rel=1e-12)
    assert cost.memory_bits == own.memory_bits
    chip = load_accelerator(str(made.directory / made.files["accelerator"]))
    assert (chip.crossbar.size, chip.adc.bits) == (own.crossbar_size, own.adc_bits)
    assert dict(chip.quantities())["adc.energy_pj"].source


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DesignFront:
    by_part = {"stem": 8, "A": [3, 6], "reduction,B": 4, "head": [4, 8]}
    axes = {"channels": 4, "timesteps": 2, "weight_bits": [2, by_part], "adc_bits": (4, 6), "bits_per_cell": (1, 2)}
    out = tmp_path_factory.mktemp("mixed") / "run"
    return neuronas.design_front(DesignSpace(**axes), out=out, prefer="error", max_error=1.0, **FEW)


def test_a_chosen_design_with_bits_by_part_costs_what_the_front_says(mixed: DesignFront) -> None:
    own, place = mixed.chosen, mixed.directory
    assert isinstance(own.weight_bits, LayerBits) and set(own.weight_bits.by_key) == {
        "stem", "A", "reduction", "B", "head",
    }  # fmt: skip
    assert str(own.weight_bits) in own.text and DesignFront.read(place / FRONT) == mixed
    settings = place / mixed.files["settings"]
    assert yaml.safe_load(settings.read_text())["network"]["weight_bits"] == own.weight_bits.by_key
    found = neuronas.estimate(place / mixed.files["architecture"], config=settings)
    for name in ("energy_uj", "latency_ms", "area_mm2"):
        assert getattr(found.cost, name) == pytest.approx(getattr(own, name), rel=1e-12)
    assert found.cost.memory_bits == own.memory_bits
    bits = as_weight_bits(found.report.plain()["weight_bits"])
    assert isinstance(bits, LayerBits) and all(bits_of(own.weight_bits, name) == n for name, n in bits.items)


def test_a_front_shows_each_part_of_bits(mixed: DesignFront) -> None:
    assert mixed.n_settings == 5 and mixed.axes["weight_bits"][0] == "2" and len(mixed.axes["weight_bits"]) == 5
    assert mixed.axes["weight_bits"][-1] == "stem=8,A=6,reduction=4,B=4,head=8"
    assert mixed.excluded == {"bits_per_cell above the bits that a column's slices have": 2}  # at 2 bits alone
    rows = list(csv.DictReader((mixed.directory / FRONT_TABLE).read_text().splitlines()))
    assert {row["weight_bits"] for row in rows} <= set(mixed.axes["weight_bits"])
    factors = {(one.axis, one.value): one.factors for one in mixed.effects}
    assert factors["weight_bits A", "3"]["error"] > factors["weight_bits A", "6"]["error"]
    assert factors["weight_bits head", "4"]["energy_uj"] <= factors["weight_bits head", "8"]["energy_uj"]
    page = (mixed.directory / FRONT_PAGE).read_text()
    assert "weight bits A" in page and "{&#39;stem" not in page and "{'stem" not in page


def test_an_interrupted_front_with_bits_by_part_ends_as_an_uninterrupted_one(
    mixed: DesignFront, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"prefer": "error", "max_error": 1.0, **FEW}
    space = str(mixed.directory / SPACE_FILE)
    with pytest.raises(KeyboardInterrupt):
        neuronas.design_front(space, out=tmp_path / "run", observer=Stopping(2), **given)
    neuronas.design_front(space, out=tmp_path / "run", resume=True, **given)
    assert answered(tmp_path / "run") == answered(mixed.directory)


def test_bits_by_part_as_the_setting_are_one_choice(tmp_path: Path) -> None:
    given = {"weight_bits": "stem=8,A=3,reduction=4,B=4,head=8", "channels": 4, "timesteps": 2}
    front = neuronas.design_front(DesignSpace(adc_bits=(4, 6)), out=tmp_path / "run", **FEW, **given)
    assert str(front.chosen.weight_bits) == given["weight_bits"] and front.n_settings == 1


def test_the_answer_says_how_sure_the_expected_error_is(made: DesignFront) -> None:
    half_width, interval = made.error_half_width, made.error_interval(made.chosen)
    assert half_width == calibration().front.half_width and interval is not None
    assert interval == (max(made.chosen.error - half_width, 0), min(made.chosen.error + half_width, 1))
    assert "90 % interval" in dict(answer(made))["expected error"]
    other = made.model_copy(update={"error_half_width": ErrorPrior(7.4, 10).half_width("cifar10")})
    assert other.error_interval(other.chosen) is None
    assert "not fitted to this data, no interval known" in dict(answer(other))["expected error"]


def test_the_table_holds_the_whole_front(made: DesignFront) -> None:
    rows = list(csv.DictReader((made.directory / FRONT_TABLE).read_text().splitlines()))
    assert len(rows) == made.n_front > 10
    points = np.array([[float(row[name]) for name in OBJECTIVES] for row in rows])
    for name, place in zip(OBJECTIVES, range(4), strict=True):
        assert getattr(made.extremes[name], name) == pytest.approx(points[:, place].min())
    assert made.extremes["edap"].edap == pytest.approx(min(float(row["edap_uj_ms_mm2"]) for row in rows))


def test_every_design_of_the_space_is_covered(made: DesignFront) -> None:
    combinations = 2 * 3 * 3 * 2 * 2 * 3 * 2
    assert made.n_settings == 4 and sum(made.excluded.values()) == 4 * combinations // 6  # 64 rows in 32
    assert made.n_covered == made.n_candidates * 4 * combinations * 5 // 6
    assert made.n_costed < made.n_covered / 2


def test_what_more_buys_is_on_the_front_and_within_what_is_spent(made: DesignFront) -> None:
    assert made.purchases
    for one in made.purchases:
        assert getattr(one.design, one.spent) <= getattr(made.chosen, one.spent) * (1 + one.more)
        assert getattr(one.design, one.objective) < getattr(made.chosen, one.objective)
        others = set(OBJECTIVES) - {one.spent}
        assert all(getattr(one.design, name) <= getattr(made.chosen, name) for name in others)
    assert all(row[3] for row in buys(made).rows)


def test_the_effects_of_an_axis_have_their_sign(made: DesignFront) -> None:
    factors = {(one.axis, one.value): one.factors for one in made.effects}
    assert factors["replication", "4"]["latency_ms"] < 1 < factors["replication", "4"]["area_mm2"]
    assert factors["channels", "8"]["energy_uj"] > 1 > factors["channels", "8"]["error"]
    assert factors["weight_bits", "4"]["area_mm2"] <= 1
    assert all(0 < share <= 1 for share in made.explained.values())


def test_least_squares_finds_effects_that_add_up_and_those_of_pairs() -> None:
    first, second = (axis.ravel() for axis in np.meshgrid([1.0, 2.0, 4.0], [0.0, 1.0], indexing="ij"))
    added = np.log(first) + 0.5 * second
    factors, explained, together = chip_effects({"a": first, "b": second}, np.column_stack([added] * 4))
    assert explained == pytest.approx(1) and together["a", "b"] == pytest.approx(0, abs=1e-9)
    assert (factors["a", 4.0] / factors["a", 1.0])[0] == pytest.approx(4)
    product = np.column_stack([(first == 4) * second * 1.0] * 4)
    _, explained, together = chip_effects({"a": first, "b": second}, product)
    assert explained + together["a", "b"] == pytest.approx(1)


def test_the_knee_is_near_the_best_of_all() -> None:
    points = np.array([[0.1, 100, 1, 1, 8], [0.11, 12, 1, 1, 8], [0.5, 10, 1, 1, 8]], dtype=np.float64)
    assert chosen(points, "knee") == 1 and chosen(points, "error") == 0 and chosen(points, "energy_uj") == 2
    bought = purchases(np.array([[0.2, 10, 1, 1, 8], [0.1, 10.9, 1, 1, 16]], dtype=np.float64), 0)
    assert bought == [("energy_uj", more, "error", 1) for more in (0.1, 0.25, 0.5)]


def test_an_interrupted_enumeration_ends_as_an_uninterrupted_one(made: DesignFront, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for after in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            neuronas.design_front(SPACE, out=run, resume="auto", observer=Stopping(after), **FEW)
        assert (run / CHECKPOINT).exists() and not (run / FRONT).exists()
    neuronas.design_front(SPACE, out=run, resume=True, **FEW)
    assert answered(run) == answered(made.directory)
    (run / CHECKPOINT).write_bytes((run / CHECKPOINT).read_bytes()[:100])
    with pytest.raises(VerificationError, match=r"front\.npz: is damaged"):
        neuronas.design_front(SPACE, out=run, resume=True, **FEW)


def test_another_space_is_refused_in_the_same_directory(made: DesignFront) -> None:
    with pytest.raises(RunDirectoryError, match="holds a design already; resume it with --resume"):
        neuronas.design_front(SPACE, out=made.directory, **FEW)
    with pytest.raises(RunDirectoryError, match="was started with another design space"):
        neuronas.design_front(DesignSpace(adc_bits=(3,)), out=made.directory, resume=True, **FEW)


def test_two_processes_do_not_work_in_one_directory(made: DesignFront, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for run, resume in ((tmp_path / "run", False), (made.directory, True)):
        with (run / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            print(1234, file=lock, flush=True)
            with pytest.raises(RunDirectoryError, match=r"another neuronas is working in it \(process 1234"):
                neuronas.design_front(SPACE, out=run, resume=resume, **FEW)
    assert [one.name for one in (tmp_path / "run").iterdir()] == [".lock"]
    with pytest.raises(RunDirectoryError, match="holds no design to resume"):
        neuronas.design_front(SPACE, out=tmp_path / "none", resume=True, **FEW)
    assert not (tmp_path / "none").exists()


def test_contradictory_budgets_name_the_nearest_design(made: DesignFront, tmp_path: Path) -> None:
    with pytest.raises(
        InfeasibleError, match=r"none of [\d,]+ designs keeps all limits; the nearest \(4 chan"
    ) as error:
        neuronas.design_front(SPACE, out=tmp_path / "run", max_area_mm2=made.extremes["area_mm2"].area_mm2 / 2, **FEW)
    assert " has area " in str(error.value) and "\n" not in str(error.value)


def test_designs_expected_to_lose_too_much_are_left_out(made: DesignFront, tmp_path: Path) -> None:
    worst = made.extremes["energy_uj"].error
    assert worst <= made.max_error < 0.6  # halfway to the error of guessing
    limit = worst - 0.05
    fewer = neuronas.design_front(SPACE, out=tmp_path / "fewer", max_error=limit, **FEW)
    assert fewer.n_covered == made.n_covered and fewer.n_feasible < made.n_feasible
    assert fewer.extremes["energy_uj"].error <= limit == fewer.max_error
    assert fewer.extremes["error"] == made.extremes["error"]
    least = made.extremes["error"].error
    with pytest.raises(InfeasibleError, match=rf"has error {least:.1%} against a limit of {least / 2:.1%}"):
        neuronas.design_front(SPACE, out=tmp_path / "none", max_error=least / 2, **FEW)


def test_chips_are_judged_by_their_device_some_time_after_programming(tmp_path: Path) -> None:
    space = DesignSpace(channels=8, timesteps=2, weight_bits=4, bits_per_cell=(1, 2), adc_bits=(4, 6))
    given: dict[str, Any] = {**FEW, "device_model": "rram-wan-2022", "max_error": 1.0, "resolution": 0.0}
    least = {}
    for after in (None, "1s", "1d"):
        options = given if after else {**FEW, "max_error": 1.0, "resolution": 0.0}
        place = tmp_path / str(after)
        found = neuronas.design_front(space, out=place, **options, **({"after": after} if after else {}))
        rows = list(csv.DictReader((place / FRONT_TABLE).read_text().splitlines()))
        least[after] = min(float(row["error"]) for row in rows if row["bits_per_cell"] == "2")
        device = load_accelerator(str(place / found.files["accelerator"])).device
        assert device is not None and (device.model is None) == (after is None)
    assert least[None] < least["1s"] < least["1d"]


@pytest.mark.parametrize(
    ("axes", "options", "message"),
    [
        (
            {"crossbar_size": 32, "rows_per_read": 64},
            {},
            r"holds no chip .*\(rows_per_read above.*nearest: crossbar_size",
        ),
        ({}, {"fitness": "sahd"}, "fitness sahd given with a design space; expected path-and-size"),
        ({"channels": (4,)}, {"channels": 8}, "--channels given, and channels in the design space"),
        ({"weight_bits": 8}, {"weight_bits": "stem=8,A=4"}, "--weight-bits given, and weight_bits in the design space"),
        ({"weight_bits": 8}, {"weight_bits_choices": (4,)}, "--weight-bits-choices given, and weight_bits in"),
        ({"weight_bits": {"stem": 8, "A,B": [4, 6], "head": 8}}, {}, "reduction missing; expected bits for each of"),
        ({"weight_bits": {"stem": 8, "A.01,reduction,A,B": 4, "head": 8}}, {}, "A.01 not found in the network"),
        ({}, {"cost_model": "paper"}, "cost model paper given with a design space"),
        ({}, {"prefer": "cheap"}, "unknown preference 'cheap'"),
        ({}, {"resolution": 2.0}, "resolution 2 given; expected 0"),
        ({}, {"max_error": 0.0}, "max_error 0 given; expected a share above 0"),
        ({}, {"after": "1d"}, "after given, but .* do not change with time"),
        ({}, {"device_model": "rram-wan-2022", "after": "1ms"}, "unit"),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(
    axes: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        neuronas.design_front(DesignSpace(**axes), out=tmp_path / "run", **{**FEW, **options})
    assert "\n" not in str(error.value)


def test_the_page_shows_the_answer_and_every_chart(made: DesignFront) -> None:
    page = (made.directory / FRONT_PAGE).read_text()
    assert all(name in page for name in ("parallel", "pairs", "effects"))
    assert all(finding.partition(":")[0] in page for _, finding in answer(made))
    assert made.card().title == "design front"
    shades = set(front_page.GROUPS.values())
    for of_theme in (0, 1):
        assert len({PALETTE[shade[6:-1]][of_theme] for shade in shades}) == 2  # the chosen design stands out


def test_the_command_prints_the_document(neuronas: Neuronas, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("channels: 4\ntimesteps: 2\nweight_bits: 4\nadc_bits: [3, 4]\n")
    common = ("--algorithm", "snasnet", "--n-draws", "4", "--batch-size", "16", "--out", str(tmp_path / "run"))
    front = ("--design", str(file), "--front-prefer", "edap", *common, "--json")
    code, out, err = neuronas("design", *front, "--front-only")
    assert code == 0, err
    found = json.loads(out)
    assert found["prefer"] == "edap" and found["axes"]["adc_bits"] == ["3", "4"]
    assert json.loads((tmp_path / "run" / "front" / FRONT).read_text()) == found and found["limits"] == {}
    for given in (("--resume",), ()):
        code, _, err = neuronas("design", "--out", str(tmp_path / "run"), *given)
        assert code != 0 and "holds a front of networks and chips; repeat its command with --resume" in err
    code, _, err = neuronas("design", "--resolution", "0.1", "--dry-run")
    assert code == 2 and "without --design" in err


@pytest.mark.slow
@pytest.mark.parametrize("weight_bits", ["4", "{stem: 8, A: [4, 5], reduction: 4, B: 4, head: 6}"])
def test_the_design_is_made_for_the_chosen_chip_within_the_chosen_cost(
    weight_bits: str, neuronas: Neuronas, tmp_path: Path
) -> None:
    file, run = tmp_path / "space.yaml", tmp_path / "run"
    axes = f"channels: [4, 5]\ntimesteps: 2\nweight_bits: {weight_bits}\n"
    file.write_text(f"{axes}adc_bits: [4, 5]\nadcs_per_array: [8, 16]\n")
    few = ("--algorithm", "snasnet", "--n-draws", "12", "--batch-size", "16", "--finalists", "2", "--epochs", "1")
    small = ("--finalist-epochs", "1", "--finalist-images", "200", "--limit", "300", "--chips", "1")
    command = ("design", "--design", str(file), *few, *small, "--set", "data.n_test=60", "--out", str(run), "--json")
    code, out, err = neuronas(*command)
    assert code == 0, err
    found, front = json.loads(out), json.loads((run / "front" / FRONT).read_text())
    own = front["chosen"]
    assert found["front"] == {name: front[name] for name in found["front"]} and own["channels"] == found["channels"]
    assert own["weight_bits"] == found["weight_bits"]
    for name in ("energy_uj", "latency_ms", "area_mm2"):
        assert found["cost"][name] <= own[name] * 1.001
    chip = load_accelerator(str(run / "accelerator.yaml"))
    assert (chip.crossbar.size, chip.adc.bits) == (own["crossbar_size"], own["adc_bits"])
    assert "front: " in err
    page = (run / found["files"]["report"]).read_text()
    assert "budget by model paper" not in page and "budget by model mapped" in page
    assert "is kept by cost model" not in page
    assert "chosen from a front" in page and (run / found["files"]["front"]).is_file()
    code, again, err = neuronas(*command, "--resume")
    assert code == 0 and json.loads(again) == found and "already finished" in err, err
    code, again, _ = neuronas("design", "--resume", "--out", str(run), "--json")
    assert code == 0 and json.loads(again) == found


SMALL: dict[str, Any] = {
    "algorithm": "snasnet", "n_draws": 12, "batch_size": 16, "finalists": 2, "epochs": 1, "finalist_epochs": 1,
    "finalist_images": 200, "limit": 300, "chips": 1, "assignments": ("data.n_test=60",),
}  # fmt: skip
SMALL_SPACE = DesignSpace(channels=(4, 5), timesteps=2, weight_bits=4, adc_bits=(4, 5), adcs_per_array=(8, 16))


@pytest.fixture(scope="module")
def designed(tmp_path_factory: pytest.TempPathFactory) -> DesignResult:
    return neuronas.design(design_space=SMALL_SPACE, out=tmp_path_factory.mktemp("joint") / "run", **SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefer": "energy_uj"}, "front was made with other settings: prefer was knee, now energy_uj; choose another"),
        ({"resolution": 0.0}, "resolution was 0.01, now 0.0"),
        ({"max_error": 0.97}, r"max_error was 0\.\d+, now 0.97"),
        ({"max_area_mm2": 50}, "budget.max_area_mm2 was inf, now 50.0"),
        ({"error": ErrorPrior(7.0, 10)}, "its front was made with other settings: max_error was"),
        ({"error": ErrorPrior(7.0, 10), "max_error": "same"}, "its front was made with other settings; choose another"),
        ({"epochs": 2}, "was started with other settings: train.epochs was 1, now 2; choose another --out"),
        ({"chips": 2}, "chip.n_chips was 1, now 2"),
        ({"recipe": "fast"}, "train.recipe was default, now fast"),
        ({"n_draws": 13}, "search.n_draws was 12, now 13"),
        ({"hardware": "isaac-rram"}, "hardware.accelerator was spikeflow-rram, now isaac-rram"),
        ({"formats": ("c",)}, "was started with other settings: design.formats"),
    ],
)
def test_a_front_that_a_design_has_gone_on_from_does_not_change(
    options: dict[str, Any], message: str, designed: DesignResult
) -> None:
    run = designed.directory
    if options.get("max_error") == "same":
        options = {**options, "max_error": DesignFront.read(run / "front" / FRONT).max_error}
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.suffix != ".txt"}
    with pytest.raises(RunDirectoryError, match=message) as error:
        neuronas.design(design_space=SMALL_SPACE, out=run, resume=True, **{**SMALL, **options})
    assert "\n" not in str(error.value)
    assert files == {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.suffix != ".txt"}


@pytest.mark.slow
def test_a_design_of_network_and_chip_is_resumed_where_it_was_moved(
    designed: DesignResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(designed.directory, moved)
    monkeypatch.chdir(tmp_path)
    for out in (moved, "moved"):
        again = neuronas.design(design_space=SMALL_SPACE, out=out, resume=True, **SMALL)
        assert again.model_copy(update={"directory": designed.directory}) == designed
    assert neuronas.estimate(moved).cost == neuronas.estimate(designed.directory).cost


@pytest.mark.slow
def test_what_one_setting_within_the_cost_of_the_chosen_design_means_is_said(designed: DesignResult) -> None:
    assert "all others" not in " ".join(designed.reason)
    budgets = [row[-1] for row in alternatives_table(designed).rows]
    assert "costs more than the chosen design" in budgets and not any("--max" in one for one in budgets)


@pytest.mark.parametrize("given", [{"prefer": "edap"}, {"resolution": 0.1}, {"max_error": 0.5}])
def test_arguments_of_the_front_need_a_design_space(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="given without design_space"):
        neuronas.design(out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_a_directory_is_refused_by_its_own_name(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(RunDirectoryError, match=r"run: holds no design to resume; leave out --resume"):
        neuronas.design(design_space=SMALL_SPACE, out=run, resume=True, **SMALL)
    (run / "front").mkdir(parents=True)
    (run / "front" / SPACE_FILE).touch()
    with pytest.raises(RunDirectoryError, match=r"run: holds a design already; resume it with --resume"):
        neuronas.design(design_space=SMALL_SPACE, out=run, **SMALL)
    for file in ("config.yaml", "design/config.yaml"):
        other = tmp_path / file.replace("/", "-")
        (other / file).parent.mkdir(parents=True)
        (other / file).touch()
        with pytest.raises(RunDirectoryError, match="holds another run; choose another --out"):
            neuronas.design(design_space=SMALL_SPACE, out=other, **SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["made", "mixed"])
def test_the_chosen_design_is_trained_and_simulated_on_its_chip(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    front: DesignFront = request.getfixturevalue(which)
    place = front.directory
    neuronas.train(
        str(place / front.files["architecture"]), config=place / front.files["settings"], out=tmp_path / "run",
        epochs=1, limit=300,
    )  # fmt: skip
    simulated = neuronas.evaluate_on_chips(tmp_path / "run", chips=1, limit=40)
    assert simulated.model.adc_bits == front.chosen.adc_bits
    assert simulated.model.crossbar_size == front.chosen.crossbar_size
    bits = simulated.weight_bits
    assert all(bits_of(bits, part) == bits_of(front.chosen.weight_bits, part) for part in ("stem", "reduction"))
