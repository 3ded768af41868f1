"""Variations: at random, transposed, and what stays of the song in all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from musicae.core.directions import Directions
from musicae.music.analysis import attributes
from musicae.music.latent.reranking import VARIED
from musicae.music.latent.variation import KEPT, interval, sounding_steps, transposed
from musicae.music.song import Song

NAMES = ("density", "register")


@pytest.fixture
def model():
    """A melody model with directions."""
    member = tiny.model(tiny.MELODY)
    member.directions = Directions(NAMES, 3 * np.eye(2, 4, dtype=np.float32)[:, None], np.array([0.5, 4.0]))
    return member


def same(a: Song, b: Song) -> bool:
    return a.to_bytes() == b.to_bytes()


def pitches(song: Song) -> np.ndarray:
    return np.concatenate([track.notes["pitch"] for track in song.tracks]).astype(int)


def times(song: Song) -> list[np.ndarray]:
    return [np.concatenate([track.notes[name] for track in song.tracks]) for name in ("start", "end")]


@pytest.mark.parametrize("metre", ["4/4", "3/4"])
def test_the_same_seed_gives_the_same_variations_and_they_differ_from_each_other(model, metre):
    song = tiny.song(9, metre)
    varied, again, other = (model.vary(song, 3, strength=0.7, seed=seed) for seed in (1, 1, 2))
    assert all(map(same, varied, again))
    assert not any(map(same, varied, other))
    assert len({one.to_bytes() for one in varied}) == 3


def test_what_is_repeated_stays_repeated(model):
    """A tune of twelve bars that comes twice."""
    tune = replace(tiny.song(12), name="once")
    twice = Song.concatenate([tune, tune], [12 * 1920] * 2)
    for varied in (*model.vary(twice, 2, strength=0.7), *model.vary(twice, 2, more={"density": 1})):
        windows = model.extract(varied, bars=(1, 24)).windows
        np.testing.assert_array_equal(windows[:6], windows[6:12])


@pytest.mark.parametrize("metre", ["4/4", "3/4"])
@pytest.mark.parametrize("options", [{}, {"strength": 1.0}, {"more": {"density": 3}}], ids=str)
def test_nothing_is_written_after_the_last_bar(model, metre, options):
    """Nine bars: the last window is padded with one of silence."""
    song = tiny.song(9, metre)
    end = model.extract(song).excerpt.grid.bar_ticks[9]
    for one in model.vary(song, 3, **options):
        assert one.end <= end


def test_without_a_strength_about_three_quarters_of_the_notes_stay(model):
    kept = model.vary(tiny.song(16), 4).kept
    assert kept == pytest.approx([KEPT] * 4, abs=0.2)


def test_a_song_of_which_a_window_is_silent_is_varied(model):
    bars = tiny.song(2)
    gap = Song.concatenate([bars, bars], [8 * 1920, 2 * 1920])
    for options in ({}, {"more": {"density": 1}}, {"less": {"register": 1}}):
        assert len(model.vary(gap, 2, **options)) == 2


class Last:
    """In place of a reranker: prefers the last candidate of each."""

    def of_windows(self, _: object, windows: np.ndarray) -> np.ndarray:
        return np.tile(100.0 * np.arange(VARIED), len(windows) // VARIED)


def test_each_window_of_each_variation_is_one_of_several_candidates(model):
    song = tiny.song(8)
    without = model.vary(song, 2, strength=0.9)
    model.reranker = Last()
    chosen = model.vary(song, 2, strength=0.9)
    assert not any(map(same, chosen, without))
    assert all(map(same, chosen, model.vary(song, 2, strength=0.9)))


def test_the_figures_of_variations(model):
    song = tiny.song(5)
    varied = model.vary(song, 3, strength=0.0)
    back = model.reconstruct(song)
    assert len(varied) == 3
    assert same(varied.original, back.original)
    windows = model.extract(song).windows
    assert varied.kept == [1.0] * 3
    assert varied.semitones == [0] * 3
    assert varied.before["density"] == attributes.measure(model.representation, windows)["density"].mean()
    assert varied.report == back.report


@pytest.mark.parametrize("preset", [tiny.PIANOROLL, *tiny.FAMILY], ids=lambda preset: preset.name)
def test_every_kind_of_music_is_varied(preset):
    member = tiny.model(preset)
    member.directions = Directions(("density",), np.ones((1, 1, 4), np.float32), np.ones(1))
    varied = member.vary(tiny.band(8), 2, more={"density": 1})
    assert len(varied.songs) == len(varied.after) == len(varied.kept) == 2
    assert varied.before["density"] > 0


# Transposition ------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [-2, -1, 0.5, 1, 3])
def test_another_register_is_a_transposition(model, amount):
    """By whole semitones, all notes by the same, in equal steps; a register has a spread of 4 semitones."""
    song = tiny.song(9, "3/4")
    varied = model.vary(song, 4, more={"register": amount})
    assert varied.semitones == [interval(4 * amount, share) for share in (0.25, 0.5, 0.75, 1)]
    assert varied.kept == [1.0] * 4
    for one, semitones in zip(varied, varied.semitones, strict=True):
        np.testing.assert_array_equal(pitches(one), pitches(varied.original) + semitones)
        for a, b in zip(times(one), times(varied.original), strict=True):
            np.testing.assert_array_equal(a, b)
    assert varied.after[-1]["register"] == pytest.approx(varied.before["register"] + 4 * amount)


def test_a_song_is_transposed_only_as_far_as_all_of_it_can(model):
    """A song whose highest note is near the top of the model's range."""
    kind = model.representation
    windows = model.extract(tiny.song(8, pitch=90)).windows
    highest = kind.decode(kind.join(windows, np.full(len(windows), kind.steps)))[2].max()
    moved, semitones = transposed(kind, windows, 40)
    assert semitones == kind.highest_pitch - highest
    np.testing.assert_array_equal(moved, np.where(windows > 1, windows + semitones, windows))


@pytest.mark.parametrize(
    ("semitones", "share", "whole"), [(4, 0.25, 1), (4, 1, 4), (0.3, 1, 1), (-0.2, 0.5, -1), (0, 1, 0)]
)
def test_an_interval_is_a_whole_number_of_semitones_and_one_if_anything(semitones, share, whole):
    assert interval(semitones, share) == whole


# What may change -----------------------------------------------------------------------------------


def test_steps_that_sound_end_with_the_bar_of_the_last_note(model):
    source = model.extract(tiny.song(9, "3/4"))
    steps = sounding_steps(model.representation, source)
    assert steps.shape == (len(source.windows), 32)
    assert steps.sum() == 9 * 12


def test_steps_that_sound_begin_with_the_first_note(model):
    source = model.extract(tiny.song(4))
    upbeat = np.append(np.ones(12, np.uint8), source.excerpt.array[12:])
    late = replace(source, excerpt=replace(source.excerpt, array=upbeat))
    assert sounding_steps(model.representation, late).sum() == 4 * 16 - 12
