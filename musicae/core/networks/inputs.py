"""What stands between data and the first layer."""

from __future__ import annotations

import torch
from torch import nn

from musicae.core.example_spec import ExampleSpec


class OneHot(nn.Module):
    """Class numbers to indicators; the number after the last class, for what is not there, to zeros.

    Args:
        streams: classes of each stream.
        several: whether data have a dimension for streams.
        bitmask_streams: the streams that become binary digits instead.
    """

    def __init__(self, streams: tuple[int, ...], several: bool = False, bitmask_streams: tuple[int, ...] = ()):
        super().__init__()
        self.streams, self.several = streams, several
        self.layers = [digits if i in bitmask_streams else indicated for i in range(len(streams))]
        self.channels = sum(binary_digits(n) if i in bitmask_streams else n for i, n in enumerate(streams))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, *size]`, or `[batch, streams, *size]`, to float `[batch, channels, *size]`."""
        parts = x.unbind(1) if self.several else (x,)
        layers = zip(self.layers, parts, self.streams, strict=True)
        indicators = [layer(part, classes) for layer, part, classes in layers]
        return torch.cat(indicators, -1).movedim(-1, 1)


def indicated(x: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers `[...]` to float indicators `[..., classes]`; the number `classes` to zeros."""
    return (x.unsqueeze(-1) == torch.arange(classes, device=x.device)).float()


def digits(x: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers `[...]` to the binary digits that they stand for, lowest first, float `[..., digits]`."""
    return (x.unsqueeze(-1) >> torch.arange(binary_digits(classes), device=x.device) & 1).float()


def binary_digits(classes: int) -> int:
    """How many digits it takes to tell so many classes apart."""
    return (classes - 1).bit_length()


class Digits(nn.Module):
    """Class numbers `[batch, *size]` to the binary digits that they stand for, lowest first, and one value more that is
    1 where all digits are 0: `[batch, digits + 1, *size]`."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.channels = binary_digits(classes) + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, *size]` to float `[batch, channels, *size]`."""
        return with_silence(digits(x, self.classes).movedim(-1, 1))


class Silence(nn.Module):
    """Switches `[batch, channels, *size]`, and one value more that is 1 where all are off."""

    def __init__(self, switches: int):
        super().__init__()
        self.channels = switches + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float `[batch, switches, *size]` to `[batch, switches + 1, *size]`."""
        return with_silence(x)


def with_silence(x: torch.Tensor) -> torch.Tensor:
    """`[batch, switches, *size]` with one channel more, 1 where all others are 0."""
    return torch.cat([x, (x == 0).all(1, keepdim=True).float()], 1)


class AsItIs(nn.Identity):
    """Values that pass as they are."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels


def input_layer(example_spec: ExampleSpec) -> nn.Module:
    """Data to float `[batch, channels, *size]`: a module without weights that says how many `channels` it gives."""
    if not example_spec.categorical:
        return Silence(example_spec.outputs) if example_spec.silence else AsItIs(example_spec.outputs)
    if example_spec.silence:
        return Digits(example_spec.outputs)
    return OneHot(example_spec.streams, isinstance(example_spec.channels, tuple), example_spec.bitmask_streams)
