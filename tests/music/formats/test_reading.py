"""Reading broken MIDI files, and writing whole ones."""

from __future__ import annotations

import io
import random
import resource
import tarfile
from dataclasses import replace

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import SHARED

from music.making import END, GOOD, SCALE, assert_same_music, chunk, file, header, meta, note, notes, number, songs
from musicae.errors import MidiError
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import KeySignature, Tempo, TimeSignature, Track
from musicae.music.song import Song

ONE_NOTE = note() + END
REPAIRED = {
    "RIFF wrapper": (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + GOOD, "before its header"),
    "MacBinary header": (bytes(128) + GOOD, "before its header"),
    "header of 10 bytes": (b"MThd\0\0\0\x0a" + GOOD[8:14] + bytes(4) + GOOD[14:], "header was 10 bytes"),
    "length too long": (header() + chunk(SCALE + END, 9999), "wrong length"),
    "length of 2^32 - 1": (header() + chunk(SCALE + END, 2**32 - 1), "wrong length"),
    "length too short": (header() + chunk(SCALE + END, 8), "wrong length"),
    "length 0": (header() + chunk(SCALE + END, 0), "wrong length"),
    "no end of track": (file(SCALE), "no end"),
    "chunk before the track": (header() + chunk(b"abcd", tag=b"XFIH") + chunk(SCALE + END), "not a track"),
    "chunk after the track": (GOOD + chunk(b"abcd", tag=b"XFIH"), "not a track"),
    "a track too few": (header(5) + chunk(SCALE + END), "1 of the 5"),
    "data above 127": (file(SCALE.replace(b"\x90\x3c\x40", b"\x90\xbc\x40") + END), "damaged"),
    "undefined status": (file(b"\0\xf4" + SCALE + END), "damaged"),
    "frames of film": (file(SCALE + END, division=(256 - 25) << 8 | 40), "SMPTE"),
    "format 2": (file(SCALE + END, kind=2), "format 2"),
    "tempo 0": (file(meta(0x51, bytes(3)) + SCALE + END), "impossible tempo (inf"),
    "time signature 0/1": (file(meta(0x58, b"\0\0\x18\x08") + SCALE + END), "time signature (0/1)"),
    "time signature 4/2^255": (
        file(meta(0x58, b"\4\xff\x18\x08") + SCALE + END),
        "impossible time signature",
    ),
    "18 sharps": (file(meta(0x59, b"\x12\0") + SCALE + END), "key signature"),
}
UNSAID = {
    "a track too many": header(1) + chunk(SCALE + END) + chunk(END),
    "65535 tracks": header(1) + chunk(SCALE + END),
    "format 0": file(SCALE + END, kind=0),
    "format 9": file(SCALE + END, kind=9),
    "empty track": file(END, SCALE + END),
    "zeros after the end": GOOD + bytes(100),
    "running status after a meta event": file(SCALE + meta(1, b"x") + END),
    "overlong number": file(b"\x80\x80\x80\x80" + SCALE + END),
    "text in no encoding": file(meta(1, bytes(range(128, 256))) + SCALE + END),
}
REFUSED = {
    "empty": (b"", "empty"),
    "zeros": (bytes(1000), "empty"),
    "text": (b"These are not\nthe notes you are looking for.", "not music"),
    "random": (random.Random(0).randbytes(5000), "not music"),
    "header only": (header(), "no track"),
    "half a header": (header()[:11], "inside its header"),
    "no notes": (file(END), "no notes"),
    "division 0": (file(ONE_NOTE, division=0), "0 ticks"),
    "frames without ticks": (file(ONE_NOTE, division=0xE700), "0 ticks"),
    "note at tick 2^28": (file(note(wait=2**28 - 1) + END), "beats from the beginning"),
    "note at tick 2^31": (
        file((number(2**28 - 1) + b"\xff\1\0") * 8 + ONE_NOTE),
        "beats from the beginning",
    ),
    "data without a status": (file(b"\0\x3c\x40" + END), "damaged beyond repair"),
    "number without end": (file(b"\xff" * 12 + ONE_NOTE), "damaged beyond repair"),
    "16 MB": (bytes(16 * 2**20) + b"x", "16 MB"),
    "2000 tracks": (file(*[ONE_NOTE] * 2000), "1000 tracks"),
    "a million bad tracks": (header() + b"MTrk\xff\xff\xff\xff" * 1_000_000, "1000 tracks"),
    "too many tempos": (file(meta(0x51, b"\7\xa1\x20") * 100_001 + ONE_NOTE), "100,001 changes"),
    "too many notes": (file(note(length=1) * 200_001 + END), "200,001 notes"),
    "MIDI 2 clip": (b"SMF2CLIP" + bytes(40), "MIDI 2.0"),
    "damaged archive": (b"PK\3\4" + bytes(40) + b"x", "archive"),
}


def pitches(song: Song) -> list[int]:
    return [int(pitch) for track in song.tracks for pitch in track.notes["pitch"]]


def read_or_refuse(data: bytes) -> tuple[Song | None, str]:
    """The song, or why there is none."""
    try:
        return Song.read(data), ""
    except MidiError as error:
        return None, str(error)


@pytest.mark.parametrize("name", REPAIRED)
def test_damage_is_repaired_and_reported(name):
    data, change = REPAIRED[name]
    song = Song.read(data)
    assert pitches(song) == list(range(60, 68))
    assert change in " ".join(song.changes)
    assert Song.read(song.to_bytes()).changes == ()


def test_zero_bytes_that_end_a_name_are_none_of_it():
    song = Song.read(file(meta(3, b"Prelude\0\0") + ONE_NOTE))
    assert song.tracks[0].name == "Prelude"


@pytest.mark.parametrize("name", UNSAID)
def test_what_is_only_odd_is_read(name):
    assert pitches(Song.read(UNSAID[name])) == list(range(60, 68))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_line(name):
    data, reason = REFUSED[name]
    with pytest.raises(MidiError) as caught:
        Song.read(data)
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


def test_a_good_file_needs_no_change():
    song = Song.read(GOOD)
    assert song.changes == ()
    assert song.tracks[0].notes.tolist() == [(480 * i, 480 * i + 480, 60 + i, 64) for i in range(8)]


@pytest.mark.parametrize("kept", range(22, len(GOOD), 5))
def test_a_file_cut_short_keeps_every_note_that_is_whole(kept):
    data = GOOD[:kept]
    whole = data[22:].count(b"\x90")
    if not whole:
        with pytest.raises(MidiError):
            Song.read(data)
    else:
        assert whole - 1 <= len(pitches(Song.read(data))) <= whole


def test_a_track_of_wrong_length_leaves_the_next_one_whole():
    other = note(72) + END
    for length in (3, 20, len(SCALE) + 30, 2**32 - 1):
        song = Song.read(header(2) + chunk(SCALE + END, length) + chunk(other))
        assert pitches(song) == [*range(60, 68), 72]


def test_notes_never_ended_are_ended():
    struck = b"".join(number(480 * (i > 0)) + bytes([0x90, 60, 64]) for i in range(5))
    song = Song.read(file(struck + END))
    expected = [(480 * i, 480 * i + 480, 60, 64) for i in range(4)] + [(1920, 3840, 60, 64)]
    assert song.tracks[0].notes.tolist() == expected
    assert "never ended" in song.changes[0]


@pytest.mark.parametrize("channels", [[0], [9], [15], [0, 3, 15]])
def test_notes_never_ended_are_ended_on_every_channel(channels):
    struck = b"".join(bytes([0, 0x90 | channel, 60, 64]) for channel in channels)
    song = Song.read(file(struck + END))
    assert [track.notes.tolist() for track in song.tracks] == [[(0, 1920, 60, 64)]] * len(channels)


def test_zero_length_doubled_and_overlapping_notes():
    zero = Song.read(file(note(length=0) + END))
    assert zero.tracks[0].notes.tolist() == [(0, 1, 60, 64)]
    assert zero.changes == ("1 note without length made one tick long",)
    ons, offs = b"\0\x90\x3c\x40" + b"\0\x90\x3c\x50", b"\x60\x80\x3c\0" + b"\x60\x80\x3c\0"
    doubled = Song.read(file(ons + offs + END))
    assert doubled.tracks[0].notes.tolist() == [(0, 192, 60, 0x50)]
    assert doubled.changes == ("1 note doubled by another left out",)
    ons = b"\0\x90\x3c\x40" + b"\x60\x90\x3c\x50"
    overlapping = Song.read(file(ons + offs + END))
    assert overlapping.tracks[0].notes.tolist() == [(0, 96, 60, 0x40), (96, 288, 60, 0x50)]
    assert overlapping.changes == ("1 note cut where the pitch begins again",)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Скрипка".encode(), "Скрипка"),
        ("ピアノ".encode(), "ピアノ"),
        (b"Fl\xf6te", "Flöte"),
        (b"\xe9\xff", "éÿ"),
    ],
)
def test_names_in_any_encoding(written, name):
    assert Song.read(file(meta(3, written) + ONE_NOTE)).tracks[0].name == name


def test_frames_of_film_keep_their_seconds():
    song = Song.read(file(note(length=1000) + END, division=(256 - 25) << 8 | 40))
    assert song.seconds == pytest.approx(1)


def test_ten_million_events_are_refused_in_little_memory(tmp_path):
    path = tmp_path / "many.mid"
    path.write_bytes(header() + chunk(b"\0\x90\x3c\x40" + b"\x01\x3c\0\x01\x3c\x40" * 2_500_000 + END))
    largest = tmp_path / "larger.mid"
    largest.write_bytes(header() + chunk(b"\0\x90\x3c\x40" + b"\x01\x3c\0\x01\x3c\x40" * 5_000_000 + END))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for file_ in (path, largest):
        with pytest.raises(MidiError, match="limit"):
            Song.read(file_)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 400  # MB


def test_mutated_files_are_read_or_refused():
    """A few hundred wounds to a small file: nothing but a song or a MidiError comes of it."""
    generator = random.Random(7)
    data = Song.read(file(meta(3, b"a") + SCALE + END, note(36, channel=9) * 9 + END)).to_bytes()
    for _ in range(400):
        wounded = bytearray(data)
        for _ in range(generator.choice([1, 2, 8])):
            at = generator.randrange(len(wounded))
            wounded[at : at + generator.choice([0, 1, 1, 4])] = generator.randbytes(generator.choice([0, 1, 1, 3]))
        song, problem = read_or_refuse(bytes(wounded))
        assert "\n" not in problem
        assert song is None or song.end <= 20_000 * song.ticks_per_quarter


def test_every_file_of_the_robustness_suite():
    archive = SHARED / "data" / "midi_tests.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    read = 0
    with tarfile.open(archive) as files:
        for member in files:
            if not member.name.endswith((".mid", ".midi2", ".syx")):
                continue
            song, problem = read_or_refuse(files.extractfile(member).read())
            assert "\n" not in problem, member.name
            if song is not None:
                read += 1
                assert_same_music(song.resample(480), Song.read(song.to_bytes()))
    assert read > 120


# Writing ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(songs())
def test_what_is_written_is_read_again(song):
    assert_same_music(song, Song.read(song.to_bytes()))


@settings(max_examples=20, deadline=None)
@given(songs(), st.integers(1, 10_000))
def test_writing_resamples_and_is_deterministic(song, unit):
    song = song.resample(unit)
    data = song.to_bytes()
    assert data == song.to_bytes()
    again = Song.read(data)
    assert again.ticks_per_quarter == 480
    assert again.changes == ()
    assert again.to_bytes()[-200:] == data[-200:]


def test_a_change_that_rounding_moves_to_the_end_is_left_out():
    """The reader leaves it out too, so that what is written is what is read."""
    track = Track(notes((0, 681, 60, 80)))
    song = Song((track,), key_signatures=(KeySignature(0, 1, False), KeySignature(680, 6, False)))
    coarse = song.resample(41)
    assert coarse.key_signatures == (KeySignature(0, 1, False),)
    assert Song.read(coarse.to_bytes()).to_bytes() == coarse.to_bytes()
    assert len(song.resample(960).key_signatures) == 2


def song_of(*programs: int, drums: int = 0) -> Song:
    tracks = [Track(notes((0, 480, 60, 80)), program, name=f"{i}") for i, program in enumerate(programs)]
    return Song(tuple(tracks + [Track(notes((0, 10, 36, 80)), is_drum=True)] * drums))


def test_the_file_is_what_a_daw_expects():
    song = replace(song_of(5, 7, drums=1), name="Lied", time_signatures=(TimeSignature(0, 3, 4),))
    written = mido.MidiFile(file=io.BytesIO(song.to_bytes()), charset="utf-8")
    assert (written.type, written.ticks_per_beat, len(written.tracks)) == (1, 480, 4)
    conductor, *others = written.tracks
    assert [m.type for m in conductor] == ["track_name", "time_signature", "set_tempo", "end_of_track"]
    assert {sum(message.time for message in track) for track in written.tracks} == {3 * 480}
    assert [track[-1].type for track in written.tracks] == ["end_of_track"] * 4
    channels = [{m.channel for m in track if not m.is_meta} for track in others]
    assert channels == [{0}, {1}, {9}]
    assert [m.program for track in others for m in track if m.type == "program_change"] == [5, 7, 0]


def test_many_tracks_share_channels_by_program():
    written = mido.MidiFile(file=io.BytesIO(song_of(*[i % 15 for i in range(40)], drums=2).to_bytes()))
    channels = [next(m.channel for m in track if m.type == "note_on") for track in written.tracks[1:]]
    assert channels[:15] == channels[15:30]
    assert len(set(channels[:15])) == 15
    assert 9 not in channels[:40]
    assert channels[40:] == [9, 9]
    assert len(Song.read(song_of(*range(40)).to_bytes()).tracks) == 40


def test_programs_that_share_a_channel_sound_as_they_are():
    """Forty programs in the file, eight at a time, another eight in each bar."""
    rows = [[(1920 * (i // 8), 1920 * (i // 8) + 480, 60 + i % 8, 80)] for i in range(40)]
    song = Song(tuple(Track(np.array(notes, NOTE), program=i) for i, notes in enumerate(rows)))
    written = mido.MidiFile(file=io.BytesIO(song.to_bytes()))
    programs, heard = {}, set()
    tick = 0
    for message in mido.merge_tracks(written.tracks):
        tick += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        if message.type == "note_on":
            heard.add((tick, message.note, programs[message.channel]))
    assert heard == {(notes[0][0], notes[0][2], i) for i, notes in enumerate(rows)}
    assert [track.program for track in Song.read(song.to_bytes()).tracks] == list(range(40))


def test_short_notes_survive_a_coarser_clock():
    song = Song((Track(notes((0, 1, 60, 80), (3, 4, 60, 80), (9000, 9001, 62, 80))),), ticks_per_quarter=9600)
    again = Song.read(song.to_bytes())
    assert (again.tracks[0].notes["end"] > again.tracks[0].notes["start"]).all()
    assert again.tracks[0].notes["pitch"].tolist() == [60, 62]


def test_every_key_and_tempo_survives():
    keys = tuple(KeySignature(480 * i, i % 15 - 7, i >= 15) for i in range(30))
    tempos = tuple(Tempo(480 * i, rate) for i, rate in enumerate((3.6, 20, 61.7, 120, 333.3, 999)))
    song = replace(Song((Track(notes((0, 480 * 40, 60, 80))),)), key_signatures=keys, tempos=tempos)
    again = Song.read(song.to_bytes())
    assert again.key_signatures == keys
    assert np.allclose([t.quarters_per_minute for t in again.tempos], [t[1] for t in tempos], rtol=1e-4)
