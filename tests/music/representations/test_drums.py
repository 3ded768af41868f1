"""Drums: every key has its place, what is on the grid is kept, and the original's windows are ours."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import strategies as st
from shared import CONVERSION, needs_parity

from music.extraction.test_magenta import midi, song
from music.representations.frames import frames
from musicae.errors import ConfigError, NoWindows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations.drums import Drums
from musicae.music.representations.kits import KITS, NINE
from musicae.music.representations.rendering import blank, render
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

SIXTEENTH = 120


def track(*hits, name: str = "", is_drum: bool = True, velocity: int = 80) -> Track:
    """A track of (start in sixteenths, key)."""
    rows = [(round(s * SIXTEENTH), round(s * SIXTEENTH) + 60, key, velocity) for s, key in hits]
    return Track(tidy(np.array(rows, NOTE)), 0, is_drum, name)


@st.composite
def beats(draw) -> Song:
    """A song of up to eight bars in up to two metres, with up to forty hits anywhere on any key."""
    quarter, signatures, tick = draw(frames(2))
    note = st.tuples(st.integers(0, tick - 1), st.integers(1, quarter), st.integers(0, 127), st.integers(1, 127))
    rows = [(s, min(s + length, tick), p, v) for s, length, p, v in draw(st.lists(note, min_size=1, max_size=40))]
    tracks = tuple(Track(tidy(np.array(some, NOTE)), 0, True, "Kit") for some in (rows[:20], rows[20:]) if some)
    return Song(tracks, quarter, (Tempo(0, 90.0), Tempo(tick // 2, 140.0)), signatures)


# Kits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KITS)
def test_every_key_has_its_place_and_its_own_drum_is_the_nearest(name):
    kit = KITS[name]
    assert kit.nearest.min() >= 0
    assert set(kit.nearest) == set(range(len(kit)))
    known = kit.known >= 0
    assert np.array_equal(kit.nearest[known], kit.known[known])
    assert np.array_equal(kit.known[kit.written], np.arange(len(kit)))


def test_no_key_is_two_drums():
    for kit in KITS.values():
        keys = [key for drum in kit.pitches for key in drum]
        assert len(keys) == len(set(keys))


def test_the_maps_before_and_after_the_correction():
    new, old = KITS["new"].known, KITS["old"].known
    assert {key: (NINE[old[key]] if old[key] >= 0 else None, NINE[new[key]]) for key in np.flatnonzero(new != old)} == {
        22: (None, "closed hi-hat"),
        26: (None, "open hi-hat"),
        43: ("high tom", "low tom"),
        52: ("ride", "crash"),
    }
    assert KITS["old"].nearest[22] == new[22]
    assert KITS["old"].nearest[26] == new[26]


@pytest.mark.parametrize(
    ("key", "drum"), [(35, "kick"), (0, "kick"), (25, "snare"), (41, "low tom"), (58, "low tom"), (80, "closed hi-hat")]
)
def test_what_a_v_drum_lacks_goes_by_its_family(key, drum):
    assert NINE[KITS["roland"].nearest[key]] == drum


def test_all_61_keys_are_those_of_general_midi_2():
    assert sorted(KITS["full"].written) == list(range(27, 88))


# Representation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [18, 19])
def test_a_hit_that_a_short_bar_of_another_metre_is_nearest_to_counts(end):
    """The bar before has longer steps: the last of its ticks belongs to the next bar line, whatever comes then."""
    metres = (TimeSignature(0, 7, 8), TimeSignature(18, 2, 4))
    hit = Track(np.array([(17, end, 36, 80)], NOTE), is_drum=True)
    excerpt = Drums().extract(Song((hit,), ticks_per_quarter=5, time_signatures=metres))
    assert excerpt.array.any()
    rendered = render(Drums(), excerpt.array, excerpt)
    assert np.array_equal(Drums().extract(rendered).array.nonzero()[0], excerpt.array.nonzero()[0])


def test_labels_are_sums_of_powers_of_two():
    kind = Drums(steps=4, labels=True)
    windows, _ = training_windows(kind, Song((track((0, 36), (0, 42), (2, 59)),)))
    assert kind.to_data(windows)[0].tolist() == [[5, 0, 256, 0]]
    assert kind.example_spec.channels == 512


def test_all_tracks_of_drums_are_taken_together_unless_one_is_asked_for():
    song = Song((track((0, 60), is_drum=False), track((0, 36), name="low"), track((1, 38), name="high")))
    both, one = Drums().extract(song), Drums().extract(song, "high")
    assert both.array.sum() == 2
    assert both.report == ("took all 2 drum tracks together",)
    assert one.array[:, :2].sum(1).tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert one.report == ("took track 3 'high' (as asked)",)
    tune = Drums().extract(song, 1)
    assert tune.report[0] == "took track 1 (as asked)"
    assert tune.tracks[0].is_drum


def test_keys_that_the_kit_lacks_are_played_as_the_nearest_and_reported():
    excerpt = Drums().extract(Song((track((0, 36), (1, 19), (2, 19), (3, 90)),)))
    assert np.nonzero(excerpt.array.T)[1].tolist() == [0, 1, 1, 5]
    sentence = "3 hits on keys that this kit lacks played as the nearest: 19 as 38 (snare), 90 as 48 (mid tom)"
    assert sentence in excerpt.report


def test_hits_of_one_drum_in_one_step_are_one_and_reported():
    excerpt = Drums().extract(Song((track((0, 36), (0, 35), (1.2, 38)),)))
    assert excerpt.array.sum() == 2
    assert "1 hit moved to the grid" in excerpt.report
    assert "1 hit merged with one of the same drum and step" in excerpt.report


def test_what_is_written_lasts_a_step_and_is_as_loud_as_the_excerpt():
    excerpt = Drums().extract(Song((track((0, 35), (4, 40), velocity=33),)))
    (written,) = render(Drums(), excerpt.array, excerpt).tracks
    assert written.notes.tolist() == [(0, 120, 36, 33), (480, 600, 38, 33)]
    silence = blank(Drums(), 1)
    (written,) = render(Drums(), excerpt.array, silence).tracks
    assert written.is_drum
    assert written.notes["velocity"].tolist() == [80, 80]


def test_a_cymbal_that_rings_on_reaches_no_further_bar():
    ringing = Track(np.array([(0, 9600, 49, 80)], NOTE), is_drum=True)
    assert len(Drums().extract(Song((ringing,))).grid) == 1


def test_without_drums_it_says_what_is_there():
    with pytest.raises(NoWindows, match=r"no drums.*only pitched notes.*--model"):
        Drums().extract(Song((track((0, 60), is_drum=False, name="Tune"),)))


@pytest.mark.parametrize(
    "wrong", [{"classes": 10}, {"kit": "roland"}, {"classes": 61, "labels": True}, {"classes": 61, "kit": "old"}]
)
def test_settings_that_cannot_work(wrong):
    with pytest.raises(ConfigError):
        Drums(**wrong)


def test_figures_are_precision_and_recall():
    truth, decoded = np.zeros((2, 1, 9, 4), np.uint8)
    truth[0, 0, :3], decoded[0, 0, :2], decoded[0, 5, 3] = 1, 1, 1
    assert Drums(steps=4).extra_metrics(decoded, truth) == {"hit_precision": (2.0, 3.0), "hit_recall": (2.0, 3.0)}
    assert Drums(steps=4).step_matches(decoded, truth).tolist() == [[True, True, False, False]]


# Strict -------------------------------------------------------------------------------------------


@needs_parity
def test_windows_are_those_of_the_original():
    kind, folder = Drums(strict=True, labels=True), CONVERSION
    files = json.loads((folder / "drums_2bar.json").read_text())["files"]
    expected = np.load(folder / "drums_2bar.npz")
    different = {}
    for i, file in enumerate(files):
        rows = slice(*expected["offsets"][i : i + 2])
        windows, _ = training_windows(kind, song(file["path"], file["archive"]))
        silence = ~windows.any(axis=1, keepdims=True)
        roll = np.concatenate([windows, silence], 1).swapaxes(1, 2)
        labels = kind.to_data(windows)[0].astype(np.int16)
        ours = Counter((a.tobytes(), b.tobytes()) for a, b in zip(labels, roll, strict=True))
        theirs = [
            (a.tobytes(), b.tobytes()) for a, b in zip(expected["label"][rows], expected["roll"][rows], strict=True)
        ]
        exact = expected["exact"][rows].astype(bool)
        sure = Counter(row for row, is_exact in zip(theirs, exact, strict=True) if is_exact)
        if sure - ours or len(windows) != file["examples_exact"] or (exact.all() and ours != Counter(theirs)):
            different[file["path"]] = (len(windows), file["examples_exact"], (sure - ours).total())
    assert not different


def drum_midi(*hits) -> Song:
    """A song of (start in seconds, key) at 120 BPM, on drums."""
    one = midi(*((s, s + 0.1, key) for s, key in hits))
    return Song(tuple(Track(t.notes, 0, True) for t in one.tracks), one.ticks_per_quarter, one.tempos)


def test_strict_beats_end_where_a_bar_is_silent():
    kind = Drums(strict=True, steps=16)
    near, far = (drum_midi((0.0, 36), (0.125 + silence, 38)) for silence in (1.875, 2.0))
    assert len(training_windows(kind, near)[0]) == 2
    assert [w.sum() for w in training_windows(kind, far)[0]] == [1, 1]
    wide = Drums(strict=True, steps=32)
    assert len(training_windows(wide, near)[0]) == 1
    assert len(training_windows(wide, far)[0]) == 0


def test_strict_drums_leave_out_what_the_kit_lacks():
    song = drum_midi((0.0, 36), (0.5, 22), (2.0, 43))
    new, old = (training_windows(Drums(strict=True, kit=kit), song)[0] for kit in ("new", "old"))
    assert np.argwhere(new[0].T).tolist() == [[0, 0], [4, 2], [16, 4]]
    assert np.argwhere(old[0].T).tolist() == [[0, 0], [16, 6]]


def test_strict_drums_say_why_there_are_none():
    assert training_windows(Drums(strict=True), midi((0.0, 1.0, 60)))[1][0].startswith("the song: no drums")
    assert "in 4/4 at one tempo" in training_windows(Drums(strict=True), drum_midi((0.0, 36)))[1][0]
