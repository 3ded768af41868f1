"""Residual convolutions for pictures and rolls: the same code for one dimension (steps) and two (pixels, piano rolls).

The encoder halves the resolution from scale to scale and flattens the coarsest one; the decoder goes the same way up,
and the latent vector reaches every one of its blocks as a scale and a shift (FiLM, Perez et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from musicae.core.networks.conv1d import RowConvolution, RowNorm, TransposedRowConvolution
from musicae.errors import ConfigError

CONVOLUTION = {1: RowConvolution, 2: nn.Conv2d}
TRANSPOSED = {1: TransposedRowConvolution, 2: nn.ConvTranspose2d}


def coarsest(size: Sequence[int], halvings: int) -> tuple[int, ...]:
    """The size after so many halvings; every side must halve evenly on the way.

    Raises:
        ConfigError: a side does not.
    """
    factor = 2**halvings
    if any(side % factor for side in size):
        raise ConfigError(f"size {tuple(size)} cannot be halved {halvings} times: give fewer widths")
    return tuple(side // factor for side in size)


class Block(nn.Module):
    """Two convolutions around a nonlinearity, added to the input; `z` scales and shifts what enters.

    Args:
        dimensions: 1 or 2.
        width: channels.
        latent: size of `z`, or 0 for a block that reads none.
    """

    def __init__(self, dimensions: int, width: int, latent: int = 0):
        super().__init__()
        convolution = CONVOLUTION[dimensions]
        self.norm = RowNorm(1, width)
        self.first = convolution(width, width, 3, padding=1)
        self.second = convolution(width, width, 3, padding=1)
        self.film = nn.Linear(latent, 2 * width) if latent else None

    def forward(self, x: torch.Tensor, z: torch.Tensor | None = None) -> torch.Tensor:
        """`[batch, width, *size]` to the same shape."""
        hidden = self.norm(x)
        if self.film is not None:
            scale, shift = self.film(z).view(len(x), -1, *[1] * (x.dim() - 2)).chunk(2, 1)
            hidden = hidden * (1 + scale) + shift
        return x + self.second(functional.silu(self.first(hidden)))


class ConvolutionalEncoder(nn.Module):
    """Data `[batch, channels, *size]` to features `[batch, features]`.

    Args:
        channels: of the data.
        size: of the data: `(steps,)` or `(height, width)`.
        widths: channels at each scale, finest first; each scale has half the resolution of the one before.
        blocks: residual blocks at each scale.
        full_resolution: whether the first scale has the resolution of the data; if not, half of it.
    """

    def __init__(
        self, channels: int, size: Sequence[int], widths: Sequence[int], blocks: int, full_resolution: bool = True
    ):
        super().__init__()
        convolution = CONVOLUTION[len(size)]
        layers: list[nn.Module] = []
        for i, (before, width) in enumerate(zip((channels, *widths), widths, strict=False)):
            same_size = full_resolution and i == 0
            layers.append(convolution(before, width, *((3, 1, 1) if same_size else (4, 2, 1))))
            layers += [Block(len(size), width) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers)
        self.features = widths[-1] * math.prod(coarsest(size, len(widths) - full_resolution))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, *size]` to `[batch, features]`."""
        return functional.silu(self.layers(x).flatten(1))


class ConvolutionalDecoder(nn.Module):
    """Latent vectors `[batch, latent]` to parameters `[batch, channels, *size]`, all positions at once.

    Args: as the encoder's, and `latent`, the size of `z`; `z_summary`, the size of the vector that z is summed up in
    for the blocks to read, or 0 for z itself.
    """

    def __init__(
        self,
        channels: int,
        size: Sequence[int],
        widths: Sequence[int],
        blocks: int,
        latent: int,
        full_resolution: bool = True,
        z_summary: int = 0,
    ):
        super().__init__()
        dimensions = len(size)
        self.summary = nn.Linear(latent, z_summary) if z_summary else nn.Identity()
        self.shape = (widths[-1], *coarsest(size, len(widths) - full_resolution))
        self.start = nn.Linear(latent, math.prod(self.shape))
        self.layers = nn.ModuleList()
        for i in reversed(range(len(widths))):
            self.layers.extend(Block(dimensions, widths[i], z_summary or latent) for _ in range(blocks))
            if i:
                self.layers.append(TRANSPOSED[dimensions](widths[i], widths[i - 1], 4, stride=2, padding=1))
        self.norm = RowNorm(1, widths[0])
        last = CONVOLUTION[dimensions] if full_resolution else TRANSPOSED[dimensions]
        self.end = last(widths[0], channels, *((3, 1, 1) if full_resolution else (4, 2, 1)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, latent]` to `[batch, channels, *size]`."""
        x, summary = self.start(z).view(len(z), *self.shape), self.summary(z)
        for layer in self.layers:
            x = layer(x, summary) if isinstance(layer, Block) else layer(x)
        return self.end(self.norm(x))
