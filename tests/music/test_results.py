from __future__ import annotations

from dataclasses import replace

import numpy as np
import tiny

from musicae.music.score.score import Track


def test_steps_that_end_in_silence_keep_their_bars(melody, monkeypatch):
    between = melody.interpolate(tiny.song(8), tiny.song(8, pitch=50), 3)
    bars = [[], [], [(0, 480, 60, 80)]]
    notes = [np.array(rows, tiny.NOTE) for rows in bars]
    songs = [replace(step, tracks=(Track(n),)) for step, n in zip(between.songs, notes, strict=True)]
    whole = replace(between, songs=songs).song
    assert whole.tracks[0].notes["start"].tolist() == [2 * 8 * 4 * 480]
