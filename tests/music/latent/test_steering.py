"""Steering models, on ones with random weights and directions laid by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from music.making import C_MAJOR, melodies
from musicae.core.directions import Directions
from musicae.errors import ConfigError
from musicae.music.analysis import attributes
from musicae.music.analysis.keys import keys
from musicae.music.latent.steering import Response, first_occurrence_ids, fitted, means, requested_amounts, song_spreads
from musicae.music.song import Song

NAMES = ("density", "note_length", "syncopation_eighths", "syncopation_sixteenths")


@pytest.fixture
def model():
    """A melody model with a direction for each axis of its latent space."""
    member = tiny.model(tiny.MELODY)
    member.directions = Directions(NAMES, 3 * np.eye(4, dtype=np.float32)[:, None], np.ones(4))
    return member


def same(a: Song, b: Song) -> bool:
    return a.to_bytes() == b.to_bytes()


@pytest.fixture
def decoded(model, monkeypatch):
    """The latent vectors that a model has decoded, a passage each."""
    seen, decode = [], model._decoded
    monkeypatch.setattr(model, "_decoded", lambda z, *rest: seen.append(z) or decode(z, *rest))
    return seen


# Requests ----------------------------------------------------------------------------------------


def test_less_is_more_of_the_opposite_and_a_group_means_all_of_it():
    assert requested_amounts(NAMES, {"density": 1.5, "syncopation": 0.5}, {"note-length": 2, "density": 1}) == {
        "density": 0.5,
        "syncopation_eighths": 0.5,
        "syncopation_sixteenths": 0.5,
        "note_length": -2.0,
    }


@pytest.mark.parametrize("name", ["densty", "pitch", "", "syncopation_"])
def test_an_unknown_attribute_is_refused_with_those_there_are(name):
    with pytest.raises(ConfigError, match=r"unknown attribute .*(did you mean|known: density, note_length)"):
        requested_amounts(NAMES, {name: 1})
    with pytest.raises(ConfigError, match="unknown attribute 'syncopation'"):
        requested_amounts(NAMES[:2], less={"syncopation": 1})


def test_equal_windows_have_one_id():
    windows = np.array([[3, 1], [2, 2], [3, 1], [0, 0], [2, 2]], np.uint8)
    np.testing.assert_array_equal(first_occurrence_ids(windows), [0, 1, 0, 2, 1])


def test_means_are_over_the_windows_that_have_a_value():
    found = means({"a": np.array([1.0, np.nan, 4.0]), "b": np.full(3, np.nan)})
    assert found["a"] == 2.5
    assert np.isnan(found["b"])


# Requests that cannot be ---------------------------------------------------------------------------


def test_impossible_requests_are_refused(model):
    song = tiny.song(5)
    with pytest.raises(ConfigError, match="unknown attribute 'swing'"):
        model.vary(song, more={"swing": 1})
    with pytest.raises(ConfigError, match="0 variations"):
        model.vary(song, 0)
    with pytest.raises(ConfigError, match="density nan"):
        model.vary(song, more={"density": float("nan")})
    model.directions = None
    with pytest.raises(ConfigError, match="tiny-melody has no directions"):
        model.vary(song, less={"density": 1})


# Fitting ------------------------------------------------------------------------------------------


def random_windows(n: int = 200, seed: int = 0) -> np.ndarray:
    """Melodies of random numbers of notes."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(30, 60, (n, 32))
    tokens[rng.random((n, 32)) > rng.uniform(0.1, 0.9, (n, 1))] = 0
    tokens[:, 0] = 40
    return tokens.astype(np.uint8)


def counting(monkeypatch):
    """A model whose first latent number is how many notes a window has."""
    member, every = tiny.model(tiny.MELODY), np.arange(32)

    def encode(windows: np.ndarray) -> np.ndarray:
        z = np.zeros((len(windows), 4), np.float32)
        z[:, 0] = (windows > 1).sum(1)
        return z

    def decode(z: np.ndarray, condition=None) -> np.ndarray:
        return np.where(every < np.round(z[:, :1]), 40 + every % 12, every * 0).astype(np.uint8)

    monkeypatch.setattr(member, "encode_windows", encode)
    monkeypatch.setattr(member, "decode_windows", decode)
    return member


def test_fitting_finds_the_direction_that_a_model_has_and_its_length(monkeypatch):
    windows = random_windows()
    values = attributes.measure(tiny.MELODY.representation, windows)
    spread = values["density"].std()
    found = fitted(counting(monkeypatch), windows)
    np.testing.assert_allclose(found.deviation("density"), spread)
    np.testing.assert_allclose(found.shift({"density": 1}), [8 * spread, 0, 0, 0], rtol=0.25)


def test_spreads_are_over_songs():
    """Three songs of two windows, whose mean pitches are 60, 64 and 68; one has a silent window besides."""
    windows = np.zeros((7, 32), np.uint8)
    windows[:, 0] = np.array([59, 61, 62, 66, 60, 76, 20]) - 19
    songs = np.array([0, 0, 1, 1, 2, 2, 2])
    found = song_spreads(tiny.MELODY.representation, windows, songs, np.random.default_rng(0))
    assert found["register"] == pytest.approx(np.std([60, 64, 68]))


def test_nothing_is_fitted_to_few_windows_or_to_a_model_that_cannot_be_moved(monkeypatch):
    model = counting(monkeypatch)
    assert fitted(model, random_windows(20)) is None
    monkeypatch.setattr(model, "decode_windows", lambda z, condition=None: np.full((len(z), 32), 40, np.uint8))
    assert fitted(model, random_windows()) is None


def test_a_conditional_model_is_calibrated_under_its_conditions():
    member = tiny.model(tiny.HITS)
    windows = member.extract(tiny.band(8)).windows
    response = Response(member, windows, member.encode_windows(windows), {"density": 1.0})
    assert response.condition is not None
    np.testing.assert_array_equal(
        response.change(*response.both_ways(np.ones((1, 4)))), [0.0]
    )  # its hits are the conditions


# Keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("semitones", range(-5, 7))
def test_keys_are_transposed_with_the_music(semitones):
    windows = melodies(np.stack([C_MAJOR, C_MAJOR[::-1]]) + semitones)
    assert (keys(tiny.MELODY.representation, windows) == semitones % 12).all()


def test_a_window_that_fits_several_keys_has_that_of_the_others():
    windows = melodies(np.stack([np.full(8, 4), C_MAJOR + 2, C_MAJOR + 2]))  # E is in D major, and in C major
    assert (keys(tiny.MELODY.representation, windows) == 2).all()
