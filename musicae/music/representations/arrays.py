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


def nearest_pitches(allowed: np.ndarray, lowest: int, pitches: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pitch of a range, where it lies by octaves between the allowed ones, and the nearest allowed ones below
    and above that: three int64 [n, pitches], counted from the lowest.

    Where nothing is allowed in the range, everything is; where nothing is on one side, the other side is taken.

    Args:
        allowed: bool [n, 128], of MIDI pitches.
        lowest: the lowest MIDI pitch.
        pitches: how many there are from there up.
    """
    place = np.arange(pitches)
    inside = allowed[:, lowest : lowest + pitches]
    inside = inside | ~inside.any(1, keepdims=True)
    first, last = inside.argmax(1)[:, None], pitches - 1 - inside[:, ::-1].argmax(1)[:, None]
    octaves = np.ceil(np.maximum(first - place, 0) / 12) - np.ceil(np.maximum(place - last, 0) / 12)
    folded = np.clip(place + 12 * octaves.astype(np.int64), first, last)
    below = np.maximum.accumulate(np.where(inside, place, first), axis=1)
    above = np.minimum.accumulate(np.where(inside, place, last)[:, ::-1], axis=1)[:, ::-1]
    return folded, *(np.take_along_axis(nearest, folded, 1) for nearest in (below, above))
