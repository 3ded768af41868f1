"""Grooves: hits, velocities and offsets are kept to the tick, and the original's windows are ours."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import CONVERSION, needs_parity

from music.extraction.test_magenta import midi, song
from music.representations.test_drums import beats, drum_midi, track
from musicae.errors import ConfigError, NoWindows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations.groove import Groove
from musicae.music.representations.rendering import blank, render
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

KINDS = [
    Groove(),
    Groove(kit="roland", steps=16),
    Groove(steps=24, steps_per_quarter=3),
    Groove(condition_on_hits=True),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=repr)
HALF_STEP = 60  # ticks, of sixteenths at 480 a quarter


def hits(*rows, **options) -> Song:
    """A song of (tick, key, velocity) at 480 ticks a quarter."""
    notes = np.sort(np.array([(tick, tick + 30, key, velocity) for tick, key, velocity in rows], NOTE), order="start")
    return Song((Track(notes, is_drum=True, **options),))


def cells(array: np.ndarray) -> dict[tuple[int, int], tuple[float, float]]:
    """(step, drum) of each hit: its velocity and offset."""
    planes = array.reshape(3, 9, -1)
    return {(t, d): tuple(planes[1:, d, t].tolist()) for d, t in np.argwhere(planes[0] > 0).tolist()}


# Representation -----------------------------------------------------------------------------------


def test_hits_velocities_and_offsets():
    array = Groove().extract(hits((0, 36, 127), (120 - 30, 38, 64), (240 + 15, 42, 1))).array
    assert array.dtype == np.float32
    assert cells(array) == {
        (0, 0): (1.0, 0.0),
        (1, 1): (np.float32(64 / 127), 0.5),
        (2, 2): (np.float32(1 / 127), -0.25),
    }
    assert array.reshape(3, 9, 16)[1:, array[:9] == 0].max() == 0


@each_kind
@settings(max_examples=25)
@given(song=beats())
def test_performances_are_kept_to_the_tick(kind, song):
    excerpt = kind.extract(song)
    assert excerpt.song.ticks_per_quarter >= 480
    rendered = render(kind, excerpt.array, excerpt)
    assert rendered.tracks[0].notes["start"].min() >= 0
    again = kind.extract(rendered)
    before, after = cells(excerpt.array), cells(again.array)
    assert before.keys() == after.keys()
    tick = 2 / np.diff(excerpt.grid.ticks(np.arange(excerpt.grid.total_steps + 1))).min()
    for (step, drum), (velocity, offset) in before.items():
        assert after[step, drum][0] == velocity
        if step or offset <= 0:
            assert after[step, drum][1] == pytest.approx(offset, abs=1.01 * tick)


@given(
    st.lists(st.tuples(st.integers(0, 31), st.integers(0, 8), st.integers(1, 127), st.integers(-59, 60)), max_size=60)
)
def test_on_a_grid_of_its_own_it_is_kept_exactly(rows):
    kind, array = Groove(), np.zeros((3, 9, 32), np.float32)
    for step, drum, velocity, ticks in rows:
        array[:, drum, step] = 1, velocity / np.float32(127), (0 if step == 0 else ticks / HALF_STEP)
    array[:, 0, 0] = 1, 1, 0
    rendered = render(kind, array.reshape(27, 32), blank(kind, 2))
    again = kind.extract(rendered, bars=(1, len(kind.extract(rendered).grid))).array
    assert np.allclose(again, array.reshape(27, 32)[:, : again.shape[1]], atol=1e-6)
    assert not array.reshape(27, 32)[:, again.shape[1] :].any()


def test_pitched_music_is_taken_as_taps_but_nothing_to_train_on():
    """Or hymns would be drum performances."""
    tune = Song((Track(hits((0, 60, 80), (480, 62, 90)).tracks[0].notes, name="Piano"),))
    assert "none is on channel 10" in Groove().extract(tune).report[0]
    assert not any("keys that this kit lacks" in sentence for sentence in Groove().extract(tune).report)
    windows, problems = training_windows(Groove(), tune, "all")
    assert not len(windows)
    assert "no drums" in problems[0]
    assert len(training_windows(Groove(), tune, 1)[0]) == 1


def test_training_windows_begin_with_each_bar():
    two_bars = [(1920 * bar + 480 * beat + bar, 36 + 2 * (beat % 2), 80) for bar in range(4) for beat in range(4)]
    assert len(training_windows(Groove(), hits(*two_bars))[0]) == 3


def test_of_several_hits_of_a_drum_in_a_step_the_loudest_is_kept():
    excerpt = Groove().extract(hits((0, 36, 50), (10, 35, 90), (20, 36, 90)))
    assert cells(excerpt.array) == {(0, 0): (np.float32(90 / 127), np.float32(-10 / HALF_STEP))}
    assert "2 hits left out beside a louder one of the same drum and step" in excerpt.report


@pytest.mark.parametrize("kind", [Groove(), Groove(strict=True, kit="roland")], ids=repr)
def test_nothing_is_written_before_the_beginning_and_the_song_has_an_end(kind):
    array = np.zeros((27, 32), np.float32)
    array[[0, 9, 18], 0] = 1, 0.5, 0.9
    rendered = render(kind, array, blank(kind))
    assert rendered.tracks[0].notes.tolist() == [(0, 120, 36, 64)]
    assert rendered.seconds > 0
    assert rendered.bars_end == 4 * 480
    assert Song.read(Song.of(rendered).to_bytes()).tracks[0].notes.tolist() == rendered.tracks[0].notes.tolist()


def test_what_is_just_between_two_steps_stays_with_its_own():
    array = np.zeros((27, 16), np.float32)
    array[[0, 9, 18], 4] = 1, 1, -1
    array[[0, 9, 18], 5] = 1, 0.0, 1
    (written,) = render(Groove(), array, blank(Groove(), 1)).tracks
    assert written.notes.tolist() == [(539, 540, 36, 127), (540, 660, 36, 1)]


def test_early_hits_belong_to_the_bar_that_they_are_early_for():
    song = hits((0, 36, 80), (1920 - 20, 36, 100))
    excerpt = Groove().extract(song, bars=(2, 2))
    assert cells(excerpt.array) == {(0, 0): (np.float32(100 / 127), np.float32(20 / HALF_STEP))}


@pytest.mark.parametrize("metre", [(3, 4), (6, 8), (7, 16), (5, 4)])
def test_any_metre(metre):
    bar = 1920 * metre[0] // metre[1]
    notes = [(bar * i + 7, 38, 60 + i) for i in range(5)]
    song = replace(hits(*notes), time_signatures=(TimeSignature(0, *metre),))
    excerpt = Groove().extract(song)
    assert [t for t, _ in cells(excerpt.array)] == excerpt.grid.bar_steps[:-1].tolist()
    (written,) = render(Groove(), excerpt.array, excerpt).tracks
    assert written.notes["start"].tolist() == [start for start, *_ in notes]
    assert written.notes["velocity"].tolist() == [60, 61, 62, 63, 64]


def test_taps_on_a_piano_are_taken_where_there_are_no_drums():
    taps = track((0, 60), (4, 60), is_drum=False, name="Taps")
    excerpt = Groove().extract(Song((taps,)))
    assert excerpt.array[:9].sum() == 2
    assert excerpt.report[0] == "took track 1 'Taps' as drums: none is on channel 10"
    assert render(Groove(), excerpt.array, excerpt).tracks[0].is_drum
    both = Song((replace(taps, program=73), replace(track((0, 36)), program=25)))
    assert Groove().extract(both).report == ("took track 2",)
    assert Groove().extract(both).track.program == 25
    assert Groove().extract(both, "taps").report[0] == "took track 1 'Taps' (as asked)"
    assert (Groove().extract(both, "taps").track.is_drum, Groove().extract(both, "taps").track.program) == (True, 0)
    with pytest.raises(NoWindows, match="no notes"):
        Groove().extract(Song((Track(),)))


def test_tempo_name_and_metre_are_kept():
    song = replace(hits((0, 36, 80), (960, 38, 80), name="Kit"), tempos=(Tempo(0, 93.0),))
    excerpt = Groove().extract(song)
    rendered = render(Groove(), excerpt.array, excerpt)
    assert rendered.tempos == (Tempo(0, 93.0),)
    assert rendered.tracks[0].name == "Kit"


# Hits as a condition ---------------------------------------------------------------------------------------------


def test_the_hits_of_another_song_are_on_its_own_grid():
    kind = Groove(steps=16, condition_on_hits=True)
    other = replace(hits((0, 36, 80), (1920 + 480, 38, 20)), tempos=(Tempo(0, 77.0),), name="other")
    excerpt = kind.with_condition(blank(kind), hits=other)
    windows, _ = kind.cut(excerpt.array, excerpt.grid.windows(16))
    _, condition = kind.to_data(windows)
    assert [np.argwhere(window).tolist() for window in condition] == [[[0, 0]], [[4, 1]]]
    assert excerpt.song.tempos == other.tempos
    assert excerpt.report[-1].startswith("plays the hits of other: took track 1")
    assert blank(kind).array.sum() == 0


# Figures ------------------------------------------------------------------------------------------


def test_figures_of_timing_and_loudness_count_hits_in_both():
    truth, decoded = np.zeros((2, 1, 27, 8), np.float32)
    truth[0, [0, 9, 18], 0] = 1, 0.5, 0.2
    decoded[0, [0, 9, 18], 0] = 1, 0.25, -0.2
    truth[0, [1, 10, 19], 3] = 1, 0.5, 0.2
    decoded[0, [2, 11, 20], 3] = 1, 1, 1
    figures = Groove(steps=8).extra_metrics(decoded, truth)
    assert figures["hit_precision"] == figures["hit_recall"] == (1.0, 2.0)
    assert figures["timing_error_steps"] == pytest.approx((0.2, 1))
    assert figures["timing_error_ms"] == pytest.approx((25, 1))  # a sixteenth at 120 BPM is 125 ms
    assert figures["velocity_error"] == pytest.approx((0.25, 1))
    assert Groove(steps=8).step_matches(decoded, truth).tolist() == [[True] * 3 + [False] + [True] * 4]


@pytest.mark.parametrize("wrong", [{"kit": "old"}, {"hop_bars": -1}, {"steps": 0}])
def test_settings_that_cannot_work(wrong):
    with pytest.raises(ConfigError):
        Groove(**wrong)


# Strict -------------------------------------------------------------------------------------------


@needs_parity
def test_windows_are_those_of_the_original():
    kind, folder = Groove(strict=True, kit="roland"), CONVERSION
    files = json.loads((folder / "groove_2bar.json").read_text())["files"]
    expected = np.load(folder / "groove_2bar.npz")
    different = {}
    for i, file in enumerate(files):
        rows = np.arange(*expected["offsets"][i : i + 2])
        rows = rows[np.argsort(expected["window"][rows])]
        windows, why = training_windows(kind, song(file["path"], file["archive"]))
        exact = expected["exact"][rows].astype(bool)
        if len(windows) != len(rows) or bool(why) != (not len(rows)):
            different[file["path"]] = (len(windows), len(rows))
        elif (far := np.abs(windows.swapaxes(1, 2) - expected["x"][rows]).max((1, 2), initial=0)[exact] > 1e-6).any():
            different[file["path"]] = np.flatnonzero(far).tolist()
        if "raises" in file:
            assert why[0].startswith("keys that the kit lacks: ")
    assert not different


def test_a_key_that_the_kit_lacks_is_a_reason_and_outside_strict_a_drum():
    song = drum_midi((0.0, 36), (1.0, 61), (3.9, 38))
    windows, why = training_windows(Groove(strict=True), song)
    assert len(windows) == 1
    windows, why = training_windows(Groove(strict=True, kit="roland"), song)
    assert windows.shape == (0, 27, 32)
    assert why == ["keys that the kit lacks: 61"]
    assert "1 hit on keys that this kit lacks" in " ".join(Groove(kit="roland").extract(song).report)


def test_strict_of_equally_loud_hits_of_a_drum_the_one_that_ends_first_counts():
    notes = np.array([(0, 200, 38, 80), (30, 100, 37, 80), (4 * 480 * 2 - 100, 4 * 480 * 2, 36, 80)], NOTE)
    windows, _ = training_windows(Groove(strict=True), Song((Track(notes, is_drum=True),)))
    assert cells(windows[0])[0, 1][1] == -0.5


def test_strict_windows_follow_each_other_or_hop():
    song = drum_midi(*((i / 2, 36) for i in range(24)))  # six bars
    assert len(training_windows(Groove(strict=True), song)[0]) == 3
    assert len(training_windows(Groove(strict=True, hop_bars=1), song)[0]) == 5
    assert len(training_windows(Groove(strict=True, steps=128), song)[0]) == 0


@pytest.mark.parametrize("song", [midi((0.0, 9.0, 36), metre=(3, 4)), midi((0.0, 9.0, 36))], ids=["3/4", "one bar"])
def test_what_the_original_does_not_read_makes_none(song):
    windows, why = training_windows(Groove(strict=True), song)
    assert len(windows) == 0
    assert len(why) == 1


def test_a_tempo_that_changes_after_the_last_note_counts_too():
    song = drum_midi(*((i / 2, 36) for i in range(8)))
    assert len(training_windows(Groove(strict=True), song)[0]) == 1
    later = replace(song, tempos=(*song.tempos, Tempo(10**6, 90.0)))
    assert len(training_windows(Groove(strict=True), later)[0]) == 0
