"""Planes of drums [channels, steps]: which are hit in each step, and how they are played."""

from __future__ import annotations

import numpy as np

from musicae.music.representations.kits import NINE
from musicae.music.score.grid import Grid

DRUMS = len(NINE)
LOUDEST = 127


def hit_metrics(decoded: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
    """Metrics of decoded hits against the true ones, both bool of one shape, as (numerator, denominator).

    * `hit_precision`: of the decoded hits, those that are true.
    * `hit_recall`: of the true hits, those that were decoded.
    """
    both = float(np.sum(decoded & truth))
    return {"hit_precision": (both, float(decoded.sum())), "hit_recall": (both, float(truth.sum()))}


def loudest(step: np.ndarray, drum: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """The index of the loudest note of each drum in each step, the first of equals; all arguments [notes]."""
    order = np.lexsort((-velocity.astype(np.int64), drum, step))
    cells = step[order] * DRUMS + drum[order]
    return order[np.append(True, np.diff(cells) > 0)[: len(order)]]


def performance(step: np.ndarray, drum: np.ndarray, velocity: np.ndarray, offset: np.ndarray, total: int) -> np.ndarray:
    """Hits as float32 [27, total]: nine rows of ones, nine of velocities / 127, nine of offsets.

    Args:
        step: of each hit [n].
        drum: of each [n], 0 to 8; no two the same in one step.
        velocity: of each [n], 1 to 127.
        offset: of each [n]: 2 (grid time − onset) / step, in −1..1.
        total: the number of steps.
    """
    array = np.zeros((3, DRUMS, total), np.float32)
    array[:, drum, step] = np.ones(len(step)), velocity / np.float32(LOUDEST), offset
    return array.reshape(3 * DRUMS, total)


def thirds(array: np.ndarray) -> list[np.ndarray]:
    """Hits, velocities and offsets, each [..., 9, steps], of performances [..., 27, steps]."""
    return np.split(array, 3, axis=-2)


def offsets(ticks: np.ndarray, step: np.ndarray, grid: Grid) -> np.ndarray:
    """How far notes are from the grid: 2 (grid time − onset) / step, float64 in −1..1.

    A step is as long as the way from its grid line to the next one on the side of the note.

    Args:
        ticks: where the notes begin [n].
        step: the step nearest to each [n].
        grid: where the steps are.
    """
    early = grid.ticks(step) - ticks
    return np.clip(2 * early / _length(step, early > 0, grid), -1, 1)


def onsets(step: np.ndarray, offset: np.ndarray, grid: Grid) -> np.ndarray:
    """The ticks, int64 [n], of notes so far from their steps; undoes `offsets`.

    None is nearer to another step than its own, so what is exactly between two is moved a tick to its own.
    """
    shift = np.round(np.asarray(offset, float) / 2 * _length(step, offset > 0, grid)).astype(np.int64)
    ticks = grid.ticks(step) - shift
    return ticks + np.sign(step - grid.steps(ticks))


def _length(step: np.ndarray, early: np.ndarray, grid: Grid) -> np.ndarray:
    """The ticks from the grid line of each step [n] to the one before it where `early`, else to the one after."""
    return np.where(early, grid.ticks(step) - grid.ticks(step - 1), grid.ticks(step + 1) - grid.ticks(step))
