"""Convolutions over steps that a CPU runs at the speed of its matrix units.

A batch of rows `[batch, channels, steps]` is one picture of `batch` lines, and a kernel that is one line high keeps the
lines apart: the same numbers, but as one long convolution of a picture, channels last, instead of many short ones. On a
CPU that multiplies bf16 a training step takes half the time. On other devices these are PyTorch's own layers; the
weights are theirs too.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def as_picture(rows: torch.Tensor) -> torch.Tensor:
    """`[batch, channels, steps]` as one picture `[1, channels, batch, steps]`, channels last in memory."""
    return rows.transpose(1, 2).contiguous().unsqueeze(0).permute(0, 3, 1, 2)


def as_rows(picture: torch.Tensor) -> torch.Tensor:
    """The way back."""
    return picture.permute(0, 2, 3, 1)[0].transpose(1, 2)


class RowConvolution(nn.Conv1d):
    """`nn.Conv1d`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]` to the same."""
        if x.device.type != "cpu":
            return super().forward(x)
        stride, padding = (1, *self.stride), (0, *self.padding)
        return as_rows(functional.conv2d(as_picture(x), self.weight.unsqueeze(2), self.bias, stride, padding))


class TransposedRowConvolution(nn.ConvTranspose1d):
    """`nn.ConvTranspose1d`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]` to the same."""
        if x.device.type != "cpu":
            return super().forward(x)
        stride, padding, weight = (1, *self.stride), (0, *self.padding), self.weight.unsqueeze(2)
        return as_rows(functional.conv_transpose2d(as_picture(x), weight, self.bias, stride, padding))


class RowNorm(nn.GroupNorm):
    """`nn.GroupNorm` over one group that leaves the order in memory as it is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]` or `[batch, channels, height, width]` to the same."""
        return super().forward(x) if x.dim() == 4 else super().forward(x.unsqueeze(2)).squeeze(2)
