"""Beats found in the onsets of a performance."""

from __future__ import annotations

import numpy as np
import pytest

from music.theory.performing import performed, waltz_or_march
from musicae.music.score.score import Score
from musicae.music.theory.beats import Onsets, find_beats, onsets


def share_found(beats: np.ndarray, true: np.ndarray) -> float:
    """The share of true beats, in seconds, that some found beat is within 70 ms of."""
    return float((np.abs(true[:, None] - beats).min(1) <= 0.07).mean())


@pytest.mark.parametrize("tempo", [72, 96, 127])
@pytest.mark.parametrize("beats_a_bar", [3, 4])
def test_beats_of_a_performance_are_found(tempo, beats_a_bar):
    played, true = performed(waltz_or_march(beats_a_bar), tempo=tempo, wander=0.015, jitter=0.012)
    found = onsets(played)
    beats = find_beats(found)
    true = true[(true >= found.seconds[0] - 0.05) & (true <= found.seconds[-1])]
    assert share_found(beats, true) > 0.95
    assert share_found(true, beats[1:-1]) > 0.95  # and no others


def test_a_tempo_that_is_known_decides_between_two():
    played, _ = performed(waltz_or_march(4), tempo=100, wander=0.01, jitter=0.005)
    for tempo in (50, 100, 200):
        assert 60 / np.median(np.diff(find_beats(onsets(played), tempo))) == pytest.approx(tempo, rel=0.1)


def test_beats_ascend_and_enclose_the_onsets():
    random = np.random.default_rng(0)
    for count in (1, 2, 3, 50):
        found = Onsets(np.sort(random.uniform(0, 20, count)), random.uniform(0.1, 3, count))
        beats = find_beats(found)
        assert (np.diff(beats) > 0).all()
        assert beats[0] <= found.seconds[0] + 0.1
        assert beats[-1] >= found.seconds[-1] - 0.1


def test_notes_that_begin_together_are_one_onset():
    played, _ = performed(waltz_or_march(4), tempo=100, wander=0.0, jitter=0.003)
    found = onsets(played)
    assert np.diff(found.seconds).min() > 0.045
    assert not len(onsets(Score()).seconds)
