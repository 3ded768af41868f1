"""From data to the channels that the first layer of an encoder reads; no weights."""

from __future__ import annotations

import torch
from torch import nn

from musicae.core.example_spec import ExampleSpec


class OneHot(nn.Module):
    """Class numbers to one-hot vectors; the number after the last class, which is an absent part, to zeros.

    Args:
        streams: classes of each stream.
        several: whether data have a dimension for streams.
        bitmask_streams: the streams that become binary digits instead.
    """

    def __init__(self, streams: tuple[int, ...], several: bool = False, bitmask_streams: tuple[int, ...] = ()):
        super().__init__()
        self.streams, self.several = streams, several
        self.layers = [digits if i in bitmask_streams else one_hot for i in range(len(streams))]
        self.channels = sum(binary_digits(n) if i in bitmask_streams else n for i, n in enumerate(streams))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, *size]`, or `[batch, streams, *size]`, to float `[batch, channels, *size]`."""
        parts = x.unbind(1) if self.several else (x,)
        layers = zip(self.layers, parts, self.streams, strict=True)
        vectors = [layer(part, classes) for layer, part, classes in layers]
        return torch.cat(vectors, -1).movedim(-1, 1)


def one_hot(x: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers `[...]` to float one-hot vectors `[..., classes]`; the number `classes` to zeros."""
    return (x.unsqueeze(-1) == torch.arange(classes, device=x.device)).float()


def digits(x: torch.Tensor, classes: int) -> torch.Tensor:
    """Class numbers `[...]` as binary digits, lowest first, float `[..., digits]`."""
    return (x.unsqueeze(-1) >> torch.arange(binary_digits(classes), device=x.device) & 1).float()


def binary_digits(classes: int) -> int:
    """Of the largest of so many class numbers."""
    return (classes - 1).bit_length()


class Digits(nn.Module):
    """Class numbers `[batch, *size]` as binary digits, lowest first, and one value more that is
    1 where all digits are 0: `[batch, digits + 1, *size]`."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.channels = binary_digits(classes) + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, *size]` to float `[batch, channels, *size]`."""
        return with_silence(digits(x, self.classes).movedim(-1, 1))


class WithSilence(nn.Module):
    """Binary units `[batch, channels, *size]`, and one value more that is 1 where all are off."""

    def __init__(self, units: int):
        super().__init__()
        self.channels = units + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float `[batch, units, *size]` to `[batch, units + 1, *size]`."""
        return with_silence(x)


def with_silence(x: torch.Tensor) -> torch.Tensor:
    """`[batch, units, *size]` with one channel more, 1 where all others are 0."""
    return torch.cat([x, (x == 0).all(1, keepdim=True).float()], 1)


class Unchanged(nn.Identity):
    """The data as they are."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels


def input_layer(example_spec: ExampleSpec) -> nn.Module:
    """Data to float `[batch, channels, *size]`: a module without weights, with the number of `channels` that it
    gives."""
    if not example_spec.categorical:
        return WithSilence(example_spec.outputs) if example_spec.silence else Unchanged(example_spec.outputs)
    if example_spec.silence:
        return Digits(example_spec.outputs)
    return OneHot(example_spec.streams, isinstance(example_spec.channels, tuple), example_spec.bitmask_streams)
