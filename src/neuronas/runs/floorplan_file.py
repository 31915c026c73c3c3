"""A floorplan as a document: ``estimate --floorplan FILE.json``."""

from typing import Literal, Self

from neuronas.hardware.floorplan import Floorplan
from neuronas.runs.document import Document, Share


class PlacedPE(Document):
    """One processing element in use: the utilisation of each of its crossbars."""

    crossbars: tuple[Share, ...]


class PlacedTile(Document):
    """One tile at column ``x`` and row ``y`` of the mesh; it holds weights of one layer."""

    x: int
    y: int
    layer: str
    pes: tuple[PlacedPE, ...]


class FloorplanFile(Document):
    """The smallest square chip for a network: ``side`` x ``side`` places for tiles, of which ``tiles`` are in use.

    ``tile_mm2``: the chip's area divided by its tiles in use.
    """

    format: Literal["neuronas-floorplan-1"] = "neuronas-floorplan-1"
    side: int
    n_pes_per_tile: int
    n_crossbars_per_pe: int
    crossbar_size: int
    tile_mm2: float
    tiles: tuple[PlacedTile, ...]

    @classmethod
    def of(cls, plan: Floorplan) -> Self:
        """The document of a floorplan."""
        tiles = (vars(tile) | {"pes": tuple(PlacedPE(crossbars=pe) for pe in tile.pes)} for tile in plan.tiles)
        return cls(**vars(plan) | {"tiles": tuple(PlacedTile(**tile) for tile in tiles)})
