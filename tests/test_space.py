import random
from pathlib import Path

import pytest

from neuronas.config import SPACES
from neuronas.errors import ArchitectureError, ConfigurationError
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import Workload, rows


@pytest.mark.parametrize(
    ("name", "n_genotypes", "n_architectures"),
    [
        ("neuronas", 3**6, 531_441),
        ("spikenas", 3**6, 531_441),
        ("snasnet", 4 * 5**5, 4 * 5**5),
        ("snasnet-backward", 4 * 9**5, 4 * 9**5),
        ("spikenas-bench", 5**6, 15_625),
    ],
)
def test_sizes(name: str, n_genotypes: int, n_architectures: int) -> None:
    space = load_space(name)
    assert (space.n_genotypes, space.n_architectures) == (n_genotypes, n_architectures)
    if n_genotypes < 20_000:
        assert len(set(space.genotypes())) == n_genotypes


@pytest.mark.parametrize("name", list(SPACES))
def test_draws_lie_in_their_space_and_follow_the_seed(name: str) -> None:
    space = load_space(name)
    draws = [[space.random_architecture(random.Random(seed)) for _ in range(20)] for seed in (1, 1, 2)]
    for architecture in draws[0]:
        space.check(architecture)
    assert draws[0] == draws[1] != draws[2]


def test_own_space_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("operations: [skip, conv_5x5]\nthresholds: [0.5, 2]\nchannels: 8\ncells: 3\nshared_cell: true\n")
    space = load_space(str(file))
    assert len(space.edge_choices) == 3
    assert (space.channels, space.cells, space.n_architectures) == (8, 3, 3**6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("operations: [conv_3x33]", "did you mean 'conv_3x3'"),
        ("operations: []", "operations"),
        ("operations: [none]", "at least one operation that connects"),
        ("operations: [skip, skip]", "given twice"),
        ("operation: [skip]", "unknown key 'operation'; did you mean 'operations'"),
        ("operations: [skip]\ncells: 0", "cells: given 0"),
        ("operations: [skip]\nthresholds: [-1]", "thresholds"),
        ("operations: [skip]\noperations: [skip]", "key given twice"),
        ("operations: &a [skip]\nsource: *a", "aliases"),
        ("- skip", "expected 'key: value' lines"),
        ("operations: [", "not valid YAML"),
    ],
)
def test_mistakes_in_a_space_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_space(str(file))
    assert message in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_space_and_missing_file() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'neuronas'"):
        load_space("neuronaz")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_space("nowhere.yaml")


def test_check_names_the_edge() -> None:
    with pytest.raises(ArchitectureError, match=r"cell 1, node 1: 'conv_5x5~0' is not in this space"):
        load_space("neuronas").check(parse_architecture("|conv_5x5~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"))


def test_layer_table_of_a_small_network() -> None:
    architecture = parse_architecture(
        "|conv_1x1~0|+|none~0|avg_pool_3x3~1|+|skip~0|none~1|conv_5x5~2| / "
        "|skip~0|+|none~0|none~1|+|none~0|skip~1|none~2|"
    )
    table = rows(architecture, NetworkShape(1, 28, 7, 16, head_width=64))
    columns = ("name", "kind", "in_channels", "out_channels", "kernel", "in_side", "out_side")
    table = [row for row in table if not row.name.endswith("pool") and row.kind != "add"]
    assert [tuple(getattr(row, column) for column in columns) for row in table] == [
        ("stem", "conv", 1, 16, 3, 28, 28),
        ("A.01", "conv", 16, 16, 1, 28, 28),
        ("A.12", "avg_pool", 16, 16, 3, 28, 28),
        ("A.23", "conv", 16, 16, 5, 28, 28),
        ("reduction", "conv", 16, 32, 3, 28, 28),
        ("head.1", "linear", 32 * 7 * 7, 64, 1, 1, 1),
        ("head.2", "linear", 64, 70, 1, 1, 1),
    ]  # fmt: skip


def test_dead_edges_are_no_layers() -> None:
    dead = parse_architecture("|conv_3x3~0|+|conv_3x3~0|none~1|+|skip~0|none~1|none~2|")
    shape = NetworkShape(3, 32, 10, 16)
    assert [row.name for row in rows(dead, shape) if row.kind == "conv"] == ["stem", "reduction"]


def test_large_images_are_halved_by_the_stem() -> None:
    stem = Workload(NetworkShape(3, 64, 200, 128), 4).slots[0].choices[1][0]
    assert (stem.stride, stem.in_side, stem.out_side) == (2, 64, 32)


def test_images_too_small_for_the_cells_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected at least 16"):
        NetworkShape(3, 8, 10, 16, n_cells=4)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("|conv_3x3~0|+|conv_3x3~0|conv_3x3~1|+|conv_3x3~0|conv_3x3~1|conv_3x3~2|", 3),
        ("|conv_3x3~0|+|none~0|skip~1|+|skip~0|none~1|avg_pool_3x3~2|", 1),
        ("|skip~0|+|skip~0|none~1|+|none~0|skip~1|avg_pool_3x3~2|", 0),
        ("|conv_3x3~0|+|none~0|conv_3x3~1|+|skip~0|none~1|none~2|", 0),  # the convolutions lead nowhere
    ],
)
def test_depth_is_the_most_convolutions_on_one_path(text: str, depth: int) -> None:
    assert parse_architecture(text).cells[0].depth == depth
