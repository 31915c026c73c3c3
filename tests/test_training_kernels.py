"""Mean pooling and batch normalisation in training kernels compared with PyTorch in float64."""

import pytest
import torch
from hypothesis import example, given, strategies as st
from torch.nn import functional as F  # noqa: N812

from neuronas.kernels.library import native
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.mean_pooling import mean_pooled
from neuronas.snn.native import is_native
from neuronas.snn.normalisation import MOMENTUM, BatchNorm, statistics_kept
from neuronas.space.node_operations import Pool

pytestmark = pytest.mark.skipif(native().library is None, reason=native().reason)
CHANNELS = st.sampled_from([8, 16, 24, 40, 64])


@given(
    st.integers(1, 3), CHANNELS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3),
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(0, 10**6),
)  # fmt: skip
@example(2, 8, 16, 16, 3, 3, 1, 1, 1, 0)  # as in cells
@example(2, 16, 6, 10, 2, 2, 2, 2, 0, 0)  # as in the reduction
def test_mean_pooling(
    n: int,
    channels: int,
    height: int,
    width: int,
    rows: int,
    columns: int,
    down: int,
    right: int,
    padding: int,
    seed: int,
) -> None:
    padding = min(padding, rows // 2, columns // 2)
    if height + 2 * padding < rows or width + 2 * padding < columns:
        return  # no window fits
    pool = Pool((rows, columns), (down, right), padding)
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(n, channels, height, width, generator=random, requires_grad=True)
    plain = {"kernel_size": pool.kernel, "stride": pool.stride, "padding": padding}
    found, wide = mean_pooled(x, pool), x.detach().double().requires_grad_()
    assert torch.equal(found, F.avg_pool2d(x.contiguous(memory_format=torch.channels_last), **plain))
    expected = F.avg_pool2d(wide, **plain)
    given_back = torch.randn(found.shape, generator=random)
    (gradient,) = torch.autograd.grad(found, x, given_back)
    (exact,) = torch.autograd.grad(expected, wide, given_back.double())
    torch.testing.assert_close(gradient.double(), exact, rtol=1e-5, atol=1e-6)


@given(st.integers(1, 40), CHANNELS, st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
@example(3, 8, 19, 9, 0)  # more pixels than a chunk
def test_batch_normalisation(n: int, channels: int, height: int, width: int, seed: int) -> None:
    if n * height * width < 4:
        return  # division by (nearly) 0 amplifies rounding
    random, norm = torch.Generator().manual_seed(seed), BatchNorm(channels)
    x = torch.randn(n, channels, height, width, generator=random, requires_grad=True)
    assert is_native(x)
    with torch.no_grad():
        norm.weight.uniform_(generator=random), norm.bias.normal_(generator=random)
    inputs = [x, norm.weight, norm.bias]
    wide = [one.detach().double().requires_grad_() for one in inputs]
    running = [torch.zeros(channels).double(), torch.ones(channels).double()]
    given_back = torch.randn(x.shape, generator=random)
    with statistics_kept():
        norm(x)
    assert norm.running_mean.count_nonzero() == 0
    found = norm(x)
    expected = F.batch_norm(wide[0], *running, *wide[1:], training=True, momentum=MOMENTUM, eps=EPSILON)
    pairs = zip(
        (found, norm.running_mean, norm.running_var, *torch.autograd.grad(found, inputs, given_back)),
        (expected, *running, *torch.autograd.grad(expected, wide, given_back.double())),
        strict=True,
    )
    for one, other in pairs:
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


def test_one_value_cannot_be_normalised() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm(8)(torch.zeros(1, 8, 1, 1))


def test_what_is_not_native() -> None:
    assert not is_native(torch.zeros(2, 12, 4, 4))
    assert not is_native(torch.zeros(2, 8, 4, 4).bfloat16())
    assert not is_native(torch.zeros(2, 8, 4, 4, dtype=torch.float64))
    assert not is_native(torch.zeros(2, 8))
