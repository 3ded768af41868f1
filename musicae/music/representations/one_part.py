"""Representations of one part: of any notes, or of notes in a range of pitches."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from musicae.core.configuration import Range
from musicae.errors import ConfigError
from musicae.music.representations.base import Representation
from musicae.music.representations.tracks import describe, merged, requested, tunes
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track


class OnePart(Representation):
    """A representation of one track."""

    def select_track(self, song: Score, track: int | str | None) -> tuple[Track, str]:
        """The track that is asked for, or all pitched tracks together, under the program of that with the most notes;
        and a sentence that says so."""
        if track is None:
            return merged(song, tunes(song), "pitched")
        index, why = requested(song, track)
        return song.tracks[index], f"took {describe(song, index)} ({why})"

    @abstractmethod
    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes (a NOTE array) that begin on the grid as an array of `grid.total_steps`, and what was changed on
        the way, a sentence each."""

    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """See `Representation.parts`."""
        one, sentence = self.select_track(song, track)
        return (one,), sentence

    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """See `Representation.encode_parts`."""
        return self.encode(tracks[0].notes, grid)


Pitch = Annotated[int, Range(0, 127)]


@dataclass(frozen=True)
class Pitched(OnePart):
    """A representation of notes in a range of pitches.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.

    Raises:
        ConfigError: a setting that cannot work.
    """

    lowest_pitch: Pitch = 21
    highest_pitch: Pitch = 108

    def __post_init__(self):
        super().__post_init__()
        if self.highest_pitch - self.lowest_pitch < 11:
            low, high = self.lowest_pitch, self.highest_pitch
            raise ConfigError(f"pitches {low} to {high} must hold an octave")

    @property
    def pitches(self) -> int:
        """The number of pitches in the range."""
        return self.highest_pitch - self.lowest_pitch + 1

    def held_as(self, pitches: np.ndarray) -> np.ndarray:
        """See `Representation.held_as`."""
        return self.in_range(pitches)

    def in_range(self, pitches: np.ndarray) -> np.ndarray:
        """Pitches moved by octaves into the range, int64."""
        pitches = pitches.astype(np.int64)
        up = np.maximum(self.lowest_pitch - pitches + 11, 0) // 12
        down = np.maximum(pitches - self.highest_pitch + 11, 0) // 12
        return pitches + 12 * (up - down)
