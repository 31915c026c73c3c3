"""The schema of settings and everything derived from it: options, keywords, files, ``--set``, reference, stub."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import neuronas
from neuronas.api.setup.compose import plan
from neuronas.api.setup.settings import planned
from neuronas.cli.main import app, run
from neuronas.config import (
    REGISTRIES,
    SETTINGS,
    RunConfig,
    given,
    settings_for,
    value_at,
    with_assignments,
    with_options,
    with_value,
    written,
)
from neuronas.data.memory import InMemoryDataSet
from neuronas.errors import ConfigurationError
from neuronas.export.formats import BUILTIN

ROOT = Path(__file__).parent.parent
VERBS = ("design", "search", "estimate", "train", "evaluate", "export", "benchmark", "doctor")
ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


def test_reference_and_stub_are_current() -> None:
    """In a separate process, since other tests add data sets and measures to the registries."""
    script = "import json, generate_settings as made; print(json.dumps([made.reference(), made.stub()]))"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "docs", capture_output=True, text=True, check=True, encoding="utf-8"
    )
    names = ("docs/reference/settings.md", "src/neuronas/__init__.pyi")
    for name, text in zip(names, json.loads(ran.stdout), strict=True):
        assert (ROOT / name).read_text(encoding="utf-8") == text, "run docs/generate_settings.py"


def test_every_setting_can_be_resolved_written_and_read_again() -> None:
    config = plan(given({}, "test")).config
    for path in SETTINGS:
        assert value_at(config.model_dump(), path) is not None or SETTINGS[path].default is None
    again = plan(given(yaml.safe_load(yaml.safe_dump(config.model_dump())), "again")).config
    assert again == config


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_names_a_setting_once(verb: str) -> None:
    names = [one.name for one in SETTINGS.values() if verb in one.meaning.verbs]
    assert len(names) == len(set(names)) == len(settings_for(verb))


@pytest.mark.parametrize("verb", ["design", "search", "estimate", "train", "evaluate", "export", "doctor"])
def test_the_command_line_has_the_options_of_the_schema(verb: str) -> None:
    import typer

    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    options = {name for part in command.params for name in part.opts}
    for setting in settings_for(verb).values():
        assert (setting.flag in options) == setting.meaning.is_option, setting.path


def test_help_of_export_options_names_the_formats_that_read_them() -> None:
    for name, one in settings_for("export").items():
        if one.section == "export":
            reading = sorted(form for form, made in BUILTIN.items() if name in made.reads)
            assert reading and one.meaning.help.startswith(f"{', '.join(reading)}: "), name


def test_help_shows_choices_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "[path-and-size]" in shown
    assert "Random seed [0]." in shown
    assert "worker processes that evaluate candidates [none]." in shown
    assert "<bool>" not in shown  # a flag takes no value
    for name in REGISTRIES["algorithms"]:
        assert name in shown


def _options(command: Any) -> Iterator[Any]:
    yield from (part for part in command.params if part.param_type_name == "option" and not part.hidden)
    for child in getattr(command, "commands", {}).values():
        yield from _options(child)


def test_the_help_of_an_option_states_its_default_once() -> None:
    import typer

    without = {"--help", "--version", "--list", "--set", "--install-completion", "--show-completion"}
    for option in _options(typer.main.get_command(app)):
        if not (option.required or without & {*option.opts}):
            assert option.help.count(r"\[") == 1, option.opts
            assert option.default in (None, False) or not option.show_default, option.opts


def test_a_setting_without_an_option_can_be_set_in_four_ways(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("network: {tau: 1.5}\n")
    for found in (
        planned("search", {}, assignments=["network.tau=1.5"]),
        planned("search", {"tau": 1.5}),
        planned("search", {}, config={"network": {"tau": 1.5}}),
        planned("search", {}, config=RunConfig(network={"tau": 1.5})),
        planned("search", {}, config=file),
    ):
        assert found.config.network.tau == 1.5
        assert found.config == planned("search", {"tau": 1.5}).config


def test_options_stand_over_assignments_over_the_file() -> None:
    config = {"network": {"channels": 2, "timesteps": 2, "tau": 2.0}}
    found = planned("search", {"channels": 6}, config=config, assignments=["network.channels=4", "network.timesteps=4"])
    assert (found.config.network.channels, found.config.network.timesteps, found.config.network.tau) == (6, 4, 2.0)


def test_choices_of_a_design_have_one_order() -> None:
    """Resumed with its own choices, a design is the same however they are written."""
    ways = [{"channels_choices": "3,4"}, {"channels_choices": (4, 3)}]
    assert {given({"design": way}, "test").design.channels_choices for way in ways} == {(4, 3)}


@pytest.mark.parametrize("call", [neuronas.train, neuronas.load, neuronas.report, neuronas.fit, neuronas.estimate])
def test_what_is_no_path_is_one_line(call: Callable[[Any], Any]) -> None:
    for wrong in (3, None, ["run"], b"run"):
        with pytest.raises(ConfigurationError, match="expected") as raised:
            call(wrong)
        assert "\n" not in str(raised.value) and str(wrong)[:3] in str(raised.value)
    with pytest.raises(ConfigurationError, match="--out 3 given; expected text or a pathlib"):
        neuronas.search(out=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("network.tau", "expected KEY=VALUE"),
        ("network.tua=1", "unknown setting 'network.tua'; did you mean 'network.tau'"),
        ("network.tua=1", "(known: network.channels, network."),
        ("tua=1", "(known: seed, device, preset, plugins, space, train, "),
        ("network.tau=[", "not valid YAML"),
        ("network.tau=0.5", "given 0.5; expected more than 1"),
        ("data.mean=[0.5, 0.5]", "settings: data: expected mean with 1 number, one for each of image_channels 1"),
        ("network.tau=soon", "given 'soon'"),
        ("fitness.name=[1]", "expected the name of a fitness"),
        ("fitness.name=sadh", "unknown fitness 'sadh'; did you mean 'sahd'"),
        ("train.surrogate=none", "unknown surrogate 'none'"),
    ],
)
def test_what_cannot_be_set_is_one_line(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", ARCH, "--dry-run", "--set", text]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert words in err


def test_values_are_read_as_in_yaml() -> None:
    found = with_assignments({}, ["budget.max_energy_uj=inf", "fitness.exact=true", "search.n_draws=1e3"])
    assert found == {"budget": {"max_energy_uj": float("inf")}, "fitness": {"exact": True}, "search": {"n_draws": 1e3}}
    assert with_options({"seed": 1}, "train", {"seed": 3, "epochs": None}) == {"seed": 1, "train": {"seed": 3}}


def test_what_was_given_and_what_is_resolved_are_two_types() -> None:
    found = plan(given({"network": {"channels": 4}}, "test"))
    assert written(found.given) == {"network": {"channels": 4}}
    assert found.config.network.timesteps == 5
    assert type(found.given) is not type(found.config)


def test_not_square_images_are_heights_and_widths() -> None:
    for value in ("24x32", (24, 32), [24, 32]):
        assert planned("search", {"image_side": value}).config.data.image_side == (24, 32)
    assert planned("search", {"image_side": 24}).config.model_dump()["data"]["image_side"] == 24
    assert planned("search", {"image_side": "24x32"}).config.model_dump()["data"]["image_side"] == "24x32"
    with pytest.raises(ConfigurationError, match="HEIGHTxWIDTH such as 24x32"):
        planned("search", {"image_side": "24by32"})


def _plugin(folder: Path, factor: float) -> Path:
    path = folder / "mine.py"
    path.write_text(
        "import neuronas\n"
        "class Measure:\n"
        "    def read(self, patterns):\n"
        "        return patterns.rates.mean(dim=1)\n"
        "    def combine(self, architecture, n_cells, layers):\n"
        f"        return {factor} * sum(float(layer.total) / layer.count for layer in layers)\n"
        "def draws(space, random, settings):\n"
        "    yield [space.random_architecture(random) for _ in range(settings.n_draws)]\n"
        "plugin = neuronas.Plugin(fitness={'rate': Measure()}, algorithms={'some': draws})\n"
    )
    return path


Neuronas = Callable[..., tuple[int, str, str]]
SMALL = ("--channels", "2", "--batch-size", "8", "--n-draws", "8", "--quiet")


def test_a_plugin_serves_the_command_line_and_is_noticed_when_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forget_plugins: None
) -> None:
    from neuronas.config import plugins

    file, out = _plugin(tmp_path, 1.0), str(tmp_path / "run")
    options = ["--plugin", str(file), "--fitness", "rate", "--algorithm", "some", *SMALL, "--out", out]
    assert run(["search", *options]) == 0
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["plugins"] == [str(file)]
    capsys.readouterr()
    again = ["search", "--plugin", str(file), "--resume", "--out", out, "--quiet"]
    assert run(again) == 0
    for cached in (plugins._load, plugins._module):
        cached.cache_clear()
    for name in ("fitness", "algorithms"):
        for entry in list(REGISTRIES[name]._added):
            REGISTRIES[name].remove(entry)
    _plugin(tmp_path, 2.0)
    capsys.readouterr()
    assert run(again) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "its fitness was" in err and "choose another --out" in err


@pytest.mark.slow
def test_workers_load_the_plugins_of_a_run(tmp_path: Path, forget_plugins: None) -> None:
    file = _plugin(tmp_path, 1.0)
    options = ["--plugin", str(file), "--fitness", "rate", "--algorithm", "some", *SMALL]
    assert run(["search", *options, "--out", str(tmp_path / "one")]) == 0
    assert run(["search", *options, "--workers", "1", "--out", str(tmp_path / "two")]) == 0
    assert (tmp_path / "one" / "architecture.json").read_text() == (tmp_path / "two" / "architecture.json").read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.py", None, "is not a file"),
        ("empty.py", "", "holds no 'plugin'"),
        ("broken.py", "1/0", "ZeroDivisionError"),
        ("taken.py", "import neuronas\nplugin = neuronas.Plugin(fitness={'sahd': 1})", "exists already"),
        ("no_such_module", None, "No module named"),
    ],
)
def test_plugins_that_cannot_be_loaded_are_one_line(
    tmp_path: Path, name: str, content: str | None, words: str, capsys: pytest.CaptureFixture[str], forget_plugins: None
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    given_name = str(tmp_path / name) if name.endswith(".py") else name
    assert run(["search", "--plugin", given_name, "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert words in err


def test_objects_serve_where_names_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from own_fitness import SpikeEntropy
    finally:
        sys.path.pop(0)
    from neuronas.hardware.accelerator import load_accelerator
    from neuronas.search.algorithms.random_draws import random_draws

    space = neuronas.Space(operations=("skip", "conv_3x3"), cells=1)
    chip = load_accelerator("sram-65nm")
    few = {"channels": 2, "batch_size": 8, "n_draws": 6}
    found = neuronas.search(
        space=space, fitness=SpikeEntropy(), algorithm=random_draws, hardware=chip, out="run", **few
    )
    assert found.plan.config.fitness.name == "SpikeEntropy"
    assert found.plan.config.search.algorithm == "random_draws"
    assert (tmp_path / "run" / "space.yaml").is_file() and (tmp_path / "run" / "accelerator.yaml").is_file()
    # The run refers to its own copies of space and chip, and stores what it was made with.
    assert neuronas.estimate("run").cost == found.cost
    with pytest.raises(ConfigurationError, match="unknown algorithm 'random_draws'"):
        neuronas.search(out="run", resume=True)
    again = neuronas.search(out="run", resume=True, fitness=SpikeEntropy(), algorithm=random_draws)
    assert again.was_finished and again.text == found.text


def test_operations_of_a_plugin_are_known_before_anything_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forget_plugins: None
) -> None:
    file = tmp_path / "ops.py"
    file.write_text(
        "import neuronas\nfrom neuronas.space.operations import Convolution\n"
        "plugin = neuronas.Plugin(operations={'conv_9x9': Convolution('conv_9x9', kernel=9)})\n"
    )
    text = "|conv_9x9~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
    assert run(["estimate", text]) == 2
    assert "unknown operation 'conv_9x9'" in capsys.readouterr().err
    assert run(["estimate", text, "--plugin", str(file), "--json"]) == 0


def test_a_run_does_not_load_plugins_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forget_plugins: None
) -> None:
    from neuronas.config import plugins

    file, out = _plugin(tmp_path, 1.0), str(tmp_path / "run")
    assert run(["search", "--plugin", str(file), "--fitness", "rate", *SMALL, "--algorithm", "some", "--out", out]) == 0
    plugins._asked_for.clear()
    capsys.readouterr()
    for command in (["estimate", out], ["report", out], ["search", "--resume", "--out", out]):
        assert run(command) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert f"add --plugin {file} if you trust it" in err
    assert run(["report", out, "--plugin", str(file), "--json"]) == 0


@pytest.mark.parametrize("number", [np.int64(3), np.uint8(3), torch.tensor(3)])
def test_numbers_of_numpy_and_torch_are_numbers(number: Any) -> None:
    config = given(
        {"network": {"channels": number, "weight_bits": number}, "data": {"image_side": (number * 3,) * 2}}, ""
    )
    assert (config.network.channels, config.network.weight_bits, config.data.image_side) == (3, 3, (9, 9))
    assert type(config.network.channels) is int
    assert given({"data": {"mean": np.array([0.5, 0.25])}}, "").data.mean == (0.5, 0.25)
    with pytest.raises(ConfigurationError, match="expected a whole number"):
        given({"network": {"channels": np.float64(3.0)}}, "")


@pytest.mark.parametrize("path", ["data.name", "space", "hardware.accelerator", "fitness.name", "search.algorithm"])
@pytest.mark.parametrize("value", [np.zeros((2, 8, 8)), (np.zeros((2, 8, 8)), [0, 1]), object(), InMemoryDataSet, 3])
def test_an_object_of_another_kind_is_refused_in_one_line(path: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as raised:
        given(with_value({}, path, value), "settings")
    said = str(raised.value)
    assert said.startswith(f"settings: {path}: given ") and "or, in Python, a" in said and "\n" not in said
    assert path != "data.name" or "InMemoryDataSet(train=(images, labels))" in said
