"""FPGA resources of generated hardware, as counted by Yosys."""

from neuronas.runs.document import Document

CELL_GROUPS = {"luts": "LUTs", "flip_flops": "flip-flops", "dsps": "DSP48E1", "block_rams": "block RAMs"}
"""Groups of cells, by attribute of ``Synthesis``, with their names in reports."""


class Synthesis(Document):
    """Cells of an FPGA. Successful synthesis does not imply timing closure.

    Attributes:
        program: synthesis program and its version.
        target: FPGA family.
        luts: look-up tables.
        flip_flops: registers of one bit.
        dsps: multipliers (DSP48E1).
        block_rams: block RAMs of 18 and of 36 Kibit.
        block_ram_bits: bits of all block RAMs.
        cells: number of cells of each kind.
    """

    program: str
    target: str
    luts: int
    flip_flops: int
    dsps: int
    block_rams: int
    block_ram_bits: int
    cells: dict[str, int]

    @property
    def text(self) -> str:
        """The resources in one line."""
        groups = ", ".join(f"{getattr(self, group):,} {name}" for group, name in CELL_GROUPS.items())
        return f"on a {self.target} FPGA, by {self.program}: {groups} of {self.block_ram_bits:,} bits"
