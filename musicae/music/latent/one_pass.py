"""What an interpolation is made of: whole versions of the songs, or one pass in which the place moves with the bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from musicae.errors import ConfigError
from musicae.music.latent.interpolation import places_of_steps
from musicae.music.options import STEPS
from musicae.music.representations import Representation
from musicae.music.representations.excerpt import Windowed
from musicae.music.representations.windowing import from_step

LONG = 16  # bars: through longer songs there is one pass, if nobody asks for a number of steps
HELD = 1 / 8  # of a pass is the first song alone, and as much the second
PIECE = 8  # quarters: longer windows are decoded at several places of a pass
PIECE_BARS = 2


def planned(representation: Representation, like: Windowed, steps: int | None) -> Versions | OnePass:
    """So many versions of some windows, or one pass through them.

    Args:
        representation: of the windows.
        like: the windows.
        steps: how many versions, or 1 for a pass; None for a pass through more than `LONG` bars, else `STEPS`.

    Raises:
        ConfigError: fewer steps than 1, or windows too short for a pass.
    """
    steps = (1 if _is_long(representation, like) else STEPS) if steps is None else steps
    if steps < 1:
        raise ConfigError(f"{steps} steps: ask for 2 or more, both ends included, or for 1, a single pass")
    return OnePass.of(representation, like) if steps == 1 else Versions(places_of_steps(steps, len(like.windows)))


class Part(NamedTuple):
    """What becomes a song: windows, what they are rendered like, and the share of B in each, float `[windows]`."""

    windows: np.ndarray
    like: Windowed
    shares: np.ndarray

    @property
    def shares_of_bars(self) -> np.ndarray:
        """The share of B at the beginning of each bar, float `[bars]`."""
        return self.shares.repeat(self.like.lengths)[self.like.excerpt.grid.bar_steps[:-1]]


@dataclass(frozen=True, eq=False)
class Versions:
    """Whole versions.

    Attributes:
        places: of each version, `[steps, windows]`: see `latent.interpolation.Path`.
    """

    places: np.ndarray
    one_pass: ClassVar[bool] = False

    def parts(self, representation: Representation, decoded: np.ndarray, like: Windowed) -> list[Part]:
        """The versions, one a part, of their decodes `[steps, windows, *shape]`."""
        return [Part(windows, like, shares) for windows, shares in zip(decoded, self.places, strict=True)]


@dataclass(frozen=True, eq=False)
class OnePass:
    """One pass: pieces, each at a place of its own.

    A piece is a window, or two bars of one that is longer: such a window is decoded at the place of each of its pieces.

    Attributes:
        lengths: the steps of each piece of each window, int64 `[pieces, windows]`; 0 for those that a window lacks.
        places: of each piece, `[pieces, windows]`: see `latent.interpolation.Path`.
    """

    lengths: np.ndarray
    places: np.ndarray
    one_pass: ClassVar[bool] = True

    @classmethod
    def of(cls, representation: Representation, like: Windowed) -> OnePass:
        """The pass through some windows: an eighth of it is A, the last eighth B; between them B's share grows evenly.

        Raises:
            ConfigError: there are fewer than three pieces.
        """
        lengths = _pieces(representation, like)
        number = int((lengths > 0).sum())
        if number < 3:
            raise ConfigError("too short for one pass: ask for 2 steps or more, which are whole versions")
        held = max(round(HELD * number), 1)
        places = np.clip((np.arange(number) - held + 1) / (number - 2 * held + 1), 0, 1)
        return cls(lengths, places[(lengths.T > 0).cumsum() - 1].reshape(lengths.T.shape).T)

    def parts(self, representation: Representation, decoded: np.ndarray, like: Windowed) -> list[Part]:
        """The pass, as the only part, of the decodes of its windows `[pieces, windows, *shape]`."""
        starts = self.lengths.cumsum(0) - self.lengths
        pieces = [
            from_step(representation, decoded[row, window], starts[row, window])
            for window, row in np.argwhere(self.lengths.T > 0)
        ]
        lengths, shares = (values.T[self.lengths.T > 0] for values in (self.lengths, self.places))
        return [Part(np.stack(pieces), replace(like, lengths=lengths), shares)]


def _is_long(representation: Representation, like: Windowed) -> bool:
    """Whether more than `LONG` bars lie from the first onset to the last: sixteen bars and a pickup are seventeen on
    the grid, but no longer for it."""
    lines = like.excerpt.grid.bar_steps
    start, _, _ = representation.decode(representation.join(like.windows, like.lengths))
    return len(lines) > LONG + 1 and len(start) > 0 and start.max() - start.min() >= lines[LONG]


def _pieces(representation: Representation, like: Windowed) -> np.ndarray:
    """The lengths of the pieces of windows, int64 `[pieces, windows]`."""
    if representation.steps <= PIECE * representation.steps_per_quarter or representation.conditioning.names:
        return like.lengths[None]
    ends, lines = like.lengths.cumsum(), like.excerpt.grid.bar_steps
    pieces = []
    for start, end in zip(ends - like.lengths, ends, strict=True):
        inner = lines[(lines > start) & (lines < end)][PIECE_BARS - 1 :: PIECE_BARS]
        pieces.append(np.diff([start, *inner, end]))
    return np.stack([np.pad(one, (0, max(map(len, pieces)) - len(one))) for one in pieces], 1)
