"""Reading: what is read, what is refused, and in how much memory."""

from __future__ import annotations

import random
import resource
import tarfile

import numpy as np
import pytest
from shared import SHARED

from music.making import END, GOOD, ONE_NOTE, SCALE, assert_same_music, chunk, file, header, meta, note, number, pitches
from musicae.errors import MidiError
from musicae.music.song import Song

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


def read_or_refuse(data: bytes) -> tuple[Song | None, str]:
    """The song, or why there is none."""
    try:
        return Song.read(data), ""
    except MidiError as error:
        return None, str(error)


def test_a_good_file_needs_no_change():
    song = Song.read(GOOD)
    assert song.changes == ()
    assert song.tracks[0].notes.tolist() == [(480 * i, 480 * i + 480, 60 + i, 64) for i in range(8)]


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
