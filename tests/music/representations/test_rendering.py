"""What goes with the notes of a song through a representation: controls, programs, words, the tempo, the pedal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from music.making import notes
from musicae.errors import ConfigError
from musicae.music.representations import Melody, Multitrack, Pianoroll
from musicae.music.representations.rendering import render
from musicae.music.representations.windowing import at_tempo, windowed, without_words
from musicae.music.score.controls import CONTROL, PEDAL, PROGRAM, VOLUME
from musicae.music.score.score import Tempo, Text, Track
from musicae.music.song import Song

BAR = 4 * 480
QUARTERS = notes(*((480 * i, 480 * i + 480, 60 + i % 7, 80) for i in range(32)))
WORDS = Text(0, "copyright", "me"), Text(5 * BAR, "lyrics", "la"), Text(6 * BAR, "marker", "B")


def song(*controls, rows=QUARTERS, words=()) -> Song:
    """Eight bars of quarters."""
    return Song((Track(rows, 3, name="Keys", controls=np.array(list(controls), CONTROL)),), texts=words)


each_kind = pytest.mark.parametrize("kind", [Melody(), Pianoroll(), Multitrack()], ids=lambda kind: type(kind).__name__)


@each_kind
def test_programs_and_controls_are_those_of_the_bars(kind):
    excerpt = kind.extract(song((0, VOLUME, 90), (4 * BAR, PROGRAM, 40), (6 * BAR, VOLUME, 50)), bars=(6, 8))
    track = render(kind, excerpt.array, excerpt).tracks[0]
    assert track.program == 40
    ticks = track.controls.tolist()
    unit = excerpt.song.ticks_per_quarter * 4
    assert ticks == [(0, VOLUME, 90), (unit, VOLUME, 50)]
    assert len(track.notes) == 12


def test_words_of_the_bars_are_kept_and_others_are_said():
    excerpt = Melody().extract(song(words=WORDS), bars=(6, 8))
    assert [text[1:] for text in render(Melody(), excerpt.array, excerpt).texts] == [text[1:] for text in WORDS[1:]]
    assert "1 copyright line outside these bars left out" in excerpt.report
    plain = without_words(windowed(Melody(), excerpt))
    assert not plain.excerpt.song.texts
    assert plain.excerpt.report[-1] == "2 words (lyrics, markers, text) left out"


@each_kind
def test_notes_are_as_long_as_the_pedal_holds_them(kind):
    short = QUARTERS.copy()
    short["end"] -= 400
    moves = [(480 * i + at, PEDAL, value) for i in range(32) for at, value in ((0, 127), (479, 0))]
    held = kind.extract(song(*moves, rows=short))
    assert held.array.tolist() == kind.extract(song(rows=QUARTERS)).array.tolist()
    assert "32 notes of the song lengthened by the pedal, as they sound" in held.report
    assert not (render(kind, held.array, held).tracks[0].controls["number"] == PEDAL).any()


def test_a_tempo_of_ones_own():
    excerpt = windowed(Melody(), Melody().extract(replace(song(), tempos=(Tempo(0, 90.0), Tempo(BAR, 140.0)))))
    assert at_tempo(excerpt, 77).excerpt.song.tempos == (Tempo(0, 77.0),)
    assert at_tempo(excerpt, None) is excerpt
    for wrong in (0, -3, 5000, float("nan")):
        with pytest.raises(ConfigError, match="BPM"):
            at_tempo(excerpt, wrong)


def test_swing_is_said_or_kept():
    rows = notes(*((480 * i + at, 480 * i + at + 100, 60, 80) for i in range(16) for at in (0, 320)))
    said = "triplets or swing, which a grid of 4 steps a beat lacks and one of 12 has"
    assert Melody().extract(song(rows=rows)).report[-1] == f"that is 50% of them, by 0.08 beats at most: {said}"
    for kind in (Melody(steps_per_quarter=12, steps=96), Multitrack()):
        excerpt = kind.extract(song(rows=rows))
        assert "grid" not in " ".join(excerpt.report)
        assert (
            render(kind, excerpt.array, excerpt).resample(480).tracks[0].notes["start"].tolist()
            == rows["start"].tolist()
        )


def test_late_notes_are_not_called_swing():
    rows = QUARTERS.copy()
    rows["start"][::4] += 20
    report = Melody().extract(song(rows=rows)).report
    assert report[-1] == "that is 25% of them, by 0.04 beats at most"
