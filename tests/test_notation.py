import pytest
from hypothesis import given

from neuronas.errors import ArchitectureError
from neuronas.space.genotype import Architecture, Edge
from neuronas.space.notation import format_architecture, parse_architecture
from strategies import any_architectures

CELL = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


@given(any_architectures)
def test_text_and_value_round_trip(architecture: Architecture) -> None:
    assert parse_architecture(format_architecture(architecture)) == architecture


def test_text_is_canonical() -> None:
    assert format_architecture(parse_architecture(f"  {CELL} /{CELL}")) == CELL


def test_thresholds_and_backward_edges_are_read() -> None:
    cell = parse_architecture("|conv_3x3@0.5~0|+|skip^0|none~1|+|skip~0|none~1|conv_1x1^2|").cells[0]
    assert cell.edges[0] == Edge("conv_3x3", 0.5)
    assert cell.edges[1] == Edge("skip", backward=True)
    assert cell.edges[5] == Edge("conv_1x1", backward=True)


def test_equal_cells_are_one() -> None:
    cell = parse_architecture(CELL).cells[0]
    assert Architecture((cell, cell)) == Architecture((cell,))
    assert hash(Architecture((cell, cell))) == hash(Architecture((cell,)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 2 to 5 joined by"),
        ("|skip~0|", "1 node group"),
        (CELL.replace("conv_3x3~0", "conv_3x4~0"), "unknown operation 'conv_3x4'; did you mean 'conv_3x3'?"),
        (CELL.replace("conv_3x3~1", "conv_3x3~3"), "comes from node 3, which is not earlier than node 2"),
        (CELL.replace("skip~1", "skip~0"), "stands where the edge of node 1 belongs"),
        (CELL.replace("|skip~0|", "|"), "cell 1, node 2"),
        (CELL.replace("skip~0", "skip"), "expected OPERATION~SOURCE"),
        (CELL + " / " + "|skip~0|", "cell 2: 1 node group"),
        (CELL.replace("conv_3x3~0", "conv_3x3@0~0"), "expected a number above 0"),
        (CELL.replace("conv_3x3~0", "conv_3x3@1e~0"), "threshold '1e' given"),
        (CELL.replace("skip~0", "skip@1~0"), "has no neurons"),
        (CELL.replace("skip~0", "none^0"), "has no direction"),
        ("|" * 20_000, "20,000 characters"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(ArchitectureError) as raised:
        parse_architecture(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
