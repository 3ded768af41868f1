"""A package that adds a representation, a network and a preset to musicae."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.core.networks import Dense
from musicae.music.representations import Pianoroll


@dataclass(frozen=True)
class Treble(Pianoroll):
    """A piano roll without the notes below its lowest pitch, which others move up by octaves."""

    lowest_pitch: int = 60
    highest_pitch: int = 84

    def encode(self, notes, grid):
        """See `Pianoroll.encode`."""
        return super().encode(notes[notes["pitch"] >= self.lowest_pitch], grid)


@dataclass(frozen=True)
class DropoutDense(Dense):
    """Dense layers of which a share of the features is left out in training."""

    dropout: float = 0.1

    def encoder(self, *arguments):
        """See `Dense.encoder`."""
        from torch import nn

        network, features = super().encoder(*arguments)
        return nn.Sequential(network, nn.Dropout(self.dropout)), features
