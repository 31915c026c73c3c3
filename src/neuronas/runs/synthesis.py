"""What generated hardware takes on an FPGA, as Yosys counts it."""

from neuronas.runs.document import Document


class Synthesis(Document):
    """Cells of an FPGA. That a design synthesises does not say that it closes timing.

    Attributes:
        program: that counted, with its version.
        target: family of FPGAs.
        luts: look-up tables.
        flip_flops: registers of one bit.
        dsps: multipliers (DSP48E1).
        block_rams: block RAMs of 18 and of 36 Kibit.
        block_ram_bits: bits of all block RAMs.
        cells: how many of each kind, all together.
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
        """In a line for people."""
        return (
            f"on a {self.target} FPGA, by {self.program}: {self.luts:,} LUTs, {self.flip_flops:,} flip-flops, "
            f"{self.dsps:,} DSP48E1, {self.block_rams:,} block RAMs of {self.block_ram_bits:,} bits"
        )
