"""An excerpt of a song as a representation holds it, and as the windows of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from musicae.music.representations.loudness import Between, Loudness
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Some bars of a song as a representation holds them.

    Attributes:
        array: all of it, shaped like a window of `grid.total_steps` steps.
        grid: its bars; step 0 of it is the first step of `array`.
        song: the song, in ticks of which a step is a whole number.
        tracks: what was taken, one for each part of the representation; several tracks taken together are one here.
        report: what was chosen, moved and left out, a sentence each.
        loudness: of each part of what is rendered on it; None for its own.
    """

    array: np.ndarray
    grid: Grid
    song: Score
    tracks: tuple[Track, ...]
    report: tuple[str, ...] = ()
    loudness: tuple[Loudness | Between, ...] | None = None

    @property
    def track(self) -> Track:
        """What was taken, where that is one part."""
        return self.tracks[0]


@dataclass(frozen=True, eq=False)
class Windowed:
    """What a model reads of a song: windows, and the excerpt that they are cut from.

    Args:
        excerpt: its array and grid, the song and tracks it comes from, and a report of what was changed.
        windows: `[windows, *shape]`, as the representation holds them.
        lengths: how many steps of each window are its own, `[windows]`.
    """

    excerpt: Excerpt
    windows: np.ndarray
    lengths: np.ndarray

    @property
    def metre(self) -> str:
        """The metre that it begins in, e.g. "3/4"."""
        begun = [s for s in self.excerpt.song.time_signatures if s.tick <= self.excerpt.grid.bar_ticks[0]]
        return f"{begun[-1].numerator}/{begun[-1].denominator}"

    @property
    def ticks(self) -> int:
        """Its length to the last bar line, in the ticks of its song."""
        return int(self.excerpt.grid.bar_ticks[-1] - self.excerpt.grid.bar_ticks[0])

    def first(self, windows: int) -> Windowed:
        """Its first windows, with the bars that these reach."""
        lengths = self.lengths[:windows]
        excerpt = replace(self.excerpt, grid=self.excerpt.grid.reaching(int(lengths.sum())))
        return Windowed(excerpt, self.windows[:windows], lengths)
