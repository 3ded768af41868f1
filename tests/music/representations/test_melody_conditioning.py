"""Melodies with chords and a key as conditions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.errors import ConfigError
from musicae.music.extraction import magenta
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Melody
from musicae.music.representations.rendering import blank, render
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import KeySignature, TimeSignature, Track
from musicae.music.song import Song
from musicae.music.theory import chords, harmony

BOTH = Melody(steps=16, chords=True, key=True)
CONDITIONED = [BOTH, Melody(steps=24, chords=True), Melody(key=True), Melody(strict=True, chords=True, key=True)]
few = settings(max_examples=25)
each_kind = pytest.mark.parametrize("kind", CONDITIONED, ids=repr)


@st.composite
def songs(draw) -> Song:
    """A melody and an accompaniment, up to eight bars of any metre, with or without key signatures."""
    numerator, denominator = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4)]))
    end = draw(st.integers(1, 8)) * 1920 * numerator // denominator
    note = st.tuples(st.integers(0, end - 1), st.integers(1, 2000), st.integers(30, 100), st.just(80))
    rows = st.lists(note, min_size=1, max_size=30).map(
        lambda rows: Track(tidy(np.array([(s, min(s + n, end), p, v) for s, n, p, v in rows], NOTE)))
    )
    keys = [KeySignature(draw(st.integers(0, end - 1)), draw(st.integers(-5, 6)), draw(st.booleans()))]
    return Song(
        (draw(rows), draw(rows)),
        time_signatures=(TimeSignature(0, numerator, denominator),),
        key_signatures=tuple(keys) if draw(st.booleans()) else (),
    )


@each_kind
@few
@given(song=songs())
def test_conditions_go_with_the_melody(kind, song):
    plain = Melody(kind.steps, strict=kind.strict)
    excerpt, melody = kind.extract(song, 1), plain.extract(song, 1)
    assert excerpt.array.shape == (kind.rows, excerpt.grid.total_steps)
    assert excerpt.array.dtype == np.uint8
    assert np.array_equal(excerpt.array[0], melody.array)
    assert all(
        np.array_equal(*pair) for pair in zip(kind.decode(excerpt.array), plain.decode(melody.array), strict=True)
    )
    windows, lengths = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    assert windows.shape == (len(lengths), *kind.shape)
    again, tokens = kind.join(windows, lengths), plain.join(windows[:, 0], lengths)
    assert np.array_equal(again, np.concatenate([tokens[None], excerpt.array[1:]]))
    assert kind.strict or np.array_equal(again, excerpt.array)
    assert render(kind, excerpt.array, excerpt).tracks[0].notes.tolist() == (
        render(plain, melody.array, melody).tracks[0].notes.tolist()
    )


@each_kind
@few
@given(song=songs())
def test_data_are_tokens_and_conditions(kind, song):
    excerpt = kind.extract(song)
    windows, _ = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    x, condition = kind.to_data(windows)
    assert x.shape == (len(windows), kind.steps)
    assert condition.shape == (len(windows), kind.steps, kind.conditioning.size)
    assert condition.dtype == np.float32
    assert (condition.sum(axis=2) == kind.chords + kind.key).all()
    again = kind.from_data(x.astype(np.int64))
    assert again.shape == windows.shape
    assert again.dtype == np.uint8
    assert np.array_equal(kind.tokens(again), x)
    assert not again[:, 1:].any()
    assert kind.step_matches(again, windows).all()
    assert np.array_equal(kind.has_onset(again), kind.has_onset(windows))
    if kind.chords:
        assert np.array_equal(condition[..., :49].argmax(2), windows[:, 1])
    if kind.key:
        assert np.array_equal(condition[..., -12:].argmax(2), windows[:, -1] - 1)


@each_kind
@few
@given(song=songs(), semitones=st.integers(-140, 140))
def test_chords_and_keys_are_transposed_as_far_as_the_notes(kind, song, semitones):
    windows, _ = kind.cut(kind.extract(song).array, [(0, kind.steps), (16, kind.steps)])
    moved = kind.transpose(windows, np.full(len(windows), semitones))
    plain = Melody(kind.steps)
    assert np.array_equal(moved[:, 0], plain.transpose(windows[:, 0], np.full(len(windows), semitones)))
    for before, after in zip(windows, moved, strict=True):
        note = before[0] > 1
        move = int(after[0][note][0]) - int(before[0][note][0]) if note.any() else 0
        for row, other in zip(before[1:], after[1:], strict=True):
            assert other.tolist() == chords.transpose(row[None], np.array([move]))[0].tolist()


def progression(*symbols: str, bar: int = 1920) -> Track:
    """Triads that last for a bar each."""
    rows = []
    for i, number in enumerate(chords.parse(" ".join(symbols)).tolist()):
        root, kind = (number - 1) % 12, (number - 1) // 12
        tones = [(0, 4, 7), (0, 3, 7), (0, 4, 8), (0, 3, 6)][kind]
        rows += [(i * bar, (i + 1) * bar, 48 + root + tone, 80) for tone in tones]
    return Track(tidy(np.array(rows, NOTE)), program=48)


TUNE = Track(np.array([(480 * i, 480 * i + 480, 72 + 2 * (i % 3), 80) for i in range(16)], NOTE), name="melody")


def test_chords_are_inferred_from_all_tracks_at_the_steps_of_the_melody():
    excerpt = BOTH.extract(Song((TUNE, progression("C", "Am", "Dm", "G"))))
    assert excerpt.array[1].reshape(4, 16).tolist() == [[n] * 16 for n in chords.parse("C Am Dm G")]
    assert set(excerpt.array[2].tolist()) == {1}
    assert excerpt.report[-1] == "key inferred from the notes: C major"
    assert excerpt.report[-2] == "chords inferred from the notes: C Am Dm G"
    later = BOTH.extract(Song((TUNE, progression("C", "Am", "Dm", "G"))), bars=(3, 4))
    assert later.array[1, ::16].tolist() == [15, 8]


def test_bars_of_three_quarters_have_a_chord_each():
    song = Song((TUNE, progression("C", "F", "G", "C", bar=1440)), time_signatures=(TimeSignature(0, 3, 4),))
    excerpt = BOTH.extract(song, bars=(1, 4))
    assert excerpt.array[1].reshape(-1, 12).tolist() == [[n] * 12 for n in [1, 6, 8, 1]]


def test_a_key_signature_counts_and_minor_ones_are_those_of_their_relative_major():
    song = Song((TUNE,), key_signatures=(KeySignature(1920, 1, True), KeySignature(3840, -3)))
    excerpt = Melody(key=True).extract(song)
    assert excerpt.array[1].reshape(4, 16)[:, 0].tolist() == [1 + 7, 1 + 7, 1 + 3, 1 + 3]
    assert not any("inferred" in sentence for sentence in excerpt.report)
    assert BOTH.extract(song).report[-1].startswith("chords inferred from the notes: ")
    assert Melody(key=True).extract(Song((TUNE,))).report[-1] == "key inferred from the notes: C major"


def test_the_last_chord_goes_on_after_the_end():
    excerpt = BOTH.extract(Song((TUNE, progression("C", "Am", "Dm", "G"))))
    windows, _ = BOTH.cut(excerpt.array, [(56, 16), (99, 16)])
    assert windows[:, 1].tolist() == [[8] * 16] * 2
    assert windows[1, 0].tolist() == [1, *[0] * 15]


# Conditions that are asked for ---------------------------------------------------------------------------------


def condition(kind: Melody, excerpt) -> np.ndarray:
    """The condition of an excerpt, step by step."""
    windows, lengths = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    conditions = kind.to_data(windows)[1]
    return np.concatenate([one[:length] for one, length in zip(conditions, lengths, strict=True)])


@pytest.mark.parametrize(("metre", "steps"), [((4, 4), 16), ((3, 4), 12), ((6, 8), 12), ((5, 4), 20), ((1, 4), 4)])
def test_a_chord_a_bar_again_and_again(metre, steps):
    song = Song((TUNE, progression("C", "C")), time_signatures=(TimeSignature(0, *metre),))
    kind = Melody(steps=24, chords=True)
    excerpt = kind.extract(song)
    other = kind.with_condition(excerpt, chords="Dm Bdim N.C.")
    numbers = condition(kind, other).argmax(1)
    assert numbers.tolist() == [[15, 48, 0][i // steps % 3] for i in range(excerpt.grid.total_steps)]
    later = kind.with_condition(excerpt, chords="Dm Bdim N.C.", before=2)
    assert condition(kind, later).argmax(1)[: 2 * steps].tolist() == [0] * steps + [15] * steps
    assert np.array_equal(kind.tokens(other.array), kind.tokens(excerpt.array))
    assert other.report[-1] == "follows the chords Dm Bdim N.C., one a bar"


@each_kind
@few
@given(song=songs(), more=st.integers(0, 40))
def test_what_is_not_asked_for_stays(kind, song, more):
    excerpt = kind.extract(song)
    excerpt = replace(excerpt, grid=excerpt.grid.extended(excerpt.grid.total_steps + more))
    before = condition(kind, excerpt)
    for name, value, columns in (("key", "F#", slice(-12, None)), ("chords", "G", slice(0, 49))):
        if name in kind.conditioning.names:
            after = condition(kind, kind.with_condition(excerpt, **{name: value}))
            rest = np.delete(np.arange(kind.conditioning.size), np.arange(kind.conditioning.size)[columns])
            assert np.array_equal(after[:, rest], before[:, rest])
            assert set(after[:, columns].argmax(1).tolist()) == {6 if name == "key" else 8}


def test_of_no_song_there_is_no_chord_and_no_key():
    silent = condition(BOTH, blank(BOTH, 2))
    assert silent.shape == (32, 61)
    assert (silent[:, 0] == 1).all()
    assert silent.sum() == 32
    other = condition(BOTH, BOTH.with_condition(blank(BOTH, 2), chords="Am F"))
    assert other[:, :49].argmax(1).tolist() == [22] * 16 + [6] * 16
    assert not other[:, 49:].any()


@pytest.mark.parametrize(("kind", "key"), [(BOTH, 0), (Melody(strict=True, chords=True, key=True), 9)])
def test_a_key_that_is_asked_for(kind, key):
    excerpt = kind.with_condition(blank(kind), key="Am")
    found = condition(kind, excerpt)
    assert (found[:, 49:].argmax(1) == key).all()
    assert (found[:, 0] == 1).all()
    assert excerpt.report[-1] == "follows the key Am"


def test_unreadable_chords_are_refused():
    assert Melody().to_data(np.zeros((1, 32), np.uint8))[1] is None
    with pytest.raises(ConfigError, match="unknown chord 'Q'"):
        BOTH.with_condition(blank(BOTH), chords="C Q")


def test_long_progressions_are_named_in_part():
    long = BOTH.with_condition(blank(BOTH), chords="C " * 9)
    assert long.report[-1] == "follows the chords C C C C C C C C ..., one a bar"


@pytest.mark.parametrize("number", range(37, 49))
def test_diminished_triads_are_encoded_and_decoded_as_what_they_are(number):
    """The original reads chords from all but the last 12 values even where there is no key: none is diminished."""
    kind = Melody(steps=16, chords=True)
    found = condition(kind, kind.with_condition(blank(kind), chords=chords.name(number)))
    assert {chords.name(n) for n in found.argmax(1)} == {chords.ROOTS[number - 37] + "dim"}


# Strict --------------------------------------------------------------------------------------------


def midi(tune, accompaniment=(), keys=(), metre=(4, 4), program=0, second=0) -> Song:
    """A tune and an accompaniment of (start, end, pitch) in quarters, read as the original reads."""
    result = pretty_midi.PrettyMIDI(initial_tempo=120)
    result.time_signature_changes.append(pretty_midi.TimeSignature(*metre, 0))
    result.key_signature_changes = [pretty_midi.KeySignature(number, time) for number, time in keys]
    for notes, one in ((tune, program), (accompaniment, second)):
        result.instruments.append(pretty_midi.Instrument(one))
        result.instruments[-1].notes = [pretty_midi.Note(80, p, s / 2, e / 2) for s, e, p in notes]
    return magenta.read(result)


def triads(text: str, quarters: int = 4):
    track = progression(*text.split(), bar=quarters)
    return [(int(n["start"]), int(n["end"]), int(n["pitch"])) for n in track.notes]


CHORDS = Melody(strict=True, chords=True, programs=(0, 31))
SAME = [(i, i + 1, 72) for i in range(24)]


def test_equal_melodies_over_other_chords_are_kept():
    song = midi(SAME, triads("C C F F C C"))
    windows, _ = training_windows(CHORDS, song, 1)
    plain, _ = training_windows(Melody(strict=True, programs=(0, 31)), song, 1)
    assert len(plain) == 1
    found = {(chords.name(a), chords.name(b)) for a, b in windows[:, 1, ::16].tolist()}
    assert found == {("C", "C"), ("C", "F"), ("F", "F"), ("F", "C")}
    assert len(windows) == 4


def test_chords_are_inferred_from_what_the_settings_let_in():
    same = training_windows(CHORDS, midi(SAME, triads("F F F F F F")))[0]
    other = training_windows(CHORDS, midi(SAME, triads("F F F F F F"), second=48))[0]
    assert set(same[:, 1].ravel().tolist()) == {6}
    assert set(other[:, 1].ravel().tolist()) != {6}


def test_a_part_without_inference_has_no_windows():
    assert len(training_windows(CHORDS, midi(SAME, metre=(2, 2)))[0])
    assert len(training_windows(Melody(strict=True), midi(SAME, metre=(8, 8)))[0])
    windows, problems = training_windows(CHORDS, midi(SAME, metre=(8, 8)))
    assert windows.shape == (0, 2, 32)
    assert len(problems) == 1


def test_strict_keys_are_tonics_of_signatures_only_without_chords():
    song = midi(SAME, triads("C F G C F C"), keys=[(9 + 12, 0.0), (2, 4.0)])  # A minor, then D major
    by_sign, _ = training_windows(Melody(steps=16, strict=True, key=True), song, 1)
    assert sorted({int(k) for k in by_sign[:, 1].ravel()}) == [1 + 2, 1 + 9]
    array = Melody(strict=True, key=True, chords=True).extract(song, 1).array
    assert set(array[2].tolist()) == {1}
    by_ear, _ = training_windows(Melody(steps=16, strict=True, key=True, chords=True), song, 1)
    assert set(by_ear[:, 2].ravel().tolist()) == {1}
    assert set(
        training_windows(Melody(strict=True, key=True), midi(SAME, triads("C F G C F C")), 1)[0][:, 1].ravel()
    ) == {1}


def test_after_the_last_note_its_chord_goes_on():
    tune = [(i, i + 1, 60 + 4 * (i % 2)) for i in range(5)]
    song = midi(tune, [*triads("C"), (4, 4.1, 53), (4, 4.1, 57), (4, 4.1, 60)])
    (window,), _ = training_windows(CHORDS, song, 1)
    harmonies = harmony.of_part(song.tracks, 0, song.end, song).chords
    assert window[1].tolist() == np.repeat(harmonies, 8).tolist() + [int(harmonies[-1])] * (32 - 8 * len(harmonies))


@few
@given(song=songs())
def test_strict_windows_are_those_of_the_melody_alone_with_rows(song):
    plain, _ = training_windows(Melody(strict=True, steps=16), song)
    windows, _ = training_windows(Melody(strict=True, steps=16, key=True, chords=True), song)
    assert {w.tobytes() for w in np.ascontiguousarray(windows[:, 0])} == {w.tobytes() for w in plain}
    assert len({w.tobytes() for w in windows}) == len(windows)
