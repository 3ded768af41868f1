"""A song reads itself from everything, saves itself and goes to other libraries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from music.making import GOOD, assert_same_music, songs
from musicae.errors import Error
from musicae.music.song import Song


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


def test_saving_makes_folders_and_overwrites_only_when_told(tmp_path):
    song, path = Song.read(GOOD), tmp_path / "new" / "a.mid"
    assert song.save(path) == path
    with pytest.raises(Error, match="--force"):
        song.save(path)
    longer = Song.concatenate([song, song])
    longer.save(path, force=True)
    assert path.read_bytes() == longer.to_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["a.mid"]
