"""Notation: ABC, kern, MusicXML, and the streams of music21."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from fractions import Fraction

import pytest

from music.making import assert_same_music, notes
from musicae.errors import MidiError
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

ABC = "X:1\nT:Foo\nM:3/4\nL:1/8\nQ:1/4=100\nK:D\nABc d2e|[DFA]6|\n"
KERN = "**kern\n*M3/4\n4c\n4e\n4g\n=\n2.cc\n*-\n"
MUSICXML = """<?xml version="1.0"?><score-partwise><part-list><score-part id="P1"><part-name>Viola</part-name>
</score-part></part-list><part id="P1"><measure number="0" implicit="yes"><attributes><divisions>2</divisions>
<time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration></note></measure>
<measure number="1">
<note><pitch><step>C</step><octave>5</octave></pitch><duration>6</duration></note></measure>
</part></score-partwise>"""


def test_reads_abc(capfd):
    song = Song.read(ABC.encode())
    eighths = song.tracks[0].notes["start"] * 2 / song.ticks_per_quarter
    assert eighths.tolist() == [0, 1, 2, 3, 5, 6, 6, 6]
    assert song.tracks[0].notes["pitch"].tolist() == [69, 71, 73, 74, 76, 62, 66, 69]
    assert (song.time_signatures[0][1:], song.key_signatures[0][1:]) == ((3, 4), (2, False))
    assert capfd.readouterr() == ("", "")


def test_reads_kern():
    song = Song.read(KERN.encode())
    quarters = [start / song.ticks_per_quarter for start in song.tracks[0].notes["start"]]
    assert (quarters, song.time_signatures[0][1:]) == ([0, 1, 2, 3], (3, 4))


def test_what_notation_readers_doubt_is_said(capfd):
    doubtful = Song.read(KERN.replace("4e", "4").encode())
    assert doubtful.changes == ("music21 could not make sense of it in 1 place",)
    for broken in ("X:1\nK:C\n", "X:1\n%\nK:\n", MUSICXML[:-30]):
        with pytest.raises(MidiError) as caught:
            Song.read(broken.encode())
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_reads_musicxml_with_its_upbeat_before_a_bar_line(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("score.xml", MUSICXML)
    for data in (MUSICXML.encode(), MUSICXML.encode("utf-16"), packed.getvalue()):
        song = Song.read(data)
        unit = song.ticks_per_quarter
        assert song.tracks[0].notes[["start", "pitch"]].tolist() == [(2 * unit, 67), (3 * unit, 72)]
        assert song.tracks[0].name == "Viola"


def test_music21_there_and_back():
    rows = [(0, 480, 60, 90), (0, 480, 64, 90), (480, 640, 62, 90), (640, 800, 62, 90), (960, 1920, 67, 90)]
    song = Song((Track(notes(*rows), 40),), tempos=(Tempo(0, 90.0),), time_signatures=(TimeSignature(0, 3, 4),))
    score = song.to_music21()
    assert_same_music(song, Song.read(score).resample(480), names=False)
    sloppy = replace(song.tracks[0], notes=notes((7, 466, 60, 90), (0, 1, 62, 90)))
    made = replace(song, tracks=(sloppy,)).to_music21()
    assert {n.quarterLength for n in made.recurse().notes} == {Fraction(1, 12), 1}
