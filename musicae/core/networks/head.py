"""The end of a decoder: what its last layer's numbers mean."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


class LikelihoodHead(nn.Module):
    """A network from `[batch, latent]` to parameters, and the likelihood that these are of.

    Args:
        network: from `[batch, latent]` to `[batch, parameters, *size]`.
        likelihood: from these to a likelihood (`musicae.core.outputs.likelihood_of`).
    """

    def __init__(self, network: nn.Module, likelihood: Callable):
        super().__init__()
        self.network = network
        self.likelihood = likelihood

    def forward(self, z: torch.Tensor):
        """The likelihood p(x | z)."""
        return self.likelihood(self.network(z))
