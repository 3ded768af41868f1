"""Convolutions of rows are those of PyTorch, forwards and backwards, whatever the order in memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from musicae.core.networks.conv1d import RowConvolution, RowNorm, TransposedRowConvolution

PAIRS = (
    (RowConvolution, nn.Conv1d, (6, 8, 3, 1, 1)),
    (RowConvolution, nn.Conv1d, (6, 8, 4, 2, 1)),
    (TransposedRowConvolution, nn.ConvTranspose1d, (6, 8, 4, 2, 1)),
    (RowNorm, nn.GroupNorm, (1, 6)),
)


def both(ours, theirs, arguments, layout):
    """Outputs and gradients of a layer and of PyTorch's with the same weights."""
    torch.manual_seed(0)
    mine, reference = ours(*arguments).double(), theirs(*arguments).double()
    for parameter in reference.parameters():
        nn.init.normal_(parameter)
    mine.load_state_dict(reference.state_dict())
    x = torch.randn(5, 6, 16, dtype=torch.float64)
    results = []
    for layer in (mine, reference):
        given = (x.transpose(1, 2).contiguous().transpose(1, 2) if layout == "last" else x.clone()).requires_grad_()
        y = layer(given)
        y.square().sum().backward()
        results.append([y, given.grad, *(parameter.grad for parameter in layer.parameters())])
    return results


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize(("ours", "theirs", "arguments"), PAIRS)
def test_as_pytorch(ours, theirs, arguments, layout):
    for mine, reference in zip(*both(ours, theirs, arguments, layout), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("ours", "theirs", "arguments"), PAIRS)
def test_channels_stay_last_in_memory(ours, theirs, arguments):
    rows = torch.randn(5, 16, 6).transpose(1, 2)
    assert ours(*arguments)(rows).transpose(1, 2).is_contiguous()
