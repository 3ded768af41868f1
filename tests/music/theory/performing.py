"""Scores played without a click: their notes as a file that always says 120 BPM holds them, and where the beats are."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import numpy as np

from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Score, Tempo, TimeSignature, Track


def waltz_or_march(beats_a_bar: int, bars: int = 24, seed: int = 0) -> Score:
    """A tune over a bass on the first beat and chords on the others, in quarters of 480 ticks."""
    random, rows = np.random.default_rng(seed), []
    for bar in range(bars):
        root, start = (0, 5, 7, 9)[random.integers(4)], bar * beats_a_bar * 480
        rows.append((start, start + 480 * beats_a_bar - 20, 36 + root, 90))
        for beat in range(1, beats_a_bar):
            rows += [(start + beat * 480, start + beat * 480 + 400, 48 + root + third, 60) for third in (0, 4, 7)]
        place = 0
        while place < beats_a_bar * 4:
            length = (1, 2, 2, 4, 4)[random.integers(5)]
            tick = start + place * 120
            rows.append((tick, tick + min(length, beats_a_bar * 4 - place) * 120 - 10, 67 + root, 80))
            place += length
    notes = tidy(np.array(rows, NOTE))
    return Score((Track(notes),), 480, time_signatures=(TimeSignature(0, beats_a_bar, 4),))


def performed(score: Score, *, tempo: float, wander: float, jitter: float, seed: int = 0) -> tuple[Score, np.ndarray]:
    """A score in a file of 120 BPM as it is played at a tempo that wanders.

    Args:
        score: in quarters of equal length.
        tempo: BPM at first.
        wander: of the logarithm of the tempo from beat to beat, of which a twentieth is lost at the next.
        jitter: of onsets, in seconds.
        seed: of both.

    Returns:
        The performance, and its beats in seconds.
    """
    random = np.random.default_rng(seed)
    count = score.end // score.ticks_per_quarter + 3
    deviations = list(accumulate(random.normal(0, wander, count), lambda before, change: 0.95 * before + change))
    lengths = 60 / tempo * np.exp(deviations)
    beats = 0.7 + np.append(0, np.cumsum(lengths))

    def seconds(ticks):
        return np.interp(ticks / score.ticks_per_quarter, np.arange(count + 1), beats)

    tracks = []
    for track in score.tracks:
        notes = track.notes.copy()
        for name in ("start", "end"):
            played = seconds(notes[name]) + random.normal(0, jitter, len(notes))
            notes[name] = np.maximum(np.round(played * 960), 0)
        tracks.append(replace(track, notes=tidy(notes)))
    played = replace(score, tracks=tuple(tracks), ticks_per_quarter=480, time_signatures=(TimeSignature(0, 4, 4),))
    return replace(played, tempos=(Tempo(0, 120.0),)), beats[:-1]
