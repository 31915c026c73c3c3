"""The commands as used on the command line."""

import fcntl
import io
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from rich.text import Text

from conftest import Neuronas, chain
from neuronas.cli.main import Once, run
from neuronas.cli.tables import PlainTable
from neuronas.config import settings_for
from neuronas.runs.history_file import HistorySnapshot
from own_process import OwnProcess
from waiting import until

ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
SMALL = ("--algorithm", "snasnet", "--n-draws", 12, "--batch-size", 16, "--timesteps", 2)
COST_KEYS = {
    "architecture", "hardware", "cost_model", "weight_bits", "timesteps", "parameters", "memory_bits", "area_mm2",
    "latency_ms", "energy_uj", "components", "assumptions", "intervals", "other_model",
}  # fmt: skip
LAYER_KEYS = {
    "name", "kind", "in_channels", "out_channels", "kernel", "in_side", "out_side", "n_crossbars", "n_pes", "n_tiles",
    "utilisation", "area_mm2", "latency_ms", "energy_uj",
}  # fmt: skip
RESULT_KEYS = {
    "architecture", "fitness", "cost", "budget", "violations", "n_candidates", "n_evaluated", "rejected", "seconds",
    "peak_memory_mb", "seed", "dataset", "space", "algorithm", "expected_accuracy",
}  # fmt: skip


def test_estimate_json(neuronas: Neuronas) -> None:
    code, out, err = neuronas(
        "estimate", f"{chain(4)} / {chain(0)}", "--dataset", "cifar10", "--preset", "paper", "--json"
    )
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert set(document) == COST_KEYS | {"layers"}
    assert set(document["layers"][0]) >= LAYER_KEYS
    assert document["parameters"] == 888_192
    assert document["area_mm2"] == pytest.approx(51.08, abs=0.01)
    assert sum(layer["energy_uj"] for layer in document["layers"]) == pytest.approx(document["energy_uj"])
    assert document["hardware"] == "spikeflow-rram"


def test_estimate_table_names_every_layer_and_assumption(neuronas: Neuronas) -> None:
    code, out, err = neuronas("estimate", ARCH, "--dataset", "cifar10", "--preset", "paper")
    assert code == 0
    for text in ("stem", "A.01", "reduction", "B.23", "head.1", "not counted", "H-tree"):
        assert text in out
    assert "every convolution is costed as 3x3" in err


def test_files_that_were_written_are_named(neuronas: Neuronas) -> None:
    written = ("--floorplan", "chip.svg", "--out", "folder")
    code, _, err = neuronas("estimate", ARCH, *written, "--json")
    assert (code, err) == (0, "written: chip.svg\nwritten: folder/estimate.json\n")
    assert neuronas("estimate", ARCH, *written, "--quiet")[2] == ""


@pytest.mark.parametrize("command", [(), ("search",), ("reproduce",), ("reproduce", "hardware")])
def test_help_by_its_short_name(neuronas: Neuronas, command: tuple[str, ...]) -> None:
    code, out, err = neuronas(*command, "-h")
    assert (code, err, "Usage: neuronas" in out) == (0, "", True)
    assert out == neuronas(*command, "--help")[1]


def test_without_a_command_there_is_help(neuronas: Neuronas) -> None:
    code, out, err = neuronas()
    assert (code, err, "Usage: neuronas" in out) == (2, "", True)


def test_estimate_imports_no_torch() -> None:
    script = (
        "import sys; from neuronas.cli.main import run; "
        f"code = run(['estimate', {ARCH!r}, '--json']); "
        "sys.exit(code or int('torch' in sys.modules or 'jinja2' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def test_search_leaves_a_run(neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, err = neuronas("search", *SMALL, "--out", "run", "--json", "--max-energy-uj", 7)
    document = json.loads(out)
    assert code == 0
    assert set(document) == RESULT_KEYS
    assert set(document["cost"]) == COST_KEYS
    assert document["violations"] == {}
    assert document["cost"]["energy_uj"] <= 7
    assert document["budget"] == {
        "max_parameters": None,
        "max_area_mm2": None,
        "max_latency_ms": None,
        "max_energy_uj": 7,
    }
    assert document["n_candidates"] == 12
    run = tmp_path / "run"
    assert json.loads((run / "result.json").read_text()) == document
    assert {path.name for path in run.iterdir()} >= {
        "config.yaml", "environment.json", "history.sqlite", "result.json", "architecture.json", "log.txt",
    }  # fmt: skip
    assert yaml.safe_load((run / "config.yaml").read_text())["network"]["channels"] == 16
    assert "batch 1: 12 candidates" in err
    assert "done:" in (run / "log.txt").read_text()
    for arch in ("run", "run/architecture.json"):
        code, out, _ = neuronas("estimate", arch, "--json")
        assert code == 0
        assert json.loads(out)["architecture"] == document["architecture"]
    assert json.loads(neuronas("estimate", "run", "--json")[1])["energy_uj"] == document["cost"]["energy_uj"]


def test_search_for_people(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("search", *SMALL)
    assert code == 0
    for text in ("from node 0 (input)", "node 3 (output)", "margin", "fitness", "run: runs/digits-snasnet-"):
        assert text in out
    code, out, err = neuronas("search", *SMALL, "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("|")
    assert len(out.splitlines()) == 1


def test_same_seed_same_result_apart_from_times(neuronas: Neuronas) -> None:
    def result(*options: object) -> dict[str, object]:
        return without_times(neuronas("search", *SMALL, "--json", *options)[1])

    assert result("--seed", 5) == result("--seed", 5) != result("--seed", 6)


def test_options_override_the_file_and_the_space_its_channels(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("operations: [skip, conv_3x3]\nchannels: 6\ncells: 1\n")
    (tmp_path / "c.yaml").write_text("space: space.yaml\nseed: 3\nnetwork: {timesteps: 2, weight_bits: 4}\n")
    code, out, _ = neuronas("search", "--config", "c.yaml", "--weight-bits", 6, "--dry-run", "--json")
    settings = json.loads(out)["settings"]
    assert code == 0
    assert settings["network"]["weight_bits"] == 6
    assert (settings["network"]["timesteps"], settings["network"]["channels"], settings["seed"]) == (2, 6, 3)
    assert not (tmp_path / "runs").exists()


MISTAKES = [
    (("estimate", ARCH.replace("skip~1", "skap~1")), "unknown operation 'skap'"),
    (("estimate", "|skip~0|"), "expected 2 to 5 joined by '+'"),
    (("estimate", ARCH.replace("conv_3x3~1", "conv_3x3~2")), "not earlier than node 2"),
    (("estimate", "nowhere"), "expected an architecture"),
    (("estimate", ARCH, "--weight-bits", 1), "network.weight_bits: given '1'; expected 2 to 16"),
    (("estimate", ARCH, "--weight-bits", 20), "expected 2 to 16 (fixed point) or 32"),
    (("estimate", ARCH, "--max-area-mm2", -1), "budget.max_area_mm2: given -1.0"),
    (("estimate", ARCH, "--max-area-mm2", "nan"), "budget.max_area_mm2: given nan"),
    (("estimate", ARCH, "--max-area-mm2", "wide"), "--max-area-mm2"),
    (("estimate", ARCH, "--hardware", "spikeflow"), "did you mean 'spikeflow-rram'"),
    (("estimate", ARCH, "--hardware", "none.yaml"), "none.yaml: cannot be read"),
    (("estimate", ARCH, "--cost-model", "papers"), "did you mean 'paper'"),
    (("estimate", ARCH, "--dataset", "cifar"), "unknown data set 'cifar'"),
    (("estimate", ARCH, "--image-side", 2), "data.image_side: given '2'"),
    (("estimate", f"{ARCH} / {chain(1)} / {chain(2)}"), "3 cells given; this network has 2 places"),
    (("search", "--space", "neuronaz"), "did you mean 'neuronas'"),
    (("search", "--algorithm", "random"), "unknown algorithm 'random'"),
    (("search", "--fitness", "sadh"), "did you mean 'sahd'"),
    (("search", "--space", "snasnet-backward", "--timesteps", "1"), "expected at least 2"),
    (("search", "--dataset", "cifar10", "--channels", "8"), "looked for data/cifar-10-batches-bin/data_batch_1.bin"),
    (("search", "--dataset", "imagefolder:none"), "image folder none"),
    (("search", "--batch-size", 5000), "1,438 training images"),
    (("search", "--batch-size", 1), "fitness.batch_size: given 1"),
    (("search", "--config", "bad.yaml"), "unknown key 'network.weight_bit'; did you mean 'weight_bits'"),
    (("search", "--config", "typed.yaml"), "network.timesteps: given '5'"),
    (("search", "--resume"), "--resume needs --out"),
    (("search", "--resume", "--out", "empty"), "holds no run to resume"),
    (("search", "--device", "tpu"), "device: given 'tpu'"),
    (("search", "--cluster", "slurm"), "engine.cluster: given 'slurm'; expected ray or ray:ADDRESS"),
    (("search", "--dataset", "empty"), "for the images in 'empty' give --dataset imagefolder:empty"),
    (("reproduce", "search-time", "--scale", "tiny"), "'--scale': 'tiny' is not one of 'small', 'medium', 'full'"),
    (("reproduce", "proxy-benchmark", "--labels", "absent.csv"), "absent.csv: cannot be read (No such file"),
    (("reproduce", "proxy-benchmark", "--labels", "absent.csv"), "expected a CSV file with the columns id, op_01"),
    (("compare", "empty"), "1 run given; expected two or more"),
    (("compare", "empty", "empty/../empty"), "run 'empty/../empty' given twice"),
    (("compare", "absent", "empty"), "'absent' given, which does not exist; expected a run directory"),
    (("compare", "empty", "absent"), "'empty' given, which holds no config.yaml; expected a run directory"),
    (("train", ARCH, "--resume", "--out", "empty"), "holds no run to resume; leave out --resume"),
    (("serach",), "No such command"),
    (("search", "--sead", "1"), "No such option"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_get_one_line_and_exit_2(neuronas: Neuronas, tmp_path: Path, arguments, message: str) -> None:
    (tmp_path / "bad.yaml").write_text("network: {weight_bit: 8}\n")
    (tmp_path / "typed.yaml").write_text("network: {timesteps: '5'}\n")
    (tmp_path / "empty").mkdir()
    code, out, err = neuronas(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert err.startswith("neuronas: ")


def test_all_accelerators_are_compared_by_estimate_alone(neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, err = neuronas("estimate", ARCH, "--hardware", "all", "--json", "--weight-bits", 4)
    assert (code, err, len(json.loads(out)["chips"]) > 3) == (0, "", True)
    (tmp_path / "all.yaml").write_text("hardware: {accelerator: all}\nnetwork: {weight_bits: 4}\n")
    key = "hardware.accelerator"
    for words in (
        ("--set", f"{key}=all", "--weight-bits", 4), ("--set", f"{key}=x", "--set", f"{key}=all", "--weight-bits", 4),
        ("--config", "all.yaml"), ("--config", "all.yaml", "--set", f"{key}=sram-65nm", "--hardware", "all"),
    ):  # fmt: skip
        assert neuronas("estimate", ARCH, "--json", *words) == (code, out, err)
    one = neuronas("estimate", ARCH, "--hardware", "sram-65nm", "--json", "--weight-bits", 4)
    assert neuronas("estimate", ARCH, "--json", "--config", "all.yaml", "--hardware", "sram-65nm") == one
    code, _, err = neuronas("estimate", ARCH, "--set", f"{key}=all", "--floorplan", "x.svg")
    assert (code, "expected one accelerator" in err) == (2, True)
    code, _, err = neuronas("search", "--hardware", "all", "--dry-run")
    assert (code, err.count("\n")) == (2, 1)
    assert "accelerator 'all' given; expected one: " in err and "only 'neuronas estimate' compares 'all'" in err


@pytest.mark.parametrize("words", [("--json",), ("--json", "hardware"), ("--list", "silicon")])
def test_options_in_front_of_an_experiment_are_not_lost(neuronas: Neuronas, words: tuple[str, ...]) -> None:
    code, out, err = neuronas("reproduce", *words)
    assert (code, out) == (2, "") and f"{words[0]} given" in err


def test_impossible_budget(neuronas: Neuronas) -> None:
    code, out, err = neuronas("search", *SMALL, "--max-latency-ms", 0.001, "--quiet")
    assert (code, out) == (3, "")
    assert "none of 12 candidates fits the budget; the closest misses latency: " in err
    assert len(err.splitlines()) == 1


def test_changed_architecture_file(neuronas: Neuronas, tmp_path: Path) -> None:
    neuronas("search", *SMALL, "--out", "run", "--quiet")
    file = tmp_path / "run" / "architecture.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"architecture": ARCH}))
    code, _, err = neuronas("estimate", "run")
    assert (code, "were changed" in err or "was changed" in err) == (4, True)
    for text in ("{", "[1]", '{"architecture": 3}'):
        file.write_text(text)
        assert neuronas("estimate", "run")[0] == 4


def test_a_run_is_not_overwritten_and_other_settings_do_not_resume_it(neuronas: Neuronas) -> None:
    assert neuronas("search", *SMALL, "--out", "run")[0] == 0
    code, _, err = neuronas("search", *SMALL, "--out", "run")
    assert (code, "resume it with --resume" in err) == (2, True)
    code, _, err = neuronas("search", *SMALL, "--out", "run", "--resume", "--seed", 9)
    assert (code, "seed was 0, now 9" in err) == (2, True)
    assert neuronas("search", *SMALL, "--out", "run", "--resume")[0] == 0


def test_two_searches_on_one_run_directory(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(1234, file=lock, flush=True)
        code, _, err = neuronas("search", *SMALL, "--out", "run")
    assert (code, "another neuronas is working in it (process 1234; 'kill 1234' ends it" in err) == (2, True)


def test_unwritable_run_directory(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = neuronas("search", *SMALL, "--out", "file/run")
    assert (code, "cannot be written" in err) == (2, True)


def test_corrupt_images_are_skipped_when_asked(neuronas: Neuronas, tmp_path: Path) -> None:
    from test_data import write_image

    for name in "ab":
        for number in range(12):
            write_image(tmp_path / "photos" / name / f"{number}.png", 20 * number, (8, 8))
    for path in sorted((tmp_path / "photos" / "a").iterdir())[:4]:
        path.write_bytes(b"broken")
    base = ("search", *SMALL, "--dataset", "imagefolder:photos", "--image-side", 8, "--channels", 4, "--json")
    code, _, err = neuronas(*base)
    assert (code, "cannot be decoded" in err) == (2, True)
    code, out, _ = neuronas(*base, "--skip-corrupt", "--batch-size", 12)
    assert code == 0
    assert json.loads(out)["dataset"] == "imagefolder:photos"


def test_doctor(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 0
    assert checks["torch"]["ok"]
    assert not checks["data set cifar10"]["ok"]
    assert "--download" in checks["data set cifar10"]["advice"]
    assert "missing" in neuronas("doctor")[1]


LONGER = ("search", "--algorithm", "snasnet", "--n-draws", "150", "--batch-size", "32")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The result of LONGER."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run([*LONGER, "--quiet", "--out", str(folder)]) == 0
    return without_times((folder / "result.json").read_text())


def without_times(result: str) -> dict[str, object]:
    return {key: value for key, value in json.loads(result).items() if key not in {"seconds", "peak_memory_mb"}}


@pytest.mark.slow  # test_crash.py has a quick test
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_and_resumed_gives_the_identical_result(
    neuronas: Neuronas, undisturbed: dict[str, object], tmp_path: Path, name: signal.Signals
) -> None:
    process = OwnProcess(*LONGER, "--out", "cut", folder=tmp_path)
    history = tmp_path / "cut" / "history.sqlite-wal"
    until(lambda: history.exists() and history.stat().st_size > 40_000)
    os.kill(process.pid, name)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if name == signal.SIGKILL else 130)
    if name != signal.SIGKILL:
        assert err.splitlines()[-1] == "neuronas: interrupted"
        assert "--resume --out cut" in err
    assert not (tmp_path / "cut" / "result.json").exists()
    code, out, _ = neuronas(*LONGER, "--json", "--out", "cut", "--resume")
    assert (code, without_times(out)) == (0, undisturbed)


def test_resume_takes_its_settings_from_the_run(neuronas: Neuronas, tmp_path: Path) -> None:
    assert neuronas("search", *SMALL, "--channels", 6, "--out", "run", "--quiet")[0] == 0
    first = json.loads((tmp_path / "run" / "result.json").read_text())
    (tmp_path / "run" / "result.json").unlink()
    code, _, err = neuronas("search", "--resume", "--out", "run", "--memory-limit", 1, "--data-dir", "elsewhere")
    assert (code, "Error" in err) == (0, False)
    second = json.loads((tmp_path / "run" / "result.json").read_text())
    assert {**second, "seconds": 0, "peak_memory_mb": 0} == {**first, "seconds": 0, "peak_memory_mb": 0}


def test_a_finished_search_is_not_gone_on_with(neuronas: Neuronas, tmp_path: Path) -> None:
    small = ("--algorithm", "exhaustive", "--space", "tiny.yaml", "--batch-size", 16, "--timesteps", 2, "--channels", 4)
    (tmp_path / "tiny.yaml").write_text("operations: [skip, conv_3x3]\ncells: 1\n")
    assert "batch 1:" in neuronas("search", *small, "--out", "run")[2]
    run = tmp_path / "run"
    first = (run / "result.json").read_bytes()
    again = ("search", "--resume", "--out", "run")
    code, out, err = neuronas(*again, "--json")
    assert (code, json.loads(out)) == (0, json.loads(first))
    assert err == "note: the search in run was already finished; this is its answer\n"
    assert neuronas(*again, "--quiet")[2] == ""
    assert (run / "result.json").read_bytes() == first
    (run / "result.json").unlink()
    code, out, _ = neuronas(*again, "--json", "--prefer", "parameters")
    other = json.loads(out)
    assert other["architecture"] != json.loads(first)["architecture"]
    assert other["seconds"] == json.loads(first)["seconds"]


@pytest.mark.parametrize("name", ["seconds", "peak_memory_mb"])
@pytest.mark.parametrize("value", ["inf", "long"])
def test_a_history_that_counts_no_number(neuronas: Neuronas, tmp_path: Path, name: str, value: str) -> None:
    assert neuronas("search", *SMALL, "--out", "run", "--quiet")[0] == 0
    database = sqlite3.connect(tmp_path / "run" / "history.sqlite")
    database.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
    database.commit()
    database.close()
    code, _, err = neuronas("search", "--resume", "--out", "run")
    assert (code, "history.sqlite: holds other values" in err, err.count("\n")) == (4, True, 1)


def test_a_search_without_an_answer_is_not_called_finished(neuronas: Neuronas) -> None:
    assert neuronas("search", *SMALL, "--out", "run", "--max-latency-ms", 0.001)[0] == 3
    code, _, err = neuronas("search", "--resume", "--out", "run")
    assert (code, "already finished" in err, "batch 1:" in err) == (3, False, True)


def test_a_history_without_its_settings_is_not_reused(neuronas: Neuronas, tmp_path: Path) -> None:
    neuronas("search", *SMALL, "--out", "run", "--quiet")
    (tmp_path / "run" / "config.yaml").unlink()
    code, _, err = neuronas("search", *SMALL, "--out", "run", "--fitness", "hamming")
    assert (code, "holds results but no config.yaml" in err) == (2, True)


def test_a_hardware_file_that_changed_does_not_resume(neuronas: Neuronas, tmp_path: Path) -> None:
    preset = Path(sys.modules["neuronas"].__file__).parent / "hardware" / "presets" / "spikeflow-rram.yaml"
    (tmp_path / "mine.yaml").write_text(preset.read_text())
    assert neuronas("search", *SMALL, "--hardware", "mine.yaml", "--out", "run", "--quiet")[0] == 0
    (tmp_path / "mine.yaml").write_text(preset.read_text().replace("value: 250", "value: 1"))
    code, _, err = neuronas("search", "--resume", "--out", "run")
    assert (code, "was changed since" in err) == (2, True)


@pytest.mark.parametrize("verb", [("search",), ("train", ARCH)])
def test_a_dry_run_finds_out_that_there_is_no_such_device(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, out, err = neuronas(*verb, "--dry-run", "--device", "cuda")
    assert (code, out, "torch finds no CUDA device; expected cpu or auto" in err) == (2, "", True)
    assert neuronas(*verb, "--dry-run", "--device", "cpu")[0] == 0
    if verb == ("search",):  # the machines of a cluster have their own devices
        assert neuronas(*verb, "--dry-run", "--device", "cuda", "--cluster", "ray")[0] == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "verb", [("search",), ("design", "--channels", 4, "--set", "train.batch_size=2"), ("train", ARCH)]
)
def test_a_dry_run_counts_the_images_of_each_class(
    neuronas: Neuronas, tmp_path: Path, verb: tuple[object, ...]
) -> None:
    for split, name, n in (("train", "a b", 5), ("train", "ü", 3), ("test", "a b", 2)):
        folder = tmp_path / "photos" / split / name
        folder.mkdir(parents=True)
        for number in range(n):
            (folder / f"{number}.png").write_bytes(b"not read")
    given = (*verb, "--dataset", "imagefolder:photos", "--dry-run", "--batch-size", 4)
    code, out, _ = neuronas(*given, "--json")
    assert code == 0
    assert json.loads(out)["images"] == {"classes": ["a b", "ü"], "train": [5, 3], "test": [2, 0]}
    if verb[0] != "train":  # which prints JSON always
        out = neuronas(*given)[1]
        assert "images: 8 (3 to 5 of each class) for training, 2 (0 to 2 of each class) for testing; 2 classes" in out
        assert "without test images: ü" in out
        code, _, err = neuronas(*given, "--batch-size", 9)
        assert (code, "8 training images given; expected at least 9" in err) == (2, True)
    (tmp_path / "photos" / "train" / "empty").mkdir()
    code, _, err = neuronas(*given)
    assert (code, "train/empty: holds no images" in err) == (2, True)


def test_a_dry_run_says_why_it_counts_no_images(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("search", "--dataset", "cifar10", "--dry-run")
    assert (code, "cifar10: not found" in out, "add --download" in out) == (0, True, True)


def test_dry_run_without_limits(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("search", "--algorithm", "snasnet", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["settings"]["budget"]["max_area_mm2"] is None


def test_names_that_look_like_markup(neuronas: Neuronas) -> None:
    code, out, _ = neuronas("search", *SMALL, "--out", "b[/b][red]")
    assert code == 0
    assert "run: b[/b][red]" in out


def test_a_run_without_result_is_explained(neuronas: Neuronas, tmp_path: Path) -> None:
    neuronas("search", *SMALL, "--out", "run", "--max-latency-ms", 0.001)
    code, _, err = neuronas("estimate", "run")
    assert (code, "has no result yet" in err, "nothing fits" in err) == (2, True, True)


def test_commands_take_the_common_options_and_say_which_have_no_effect(
    neuronas: Neuronas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for command, without_effect in (
        (("estimate", ARCH, "--out", "out"), ["seed", "device"]), (("fit", ARCH), ["seed", "device"]),
        (("doctor", "--out", "out"), ["seed"]), (("search", "--dry-run"), []), (("train", ARCH, "--dry-run"), []),
    ):  # fmt: skip
        caplog.clear()
        assert neuronas(*command, "--seed", 1, "--device", "cpu", "--quiet")[0] == 0
        said = [one.getMessage() for one in caplog.records]
        assert said == [f"--{name} has no effect with this command" for name in without_effect], command
        shown = neuronas(command[0], "--help")[1]
        assert [name for name in ("seed", "device") if f"--{name} " not in shown] == without_effect
    assert json.loads((tmp_path / "out" / "estimate.json").read_text())["parameters"] > 0
    assert json.loads((tmp_path / "out" / "doctor.json").read_text())["checks"]


def test_doctor_checks_the_device_that_is_asked_for(neuronas: Neuronas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    def found(device: str) -> dict[str, bool]:
        checks = json.loads(neuronas("doctor", "--device", device, "--json")[1])["checks"]
        return {one["name"]: one["ok"] for one in checks if one["name"].startswith("cuda")}

    assert found("auto") == {"cuda device": True}
    assert found("cuda") == {"cuda device": False}
    assert found("cpu") == {}


OTHER_VALUES = {
    "preset": "paper", "space": "three.yaml", "dataset": "mnist", "image_side": "16", "image_channels": "1",
    "channels": "6", "timesteps": "3", "weight_bits": "4", "head": "linear", "hardware": "isaac-rram",
    "cost_model": "paper", "schedule": "pipelined-over-timesteps", "replication": "2", "activity": "forecast",
    "firing_rate": "0.2", "max_parameters": "10", "max_area_mm2": "1", "max_latency_ms": "0.01",
    "max_energy_uj": "0.1", "confidence": "0.9", "event_values": "binary", "event_window_ms": "7", "event_sensor": "40",
    "event_crop": "8",
}  # fmt: skip
"""A value of each option of ``estimate`` that is not its default."""
BESIDE = {
    "image_channels": ("--dataset", "imagefolder:photos"), "confidence": ("--max-energy-uj", 200),
    "firing_rate": ("--activity", "rate", "--firing-rate", 0.1),
    **{name: ("--dataset", "events:recordings") for name in OTHER_VALUES if name.startswith("event")},
}  # fmt: skip
"""Options with which it has an effect."""


def test_every_option_of_estimate_has_an_effect(neuronas: Neuronas, tmp_path: Path) -> None:
    assert neuronas("example-files")[0] == 0
    (tmp_path / "three.yaml").write_text("operations: [skip, conv_3x3, avg_pool_3x3]\ncells: 3\n")
    settings = {name: one for name, one in settings_for("estimate").items() if one.meaning.is_option}
    assert set(OTHER_VALUES) == set(settings) - {"plugin", "trace"}, "these need a file each, and have their own tests"
    for name, value in OTHER_VALUES.items():
        base = ("estimate", ARCH, *BESIDE.get(name, ()))
        (code, without, err), (_, with_it, said) = neuronas(*base), neuronas(*base, settings[name].flag, value)
        assert code == 0, err
        assert with_it and with_it != without, (name, said)


@pytest.mark.parametrize(
    "name",
    [
        "torch",
        pytest.param("spikingjelly", marks=pytest.mark.slow),
        *(pytest.param(name, marks=pytest.mark.nightly) for name in ("sklearn", "PIL")),
    ],
)
def test_doctor_and_search_explain_a_missing_package(tmp_path: Path, name: str) -> None:
    search = ["search", *(["--engine", "reference"] if name == "spikingjelly" else [])]  # only this engine needs it
    script = (
        f"import sys; sys.modules[{name!r}] = None; from neuronas.cli.main import run; "
        f"sys.exit((run(['doctor']), run({search!r})) != (0, 2))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "missing" in done.stdout
    assert "neuronas doctor" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: !!bool x", "not valid YAML"),
        ('seed: !!int ""', "not valid YAML"),
        ("seed: !!timestamp foo", "not valid YAML"),
        ("network:", "network: given None; expected 'key: value' lines"),
        ("network: [1]", "network: given [1]; expected 'key: value' lines"),
        ("seed: true", "seed: given True"),
        ("seed: 99999999999999999999999999999", "seed: given"),
        ("budget: {max_area_mm2: .nan}", "budget.max_area_mm2: given nan"),
    ],
)
def test_odd_settings_files(neuronas: Neuronas, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    code, _, err = neuronas("estimate", ARCH, "--config", "odd.yaml")
    assert (code, len(err.splitlines())) == (2, 1)
    assert message in err


def test_numbers_in_yaml_as_people_write_them(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("budget: {max_parameters: 10e6, max_energy_uj: 1e3}\n")
    _, out, _ = neuronas("search", "--config", "c.yaml", "--dry-run", "--json")
    assert json.loads(out)["settings"]["budget"]["max_parameters"] == 10e6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 250", "value: -250", "clock_mhz: given -250; expected a number between"),
        ("value: 250", "value: 1.0e-320", "expected a number between"),
        ("value: 250", "value: " + "9" * 400, "expected a number between"),
        ("clock_mhz:", "clock_hz:", "did you mean 'clock_mhz'"),
        ("{value: 64, source", "{value: 64.5, source", "whole number"),
        ("{value: 8, source", "{valeu: 8, source", "given {'valeu': 8, 'source': "),
        ("{value: 8, source", "{valeu: 8, source", "expected a number, or {value: NUMBER"),
    ],
)
def test_mistakes_in_a_hardware_file(neuronas: Neuronas, tmp_path: Path, old: str, new: str, message: str) -> None:
    preset = Path(sys.modules["neuronas"].__file__).parent / "hardware" / "presets" / "spikeflow-rram.yaml"
    (tmp_path / "mine.yaml").write_text(preset.read_text().replace(old, new, 1))
    code, _, err = neuronas("estimate", ARCH, "--hardware", "mine.yaml")
    assert (code, len(err.splitlines())) == (2, 1)
    assert message in err


@pytest.mark.slow
def test_a_processor_with_fewer_instructions_finds_the_same(neuronas: Neuronas, tmp_path: Path) -> None:
    """Compares the fast engine with PyTorch restricted to no vector instructions."""
    settings = ("search", "--algorithm", "snasnet", "--n-draws", "20", "--batch-size", "16", "--quiet", "--json")
    code, out, _ = neuronas(*settings, "--out", tmp_path / "fast")
    assert code == 0
    slow = subprocess.run(  # torch selects its instructions on import
        [sys.executable, "-m", "neuronas", *settings, "--engine", "reference", "--out", str(tmp_path / "slow")],
        env=os.environ | {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert json.loads(out)["fitness"] == json.loads(slow.stdout)["fitness"]
    found = []
    for name in ("fast", "slow"):
        history = HistorySnapshot(tmp_path / name / "history.sqlite")
        found.append(history.fitness(screened=False))
        history.close()
    assert found[0] == found[1] and len(found[0]) > 10


def test_a_search_that_cannot_start_leaves_nothing(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert neuronas("search", "--prefer", "knee", "--out", "run")[0] == 2
    assert neuronas("search", "--resume", "--out", "run")[0] == 2
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "neuronas.search.algorithms.selection", raising=False)
    code, _, err = neuronas("search", "--algorithm", "evolution", "--out", "run")
    assert code == 2 and "pip install 'neuronas[evolution]'" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [("estimate",), ("train",), ("evaluate",), ("export", "--format", "integer")])
def test_a_folder_that_is_no_run_is_wrong_usage(neuronas: Neuronas, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "photos").mkdir()
    code, _, err = neuronas(*verb, "photos")
    assert code == 2 and "expected a run directory" in err and err.count("\n") == 1


def test_a_warning_is_printed_once() -> None:
    printed = io.StringIO()
    handler, log = logging.StreamHandler(printed), logging.getLogger("neuronas.test_cli")
    handler.addFilter(Once())
    log.addHandler(handler)
    try:
        for name in ("a", "b", "a"):
            log.warning("skipped: %s", name)
    finally:
        log.removeHandler(handler)
    assert printed.getvalue() == "skipped: a\nskipped: b\n"


def test_a_narrow_terminal_leaves_out_no_digit() -> None:
    table = PlainTable()
    for title in ("architecture", "parameters"):
        table.add_column(title)
    table.add_row("x" * 200, "888,192")
    text = io.StringIO()
    Console(file=text, width=80, soft_wrap=True).print(table)
    assert "x" * 200 + "  888,192" in text.getvalue() and "…" not in text.getvalue()


def test_a_table_is_aligned_by_the_width_of_its_characters_and_shows_every_name_as_it_is() -> None:
    table = PlainTable()
    table.add_column("name")
    table.add_column("score", justify="right")
    table.add_column("note")
    for row in (("漢字", "1.5", ":x:"), ("two\nlines", Text("12", "bold red")), ("[b]", "3", "long enough")):
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=80, soft_wrap=True, markup=False).print(table)
    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        "name   score  note",
        "漢字     1.5  :x:",
        "two       12",
        "lines",
        "[b]        3  long enough",
    ]


def test_an_interrupt_while_the_command_is_loaded_is_one_line() -> None:
    program = (
        "import sys\nclass Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'neuronas.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\nfrom neuronas.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "neuronas: interrupted\n")


def test_an_interrupt_while_a_class_is_made_has_the_exit_code_of_any_other(tmp_path: Path) -> None:
    interrupted = "\n    try: exec('raise KeyboardInterrupt')\n    except KeyboardInterrupt: "
    (tmp_path / "late.py").write_text(
        f"from neuronas.cli import main\ndef run(arguments):{interrupted}return 130\nmain.run = run\nmain.main()\n"
    )
    (tmp_path / "early.py").write_text(
        "import sys\nclass Interrupt:\n  def find_spec(self, name, path=None, target=None):\n"
        "    if name == 'neuronas.cli.main': exec('raise KeyboardInterrupt')\n"
        "sys.meta_path.insert(0, Interrupt())\nfrom neuronas.__main__ import main\nmain()"
    )
    for module in ("late", "early"):
        done = subprocess.run([sys.executable, "-m", module], cwd=tmp_path, timeout=60, capture_output=True)
        assert done.returncode == 130


@pytest.mark.parametrize("late", ["SIGINT", "SIGTERM"])
def test_a_signal_after_the_answer_changes_nothing(late: str) -> None:
    command = (
        "import atexit, os, signal, sys; "
        f"atexit.register(lambda: os.kill(os.getpid(), signal.{late})); "
        "sys.argv = ['neuronas', '--version']; from neuronas.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("neuronas ")


def test_a_random_search_goes_on_with_more_draws(neuronas: Neuronas, tmp_path: Path) -> None:
    draws = ("--algorithm", "snasnet", "--batch-size", 16, "--timesteps", 2, "--channels", 4, "--seed", 3)
    assert neuronas("search", *draws, "--n-draws", 6, "--out", "run", "--quiet")[0] == 0
    code, out, _ = neuronas("search", "--resume", "--out", "run", "--n-draws", 14, "--json")
    whole = json.loads(neuronas("search", *draws, "--n-draws", 14, "--out", "whole", "--json")[1])
    longer = json.loads(out)
    assert (code, longer["n_candidates"]) == (0, 14)
    for key in ("architecture", "fitness", "n_evaluated", "cost"):
        assert longer[key] == whole[key]
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["search"]["n_draws"] == 14
    code, _, err = neuronas("search", "--resume", "--out", "run", "--n-draws", 6)
    assert (code, "search.n_draws was 14, now 6" in err) == (2, True)
    assert neuronas("search", "--resume", "--out", "run", "--json")[1] == out  # finished again
