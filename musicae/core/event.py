"""What one example is, as far as the core needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """The shape and the kind of one example.

    Args:
        likelihood: the distribution that its parts have given z: `"categorical"`, `"bernoulli"` or `"normal"`.
        channels: planes or colours at each position; for a categorical event the number of classes.
        size: positions, `(steps,)` or `(height, width)`.
    """

    likelihood: str
    channels: int
    size: tuple[int, ...]

    @property
    def categorical(self) -> bool:
        """Whether data are class numbers `[batch, *size]` rather than values `[batch, channels, *size]`."""
        return self.likelihood == "categorical"
