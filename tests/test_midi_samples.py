"""The sample files are what their script makes, and what their table says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from musicae.music.extraction.extract import training_windows
from musicae.music.score.grid import Grid
from musicae.music.song import Song

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "midi_samples"
TABLE = [
    [cell.strip(" `") for cell in line.strip("|\n ").split("|")]
    for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def _script():
    spec = importlib.util.spec_from_file_location("make_midi_samples", ROOT / "scripts" / "make_midi_samples.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_lists_every_file():
    assert 8 <= len(TABLE) <= 16
    assert sorted(file for file, *_ in TABLE) == sorted(path.name for path in FOLDER.glob("*.mid"))


@pytest.mark.parametrize(("file", "metres", "bars", "tracks"), [(row[0], *row[3:6]) for row in TABLE])
def test_files_are_as_the_table_says(file, metres, bars, tracks):
    song = Song.read(FOLDER / file)
    found = dict.fromkeys(f"{signature.numerator}/{signature.denominator}" for signature in song.time_signatures)
    assert " ".join(found) == metres
    assert len(Grid.of(song)) == int(bars)
    assert len(song.tracks) == int(tracks)
    assert not song.changes
    assert all(track.name and len(track.notes) for track in song.tracks)


def test_the_kinds_that_a_user_meets_are_there():
    songs = {file: Song.read(FOLDER / file) for file, *_ in TABLE}
    assert {"4/4", "3/4", "6/8", "5/4 6/4"} == {metres for _, _, _, metres, *_ in TABLE}
    assert any(track.is_drum for track in songs["when_the_saints.mid"].tracks)
    assert 32 in [track.program for track in songs["when_the_saints.mid"].tracks]
    assert len(songs["korobeiniki.mid"].tempos) > 1
    assert len(songs["promenade.mid"].time_signatures) > 1


def test_drums_are_there_as_a_score_and_as_taps():
    score, taps = (Song.read(FOLDER / file).tracks[0] for file in ("rock_beat.mid", "taps.mid"))
    assert (score.is_drum, taps.is_drum) == (True, False)
    assert not (score.notes["start"] % 120).any()
    assert (taps.notes["start"] % 120).all()
    assert len(set(score.notes["velocity"])) == len(set(taps.notes["pitch"])) == 1


def test_bands_are_what_trios_are_cut_from():
    from musicae.music.representations import Trio

    for name in ("drunken_sailor", "auld_lang_syne", "when_the_saints"):
        found, reasons = training_windows(Trio(steps=256), Song.read(FOLDER / f"{name}.mid"))
        assert len(found) > 1, (name, reasons)


def test_the_script_makes_the_files_byte_for_byte():
    pytest.importorskip("music21")
    from music21 import corpus

    if not corpus.getComposer("bach"):
        pytest.skip("music21 was installed without its corpus")
    made = _script().files()
    there = (path for path in FOLDER.iterdir() if path.suffix in (".mid", ".md"))  # `listen` writes beside the songs
    assert made == {path.name: path.read_bytes() for path in there}


def test_the_script_refuses_bars_of_wrong_length():
    script = _script()
    with pytest.raises(ValueError, match=r"bar 2 .* 3.5 quarters"):
        script.written("C4 | C2 D3/2 |", (4, 4), 1, 0)


def test_the_script_reads_its_notation():
    found = _script().notes("C/^F/ [E,g'] z _B3/2- _B | =f", 1, sharps=1, velocity=50)
    assert found == [
        (0, 240, 60, 62),
        (240, 480, 66, 50),
        (480, 960, 52, 50),
        (480, 960, 91, 50),
        (1440, 2640, 70, 50),
        (2640, 3120, 77, 62),
    ]
