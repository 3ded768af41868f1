"""The notes of windows, of any representation, in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from musicae.music.representations.base import Representation
from musicae.music.representations.rendering import blank

BYTES = 2**22  # of windows that are decoded at once: bounds the memory


@dataclass(frozen=True, eq=False)
class Notes:
    """The notes that begin in some windows, one table for all windows; each array is `[notes]`.

    Attributes:
        windows: how many windows there are.
        steps: their length.
        steps_per_quarter: steps to a quarter note.
        window: in which window each note begins, from 0.
        start: its first step in that window.
        end: the step after its last, at most `steps`.
        pitch: its MIDI pitch, or key of a drum.
        part: which part plays it: of a trio 0 the melody, 1 the bass, 2 the drums; of one part 0.
        drum: whether that part is drums.
        late: how far its onset is behind its step, in steps; not 0 of a performance only.
    """

    windows: int
    steps: int
    steps_per_quarter: int
    window: np.ndarray
    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    part: np.ndarray
    drum: np.ndarray
    late: np.ndarray

    @classmethod
    def of(cls, representation: Representation, windows: np.ndarray) -> Notes:
        """The notes of windows `[n, *shape]`."""
        at_a_time = max(BYTES // max(int(np.prod(windows.shape[1:])) * windows.dtype.itemsize, 1), 1)
        tables = [_decoded(representation, windows[i : i + at_a_time]) for i in range(0, len(windows), at_a_time)]
        firsts = np.arange(0, len(windows), at_a_time)
        window = [table[0] + first for table, first in zip(tables, firsts, strict=True)]
        start, end, code, late = (
            np.concatenate([np.zeros(0, np.int64), *(table[i] for table in tables)]) for i in range(1, 5)
        )
        part = code // 128
        return cls(
            windows=len(windows),
            steps=representation.steps,
            steps_per_quarter=representation.steps_per_quarter,
            window=np.concatenate([np.zeros(0, np.int64), *window]),
            start=start,
            end=end,
            pitch=code % 128,
            part=part,
            drum=representation.is_drum_part(part),
            late=late,
        )

    def where(self, chosen: np.ndarray) -> Notes:
        """Some of the notes: `chosen` is bool `[notes]`, or their places in order."""
        columns = ("window", "start", "end", "pitch", "part", "drum", "late")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})

    @cached_property
    def pitched(self) -> Notes:
        """Those that are not of drums."""
        return self.where(~self.drum)

    @cached_property
    def drums(self) -> Notes:
        """Those that are of drums."""
        return self.where(self.drum)

    @cached_property
    def line(self) -> Notes:
        """The highest pitched note of those that one part begins in one step, in the order of window, part and time."""
        notes = self.pitched
        order = np.lexsort((-notes.pitch, notes.start, notes.part, notes.window))
        places = np.stack([notes.window, notes.part, notes.start])[:, order]
        first = np.append(True, (np.diff(places) != 0).any(axis=0))[: len(order)]
        return notes.where(order[first])

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of values `[notes]` in each window, `[windows]`; nan in a window without notes."""
        return ratio(self.sum(values), self.sum(np.ones(len(self.window))))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum of values `[notes]` in each window, `[windows]`."""
        return np.bincount(self.window, values, self.windows)

    def pitch_classes(self) -> np.ndarray:
        """How often each pitch class begins, int64 `[windows, 12]`."""
        return np.bincount(12 * self.window + self.pitch % 12, minlength=12 * self.windows).reshape(-1, 12)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, nan where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.broadcast_to(whole, part.shape) > 0)


def _decoded(representation: Representation, windows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Window, first step, step after the last, pitch plus 128 times the part, and lateness of the notes of windows.

    Silence is laid between the windows, so that no note of one is held into the next.
    """
    steps = representation.steps
    silence = representation.take(blank(representation).array, np.zeros(1, np.int64))
    spaced = np.stack([windows, np.broadcast_to(silence, windows.shape)], 1).reshape(-1, *windows.shape[1:])
    array = representation.join(spaced.astype(representation.dtype), np.full(len(spaced), steps))
    start, end, code = representation.decode(array)
    late = representation.lateness(array) if representation.has_microtiming else np.zeros(len(start))
    window = start // (2 * steps)
    first = 2 * steps * window
    return window, start - first, np.minimum(end - first, steps), code, late
