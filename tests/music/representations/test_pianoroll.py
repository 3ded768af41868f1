from __future__ import annotations

import numpy as np

from musicae.music.representations import Pianoroll
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Track
from musicae.music.song import Song

ROLL = Pianoroll(steps=16, lowest_pitch=60, highest_pitch=71)


def track(*notes, name: str = "", program: int = 0) -> Track:
    """A track of (start, end, pitch) in sixteenths."""
    return Track(np.array([(s * 120, e * 120, p, 80) for s, e, p in notes], NOTE), program, name=name)


def test_repeated_notes_stay_apart():
    excerpt = ROLL.extract(Song((track((0, 2, 60), (2, 4, 60)),)))
    onset, sustain = excerpt.array[:, :5, 0]
    assert onset.tolist() == [1, 0, 1, 0, 0]
    assert sustain.tolist() == [0, 1, 0, 1, 0]
    start, end, pitch = ROLL.decode(excerpt.array)
    assert (start.tolist(), end.tolist(), pitch.tolist()) == ([0, 2], [2, 4], [60, 60])


def test_all_pitched_tracks_are_taken_together():
    drums = Track(np.array([(0, 1, 36, 80)], NOTE), is_drum=True)
    song = Song((drums, track((0, 4, 60), name="S"), track((0, 4, 64), (4, 8, 40), name="B", program=32)))
    excerpt = ROLL.extract(song)
    assert ROLL.decode(excerpt.array)[2].tolist() == [60, 64, 64]
    assert excerpt.report == (
        "took all 2 pitched tracks together",
        "1 note moved by octaves into the model's range",
    )
    assert excerpt.track.program == 32, "that of the track with the most notes"
    assert ROLL.decode(ROLL.extract(song, "B").array)[2].tolist() == [64, 64]


def test_doubled_notes_become_one():
    excerpt = ROLL.extract(Song((track((0, 4, 60)), track((0, 2, 72)))))
    assert ROLL.decode(excerpt.array)[1].tolist() == [4]
    assert "1 note merged with one of the same pitch and step" in excerpt.report


def test_a_sustain_that_nothing_began_is_silent():
    array = np.zeros((2, 16, 12), np.uint8)
    array[1, 3:6, 2] = 1
    assert len(ROLL.decode(array)[0]) == 0


def test_figures_count_steps_and_onsets():
    truth = np.zeros((1, 2, 16, 12), np.uint8)
    truth[0, 0, 3, 2] = 1
    assert ROLL.step_matches(np.zeros_like(truth), truth).sum() == 15
    assert ROLL.onsets(truth).shape == (1, 16, 12)
