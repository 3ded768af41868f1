"""Piano rolls: all notes at once, a plane for onsets and a plane for what goes on sounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from musicae.core.example_spec import ExampleSpec
from musicae.music.representations.arrays import nearest_pitches
from musicae.music.representations.one_part import Pitched
from musicae.music.representations.report import sentences
from musicae.music.score.grid import Grid

ONSET, SUSTAIN = 0, 1


@dataclass(frozen=True)
class Pianoroll(Pitched):
    """Two planes of zeros and ones: a note begins here; a note that began earlier still sounds here.

    So two notes of one pitch, one right after the other, stay two. An array is uint8 [2, total_steps,
    pitches], a window uint8 [2, steps, pitches]: a picture with two channels, a byte a cell in memory and
    on disk; a network reads and writes all pitches of a step together, as it does the classes of a melody. A window
    that begins inside a note has its sustain and not its onset: windows put together again are the array.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.

    Raises:
        ConfigError: a setting that cannot work.
    """

    time_axis: ClassVar[int] = -2

    @property
    def shape(self) -> tuple[int, ...]:
        """(2, steps, pitches)."""
        return (2, self.steps, self.pitches)

    @property
    def example_spec(self) -> ExampleSpec:
        """At each step, onset or not and sustain or not of every pitch."""
        return ExampleSpec("spans", 2 * self.pitches, (self.steps,))

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, None]:
        """Windows [n, 2, steps, pitches] as [n, 2 · pitches, steps]: the onsets of all pitches, then what sustains."""
        return windows.swapaxes(2, 3).reshape(len(windows), -1, windows.shape[2]), None

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """The way back."""
        return x.reshape(len(x), 2, self.pitches, self.steps).swapaxes(2, 3).astype(self.dtype)

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """A NOTE array as planes uint8 [2, total_steps, pitches], and what was changed on the way.

        A note ends where the next one of its pitch begins; notes that begin in one step at one pitch become
        one. A note shorter than a step lasts one.
        """
        start = grid.steps(notes["start"])
        held = np.sum((start < 0) & (grid.steps(notes["end"]) > 0))
        notes = notes[(start >= 0) & (start < grid.total_steps)]
        start, pitch = grid.steps(notes["start"]), self.in_range(notes["pitch"])
        end = np.clip(grid.steps(notes["end"]), start + 1, grid.total_steps)
        changes = sentences(
            (int(held), "note", "held over from before the first bar left out"),
            (int(np.sum(grid.ticks(start) != notes["start"])), "onset", "moved to the grid"),
            (int(np.sum(pitch != notes["pitch"])), "note", "moved by octaves into the model's range"),
        )
        array = _planes(start, end, pitch - self.lowest_pitch, grid.total_steps, self.pitches)
        merged = len(notes) - int(array[ONSET].sum())
        return array, changes + sentences((merged, "note", "merged with one of the same pitch and step"))

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of planes [2, total_steps, pitches]; a sustain that no onset precedes is silent."""
        onset = array[ONSET] > 0
        sustained = (array[SUSTAIN] > 0) & ~onset
        total = array.shape[1]
        breaks = np.where(sustained, np.int32(total), np.arange(total, dtype=np.int32)[:, None])
        breaks = np.minimum.accumulate(breaks[::-1])[::-1]
        breaks = np.concatenate([breaks, np.full_like(breaks[:1], total)])
        start, pitch = np.nonzero(onset)
        return start, breaks[start + 1, pitch], pitch + self.lowest_pitch

    def repaired(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.repaired`: nothing goes on that never began, in the window or before it."""
        onset = windows[:, ONSET] > 0
        sustained = (windows[:, SUSTAIN] > 0) & ~onset
        begins = onset.copy()
        begins[:, 0] |= sustained[:, 0]
        step = np.arange(windows.shape[2], dtype=np.int32)[:, None]
        begun, silent = (
            np.maximum.accumulate(np.where(one, step, np.int32(-1)), axis=1) for one in (begins, ~(onset | sustained))
        )
        return np.stack([onset, sustained & (begun > silent)], 1).astype(windows.dtype)

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, 2, steps, pitches]: bool [n, steps, pitches]."""
        return windows[:, ONSET] > 0

    def faults(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.faults`: a note goes on that never began."""
        sounding = windows.any(axis=1)
        return ((windows[:, SUSTAIN, 1:] > 0) & ~sounding[:, :-1]).any(axis=(1, 2))

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.part_view`."""
        return windows.swapaxes(2, 3)[:, None]

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows moved by `semitones` [n], each only as far as all its notes stay in the range."""
        used = windows.any(axis=(1, 2))
        lowest, highest = used.argmax(axis=1), self.pitches - 1 - used[:, ::-1].argmax(axis=1)
        move = np.where(used.any(axis=1), np.clip(semitones, -lowest, self.pitches - 1 - highest), 0)
        source = (np.arange(self.pitches) - move[:, None]) % self.pitches
        return np.take_along_axis(windows, source[:, None, None, :], axis=3)

    def in_pitches(self, windows: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """See `Representation.in_pitches`; of two pitches as near the lower one."""
        folded, below, above = nearest_pitches(allowed, self.lowest_pitch, self.pitches)
        target = np.where(folded - below <= above - folded, below, above)
        found = np.zeros_like(windows)
        row, *place, pitch = np.nonzero(windows)
        found[(row, *place, target[row, pitch])] = 1
        return found


def _planes(start: np.ndarray, end: np.ndarray, pitch: np.ndarray, total: int, pitches: int) -> np.ndarray:
    """Notes as planes uint8 [2, total, pitches]."""
    order = np.argsort((pitch * total + start) * (total + 1) + total - end, kind="stable")
    start, end, pitch = start.take(order), end.take(order), pitch.take(order)
    place = pitch * total + start
    new = np.append(True, place[1:] > place[:-1])[: len(start)]
    start, end, pitch = start[new], end[new], pitch[new]
    following = np.where(np.append(pitch[1:], -1) == pitch, np.append(start[1:], total), total)
    edges = np.zeros((total + 1, pitches), np.int8)
    edges[start + 1, pitch] = 1  # no two notes of a pitch begin together, nor do they end together
    edges[np.minimum(end, following), pitch] -= 1
    planes = np.zeros((2, total, pitches), np.uint8)
    planes[ONSET, start, pitch] = 1
    np.cumsum(edges[:-1], axis=0, dtype=np.uint8, out=planes[SUSTAIN])
    return planes
