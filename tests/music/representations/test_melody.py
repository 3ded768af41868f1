from __future__ import annotations

import numpy as np
import pytest

from musicae.errors import ConfigError, NoWindows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Melody
from musicae.music.representations.tokens import canonical
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song

SIXTEENTH = 120


def track(*notes, name: str = "", program: int = 0, is_drum: bool = False) -> Track:
    """A track of (start, end, pitch) in sixteenths."""
    rows = [(int(s * SIXTEENTH), int(e * SIXTEENTH), pitch, 80) for s, e, pitch in notes]
    return Track(np.sort(np.array(rows, NOTE), order=["start", "pitch"]), program, is_drum, name)


def extract(*notes, **settings):
    return Melody(**settings).extract(Song((track(*notes),)))


def test_tokens_say_onset_hold_and_end():
    tokens = extract((0, 2, 60), (2, 3, 62), (8, 16, 21)).array
    assert tokens.tolist() == [41, 0, 43, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]


def test_silence_at_the_beginning_is_marked():
    assert extract((4, 6, 60)).array[:7].tolist() == [1, 0, 0, 0, 41, 0, 1]


def test_the_highest_note_wins_and_the_next_one_cuts():
    excerpt = extract((0, 8, 60), (0, 4, 67), (2, 3, 64))
    assert excerpt.array[:5].tolist() == [48, 0, 45, 1, 0]
    assert "1 lower note left out" in excerpt.report


def test_two_onsets_in_one_step():
    excerpt = extract((0, 1, 60), (0.4, 1, 62))
    assert excerpt.array[:2].tolist() == [43, 1]
    assert "1 note left out beside a higher one in the same step" in excerpt.report
    assert "1 onset moved to the grid" in excerpt.report


def test_short_notes_last_a_step():
    assert extract((0, 0.1, 60)).array[:2].tolist() == [41, 1]


def test_notes_out_of_range_are_moved_by_octaves():
    excerpt = extract((0, 1, 30), (1, 2, 90), (2, 3, 60), lowest_pitch=48, highest_pitch=72)
    _, _, pitches = Melody(lowest_pitch=48, highest_pitch=72).decode(excerpt.array)
    assert pitches.tolist() == [54, 66, 60]
    assert "2 notes moved by octaves into the model's range" in excerpt.report


def test_empty_bars_at_both_ends_are_left_out():
    tune, rest = track((40, 44, 60), (60, 64, 62), name="tune"), track((0, 1, 40), (100, 112, 40))
    excerpt = Melody().extract(Song((tune, rest)))
    assert excerpt.grid.bar_ticks.tolist() == [32 * SIXTEENTH, 48 * SIXTEENTH, 64 * SIXTEENTH]
    assert excerpt.report == (
        "took track 1 'tune' (melody by name)",
        "2 empty bars skipped at the start",
        "3 bars left out at the end",
    )


def test_a_note_held_over_into_the_chosen_bars_is_left_out():
    song = Song((track((8, 24, 60), (28, 32, 62)),))
    excerpt = Melody().extract(song, bars=(2, 2))
    assert excerpt.array.tolist() == [1, *[0] * 11, 43, 0, 0, 0]
    assert "1 note held over from before the first bar left out" in excerpt.report


def test_training_windows_begin_on_the_bar_lines_of_any_metre():
    notes = [(3 * i, 3 * i + 3, 60 + i) for i in range(20)]
    song = Song((track(*notes),), time_signatures=(TimeSignature(0, 3, 4),))
    windows, _ = training_windows(Melody(), song)
    assert [window[0] for window in windows] == [41, 45, 49]


def test_a_song_shorter_than_a_window_is_padded_once():
    windows, _ = training_windows(Melody(), Song((track((0, 16, 60)),)))
    assert windows.tolist() == [[41, *[0] * 15, 1, *[0] * 15]]


def test_all_tracks_are_taken_for_training():
    long = [(4 * i, 4 * i + 4, 60 + i) for i in range(8)]
    song = Song((track(*long), track(*((s, e, p - 20) for s, e, p in long)), track((0, 1, 90))))
    assert len(training_windows(Melody(), song, "all")[0]) == 2
    assert len(training_windows(Melody(), song, 3)[0]) == 1


BUSY_PIANO = track(*((i, i + 1, 48 + i % 12) for i in range(64)), *((i, i + 1, 40) for i in range(64)))
VOICE = track(*((8 * i, 8 * i + 4, 60) for i in range(8)), name="Voice 1")
BEAT = track(*((i, i + 1, 38) for i in range(64)), name="lead drums", is_drum=True)


def test_a_track_asked_for_by_number_or_name():
    song = Song((BEAT, BUSY_PIANO, VOICE), name="a song")
    assert Melody().extract(song, 2).track is BUSY_PIANO
    assert Melody().extract(song, "2").track is BUSY_PIANO
    assert Melody().extract(song, "voice").report[0] == "took track 3 'Voice 1' (as asked)"
    with pytest.raises(ConfigError, match=r"a song: no track 'oboe'; tracks: 1 'lead drums' \(64 drum notes\), 2 "):
        Melody().extract(song, "oboe")
    with pytest.raises(ConfigError, match="no track 4"):
        Melody().extract(song, 4)
    with pytest.raises(NoWindows, match="track 1 'lead drums' has no pitched notes"):
        Melody().extract(song, 1)


def test_note_offs_that_end_nothing_are_dropped():
    assert canonical([0, 1, 41, 0, 1, 1, 0, 1]).tolist() == [1, 0, 41, 0, 1, 0, 0, 0]


def test_strict_windows_stand_alone():
    melody = Melody(steps=16, strict=True)
    excerpt = melody.extract(Song((track((0, 20, 60), (24, 32, 62)),)))
    windows, lengths = melody.cut(excerpt.array, excerpt.grid.windows(16))
    assert windows[1].tolist() == [0] * 8 + [43] + [0] * 7
    assert melody.join(windows, lengths)[16:].tolist() == [1, *[0] * 7, 43, *[0] * 7]


def test_figures_count_steps_and_onsets():
    melody = Melody(steps=4)
    truth, decoded = np.array([[41, 0, 1, 43]], np.uint8), np.array([[41, 0, 0, 45]], np.uint8)
    assert melody.step_matches(decoded, truth).tolist() == [[True, True, False, False]]
    assert (melody.onsets(decoded) & melody.onsets(truth)).sum() == 1
    assert melody.onsets(truth).shape == (1, 4, 88)
