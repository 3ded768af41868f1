"""How much of some music came back, on windows small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from musicae.music.metrics import notes_right, score
from musicae.music.representations import Melody, Pianoroll

MELODY = Melody(steps=8)
TRUTH = np.array([[41, 0, 43, 0, 1, 0, 45, 0], [1, 0, 41, 0, 0, 0, 0, 0]], np.uint8)


def ratio(decoded, name: str) -> float:
    right, of = score(MELODY)(np.array(decoded, np.uint8), TRUTH)[name]
    return right / of


def test_what_comes_back_whole_is_wholly_right():
    assert all(right == of > 0 for right, of in score(MELODY)(TRUTH, TRUTH).values())


def test_each_figure_counts_its_own_thing():
    decoded = TRUTH.copy()
    decoded[0, 2], decoded[0, 5] = 44, 43  # one wrong pitch, one note too many
    assert ratio(decoded, "step_accuracy") == 14 / 16
    assert ratio(decoded, "onset_f1") == 2 * 3 / (5 + 4)
    assert ratio(decoded, "whole_windows") == 1 / 2


def test_silence_finds_no_onsets():
    silent = np.array([[1] + [0] * 7] * 2)
    assert ratio(silent, "onset_f1") == 0
    assert score(MELODY)(silent, silent)["onset_f1"] == (0, 0)


def test_batches_add_up():
    decoded = np.roll(TRUTH, 1, axis=1)
    parts = [score(MELODY)(decoded[i : i + 1], TRUTH[i : i + 1]) for i in range(2)]
    for name, whole in score(MELODY)(decoded, TRUTH).items():
        assert np.array_equal(np.sum([part[name] for part in parts], axis=0), whole)


@pytest.mark.parametrize(
    ("decoded", "share"),
    [
        ([41, 0, 43, 0, 1, 0, 45, 0], 1),
        ([41, 0, 43, 0, 0, 0, 45, 0], 2 / 3),  # one too long
        ([41, 0, 44, 0, 1, 0, 45, 0], 2 / 3),  # one of another pitch
        ([41, 0, 43, 0, 1, 45, 0, 0], 2 / 3),  # one too early
        ([1, 0, 0, 0, 0, 0, 0, 0], 0),
    ],
)
def test_a_note_is_right_with_its_pitch_onset_and_length(decoded, share):
    assert notes_right(MELODY, np.array(decoded, np.uint8), TRUTH[0]) == share


def test_rolls_are_scored_by_the_same_rules():
    roll = Pianoroll(steps=4)
    truth = np.zeros((1, *roll.shape), np.uint8)
    truth[0, 0, 0, [39, 43]] = 1
    decoded = truth.copy()
    decoded[0, 0, 0, 43] = 0
    figures = {name: a / b for name, (a, b) in score(roll)(decoded, truth).items()}
    assert figures == {"step_accuracy": 3 / 4, "onset_f1": 2 / 3, "whole_windows": 0}
    assert notes_right(roll, decoded[0], truth[0]) == 1 / 2
