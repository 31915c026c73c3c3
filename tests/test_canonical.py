"""Equal keys mean equal functions, and equal functions have equal keys."""

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neuronas.space.canonical import architecture_key, genotype_key
from neuronas.space.genotype import Architecture, Edge, Genotype
from neuronas.space.notation import parse_genotype
from neuronas.space.spaces import Space, load_space
from strategies import forward_cells, neuronas_cells


def graph_of(cell: Genotype) -> tuple[object, ...]:
    """An independent normal form, by brute force over all permutations of the operations with weights.

    For one permutation, the value of a node is the number of times each atom is added after each chain of linear maps;
    an atom is the input, a named operation with weights, or a function of a value, written out recursively.
    """
    cell = cell.cleaned
    weighted = [number for number, edge in enumerate(cell.edges) if edge.kind.identity == "weights"]
    return min(_named(cell, dict(zip(weighted, order, strict=True))) for order in permutations(range(len(weighted))))


def _named(cell: Genotype, names: dict[int, int]) -> tuple[object, ...]:
    nodes: list[dict[tuple[str, tuple[str, ...]], int]] = [{("input", ()): 1}]
    rows = []
    for target in range(1, cell.n_nodes):
        total: dict[tuple[str, tuple[str, ...]], int] = {}
        for number, (low, high) in enumerate(cell.pairs):
            edge = cell.edges[number]
            if high != target or edge.kind.identity == "none":
                continue
            source = nodes[low]
            written = str(sorted(source.items()))
            match edge.kind.identity:
                case "weights":
                    added = {(f"weights {names[number]}", ()): 1}
                    rows.append((names[number], edge.operation, str(edge.threshold), written))
                case "function":
                    added = {(f"{edge.operation} of {written}", ()): 1}
                case "linear":
                    added = {(atom, (*chain, edge.operation)): n for (atom, chain), n in source.items()}
                case _:
                    added = source
            for term, n in added.items():
                total[term] = total.get(term, 0) + n
        nodes.append(total)
    return (*sorted(rows), str(sorted(nodes[-1].items())))


def test_keys_and_brute_force_agree_on_the_whole_neuronas_space() -> None:
    classes: dict[str, set[object]] = {}
    forms: dict[object, set[str]] = {}
    for cell in load_space("neuronas").genotypes():
        key, form = genotype_key(cell), graph_of(cell)
        classes.setdefault(key, set()).add(form)
        forms.setdefault(form, set()).add(key)
    assert all(len(found) == 1 for found in classes.values())
    assert all(len(found) == 1 for found in forms.values())
    assert len(classes) == 420


@settings(max_examples=200)
@given(forward_cells, forward_cells)
def test_keys_and_brute_force_agree(first: Genotype, second: Genotype) -> None:
    assert (genotype_key(first) == genotype_key(second)) == (graph_of(first) == graph_of(second))


@pytest.mark.parametrize("name", ["snasnet", "spikenas-bench"])
def test_keys_and_brute_force_agree_on_a_sample_of_other_spaces(name: str) -> None:
    rng = random.Random(5)
    space = load_space(name)
    cells = [space.random_genotype(rng) for _ in range(300)]
    by_key = {genotype_key(cell): graph_of(cell) for cell in cells}
    assert len(set(by_key.values())) == len(by_key)


@pytest.mark.parametrize(("n_nodes", "n_draws", "n_classes"), [(3, 216, 117), (4, 1500, 0), (5, 300, 0)])
def test_keys_and_brute_force_agree_with_max_pooling(n_nodes: int, n_draws: int, n_classes: int) -> None:
    names = ("none", "skip", "conv_3x3", "conv_1x1", "avg_pool_3x3", "max_pool_3x3")
    rng = random.Random(n_nodes)
    space = Space(operations=names, nodes=n_nodes)
    drawn = list(space.genotypes()) if n_nodes == 3 else [space.random_genotype(rng) for _ in range(n_draws)]
    # mostly operations without weights, so that equal functions occur and permutations are few
    drawn = [cell for cell in drawn if sum(edge.kind.identity == "weights" for edge in cell.edges) < 5]
    pairs = {(genotype_key(cell), graph_of(cell)) for cell in drawn}
    assert len({key for key, _ in pairs}) == len({form for _, form in pairs}) == len(pairs) < len(drawn)
    assert len(pairs) == n_classes or not n_classes


def test_max_pooling_the_same_value_twice_gives_the_same_and_is_not_linear() -> None:
    def key(first: str, second: str, last: str) -> str:
        return genotype_key(parse_genotype(f"|{first}~0|+|{second}~0|{last}~1|"))

    def deep(*names: str) -> str:
        return genotype_key(parse_genotype("|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*names)))

    # max(x) added twice is 2 max(x), in any position
    assert deep("skip", "max_pool_3x3", "max_pool_3x3", "none", "none", "skip") == deep(
        "max_pool_3x3", "none", "skip", "none", "skip", "skip"
    )
    # max(x) + max(x + x) has two atoms; the mean of the maximum is not the maximum of the mean
    assert key("max_pool_3x3", "none", "avg_pool_3x3") != key("avg_pool_3x3", "none", "max_pool_3x3")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # node 1 is a copy of the input, so edges 02 and 12 can be exchanged
        (
            "|skip~0|+|conv_3x3~0|skip~1|+|skip~0|skip~1|skip~2|",
            "|skip~0|+|skip~0|conv_3x3~1|+|skip~0|skip~1|skip~2|",
        ),
        # pooling is linear: pool(x) + pool(x) = 2 pool(x)
        (
            "|skip~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|none~0|none~1|skip~2|",
            "|avg_pool_3x3~0|+|none~0|skip~1|+|none~0|skip~1|skip~2|",
        ),
        # a node that leads nowhere
        (
            "|conv_3x3~0|+|none~0|none~1|+|skip~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip~0|none~1|none~2|",
        ),
    ],
)
def test_known_twins(first: str, second: str) -> None:
    assert genotype_key(parse_genotype(first)) == genotype_key(parse_genotype(second))


def test_sharing_a_convolution_is_not_doubling_it() -> None:
    shared = parse_genotype("|conv_3x3~0|+|none~0|skip~1|+|none~0|skip~1|skip~2|")  # 2 c(x)
    doubled = parse_genotype("|skip~0|+|none~0|none~1|+|conv_3x3~0|conv_3x3~1|none~2|")  # c(x) + d(x)
    assert genotype_key(shared) != genotype_key(doubled)


def evaluate(cell: Genotype, x: np.ndarray, seed: int) -> np.ndarray:
    """Run a cell with a random dense matrix and a nonlinearity for each convolution."""
    rng = np.random.default_rng(seed)
    weights = {k: rng.normal(size=(len(x), len(x))) for k in range(6)}
    pool = np.random.default_rng(99).normal(size=(len(x), len(x)))
    nodes = [x]
    for high in range(1, 4):
        total = np.zeros_like(x)
        for k, (low, target) in enumerate(cell.pairs):
            kind = cell.edges[k].kind.identity
            if target == high and kind != "none":
                source = nodes[low]
                total = total + (
                    source if kind == "copy" else pool @ source if kind == "linear" else weights[k] @ np.tanh(source)
                )
        nodes.append(total)
    return nodes[3]


@given(neuronas_cells, st.integers(0, 1000))
def test_cleaning_keeps_the_function(cell: Genotype, seed: int) -> None:
    edges = list(cell.edges)
    edges[2] = Edge("none")  # now node 2 may depend on node 0 only
    cell = Genotype(tuple(edges))
    x = np.random.default_rng(1).normal(size=5)
    np.testing.assert_allclose(evaluate(cell, x, seed), evaluate(cell.cleaned, x, seed))


def test_architecture_key_sees_the_order_of_cells() -> None:
    a = parse_genotype("|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|")
    b = parse_genotype("|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|")
    assert architecture_key(Architecture((a, b))) != architecture_key(Architecture((b, a)))
    assert len(architecture_key(Architecture((a, b)))) == 32
