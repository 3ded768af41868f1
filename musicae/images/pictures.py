"""What one picture is to a model, and how files become such pictures and back."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.core.event import Event


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, with values from 0 (black) to 1.

    Args:
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue.
    """

    height: int = 8
    width: int = 8
    channels: int = 1

    @property
    def event(self) -> Event:
        """What one picture is to the core: Bernoullis, whose means are the values."""
        return Event("bernoulli", self.channels, (self.height, self.width))
