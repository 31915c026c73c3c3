import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Set before torch is imported. Networks in tests are small: more threads take several times the processor time without
# being faster, and threads that spin while waiting multiply it again on a busy machine, by up to 8.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Compiled files are kept; otherwise every worker would compile all tests, and every command the whole package.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import typer

from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.kernels.library import native
from neuronas.machine import n_cores
from neuronas.space.shape import NetworkShape
from own_operations import registered

sys.dont_write_bytecode = False
gc.set_threshold(20_000)  # torch and others create a million objects, which would be scanned at every collection

# It takes more time than most commands, and a separate process also creates the command-line parser only once.
typer.main.get_command = cache(typer.main.get_command)

# The time of an example depends more on the machine's load than on the code.
settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)

# Background activity of a browser takes more processor time than the pages.
_NO_COMPANY = (
    "--disable-extensions", "--disable-component-extensions-with-background-pages", "--disable-component-update",
    "--disable-background-networking", "--disable-default-apps", "--disable-sync", "--no-first-run",
)  # fmt: skip
_MOST_PROCESSES = 8  # each takes about 1 GB
DATASETS = Path(__file__).parents[2] / "shared" / "datasets"


def pytest_configure(config: pytest.Config) -> None:
    """Number of examples: all in complete runs, fewer in quick ones; smaller tests use a part of ``max_examples``."""
    settings.load_profile("fast" if config.option.markexpr == "not slow" else "whole")
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        native()  # compiled once here, instead of by every process at the same time


@pytest.hookimpl(trylast=True)  # after the hooks that deselect tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect nightly tests unless requested; run slow files first, so that no process is idle at the end."""
    if "nightly" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    n, n_slow = Counter(item.path for item in items), Counter(i.path for i in items if i.get_closest_marker("slow"))
    items.sort(key=lambda item: (-n_slow[item.path], -n[item.path], item.path))


@pytest.hookimpl(optionalhook=True)  # also without the plug-in pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Test whole folders on all cores, single files in this process."""
    return 0 if any(".py" in argument for argument in config.args) else min(n_cores(), _MOST_PROCESSES)


@pytest.fixture(scope="session")
def accelerator() -> Accelerator:
    return load_accelerator("spikeflow-rram")


@pytest.fixture(scope="session")
def cifar_shape() -> NetworkShape:
    return NetworkShape(image_channels=3, image_side=32, n_classes=10, channels=128)


@pytest.fixture
def own_operations() -> Iterator[tuple[str, ...]]:
    """Operations that are not built in."""
    with registered() as names:
        yield names


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium with its driver, as packaged by Debian; tests are skipped without them."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium") or shutil.which("chrome"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *_NO_COMPANY):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    opened.set_window_size(1400, 1000)
    yield opened
    opened.quit()


@pytest.fixture
def neuronas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the command line inside an empty folder: neuronas('search', ...) -> (exit code, stdout, stderr)."""
    from neuronas.cli.main import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURONAS_DATA", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def forget_plugins() -> Iterator[None]:
    """Unregister plug-ins after the test, with everything that they added."""
    from neuronas.config import plugins
    from neuronas.config.registry import REGISTRIES

    yield
    plugins._asked_for.clear()
    for cached in (plugins._load, plugins._module):
        cached.cache_clear()
    for registry in REGISTRIES.values():
        for name in list(registry._added):
            registry.remove(name)


Neuronas = Callable[..., tuple[int, str, str]]


def chain(n_convolutions: int) -> str:
    """A cell of the space neuronas with this many convolutions."""
    names = ["conv_3x3"] * n_convolutions + ["skip"] * (6 - n_convolutions)
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*names)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount a small file system: mount(name, options)."""
    mounted = []

    def new(name: str, options: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("file systems cannot be mounted here")
        mounted.append(place)
        return place

    yield new
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)
