"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.func import functional_call


def perceptron(sizes: Sequence[int]) -> nn.Sequential:
    """Affine layers between successive sizes, each followed by a smooth rectifier (SiLU)."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*layers)


class Discriminator(nn.Module):
    """Vectors `[batch, size]` to the log odds `[batch]` that each is a draw from the prior and not a code."""

    def __init__(self, size: int, widths: Sequence[int]):
        super().__init__()
        sizes = (size, *widths)
        self.layers = nn.Sequential(perceptron(sizes), nn.Linear(sizes[-1], 1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, size]` to `[batch]`."""
        return self.layers(z).squeeze(1).float()

    def frozen(self, z: torch.Tensor) -> torch.Tensor:
        """The same, with a gradient for `z` and none for the weights."""
        return functional_call(self, {name: weight.detach() for name, weight in self.named_parameters()}, (z,))


class DenseEncoder(nn.Module):
    """Data `[batch, channels, *size]`, flattened, to features `[batch, widths[-1]]`."""

    def __init__(self, channels: int, size: Sequence[int], widths: Sequence[int]):
        super().__init__()
        sizes = (channels * math.prod(size), *widths)
        self.layers = perceptron(sizes)
        self.features = sizes[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, *size]` to `[batch, features]`."""
        return self.layers(x.flatten(1))


class DenseDecoder(nn.Module):
    """Latent vectors `[batch, latent]` to parameters `[batch, channels, *size]`."""

    def __init__(self, channels: int, size: Sequence[int], widths: Sequence[int], latent: int):
        super().__init__()
        self.shape = (channels, *size)
        sizes = (latent, *reversed(widths))
        self.layers = nn.Sequential(perceptron(sizes), nn.Linear(sizes[-1], math.prod(self.shape)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, latent]` to `[batch, channels, *size]`."""
        return self.layers(z).view(len(z), *self.shape)
