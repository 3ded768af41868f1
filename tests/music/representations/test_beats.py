"""Beats on other channels than drums have, and which track is meant by a number or a name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from music.making import notes
from musicae.errors import ConfigError, NoWindows
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Pianoroll, Trio
from musicae.music.representations.beats import beats
from musicae.music.score.controls import CONTROL, PROGRAM, VOLUME
from musicae.music.score.score import Track
from musicae.music.song import Song

LINE = tuple((480 * i, 480 * i + 480, 60 + i % 8, 90) for i in range(32))
HITS = tuple((240 * i, 240 * i + 60, key, 80) for i in range(64) for key in {42, (36, 42, 38, 42)[i % 4]})
LEAD, BEAT = Track(notes(*LINE), name="Lead"), Track(notes(*sorted(HITS)), name="Program001")
DRUMS = replace(BEAT, name="Drums")
ALL = [Drums(), Groove(), Trio(), Multitrack()]
all_kinds = pytest.mark.parametrize("kind", ALL, ids=lambda kind: type(kind).__name__)


def played(kind, song: Song, track=None) -> tuple[int, list[str]]:
    """How many hits are taken as drums, and what is said about it."""
    excerpt = kind.extract(song, track)
    return sum(len(one.notes) for one in excerpt.tracks if one.is_drum), list(excerpt.report)


def test_what_is_like_a_beat():
    bass = Track(notes(*((480 * i, 480 * i + 400, (36, 38, 43, 41)[i % 4], 90) for i in range(32))), name="left hand")
    steel = Track(notes(*HITS), 114, name="Steel Drums")
    piano = Track(notes(*((240 * i, 240 * i + 240, p, 80) for i in range(64) for p in (36 + i % 12, 60 + i % 7))))
    chosen = replace(BEAT, program=33)
    assert beats(Song((LEAD, BEAT, DRUMS, bass, steel, piano, chosen))) == [1, 2]


@all_kinds
def test_models_of_drums_find_it_and_say_so(kind):
    hits, report = played(kind, Song((LEAD, DRUMS)))
    assert hits == len(HITS)
    assert "looks like drums" in " ".join(report)


@pytest.mark.parametrize("kind", [Drums(), Groove()], ids=["Drums", "Groove"])
@pytest.mark.parametrize("track", [1, "1", "Program001"])
def test_a_track_that_is_asked_for_is_drums(kind, track):
    hits, report = played(kind, Song((BEAT, LEAD)), track)
    assert hits == len(HITS)
    assert "(as asked)" in report[0]


def test_no_beat_is_taken_for_a_tune_without_a_word():
    for kind in (Melody(), Pianoroll()):
        with pytest.raises(NoWindows, match=r"track 1 'Program001' looks like drums.*--track 1"):
            kind.extract(Song((BEAT,)))
        assert "as asked" in kind.extract(Song((BEAT,)), 1).report[0]
    assert "'Lead'" in Melody().extract(Song((BEAT, LEAD))).report[0]
    assert Melody().training_tracks(Song((BEAT, LEAD))) == ["2"]


def test_a_drum_part_has_the_volume_of_its_track_and_no_other_kit():
    controls = [(0, VOLUME, 50), (480, PROGRAM, 40)]
    loud = replace(BEAT, controls=np.array(controls, CONTROL))
    assert Drums().extract(Song((loud,))).track.controls.tolist() == [(0, VOLUME, 50)]


def numbered(*numbers: int) -> Song:
    names = "abcdef"
    return Song(tuple(replace(LEAD, notes=LEAD.notes[: 8 + i], name=names[i], number=n) for i, n in enumerate(numbers)))


def taken(song: Song, track) -> str:
    return Melody().extract(song, track).report[0]


def test_a_number_is_that_of_the_file():
    assert taken(numbered(1, 3), 3) == "took track 3 'b' (as asked)"
    with pytest.raises(ConfigError, match="no track 2; tracks: 1 'a'"):
        taken(numbered(1, 3), 2)


def test_parts_of_a_track_have_numbers_of_their_own():
    song = numbered(1, 2, 2, 3)
    assert taken(song, 2) == "took track 2.2 'c' (as asked, not track 2.1 'b')"
    assert taken(song, "2.1") == "took track 2.1 'b' (as asked)"
    assert Melody().training_tracks(song) == ["1", "2.1", "2.2", "3"]


def test_a_name_that_several_have_is_said():
    song = Song(tuple(replace(LEAD, name=name) for name in ("Lead synth", "Bass", "Lead", "lead 2")))
    assert taken(song, "Lead") == "took track 3 'Lead' (as asked, not track 1 'Lead synth' nor track 4 'lead 2')"
    assert taken(song, "lead s") == "took track 1 'Lead synth' (as asked)"
