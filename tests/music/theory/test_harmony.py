"""Inferred chords and keys: against an independent Viterbi, against what the original inferred, and on small songs."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import CONVERSION, midi_file, needs_parity

from musicae.music.extraction import magenta
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song
from musicae.music.theory import chords, harmony

HALF = 960  # ticks of half a bar


def played(text: str) -> Song:
    """The triads of a progression, each sounding for half a bar, close around middle C."""
    rows = []
    for i, number in enumerate(chords.parse(text).tolist()):
        root, kind = (number - 1) % 12, (number - 1) // 12
        tones = [(0, 4, 7), (0, 3, 7), (0, 4, 8), (0, 3, 6)][kind] if number else ()
        rows += [(i * HALF, (i + 1) * HALF, 60 + root + tone, 80) for tone in tones]
    return Song((Track(np.sort(np.array(rows, NOTE), order=["start", "pitch"])),))


@pytest.mark.parametrize("text", ["C Am F G C C", "Dm G C F Bdim E Am Am", "Eb Cm Ab Bb Eb Eb", "C Caug F Fm C G C C"])
def test_triads_that_are_played_are_found(text):
    assert harmony.of(played(text)).chords.tolist() == chords.parse(text).tolist()


def test_keys_are_found_and_kept():
    assert set(harmony.of(played("C Am F G C F G C")).keys.tolist()) == {0}
    assert set(harmony.of(played("E A B E C#m A B E")).keys.tolist()) == {4}
    keys = harmony.of(played("C F G C Am Dm G C " + "F# B C# F# D#m G#m C# F#")).keys
    assert keys.tolist() == [0] * 8 + [6] * 8


def test_a_rest_keeps_the_chord_and_silence_has_none():
    song = played("C C F F N.C. N.C. N.C. N.C. G G")
    assert harmony.of(song).chords.tolist() == [1, 1, 6, 6, 6, 6, 6, 6, 8, 8]
    assert harmony.infer(np.zeros(0, NOTE), np.arange(5)).chords.tolist() == [0] * 4


def test_drums_and_sound_effects_do_not_count():
    noise = np.array([(i * HALF, (i + 1) * HALF, 61, 80) for i in range(5)], NOTE)
    song = played("C Am F G C")
    loud = Song((*song.tracks, Track(noise, is_drum=True), Track(noise, program=127), Track(noise, program=96)))
    assert harmony.of(loud).chords.tolist() == harmony.of(song).chords.tolist()


@given(st.integers(-12, 12))
def test_a_transposed_song_has_transposed_chords_and_keys(semitones):
    song = played("C Dm G7 C Am F Bdim E Am F G7 C")
    moved = song.tracks[0].notes.copy()
    moved["pitch"] = moved["pitch"].astype(int) + semitones
    before, after = harmony.of(song), harmony.of(Song((Track(moved),)))
    assert after.chords[None].tolist() == chords.transpose(before.chords[None], np.array([semitones])).tolist()
    assert after.keys[None].tolist() == chords.transpose_keys(before.keys[None], np.array([semitones])).tolist()


def test_chords_hold_until_the_next():
    found = harmony.of(played("C Am F G C"))
    assert found.starts.tolist() == [0, 960, 1920, 2880, 3840, 4800]
    assert found.at(np.array([-5, 0, 959, 960, 99_999]))[0].tolist() == [1, 1, 1, 22, found.chords[-1]]


@pytest.mark.parametrize(
    ("metre", "number"),
    [
        *[((4, 4), 2), ((6, 8), 2), ((12, 8), 2), ((6, 4), 2), ((4, 2), 2)],
        *[((3, 4), 1), ((2, 4), 1), ((2, 2), 1), ((9, 8), 1), ((5, 4), 1), ((7, 8), 1)],
    ],
)
def test_chords_a_bar(metre, number):
    assert harmony.chords_a_bar(TimeSignature(0, *metre)) == number
    song = Song((Track(np.array([(0, 1, 60, 80)], NOTE)),), time_signatures=(TimeSignature(0, *metre),))
    assert len(harmony.of(song).chords) == number


rolls = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 60), st.integers(0, 127)).map(lambda n: (n[0], n[0] + n[1], n[2], 80)),
    max_size=20,
)


@given(rolls, st.lists(st.integers(0, 200), min_size=2, max_size=6, unique=True).map(sorted))
def test_profiles_are_the_ticks_that_pitch_classes_sound(rows, lines):
    expected = np.zeros((len(lines) - 1, 12))
    for (frame, (a, b)), (start, end, pitch, _) in itertools.product(enumerate(itertools.pairwise(lines)), rows):
        expected[frame, pitch % 12] += max(min(b, end) - max(a, start), 0)
    length = np.sqrt((expected**2).sum(1, keepdims=True))
    found = harmony.profiles(np.array(rows, NOTE), np.array(lines))
    assert np.allclose(found, np.divide(expected, length, where=length > 0, out=expected), atol=1e-15)


def score(path: list[tuple[int, int]], likelihood: np.ndarray) -> float:
    """The logarithm of the joint probability of keys and chords and of what sounds, straight from the definition."""
    kinds = [(0, 4, 7), (0, 3, 7), (0, 4, 8), (0, 3, 6), (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10)]
    tones = [set(), *({(root + t) % 12 for t in kind} for root in range(12) for kind in kinds)]

    def prior(key: int) -> np.ndarray:
        scale = {(key + s) % 12 for s in (0, 2, 4, 5, 7, 9, 11)}
        weights = np.array([0.99 ** len(t & scale) * 0.01 ** len(t - scale) for t in tones])
        return weights / weights.sum()

    total = -np.log(12) + np.log(prior(path[0][0])[path[0][1]]) + likelihood[0, path[0][1]]
    for frame, ((key, chord), (new_key, new_chord)) in enumerate(itertools.pairwise(path), 1):
        chances = prior(new_key)
        if key != new_key:
            total += np.log(0.001 / 11 * chances[new_chord])
        elif chord != new_chord:
            total += np.log(0.999 * 0.5 * (chances[new_chord] + chances[chord] / 96))
        else:
            total += np.log(0.999 * 0.5)
        total += likelihood[frame, new_chord]
    return total


@pytest.mark.parametrize("seed", range(2))
def test_no_other_path_is_likelier(seed):
    random = np.random.default_rng(seed)
    likelihood = random.normal(size=(8, 97)) * 4
    likelihood[:4, 1 + 8 * random.integers(12)] += 12
    keys, found = harmony._viterbi(likelihood)
    path = list(zip(keys.tolist(), found.tolist(), strict=True))
    best = score(path, likelihood)
    for frame, key, chord in itertools.product(range(len(path)), range(12), range(0, 97, 5)):
        assert score([*path[:frame], (key, chord), *path[frame + 1 :]], likelihood) <= best + 1e-9
    for key in range(12):
        assert score([(key, chord) for _, chord in path], likelihood) <= best + 1e-9


def test_what_the_original_gives_up_on():
    notes = np.array([(0, 7680, 60, 80)], NOTE)

    def part(metre, end=7680):
        song = Song((Track(notes),), time_signatures=(TimeSignature(0, *metre),))
        found = harmony.of_part(song.tracks, 0, end, song)
        return None if found is None else len(found.chords)

    assert [part(metre) for metre in [(4, 4), (2, 2), (8, 8), (3, 4)]] == [8, 4, None, None]
    assert [part((4, 4), end) for end in (0, 1, 961, 960_000, 960_001)] == [None, 1, 2, 1000, None]


# What the original inferred ------------------------------------------------------------------------

TIES = {  # two chords are equally likely there: the last bits of the original's seconds choose
    ("openmsx/chemistry_lab.mid", 45),
    ("openscore_lieder/midi/lc4904021.mid", 4),
}


def bars(song: Song):
    """The notes that begin inside each bar, as (program, step, pitch), and the chords of its halves."""
    quarter = song.ticks_per_quarter
    for start, end in magenta.parts(song):
        inside = [(t, t.notes[(t.notes["start"] >= start) & (t.notes["start"] < end)]) for t in song.tracks]
        last = max((min(int(notes["end"].max()), end) for _, notes in inside if len(notes)), default=start)
        found = harmony.of_part(song.tracks, start, last, song)
        for line in range(start, last, 4 * quarter):
            onsets = set()
            for track, notes in inside:
                steps = (48 * (notes["start"] - line) + quarter) // (2 * quarter)
                own = (steps > 0) & (steps < 96)
                program = 488 if track.is_drum else 360 + track.program
                pitches = notes["pitch"][own].tolist()
                onsets |= {(program, *note) for note in zip(steps[own].tolist(), pitches, strict=True)}
            yield onsets, found.at(np.array([line, line + 2 * quarter]))[0].tolist()


def tokens_of(example: np.ndarray, chords: np.ndarray):
    """The notes of an example as above, and the (step, chord) of its tokens between program and end."""
    notes, pairs = set(), set()
    for row, chord in zip(example, chords, strict=True):
        row, chord = row[row >= 0][:-1], chord[chord >= 0][:-1]
        shifts = np.where((row >= 256) & (row < 352), row - 255, 0)
        steps = (np.cumsum(shifts) - shifts).tolist()
        notes |= {(int(row[0]), s, int(t)) for s, t in zip(steps, row, strict=True) if t < 128 and 0 < s < 96}
        pairs |= set(zip(steps[1:], chord[1:].tolist(), strict=True))
    return notes, pairs


@needs_parity
def test_chords_are_those_of_the_original():
    files = json.loads((CONVERSION / "multitrack_1bar_chords.json").read_text())["files"]
    expected = np.load(CONVERSION / "multitrack_1bar_chords.npz")
    different, compared = set(), 0
    for i, file in enumerate(files):
        ours = list(bars(magenta.read(midi_file(file["path"], file["archive"]))))
        for row in range(*expected["offsets"][i : i + 2]):
            notes, pairs = tokens_of(expected["tokens"][row], expected["chords"][row])
            # the original's cuts may be a last bit off: then a note on the bar line is in the bar before, and what
            # happens at the end of a bar has the chord of the next; so both bar lines are left out
            shared = [len(notes & other) - len(notes ^ other) for other, _ in ours]
            alike = [halves for (_, halves), n in zip(ours, shared, strict=True) if n == max(shared)]
            inside = {(step // 48, chord) for step, chord in pairs if step < 96}
            compared += len(inside)
            if not any(all(halves[half] == chord for half, chord in inside) for halves in alike):
                different.add((file["path"], row - int(expected["offsets"][i])))
    assert compared > 600
    assert different == TIES
