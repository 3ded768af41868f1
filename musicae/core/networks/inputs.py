"""What stands between data and the first layer."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from musicae.core.event import Event


class OneHot(nn.Module):
    """Class numbers `[batch, *size]` to indicators `[batch, classes, *size]`."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, *size]` to float `[batch, classes, *size]`."""
        return functional.one_hot(x, self.classes).movedim(-1, 1).float()


def input_layer(event: Event) -> nn.Module:
    """Indicators for classes; values pass as they are."""
    return OneHot(event.channels) if event.categorical else nn.Identity()
