"""The record of a score: reading from everything, time, cutting and joining, saving."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import symusic
from hypothesis import given, settings
from making import GOOD, assert_same_music, notes, songs

from musicae.errors import Error, MidiError
from musicae.files import write_atomically
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


# In and out ---------------------------------------------------------------------------------------


def test_reads_paths_bytes_songs_and_keeps_the_name(tmp_path):
    path = tmp_path / "Скрипка.mid"
    path.write_bytes(GOOD)
    song = Song.read(path)
    assert song.name == "Скрипка"
    assert Song.read(song) is song
    for source in (str(path), GOOD, bytearray(GOOD)):
        assert_same_music(song, Song.read(source))


@settings(max_examples=20, deadline=None)
@given(songs())
def test_symusic_and_pretty_midi_there_and_back(song):
    assert_same_music(song, Song.read(song.to_symusic()))
    assert_same_music(song, Song.read(song.to_pretty_midi()))


def test_reads_symusic_of_other_time_units():
    score = symusic.Score.from_midi(GOOD)
    for unit in ("tick", "quarter", "second"):
        assert Song.read(score.to(unit)).tracks[0].notes["pitch"].tolist() == list(range(60, 68))


def test_reads_pretty_midi_made_by_hand():
    music = pretty_midi.PrettyMIDI(initial_tempo=90)
    music.instruments = [pretty_midi.Instrument(40, name="v")]
    music.instruments[0].notes = [pretty_midi.Note(90, 60, 2 / 3, 4 / 3), pretty_midi.Note(90, 62, 0, 2 / 3)]
    song = Song.read(music)
    assert song.tracks[0].notes.tolist() == [(0, 220, 62, 90), (220, 440, 60, 90)]
    assert song.tempos == ((0, pytest.approx(90)),)
    music.instruments[0].notes[0].end = float("nan")
    with pytest.raises(MidiError, match="not a number"):
        Song.read(music)


@pytest.mark.parametrize("key", range(24))
def test_keys_of_pretty_midi(key):
    music = pretty_midi.PrettyMIDI()
    music.instruments = [pretty_midi.Instrument(0)]
    music.instruments[0].notes = [pretty_midi.Note(90, 60, 0, 1)]
    music.key_signature_changes = [pretty_midi.KeySignature(key, 0)]
    written = Song.read(music).to_pretty_midi()
    assert written.key_signature_changes[0].key_number == key


def test_reads_abc(capfd):
    song = Song.read(ABC.encode())
    assert song.tracks[0].notes["start"].tolist() == [0, 240, 480, 720, 1200, 1440, 1440, 1440]
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


@pytest.mark.parametrize("source", [3, None, ["a.mid"], np.zeros(3)])
def test_other_things_are_refused(source):
    with pytest.raises(MidiError, match="neither"):
        Song.read(source)


def test_paths_that_lead_nowhere(tmp_path):
    for path, reason in (
        (tmp_path / "no.mid", "no such file"),
        (tmp_path, "folder"),
        ("a\0b", "cannot be opened"),
    ):
        with pytest.raises(MidiError, match=reason) as caught:
            Song.read(path)
        assert "\n" not in str(caught.value)


# Saving -------------------------------------------------------------------------------------------


def test_saving_makes_folders_and_overwrites_only_when_told(tmp_path):
    song, path = Song.read(GOOD), tmp_path / "new" / "a.mid"
    assert song.save(path) == path
    with pytest.raises(Error, match="--force"):
        song.save(path)
    longer = Song.concatenate([song, song])
    longer.save(path, force=True)
    assert path.read_bytes() == longer.to_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["a.mid"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "a.bin", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(Error, match="No space left"):
            write_atomically(path, b"new", force=True)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
    with pytest.raises(Error, match="cannot be written"):
        write_atomically(path / "b", b"new")


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    modes = {Path(p).stat().st_mode for p in (tmp_path / "plain", write_atomically(tmp_path / "b", b""))}
    assert len(modes) == 1


# Time ---------------------------------------------------------------------------------------------


def test_seconds_follow_the_tempo_map():
    song = replace(Song.read(GOOD), tempos=(Tempo(0, 60.0), Tempo(480, 120.0)))
    assert song.tick_to_seconds([0, 240, 480, 960]).tolist() == [0, 0.5, 1, 1.5]
    assert song.tick_to_seconds(np.zeros((2, 3))).shape == (2, 3)
    assert song.seconds == pytest.approx(1 + 7 * 0.5)


@pytest.mark.parametrize(
    ("metres", "end", "line"),
    [
        ([(0, 4, 4)], 1, 1920),
        ([(0, 4, 4)], 1920, 1920),
        ([(0, 4, 4)], 1921, 3840),
        ([(0, 3, 4), (1440, 6, 8)], 1441, 2880),
        ([(0, 4, 4), (1920, 3, 4)], 1920, 1920),
        ([(0, 4, 4), (1000, 7, 8)], 1001, 2680),
    ],
)
def test_the_last_bar_line(metres, end, line):
    song = Song((Track(notes((0, end, 60, 80))),), time_signatures=tuple(TimeSignature(*m) for m in metres))
    assert song.bars_end == line
    assert Song().bars_end == 1920


def test_a_slice_keeps_what_is_in_force():
    song = replace(
        Song.read(GOOD),
        tempos=(Tempo(0, 60.0), Tempo(960, 90.0), Tempo(1500, 100.0), Tempo(3000, 50.0)),
        time_signatures=(TimeSignature(0, 2, 4),),
    )
    part = song.slice(1440, 2200)
    assert part.tracks[0].notes.tolist() == [(0, 480, 63, 64), (480, 760, 64, 64)]
    assert part.tempos == ((0, 90.0), (60, 100.0))
    assert part.time_signatures == ((0, 2, 4),)
    assert song.slice(100, 101).end == 0


def test_songs_follow_each_other_on_bar_lines():
    a = Song.read(GOOD).slice(0, 960)
    b = replace(a.resample(96), tempos=(Tempo(0, 90.0),), changes=("said",))
    joined = Song.concatenate([a, b, b])
    assert joined.tracks[0].notes["start"].tolist() == [0, 480, 1920, 2400, 3840, 4320]
    assert joined.tempos == ((0, 120.0), (1920, 90.0))
    assert joined.time_signatures == a.time_signatures
    assert joined.changes == ("said",)
    assert Song.concatenate([a, b], lengths=[960, 192]).tracks[0].notes["start"].tolist() == [
        0,
        480,
        960,
        1440,
    ]


def test_slices_of_whole_bars_join_to_the_whole():
    song = Song.read(GOOD)
    bars = [song.slice(start, start + 1920) for start in range(0, song.bars_end, 1920)]
    assert_same_music(song, Song.concatenate(bars))


def test_silence_joins_as_a_bar():
    a = Song.read(GOOD).slice(0, 480)
    joined = Song.concatenate([Song(), a, replace(a, tracks=a.tracks * 2)])
    assert [track.notes["start"].tolist() for track in joined.tracks] == [[1920, 3840], [3840]]


def test_tracks_are_joined_by_program():
    notes = Song.read(GOOD).slice(0, 1920).tracks[0].notes
    low, high, drums = Track(notes, program=1), Track(notes, program=2), Track(notes, program=1, is_drum=True)
    joined = Song.concatenate([Song((low, drums)), Song((high, low, low)), Song((drums,))], [1920] * 3)
    first = [(t.program, t.is_drum, sorted(set((t.notes["start"] // 1920).tolist()))) for t in joined.tracks]
    assert first == [(1, False, [0, 1]), (1, True, [0, 2]), (2, False, [1]), (1, False, [1])]


def test_resampling_there_and_back():
    song = Song.read(GOOD)
    assert_same_music(song, song.resample(9600).resample(480))
    assert song.resample(1).tracks[0].notes["start"].tolist() == list(range(8))


def test_repr_is_one_line():
    assert repr(Song.read(GOOD)) == "Song(1 tracks, 8 notes, 4/4, 4.0 s)"
