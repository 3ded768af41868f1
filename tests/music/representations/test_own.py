"""A representation of one's own: the members of the inverse pair are all that it needs for every verb."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import tiny

import musicae
from musicae import registry
from musicae.core.example_spec import ExampleSpec
from musicae.fitting import fit
from musicae.music.analysis import attributes
from musicae.music.representations import OnePart
from musicae.music.representations.rendering import blank, render

MIDDLE_C = 60


@dataclass(frozen=True)
class Chroma(OnePart):
    """Pitch classes: which of twelve begin in each step. An array is uint8 [12, total_steps], a note a step long."""

    @property
    def shape(self):
        return (12, self.steps)

    @property
    def example_spec(self):
        return ExampleSpec("bernoulli", 12, (self.steps,))

    def encode(self, notes, grid):
        step = grid.steps(notes["start"])
        inside = (step >= 0) & (step < grid.total_steps)
        array = np.zeros((12, grid.total_steps), np.uint8)
        array[notes["pitch"][inside] % 12, step[inside]] = 1
        return array, []

    def decode(self, array):
        step, pitch_class = np.nonzero(array.T)
        return step, step + 1, MIDDLE_C + pitch_class

    def transpose(self, windows, semitones):
        source = (np.arange(12) - np.asarray(semitones)[:, None]) % 12
        return np.take_along_axis(windows, source[:, :, None], 1)


CHROMA = Chroma(steps=32)
SONG = tiny.song(8)
PRESET = replace(tiny.MELODY, name="chroma", representation=CHROMA, track=None)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    musicae.register(Chroma)


def test_it_is_trained_and_has_every_verb(registered, tunes, tmp_path):
    fit(PRESET, [tunes], tmp_path / "run", device="cpu", say=None)
    model = musicae.load(tmp_path / "run")
    assert model.representation == CHROMA
    assert 0 <= model.reconstruct(SONG).figures["onset_f1"] <= 1
    assert len(model.sample(2, temperature=1.0)) == 2
    assert len(model.interpolate(SONG, tiny.song(4, pitch=55), 3).songs) == 3
    assert len(model.vary(SONG, 2, strength=0.5).songs) == 2


def test_the_defaults_measure_it():
    excerpt = CHROMA.extract(SONG)
    windows, lengths = CHROMA.cut(excerpt.array, excerpt.grid.windows(32))
    assert np.array_equal(CHROMA.join(windows, lengths), excerpt.array)
    assert CHROMA.onsets(windows).sum() == excerpt.array.sum() > 0
    assert CHROMA.has_onset(np.concatenate([windows[:1], np.zeros_like(windows[:1])])).tolist() == [True, False]
    other = windows.copy()
    other[:, 0, 0] ^= 1
    assert (CHROMA.step_matches(windows, other) == (np.arange(32) > 0)).all()
    assert (CHROMA.has_pitches, CHROMA.has_drums) == (True, False)
    assert not CHROMA.faults(windows).any()
    assert set(attributes.measure(CHROMA, windows)) == set(attributes.names(tiny.MELODY.representation))
    assert not CHROMA.lateness(excerpt.array).any()
    notes = render(CHROMA, excerpt.array, excerpt).tracks[0].notes
    assert set((notes["end"] - notes["start"]).tolist()) == {120}
    assert blank(CHROMA, 3).array.shape == (12, 48)
