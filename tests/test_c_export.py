"""Exported C programs compute the same as the interpreter of integer networks, bit for bit."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuronas.config import ExportConfig
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.c_format import STRICT, compiled, computed, write_c
from neuronas.export.c_program import C99Program
from neuronas.export.formats import format_named
from neuronas.export.integer_network import IntegerNetwork
from neuronas.export.round_trip import export_network
from neuronas.export.storage import storage
from neuronas.export.verification import compare_integers, integer_result
from neuronas.kernels.compiler import find_compiler
from neuronas.space.node_operations import Sum
from random_networks import Case, cases
from test_export import BACKWARD, CONV, DEAD, FORMS, POOLS, THRESHOLDS, UNREACHED, content_of, make_network

SANITISED = ("-O1", "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined,address", "-fno-sanitize-recover")


def pixels_of(network: IntegerNetwork, n: int = 40) -> torch.Tensor:
    shape = (n, *network.graph.nodes[0].shape)
    steps = (network.timesteps,) if network.graph.is_sequence else ()
    return torch.randint(0, 256, steps + shape, generator=torch.Generator().manual_seed(5)).byte()


def check(case: Case, options: tuple[str, ...], folder: Path) -> None:
    write_c(case.content, folder)
    program = compiled((find_compiler("C"), *options), folder, folder, "run.c")
    network = case.content.integers
    pixels = pixels_of(network)
    found = computed((str(program),), pixels, folder)
    compare_integers("program", integer_result(network, pixels), found, network.neuron_layers)


@pytest.mark.parametrize("case", cases(2) + cases(2, sequence=True), ids=str)
def test_programs_of_random_networks_are_free_of_undefined_behaviour(case: Case, tmp_path: Path) -> None:
    check(case, SANITISED, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases(20) + cases(12, sequence=True), ids=str)
def test_programs_of_networks_of_all_spaces(case: Case, tmp_path: Path) -> None:
    check(case, STRICT, tmp_path)


KINDS = [
    (f"{CONV} / {POOLS}", "fixed", "linear"), (THRESHOLDS, "sixteen", "linear"), (BACKWARD, "fixed", "gap"),
    (UNREACHED, "fixed", "gap"), (DEAD, "fixed", "gap"), (CONV, "four", "gap"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form", "head"), KINDS)
def test_values_that_are_needed_share_no_place(text: str, form: str, head: str) -> None:
    """Replays a time step: no layer overwrites a value that is still needed."""
    network = content_of(make_network(text, FORMS[form], head)).integers
    plan, written = storage(network), dict[tuple[int, int], str]()
    for first in (True, False):
        for node in plan.nodes:
            if node.name in network.graph.static and not first:
                continue
            for link in node.links:
                if link.delayed or link.source not in plan.values:
                    continue
                place = plan.values[link.source]
                owners = {written[place.bits, number] for number in range(place.offset, place.offset + place.size)}
                assert len(owners) == 1, (node.name, link.source)
                assert plan.values[owners.pop()] == place
            place = plan.values[node.name]
            assert place.offset + place.size <= plan.sizes[place.bits]
            written |= {(place.bits, number): node.name for number in range(place.offset, place.offset + place.size)}


def test_an_export_is_compiled_and_tests_itself(tmp_path: Path) -> None:
    network = make_network(CONV)
    place = tmp_path / "program"
    found = export_network(network, content_of(network), format_named("c"), place)
    assert (found.largest_difference, found.n_images, found.n_tied) == (0, 8, 0)
    for target, said in (("run", ""), ("test", "8 inputs, 0 differences")):
        made = subprocess.run(["make", "-s", target], cwd=place, capture_output=True, text=True, check=True)
        assert made.stdout.strip() == said
        assert not made.stderr
    (place / "odd.bin").write_bytes(bytes(200))
    for arguments in (["odd.bin"], ["absent"], []):
        made = subprocess.run(["./run", *arguments], cwd=place, capture_output=True, text=True, check=False)
        assert made.returncode == 2
        assert "expected" in made.stderr
    source = place / "neuronas.c"
    codes = source.read_text().index("codes_1[")
    text = source.read_text()
    first = text.index("    ", text.index("{", codes) + 1)
    source.write_text(text[:first] + "    1, " + text[first:].strip().split(",", 1)[1])
    with pytest.raises(VerificationError, match="spikes differ"):
        format_named("c").load()[1](place, pixels_of(content_of(network).integers, 1))


def test_limits_name_the_layer_and_its_bytes(tmp_path: Path) -> None:
    content = content_of(make_network(CONV, head="linear"))
    memory = C99Program(content.integers).memory()
    flash, ram = sum(row.flash_bytes for row in memory), sum(row.ram_bytes for row in memory)
    assert flash >= sum(one.codes.size for one in content.integers.weights.values())
    write_c(
        replace(content, settings=ExportConfig(max_flash_kib=flash / 1024, max_ram_kib=ram / 1024)), tmp_path / "fits"
    )
    for options, said in (
        (
            ExportConfig(max_flash_kib=1.0),
            r"--max-flash 1 KiB given; the constants need [\d.]+ KiB, most .* layer \S+: [\d,]+",
        ),
        (ExportConfig(max_ram_kib=1.0), r"--max-ram 1 KiB given; the values and state need .* layer \S+: [\d,]+ bytes"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            write_c(replace(content, settings=options), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_sum_of_one_value_takes_no_place() -> None:
    network = content_of(make_network(CONV)).integers
    plan = storage(network)
    assert "A.0" not in {node.name for node in plan.nodes}
    assert plan.values["A.0"] == plan.values["stem"]
    assert isinstance(network.graph.by_name["A.0"].operation, Sum)
