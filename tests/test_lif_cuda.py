"""The CUDA kernels without a CUDA device: interpreted and compiled by Triton."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neuronas.snn.lif_cuda import fused_works, is_fused

triton = pytest.importorskip("triton", reason="Triton is not installed")
SCALARS = {"n": "i32", "x_stride": "i32", "n_steps": "i32", "tau": "fp32", "threshold": "fp32", "reset": "fp32"}
HOPPER = 90


@pytest.mark.slow
def test_kernels_agree_with_the_cpu() -> None:
    script = Path(__file__).parent / "support" / "interpreted_kernels.py"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def assembly(kernel: str, signature: dict[str, str], compiled_in: dict[str, object]) -> str:
    """Compile a kernel of ``lif_triton`` for a GPU, which need not be available."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from neuronas.snn import lif_triton

    constants = dict.fromkeys(compiled_in, "constexpr")
    source = ASTSource(fn=getattr(lif_triton, kernel), signature=signature | constants, constexprs=compiled_in)
    options = {"enable_fp_fusion": False}
    return str(triton.compile(source, target=GPUTarget("cuda", HOPPER, 32), options=options).asm["ptx"])


@pytest.mark.parametrize("values", ["*fp32", "*bf16"])
@pytest.mark.parametrize("has_state", [False, True])
def test_forward_compiles_without_contraction(values: str, has_state: bool) -> None:
    pointers = {"x_ptr": values, "spikes_ptr": "*u8", "state_ptr": "*fp32"}
    code = assembly("forward", pointers | SCALARS, {"HAS_STATE": has_state, "BLOCK": 1024})
    assert "div.rn.f32" in code  # division as on the CPU
    assert "fma" not in code and "div.full" not in code


@pytest.mark.parametrize("surrogate", range(5))
def test_backward_compiles(surrogate: int) -> None:
    pointers = {"x_ptr": "*bf16", "gradient_ptr": "*bf16", "found_ptr": "*bf16"}
    compiled_in = {"IS_CONSTANT": surrogate == 0, "SURROGATE": surrogate, "BLOCK": 1024}
    assert "ld.global" in assembly("backward", pointers | SCALARS | {"last": "i64", "decay": "fp32"}, compiled_in)


def test_the_cpu_has_no_use_for_them() -> None:
    assert not is_fused(torch.device("cpu")) and "given cpu" in fused_works(torch.device("cpu"))
