"""Corpora: splits, duplicates, reports, processes."""

from __future__ import annotations

import csv
import json
import tarfile
from dataclasses import replace

import mido
import numpy as np
import pytest

from music.data.deadly import Deadly
from music.making import eighths
from music.theory.performing import performed, waltz_or_march
from musicae.errors import DataError
from musicae.music.data import corpus, extraction
from musicae.music.data.corpus import SPLITS, Corpus, build, keyless_hashes, split
from musicae.music.extraction import magenta
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Melody, Pianoroll
from musicae.music.representations.drums import Drums
from musicae.music.representations.groove import Groove
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, Track
from musicae.music.song import Song


def test_a_corpus_is_split_by_song(folder, tmp_path):
    built = build(folder, Melody(), tmp_path / "corpus", fractions=(0.6, 0.2, 0.2), workers=1)
    songs = {name: set(built.songs[name].tolist()) for name in SPLITS}
    assert all(songs.values())
    assert not songs["train"] & songs["validation"]
    assert not songs["train"] & songs["test"]
    assert sum(map(len, songs.values())) == 41
    names = built.index["songs"]
    (again,) = (name for name in SPLITS if names.index("songs/again.mid") in songs[name])
    assert names.index("songs/0/7.mid") in songs[again]
    assert built.train.dtype == np.uint8
    assert isinstance(built.train, np.memmap)
    assert built.train.shape == (built.index["windows"]["train"], 32)


def test_every_window_is_its_songs(folder, tmp_path):
    built = build(folder, Melody(), tmp_path / "corpus", workers=1)
    for name in SPLITS:
        assert len(built.windows[name])
        for window, index in zip(built.windows[name], built.songs[name], strict=True):
            path = folder / built.index["songs"][index].removeprefix("songs/")
            assert window.tolist() in training_windows(Melody(), Song.read(path))[0].tolist()


def test_the_report_says_what_was_skipped(folder, tmp_path):
    built = build(folder, Melody(), tmp_path / "corpus", workers=1)
    with (tmp_path / "corpus" / "skipped.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["source"], row["file"]) == ("songs", "broken.mid")
    assert row["reason"]
    assert "41 songs from songs" in built.report()
    assert f"Files skipped: 1 (1 {row['reason']})" in built.report()


def test_songs_played_without_a_click_are_cut_along_beats_of_their_own(tmp_path):
    live, _ = performed(waltz_or_march(3), tempo=97, wander=0.015, jitter=0.012)
    for name, song in {"live": live, "written": waltz_or_march(3, seed=1)}.items():
        Song.of(song).save(tmp_path / "songs" / f"{name}.mid")
    built = build(tmp_path / "songs", Melody(), tmp_path / "corpus", workers=1)
    assert built.index["songs_retimed"] == 1
    assert "found in the notes: 1 song" in built.report()
    assert built.index["quarters_per_minute"][0] == pytest.approx(97, rel=0.15)
    strict = build(tmp_path / "songs", Melody(strict=True), tmp_path / "strict", workers=1)
    assert strict.index["songs_retimed"] == 0


def test_no_path_of_this_machine_is_stored(folder, tmp_path):
    build(folder, Melody(), tmp_path / "corpus", workers=1)
    text = (tmp_path / "corpus" / "index.json").read_text() + (tmp_path / "corpus" / "skipped.csv").read_text()
    assert str(tmp_path) not in text
    assert json.loads((tmp_path / "corpus" / "index.json").read_text())["representation"]["kind"] == "Melody"


def test_held_out_windows_do_not_occur_in_training_in_any_key(tmp_path):
    songs = tmp_path / "songs"
    for i in range(20):
        same, own = eighths(0, transpose=i % 7).tracks[0].notes, eighths(i + 1).tracks[0].notes.copy()
        own["start"] += 64 * 240
        own["end"] += 64 * 240
        Song((Track(np.concatenate([same, own])),)).save(songs / f"{i}.mid")
    built = build(songs, Melody(), tmp_path / "corpus", fractions=(0.5, 0.25, 0.25), workers=1)
    hashes = [set(keyless_hashes(built.windows[name], Melody()).tolist()) for name in SPLITS]
    assert all(hashes)
    assert not hashes[0] & hashes[1]
    assert not (hashes[0] | hashes[1]) & hashes[2]
    assert built.index["duplicates"] > 0


def test_hashes_do_not_depend_on_the_key():
    for kind in (Melody(), Pianoroll()):
        windows, moved = training_windows(kind, eighths(1))[0], training_windows(kind, eighths(1, transpose=7))[0]
        hashes = keyless_hashes(windows, kind)
        assert np.array_equal(hashes, keyless_hashes(moved, kind))
        assert len(np.unique(hashes)) == len(hashes)


def test_more_songs_move_none():
    before = split([str(i) for i in range(100)], 3, (0.8, 0.1, 0.1))
    after = split([str(i) for i in range(200)], 3, (0.8, 0.1, 0.1))
    assert after[:100] == before
    assert split([str(i) for i in range(100)], 4, (0.8, 0.1, 0.1)) != before
    assert [round(after.count(name) / 200, 1) for name in SPLITS] == [0.8, 0.1, 0.1]


@pytest.mark.parametrize(
    ("songs", "fractions", "sizes"),
    [
        (3, (0.9, 0.05, 0.05), [1, 1, 1]),
        (2, (0.9, 0.05, 0.05), [1, 1, 0]),
        (1, (0.9, 0.05, 0.05), [1, 0, 0]),
        (9, (0, 0, 1), [0, 0, 9]),
        (50, (1, 0, 0), [50, 0, 0]),
    ],
)
def test_no_split_is_empty_if_there_are_songs_enough(songs, fractions, sizes):
    splits = split([str(i) for i in range(songs)], 0, fractions)
    assert [splits.count(name) for name in SPLITS] == sizes


def test_copies_follow_the_song_that_has_a_split():
    assert split(["a", "a", "b"], 0, (0, 0, 1), ["train", "", ""]) == ["train", "train", "test"]
    assert split(["a", "a"], 0, (0, 0, 1), ["train", "validation"]) == ["train", "validation"]
    assert split(["a"], 0, (1, 0, 0), [""]) == ["train"]


def test_a_corpus_keeps_the_split_of_its_source(tabled, tmp_path):
    built = build(tabled, Melody(steps=48), tmp_path / "corpus", fractions=(1, 0, 0), workers=1)
    names = built.index["songs"]
    for i in range(9):
        assert names.index(f"songs/0/{i}.mid") in built.songs[SPLITS[i % 3]]
    assert built.index["songs_per_split"] == {"train": 34, "validation": 4, "test": 3}
    assert names.index("songs/again.mid") in built.songs["validation"]  # song 7 in another key
    assert built.index["songs_with_split"] == 9
    assert "9 songs in the split that their source gives." in built.report()


def test_the_tempo_of_every_song_is_there(tmp_path):
    songs = [
        replace(eighths(0), tempos=(Tempo(0, 90.0),)),
        replace(eighths(1), tempos=(Tempo(0, 60.0), Tempo(7680, 120.0))),
    ]
    for i, one in enumerate(songs):
        one.save(tmp_path / "songs" / f"{i}.mid")
    built = build(tmp_path / "songs", Melody(), tmp_path / "corpus", workers=1)
    assert built.index["songs"] == ["songs/0.mid", "songs/1.mid"]
    assert built.index["quarters_per_minute"] == pytest.approx([90, 80], abs=0.01)


def test_drums_and_grooves_have_corpora(tmp_path):
    beat = [(480 * i + 7, 480 * i + 60, 36 + 2 * (i % 2), 60 + i % 9) for i in range(64)]
    for i in range(6):
        Song((Track(np.array(beat[i:], NOTE), is_drum=True),)).save(tmp_path / "beats" / f"{i}.mid")
    drums = build(tmp_path / "beats", Drums(), tmp_path / "drums", workers=1)
    assert drums.train.shape[1:] == (9, 32)
    groove = build(tmp_path / "beats", Groove(), tmp_path / "groove", workers=1)
    assert groove.train.dtype == np.float32
    assert groove.train.shape[1:] == (27, 32)


def test_strict_corpora_read_as_the_original_does(tmp_path):
    """A change of tempo on another track than the first is none to the original; to others it is one."""
    tune, other = mido.MidiTrack(), mido.MidiTrack()
    for time, kind in ((0, "on"), (3600, "off")):
        tune.append(mido.Message(f"note_{kind}", note=60, velocity=80, time=time))
    other.append(mido.MetaMessage("set_tempo", tempo=400_000, time=1920))
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks += [tune, other]
    file.save(tmp_path / "song.mid")
    melody = Melody(strict=True)
    expected, _ = training_windows(melody, magenta.read(tmp_path / "song.mid"))
    elsewhere, _ = training_windows(melody, Song.read(tmp_path / "song.mid"))
    built = build(tmp_path / "song.mid", melody, tmp_path / "corpus", workers=1, quiet=True)
    assert np.array_equal(np.concatenate([built.windows[name] for name in SPLITS]), expected)
    assert not np.array_equal(elsewhere, expected)


def test_a_corpus_does_not_depend_on_the_number_of_processes(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "FEW", 1)
    monkeypatch.setattr(extraction, "PIECES", 5)
    with tarfile.open(tmp_path / "twice.tar", "w") as archive:  # two songs of one name
        for i in (1, 2):
            archive.add(folder / "0" / f"{i}.mid", "song.mid")
    for workers in (1, 2, 3):
        build([folder, tmp_path / "twice.tar"], Melody(), tmp_path / str(workers), workers=workers)
    names = {path.name for path in (tmp_path / "1").iterdir()}
    assert len(names) == 8
    for workers in ("2", "3"):
        assert {path.name for path in (tmp_path / workers).iterdir()} == names
        for name in names:
            assert (tmp_path / workers / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_where_nothing_can_be_built_nothing_is_left(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="there are no files of music"):
        build(tmp_path / "empty", Melody(), tmp_path / "a" / "b" / "corpus", workers=1)
    assert not (tmp_path / "a").exists()
    (tmp_path / "corpus" / ".shards-killed").mkdir(parents=True)
    (tmp_path / "corpus" / ".shards-killed" / "0").write_bytes(b"windows")
    build(folder, Melody(), tmp_path / "corpus", workers=1)
    assert not list((tmp_path / "corpus").glob(".*"))


def test_a_piece_that_kills_its_process_is_skipped(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "FEW", 1)
    killer = eighths(99)
    killer.tracks[0].notes["velocity"] = 1
    killer.save(folder / "killer.mid")
    built = build(folder, Deadly(), tmp_path / "corpus", workers=2)
    assert built.index["skipped"]["the reader crashed"] == 1
    assert len(built.index["songs"]) == 41


def test_what_cannot_be_built_or_opened(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        build(tmp_path / "nowhere", Melody(), tmp_path / "corpus")
    with pytest.raises(DataError, match="there are no files of music"):
        build(tmp_path, Melody(), tmp_path / "corpus")
    Song((Track(eighths(0).tracks[0].notes, is_drum=True),)).save(tmp_path / "beat.mid")
    with pytest.raises(DataError, match="1 files: only drums"):
        build(tmp_path, Melody(), tmp_path / "corpus")
    (tmp_path / "bad.zip").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="unpack it first"):
        build(tmp_path / "bad.zip", Melody(), tmp_path / "corpus")
    with pytest.raises(DataError, match="is not a corpus"):
        Corpus.open(tmp_path)


def test_an_unknown_keyword_is_refused(folder, tmp_path):
    with pytest.raises(TypeError, match="fraction"):
        build(folder, Melody(), tmp_path / "corpus", fraction=(0, 0, 1), workers=1)
    assert not (tmp_path / "corpus").exists()


def test_an_empty_split_opens(folder, tmp_path):
    built = build(folder, Melody(), tmp_path / "corpus", fractions=(0, 0, 1), workers=1)
    assert built.train.shape == (0, 32)
    assert len(built.test) > 0
    assert "train" not in built.report()
