"""Equal keys mean equal functions, and functions that are equal get equal keys."""

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuronas.space.canonical import architecture_key, genotype_key
from neuronas.space.genotype import NODE_PAIRS, Architecture, Edge, Genotype
from neuronas.space.notation import parse_genotype
from neuronas.space.spaces import load_space
from strategies import forward_cells, neuronas_cells


def graph_of(cell: Genotype) -> tuple[object, ...]:
    """An independent normal form: the set of all (multi-)paths, with convolutions named by what they do.

    A cell's function is fixed by how often each chain of operations leads from the input to each convolution and
    to the output; poolings commute with sums. Convolutions are named 0..k-1 in every possible way and the
    smallest adjacency is taken, by brute force over all namings.
    """
    cell = cell.cleaned
    convolutions = [k for k, edge in enumerate(cell.edges) if edge.kind.is_convolution]
    ends = {"out": 3} | {k: NODE_PAIRS[k][0] for k in convolutions}

    def walks(node: int) -> dict[tuple[object, int], int]:
        found: dict[tuple[object, int], int] = {("in", 0): 1} if node == 0 else {}
        for k, (low, high) in enumerate(NODE_PAIRS):
            edge = cell.edges[k]
            if high != node or edge.operation == "none":
                continue
            if edge.kind.is_convolution:
                found[(k, 0)] = found.get((k, 0), 0) + 1
            else:
                pooled = int(edge.kind.kind == "pool")
                for (source, depth), count in walks(low).items():
                    found[(source, depth + pooled)] = found.get((source, depth + pooled), 0) + count
        return found

    sums = {end: walks(node) for end, node in ends.items()}
    forms = []
    for order in permutations(range(len(convolutions))):
        name = dict(zip(convolutions, order, strict=True))
        rows = []
        for end, terms in sums.items():
            row = sorted((str(name.get(source, source)), depth, count) for (source, depth), count in terms.items())
            edge = None if end == "out" else cell.edges[end]
            label = ("out",) if edge is None else (str(name[end]), edge.operation, str(edge.threshold))
            rows.append((label, tuple(row)))
        forms.append(tuple(sorted(rows)))
    return min(forms)


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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # node 1 is a copy of the input, so edges 02 and 12 may change places
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
    """Run a cell with a random dense matrix and a nonlinearity for each convolution, named by canonical order."""
    rng = np.random.default_rng(seed)
    weights = {k: rng.normal(size=(len(x), len(x))) for k in range(6)}
    pool = np.random.default_rng(99).normal(size=(len(x), len(x)))
    nodes = [x]
    for high in range(1, 4):
        total = np.zeros_like(x)
        for k, (low, target) in enumerate(NODE_PAIRS):
            kind = cell.edges[k].kind.kind
            if target == high and kind != "none":
                source = nodes[low]
                total = total + (
                    source if kind == "skip" else pool @ source if kind == "pool" else weights[k] @ np.tanh(source)
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
