"""How loud notes are that no song has: as a song is where they stand, or as two songs are, by the share of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from musicae.music.score.grid import Grid

DEFAULT_VELOCITY = 80  # of a part that has no notes, as in MusicVAE


@dataclass(frozen=True, eq=False)
class Loudness:
    """The level and the accents of one part of an excerpt.

    Where the part has notes, others are as loud as the nearest of them in pitch, and its own exactly as loud as they
    are. At all other steps they have the level of the notes around, interpolated, and the accent of their position in
    the bar: by how much notes there are louder than their bar, on average over the part. Each drum has a level and
    accents of its own.

    Args:
        start: the first step of each note of the part [notes], ascending.
        pitch: its MIDI pitch, ascending among those of one step.
        velocity: its velocity, 1 to 127.
        lines: the step of every bar line, as in `Grid.bar_steps`.
        is_drum: whether pitches are drums.
    """

    start: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    lines: np.ndarray
    is_drum: bool = False

    @classmethod
    def of(
        cls, held: tuple[np.ndarray, np.ndarray], notes: np.ndarray, pitch: np.ndarray, grid: Grid, is_drum: bool
    ) -> Loudness:
        """The loudness of the notes that an array holds.

        Args:
            held: the first step and the pitch of each of them, int64 [held].
            notes: of the song that they come from, NOTE records; of several that became one the loudest counts.
            pitch: what their pitches became in the array [notes].
            grid: of the excerpt.
            is_drum: whether they are drums.
        """
        within = (held[0] < grid.total_steps) & bool(len(notes))
        keys = np.unique(_keys(*(values[within] for values in held)))
        given = _keys(grid.steps(notes["start"]), pitch)
        order = np.lexsort((notes["velocity"], given))
        found = np.maximum(given[order].searchsorted(keys, "right") - 1, 0)
        return cls(keys >> 7, keys & 127, notes["velocity"][order][found].astype(float), grid.bar_steps, is_drum)

    def __len__(self) -> int:
        return len(self.start)

    def at(self, step: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """The velocity of notes that begin at some steps, with some pitches: float64 [n]."""
        if not len(self):
            return np.full(len(step), float(DEFAULT_VELOCITY))
        if not self.is_drum:
            return self._at(step, pitch)
        found = self._curve[step]
        for drum in np.intersect1d(pitch, self.pitch):
            own, wanted = self.pitch == drum, pitch == drum
            part = Loudness(self.start[own], self.pitch[own], self.velocity[own], self.lines)
            found[wanted] = part._at(step[wanted], pitch[wanted])
        return found

    def toward(self, other: Loudness, share: np.ndarray) -> Between:
        """The loudness between this part and another one, with the share of the other one at each step [steps]."""
        return Between(self, other, share)

    def _at(self, step: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        after = _keys(self.start, self.pitch).searchsorted(_keys(step, pitch))
        near = np.clip([after, after - 1], 0, len(self) - 1)
        distance = np.where(self.start[near] == step, np.abs(self.pitch[near] - pitch), np.inf)
        nearest = np.take_along_axis(near, distance.argmin(0)[None], 0)[0]
        return np.where(np.isfinite(distance.min(0)), self.velocity[nearest], self._curve[step])

    @cached_property
    def _curve(self) -> np.ndarray:
        """The velocity at each step: the mean of its notes, or interpolated: float64 [steps]."""
        steps = np.arange(self.lines[-1])
        bar = self.lines[1:-1].searchsorted(steps, "right")
        position = steps - self.lines[bar]
        sounding, velocity = _means(self.start, self.velocity)
        bars, level = _means(bar[sounding], velocity)
        places, accent = _means(position[sounding], velocity - level[bars.searchsorted(bar[sounding])])
        longest = position.max() + 1
        accents = np.interp(np.arange(longest), places, accent, period=longest)
        return accents[position] + np.interp(steps, sounding, velocity - accents[position[sounding]])


@dataclass(frozen=True, eq=False)
class Between:
    """The loudness between two parts: the mean of theirs, weighted by their share.

    Args:
        a: one part.
        b: the other one; where one of them has no notes, the loudness is that of the other.
        share: of b at each step [steps], 0 to 1.
    """

    a: Loudness
    b: Loudness
    share: np.ndarray

    def at(self, step: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """See `Loudness.at`."""
        if not (len(self.a) and len(self.b)):
            return (self.a if len(self.a) else self.b).at(step, pitch)
        share = self.share[step]
        return (1 - share) * self.a.at(step, pitch) + share * self.b.at(step, pitch)


def _keys(step: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Steps and pitches in one number, to sort by."""
    return step * 128 + pitch.astype(np.int64)


def _means(group: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different groups, ascending, and the mean of the values of each."""
    groups, index = np.unique(group, return_inverse=True)
    return groups, np.bincount(index, values) / np.bincount(index)
