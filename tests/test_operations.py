"""Every operation from search to export, in cells of any size and with images of any size."""

from pathlib import Path

import pytest

import neuronas
from neuronas.config.registry import OPERATIONS

NEW = ("max_pool_3x3", "dwconv_3x3")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_its_equation(name: str) -> None:
    assert OPERATIONS[name].name == name
    assert "x" in OPERATIONS[name].equation or not OPERATIONS[name].connects


@pytest.mark.parametrize(("nodes", "side"), [(3, "8x11"), pytest.param(5, 8, marks=pytest.mark.slow)])
def test_from_search_to_export(nodes: int, side: int | str, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(f"operations: [skip, conv_1x1, {', '.join(NEW)}]\nnodes: {nodes}\ncells: 2\n")
    shared = {"space": str(space), "image_side": side, "channels": 12, "head": "gap"}
    options = {"algorithm": "snasnet", "n_draws": 8, "batch_size": 8, "cost_model": "mapped", "exact": True}
    fast, reference = (
        neuronas.search(**shared, **options, engine=engine, out=str(tmp_path / engine))
        for engine in ("fast", "reference")
    )
    assert fast.found == reference.found
    groups = ("|".join(f"{NEW[(low + high) % 2]}~{low}" for low in range(high)) for high in range(1, nodes))
    cell = "+".join(f"|{group}|" for group in groups)
    run = str(tmp_path / "trained")
    trained = neuronas.train(cell, **shared, epochs=2, limit=300, out=run)
    assert trained.epochs == 2
    chips = neuronas.evaluate_on_chips(run, chips=2, limit=20)
    assert chips.hardware
    for form in ("integer", "onnx"):
        assert neuronas.export(run, form)
