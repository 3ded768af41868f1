"""What augmentations leave as it is, and what they change."""

from __future__ import annotations

import numpy as np
import pytest

from musicae.core.randomness import RandomSource
from musicae.music.data.augmentations import AUGMENTATIONS, DropParts, SpliceInTime, SwapParts
from musicae.music.data.windows import Windows
from musicae.music.representations import Drums, Groove, Melody, Pianoroll, Trio

KINDS = (Melody(steps=32), Drums(steps=32), Groove(steps=32), Pianoroll(steps=32), Trio(steps=32))
N = 64


def numbered(representation) -> np.ndarray:
    """Windows of which every value is the number of its window, from 1."""
    numbers = np.arange(1, N + 1).reshape(-1, *[1] * len(representation.shape))
    return np.broadcast_to(numbers, (N, *representation.shape)).astype(representation.dtype)


def changed(augmentation, representation, seed: int = 0) -> np.ndarray:
    """Numbered windows, changed, part by part `[n, parts, values, steps]`."""
    windows = augmentation(numbered(representation), representation, RandomSource(seed))
    parts = representation.part_view(windows)
    return parts.reshape(*parts.shape[:2], -1, parts.shape[-1])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_the_windows_passed_in_stay_as_they_are(augmentation, kind):
    windows = numbered(kind)
    same = windows.copy()
    after = augmentation(0.5)(windows, kind, RandomSource(0))
    assert (windows == same).all()
    assert (after.shape, after.dtype) == (windows.shape, windows.dtype)
    assert (augmentation(0.0)(windows, kind, RandomSource(0)) == same).all()
    assert (augmentation(0.5)(windows, kind, RandomSource(0)) == after).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_parts_are_a_view_of_all_of_a_window_with_the_steps_last(kind):
    windows = np.zeros((3, *kind.shape), kind.dtype)
    parts = kind.part_view(windows)
    assert (parts.shape[0], parts.shape[-1], parts.size) == (3, kind.steps, windows.size)
    parts[:] = 1
    assert (windows == 1).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_a_whole_part_is_swapped_and_a_share_of_them(kind):
    parts = changed(SwapParts(0.3), kind)
    assert (parts == parts[:, :, :1, :1]).all()
    others = (parts[:, :, 0, 0] != np.arange(1, N + 1)[:, None]).mean()
    assert 0.05 < others < 0.6
    assert len(np.unique(changed(SwapParts(1.0), kind)[:, 0, 0, 0])) == N  # every window finds one partner


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_a_window_never_falls_silent(kind):
    parts = changed(DropParts(0.6), kind)
    silent = (parts == 0).all((2, 3))
    assert (~silent).any(1).all()
    assert silent.any() == (parts.shape[1] > 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_windows_are_spliced_on_a_beat_with_one_other(kind):
    parts = changed(SpliceInTime(1.0), kind)
    assert (parts == parts[:, :1, :1]).all()
    row = parts[:, 0, 0]
    turns = np.diff(row) != 0
    assert (turns.sum(1) <= 1).all()
    assert turns.any()
    assert (row[:, 0] == np.arange(1, N + 1)).all()
    assert ((np.nonzero(turns)[1] + 1) % kind.steps_per_quarter == 0).all()


def test_only_training_is_augmented():
    windows = Windows(numbered(KINDS[0])[:8], KINDS[0], augmentations=(SpliceInTime(1.0),))
    rows = np.arange(8)
    assert (windows.batch(rows).x.numpy() == windows.array).all()
    assert not (windows.batch(rows, RandomSource(0)).x.numpy() == windows.array).all()
