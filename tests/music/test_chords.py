"""Chord symbols and keys as numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.errors import ConfigError
from musicae.music.score.score import KeySignature
from musicae.music.theory import chords

C, CM, CAUG, CDIM = 1, 13, 25, 37


@pytest.mark.parametrize("number", range(chords.TRIADS))
def test_every_triad_has_a_name_that_reads_as_itself(number):
    assert chords.triad(chords.name(number)) == number


@pytest.mark.parametrize(
    ("number", "symbols"),
    [
        (0, "N.C. NC n.c. N"),
        (C, "C CM Cmaj Cmajor C6 C7 C9 C13 Cmaj7 CM7 CΔ CΔ7 Cma7 CMaj9 C6/9 C69 Cadd9 C(add9) C/E C/Bb C7/G"),
        (C, "C7b9 C7(#9) C7#11 Cmaj7#11 Cdom7 C2 C4 B#"),
        (CM, "Cm C- C\u22127 Cmin Cmi Cminor Cm7 C-7 Cmin7 Cmi7 Cm6 Cm9 Cm11 CmM7 Cm(maj7) Cmmaj7 Cmadd9 Cm6/9 Cm7/Bb"),
        (CAUG, "C+ Caug C+7 Caug7 C7#5 C7+5 C7(#5) Cmaj7#5 C+M7"),
        (CDIM, "Cdim Co C° Cº Cdim7 Co7 C°7 Cm7b5 Cm7-5 C-7b5 Cø Cø7 CØ Cmin7b5 Cm(b5) Cm7(b5)"),
        (C + 10, "Bb Bbmaj7 B♭ A# Bb7/D"),
        (CM + 6, "F#m/A F♯m Gbm F#m7 F#-"),
        (CDIM + 11, "Bdim Bm7b5 Bo Cbdim"),
        (C + 3, "Eb D# Ebmaj7 Fbb"),
    ],
)
def test_symbols_as_people_write_them(number, symbols):
    assert {symbol: chords.triad(symbol) for symbol in symbols.split()} == dict.fromkeys(symbols.split(), number)


@pytest.mark.parametrize("wrong", ["", "H", "Cfoo", "dm", "X7", "Cm7x", "Bbb#", "C/H", "7", "C--", "Cadd", "C5555x"])
def test_what_is_no_chord_is_refused_with_examples(wrong):
    with pytest.raises(ConfigError, match=r"unknown chord .*: write it like C, Dm, .*Bdim"):
        chords.triad(wrong)


@pytest.mark.parametrize("other", ["Csus4", "Csus", "C7sus4", "Csus2", "C5", "C7b5", "C(no3)", "Cno5"])
def test_chords_without_a_triad_are_refused(other):
    with pytest.raises(ConfigError, match="neither major, minor, augmented nor diminished"):
        chords.triad(other)


def test_a_progression():
    assert chords.parse("Dm F Am G").tolist() == [15, 6, 22, 8]
    assert chords.parse(" Dm, F,N.C.\nBdim ").tolist() == [15, 6, 0, 48]
    assert chords.parse("| Dm | F | N.C. | Bdim |").tolist() == [15, 6, 0, 48]
    assert chords.parse("E7(b9,#11), Am").tolist() == [5, 22]
    assert chords.parse("C").dtype == np.uint8
    for nothing in ("", "  ", "|"):
        with pytest.raises(ConfigError, match="no chords"):
            chords.parse(nothing)
    with pytest.raises(ConfigError, match="one chord a bar"):
        chords.parse("Dm F | Am G")
    with pytest.raises(ConfigError, match="unknown chord ''"):
        chords.parse("Dm || F")


@given(st.integers(0, 48), st.integers(-30, 30))
def test_transposed_by_name(number, semitones):
    (moved,) = chords.transpose(np.array([number], np.uint8), np.array([semitones]))
    if number == 0:
        assert moved == 0
    else:
        root, kind = (number - 1) % 12, (number - 1) // 12
        assert chords.name(moved) == chords.ROOTS[(root + semitones) % 12] + chords.KINDS[kind]


def test_each_row_is_transposed_by_its_own_number():
    moved = chords.transpose(np.array([[0, 1, 24], [0, 48, 12]], np.uint8), np.array([1, -1]))
    assert moved.tolist() == [[0, 2, 13], [0, 47, 11]]
    assert moved.dtype == np.uint8
    assert chords.transpose_keys(np.array([[0, 11]], np.uint8), np.array([-1])).tolist() == [[11, 10]]


@pytest.mark.parametrize(
    ("text", "number", "tonic"),
    [("C", 0, 0), ("F#", 6, 6), ("Bb major", 10, 10), ("Am", 0, 9), ("A minor", 0, 9), ("C#m", 4, 1), ("Gb", 6, 6)],
)
def test_keys(text, number, tonic):
    assert chords.key(text) == number
    assert chords.key(text, by_tonic=True) == tonic


@pytest.mark.parametrize("wrong", ["", "H", "c", "Cdim", "12", "F#mm"])
def test_what_is_no_key(wrong):
    with pytest.raises(ConfigError, match="unknown key"):
        chords.key(wrong)


@given(st.integers(-7, 7), st.booleans())
def test_key_signatures(sharps, minor):
    from music21.key import KeySignature as Signature

    tonic = Signature(sharps).asKey("minor" if minor else "major").tonic.pitchClass
    assert chords.key_number(KeySignature(0, sharps, minor), by_tonic=True) == tonic
    assert chords.key_number(KeySignature(0, sharps, minor)) == Signature(sharps).asKey("major").tonic.pitchClass


def test_one_hot():
    assert chords.one_hot(np.array([[0, 48]]), chords.TRIADS).sum(axis=2).tolist() == [[1, 1]]
    assert chords.one_hot(np.array([[0, 48]]), chords.TRIADS)[0, 1, 48] == 1
