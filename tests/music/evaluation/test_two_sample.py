"""Two-sample tests: no classifier is tested on what it was trained on, and what differs plainly is distinguished."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from music.making import band_windows
from musicae.core.settings import Training
from musicae.errors import DataError
from musicae.music.data.windows import Windows
from musicae.music.evaluation import two_sample
from musicae.music.evaluation.two_sample import Music, classifier_settings, midpoints, pairs, sampled, two_sample_report
from musicae.music.latent.reranking import FEWEST_NOTES
from musicae.music.representations import Drums, Melody, Pianoroll, Trio

MELODY = tiny.MELODY.representation


def test_every_figure_is_there_and_is_a_share(two_sample_figures):
    shares = [share for row in two_sample_figures["overlaps"].values() for share in row.values()]
    shares += [v for name in ("nearest", "copies", "faults") for v in two_sample_figures[name].values()]
    shares += [one[name] for one in two_sample_figures["judge"].values() for name in ("accuracy", "by_attributes")]
    assert all(0 <= share <= 1 for share in shares)
    assert two_sample_figures["overlaps"].keys() == {*two_sample_figures["means"], "interval_histogram"}
    assert {tuple(row) for row in two_sample_figures["overlaps"].values()} == {("samples", "midpoints", "train")}
    assert two_sample_figures["faults"]["held_out"] == 0
    assert two_sample_figures["lines"].keys() == {"samples", "midpoints", "train", "held_out"}
    assert two_sample_figures["lines"]["held_out"]["fewest_notes"] >= FEWEST_NOTES


def test_the_same_seed_gives_the_same_figures(two_sample_figures):
    again = two_sample_report(tiny.model(tiny.MELODY), band_windows(), band_windows(pitch=50), samples=12, steps=3)
    assert repr(again) == repr(two_sample_figures)


def test_training_music_that_is_the_held_out_music_is_at_the_ceiling_and_copied():
    held_out = band_windows()
    found = two_sample_report(tiny.model(tiny.MELODY), held_out, held_out, samples=200, steps=1)
    assert all(row["train"] == pytest.approx(1) for row in found["overlaps"].values())
    assert found["copies"]["held_out"] == 1
    assert found["nearest"]["held_out"] == 0


@given(st.integers(8, 40), st.integers(0, 100))
def test_songs_to_test_on_are_not_trained_on(songs, seed):
    held_out = Windows(np.zeros((2 * songs, 32), np.uint8), MELODY, songs=np.repeat(np.arange(songs), 2))
    parts = Music.of(held_out, None, (-6, 6), seed)
    sets = [set(one.songs.tolist()) for one in (parts.train, parts.validation, parts.test)]
    assert all(len(one) >= 2 for one in sets)
    assert sum(map(len, sets)) == len(set.union(*sets)) == songs
    assert len(sets[2]) == songs // 2
    assert (parts.train.transpose, parts.validation.transpose, parts.test.transpose) == ((-6, 6), (0, 0), (0, 0))


def test_other_held_out_music_is_trained_on():
    more = band_windows(pitch=48)
    with_more, without = (Music.of(band_windows(), one, (0, 0), 0) for one in (more, None))
    assert len(with_more.train) == len(without.train) + len(more)
    assert np.array_equal(with_more.test.array, without.test.array)


def test_too_few_songs_are_refused():
    with pytest.raises(DataError, match="at least 8 held-out songs, and there are 3"):
        Music.of(band_windows(songs=3), None, (0, 0), 0)


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=50).filter(lambda songs: len(set(songs)) > 1), st.integers(0, 9)
)
def test_pairs_are_of_different_songs(songs, seed):
    songs = np.array(songs)
    one, other = pairs(songs, 200, np.random.default_rng(seed))
    assert (songs[one] != songs[other]).all()
    assert set(songs[one]) == set(songs)


@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.CHORDS, tiny.TRIO, tiny.GROOVE], ids=lambda one: one.name)
def test_samples_and_midpoints_are_windows_of_the_model(preset):
    model, like = tiny.model(preset), band_windows(preset.representation)
    for make in (sampled, midpoints):
        windows = make(model, like, 5, 1)
        assert windows.shape == (5, *preset.representation.shape)
        assert np.array_equal(windows, make(model, like, 5, 1))
        assert not np.array_equal(windows, make(model, like, 5, 2))


def test_a_classifier_distinguishes_what_differs_plainly():
    """Windows of one note, which no music here has."""
    one = np.ones((1, 32), np.uint8)
    one[0, 5] = 60
    result = two_sample._classifier_test(
        tiny.model(tiny.MELODY),
        Music.of(band_windows(), None, (0, 0), 0),
        lambda like, n, seed: one.repeat(n, 0),
        100,
        0,
        15,
    )
    assert result["accuracy"] == result["by_attributes"] == 1
    assert result["weights"]["density"] < 0


def test_a_classifier_cannot_distinguish_music_from_itself():
    held_out = Music.of(band_windows(), None, (0, 0), 0)
    model = tiny.model(tiny.MELODY)
    result = two_sample._classifier_test(
        model, held_out, lambda like, n, seed: np.resize(like.array, (n, 32)), 100, 0, 10
    )
    assert result["by_attributes"] == pytest.approx(0.5, abs=0.1)
    assert result["accuracy"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("steps", [32, 24, 12, 6, 3, 256])
def test_a_classifier_reads_any_number_of_steps(steps):
    from musicae.core.classification import Classifier

    classifier = Classifier(classifier_settings(Melody(steps=steps), Training()))
    assert classifier(torch.zeros(2, steps, dtype=torch.long)).shape == (2, 2)


@pytest.mark.parametrize("kind", [Melody(), Pianoroll(), Trio(), Drums()], ids=lambda kind: type(kind).__name__)
def test_music_has_no_faults_of_grammar(kind):
    assert not kind.faults(band_windows(kind).array).any()


def test_faults_of_grammar_by_hand():
    windows = np.zeros((5, 32), np.uint8)
    windows[1, [0, 4]] = 1  # ends nothing
    windows[2, 4] = 1  # ends what sounds into the window
    windows[3, [0, 4, 8]] = 1, 60, 1
    windows[4, [0, 4, 8, 9]] = 1, 60, 1, 1
    assert Melody().faults(windows).tolist() == [False, True, False, False, True]
    assert Melody(strict=True).faults(windows[2:4] * (np.arange(32) > 0).astype(np.uint8)).tolist() == [True, False]
    roll = np.zeros((3, *Pianoroll().shape), np.uint8)
    roll[0, 1, :4, 30] = roll[1, 0, 4, 30] = roll[1, 1, 5:7, 30] = roll[2, 1, 5, 30] = 1
    assert Pianoroll().faults(roll).tolist() == [False, False, True]
