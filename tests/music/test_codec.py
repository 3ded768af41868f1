"""From songs to latent vectors and back, with random weights: what holds whatever a model has learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from music.making import WILD, same
from musicae.errors import ConfigError, MidiError, NoWindows
from musicae.music.score.score import TimeSignature

# Songs --------------------------------------------------------------------------------------------


def test_a_song_can_be_anything_that_reads_as_one(melody, tmp_path):
    song = tiny.song()
    path = song.save(tmp_path / "song.mid")
    sources = [song, path, str(path), path.read_bytes(), song.to_pretty_midi(), song.to_symusic()]
    codes = [melody.encode(source) for source in sources]
    assert all(np.array_equal(code, codes[0]) for code in codes)
    assert codes[0].shape == (2, 4)
    assert codes[0].dtype == np.float32


def test_bars_and_tracks_are_chosen(melody):
    song = tiny.song(8)
    other = replace(song.tracks[0], notes=tiny.song(8, pitch=40).tracks[0].notes, name="Lower")
    song = replace(song, tracks=(*song.tracks, other))
    assert len(melody.encode(song, bars=(3, 4))) == 1
    for track in (2, "2", "low"):
        assert np.array_equal(melody.encode(song, track), melody.encode(tiny.song(8, pitch=40)))
    with pytest.raises(ConfigError, match=r"song: no bars 8 to 9; it has bars 1 to 8"):
        melody.encode(song, bars=(8, 9))
    with pytest.raises(ConfigError, match=r"no track 'x'; tracks: 1 'Flöte'"):
        melody.encode(song, "x")


def test_what_holds_no_melody_is_refused(melody):
    drums = replace(tiny.song(), tracks=(replace(tiny.song().tracks[0], is_drum=True),))
    with pytest.raises(NoWindows, match="only drums"):
        melody.reconstruct(drums)
    with pytest.raises(MidiError, match="is empty"):
        melody.reconstruct(b"")


def test_repairs_are_reported(melody):
    report = melody.reconstruct(replace(tiny.song(), changes=("1 track had no end",))).report
    assert report[0] == "1 track had no end"


# Latent vectors -----------------------------------------------------------------------------------


def test_encoding_and_decoding_is_reconstructing(model):
    song = tiny.song(5, "3/4")
    assert same(model.decode(model.encode(song), like=song, **WILD), model.reconstruct(song, **WILD).song)
    assert same(model.decode(model.encode(song), like=model.extract(song)), model.reconstruct(song).song)


def test_fewer_vectors_give_fewer_bars(model):
    song = tiny.song(8)
    part = model.decode(model.encode(song)[:2], like=song, **WILD)
    assert part.end <= 4 * 1920
    assert part.tempos == song.tempos


def test_vectors_of_no_song_give_common_time(model):
    song = model.decode(np.zeros(4), **WILD)
    assert song.time_signatures == (TimeSignature(0, 4, 4),)
    assert song.end <= 2 * 1920


@pytest.mark.parametrize("z", [np.zeros((2, 5)), np.zeros((0, 4)), np.zeros((1, 2, 4)), 0.0])
def test_vectors_of_another_model_are_refused(melody, z):
    with pytest.raises(ConfigError, match=r"tiny-melody decodes \[windows, 4\]"):
        melody.decode(z)


def test_more_vectors_than_windows_are_refused(melody):
    with pytest.raises(ConfigError, match="3 latent vectors for 2 windows"):
        melody.decode(np.zeros((3, 4)), like=tiny.song(4))
