"""Arrays along steps: windows taken out of them, notes placed in time."""

from __future__ import annotations

import numpy as np

from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE


def slices(array: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    """Slices [n, steps, ...] of an array [total, ...] that begin at `starts` [n]; zeros beyond its end."""
    starts = np.asarray(starts, np.int64)
    missing = max(int(starts.max(initial=0)) + steps - len(array), 0)
    if missing:
        array = np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
    return array.take(starts[:, None] + np.arange(steps), axis=0)


def first_steps(windows: np.ndarray, lengths: np.ndarray, time_axis: int) -> np.ndarray:
    """The first `lengths` [n] steps of each window [n, ...], one after the other; steps lie along `time_axis`."""
    windows = np.moveaxis(windows, time_axis, 1)
    own = np.arange(windows.shape[1]) < np.asarray(lengths)[:, None]
    return np.moveaxis(windows[own], 0, time_axis)


def unique(windows: np.ndarray) -> np.ndarray:
    """The different windows of [n, ...], in the order of their first appearance."""
    if len(windows) < 2:
        return windows
    rows = np.ascontiguousarray(windows).reshape(len(windows), -1)
    different = dict.fromkeys(rows.view(np.dtype((np.void, rows.strides[0]))).ravel().tolist())
    if len(different) == len(windows):
        return windows
    return np.frombuffer(b"".join(different), windows.dtype).reshape(-1, *windows.shape[1:]).copy()


def placed(start: np.ndarray, end: np.ndarray, pitch: np.ndarray, velocity, grid: Grid) -> np.ndarray:
    """Notes in steps as a NOTE array in ticks from the first bar line of a grid, in order.

    Args:
        start: the first step of each note [n].
        end: the step after its last [n].
        pitch: its MIDI pitch [n].
        velocity: of all, or of each [n].
        grid: where the steps are.
    """
    notes = np.zeros(len(start), NOTE)
    notes["start"] = grid.ticks(start) - grid.bar_ticks[0]
    notes["end"] = grid.ticks(end) - grid.bar_ticks[0]
    notes["pitch"] = pitch
    notes["velocity"] = np.clip(np.round(velocity), 1, 127)
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def nearest_pitches(allowed: np.ndarray, lowest: int, pitches: int) -> tuple[np.ndarray, np.ndarray]:
    """How many semitones down and up from each pitch the nearest one of allowed pitch classes lies: int64 [n, pitches].

    More than any interval where there is none in the range; 0 where none is at all.

    Args:
        allowed: bool [n, 12].
        lowest: the lowest MIDI pitch.
        pitches: how many there are from there up.
    """
    place, far = np.arange(pitches), 2 * pitches
    inside = allowed[:, (lowest + place) % 12]
    inside |= ~inside.any(1, keepdims=True)
    down = place - np.maximum.accumulate(np.where(inside, place, -far), axis=1)
    up = np.minimum.accumulate(np.where(inside, place, place[-1] + far)[:, ::-1], axis=1)[:, ::-1] - place
    return down, up
