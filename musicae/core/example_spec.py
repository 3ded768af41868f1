"""What one example is, as far as the core needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from musicae.core.conditioning import Conditioning


@dataclass(frozen=True)
class ExampleSpec:
    """The shape and the kind of one example.

    Args:
        likelihood: the distribution that its parts have given z: `"categorical"`, `"bernoulli"`, `"spans"` (binary, of
            beginnings and of what goes on: `musicae.core.spans.Spans`), `"normal"`, or `"hvo"` (hits, each with a
            velocity and an offset: `musicae.core.likelihoods.HVO`), `"hvo_laplace"` (the same, of which velocities and
            offsets count where there is a hit).
        channels: planes or colours at each position; for categorical examples the number of classes, or those of each
            of several streams side by side.
        size: positions, `(steps,)` or `(height, width)`.
        silence: whether encoders read one value more at each position, which is 1 where nothing is on; of a class they
            then read the binary digits. For binary units that are mostly off.
        bitmask_streams: the streams whose class numbers are bitmasks (multi-hot): a network reads the binary digits of
            a class number, and gives a probability for each of them.
        end: the class after which nothing is; what is not there is written as the number after the last class.
    """

    likelihood: str
    channels: int | tuple[int, ...]
    size: tuple[int, ...]
    silence: bool = False
    bitmask_streams: tuple[int, ...] = ()
    end: int | None = None

    @property
    def categorical(self) -> bool:
        """Whether data are class numbers `[batch, *size]` (of several streams `[batch, streams, *size]`) rather than
        values `[batch, channels, *size]`."""
        return self.likelihood == "categorical"

    @property
    def streams(self) -> tuple[int, ...]:
        """The channels of each stream."""
        return self.channels if isinstance(self.channels, tuple) else (self.channels,)

    @property
    def outputs(self) -> int:
        """How many numbers a decoder gives at each position."""
        return sum(self.widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many numbers each stream takes of these: one a class, or one a binary unit."""
        streams = enumerate(self.streams)
        return tuple((n - 1).bit_length() if i in self.bitmask_streams else n for i, n in streams)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        several = isinstance(self.channels, tuple)
        if self.categorical:
            return (len(self.streams), *self.size) if several else self.size
        return (self.outputs, *self.size)


class Specified(Protocol):
    """All that the core and a preset ask of a representation."""

    @property
    def example_spec(self) -> ExampleSpec:
        """What a network reads and writes of one example."""
        ...

    @property
    def conditioning(self) -> Conditioning:
        """What models are conditioned on."""
        ...
