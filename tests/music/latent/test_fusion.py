"""What is written between two songs."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

import musicae
from musicae.music.language.context import Bars
from musicae.music.latent.fusion import repeats_of
from musicae.music.representations.tokens import FIRST_NOTE
from musicae.music.song import Song


@pytest.fixture(scope="module")
def model():
    return musicae.load()


A, B = tiny.song(8), tiny.song(8, pitch=55, stride=7)


def tokens(model, song: Song) -> np.ndarray:
    return model.extract(song, bars=(1, 8)).excerpt.array


def steps(model, a=A, b=B, **options) -> list[np.ndarray]:
    return [tokens(model, song) for song in model.interpolate(a, b, steps=5, **options).songs]


def test_the_ends_are_reconstructions(model):
    found = steps(model, keys="none")
    for end, song in ((found[0], A), (found[-1], B)):
        assert np.array_equal(end, tokens(model, model.reconstruct(song).song))


def test_between_identical_songs_every_step_is_the_song(model):
    assert all(np.array_equal(step, tokens(model, A)) for step in steps(model, A, A))


def test_the_same_seed_writes_the_same_and_another_one_something_else(model):
    first, again, other = (steps(model, seed=seed)[2] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_between_lies_in_the_range_of_both(model):
    found = steps(model, keys="none")
    notes = [step[step >= FIRST_NOTE] for step in found]
    ends = np.concatenate([notes[0], notes[-1]])
    assert all(ends.min() <= one.min() and one.max() <= ends.max() for one in notes)


def test_equal_bars_of_both_are_equal_between(model):
    """Both songs repeat every bar."""
    one, other = tiny.song(8, stride=12), tiny.song(8, pitch=64, stride=24)
    for step in steps(model, one, other)[1:-1]:
        bars = step.reshape(8, 16)
        repeated = [i for i in range(1, 8) if all(_same_bar(tokens(model, song), i) for song in (one, other))]
        assert all(np.array_equal(bars[i], bars[i - 1]) for i in repeated)


def _same_bar(array: np.ndarray, i: int) -> bool:
    bars = array.reshape(8, 16)
    return np.array_equal(bars[i], bars[i - 1]) and bool((bars[i] >= FIRST_NOTE).any())


def test_on_straight_lines_decodes_are_as_they_are(model):
    found = model.interpolate(A, B, steps=3, linear=True, keys="none")
    plain = model.decode(found.latents[1], like=A)
    assert np.array_equal(tokens(model, found.songs[1]), tokens(model, plain))


def test_a_bar_repeats_what_it_does_in_the_nearer_song_if_that_is_as_near():
    bars = Bars(4 * np.arange(5))
    a, b = (np.repeat(pattern, 4) for pattern in ([40, 41, 40, 42], [40, 41, 42, 41]))
    here, there = np.full(4, 0.25), np.full(4, 0.75)
    notes, _ = repeats_of([a, b], bars, np.stack([here, there, np.linspace(0, 1, 4)]))
    assert notes.tolist() == [[-1, -1, 0, -1], [-1, -1, -1, 1], [-1, -1, -1, -1]]
