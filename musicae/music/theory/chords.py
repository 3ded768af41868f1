"""Chords and keys as numbers: symbols that people write, reduced to triads; and what conditions are made of.

A triad is one of 49 numbers, as in MusicVAE: 0 no chord, 1 to 12 major, 13 to 24 minor, 25 to 36 augmented, 37 to 48
diminished, each from C upwards (`TriadChordOneHotEncoding` of note-seq 0.0.5). A key is a pitch class, 0 to 11.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from musicae.errors import ConfigError
from musicae.music.score.score import KeySignature

NONE = 0
TRIADS = 49
KEYS = 12
NO_CHORD = "N.C."
ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KINDS = ("", "m", "aug", "dim")

_KIND_OF = {(0, 0): 0, (-1, 0): 1, (0, 1): 2, (-1, -1): 3}  # alterations of the third and the fifth
_LETTERS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
_ROOT = r"([A-G])(##?|bb?)?"
_SYMBOL = re.compile(rf"{_ROOT}(.*?)(?:/[A-G](?:##?|bb?)?)?")
_KEY = re.compile(rf"{_ROOT}\s*(|m|min|minor|moll|maj|major|dur)", re.IGNORECASE)
_ALTERATION = re.compile(r"(?:(add|no|omit|M)([#b+-]?)|([#b+-])|(?=2|4|6|9|1))(2|3|4|5|6|7|9|11|13)|sus[24]?")
_BETWEEN = r"(?:\s|,(?![^()]*\)))+"
_SIGNS = str.maketrans(
    {"♭": "b", "♯": "#", "\u2212": "-", "\u2013": "-", "°": "o", "º": "o", "Ø": "ø", "∅": "ø", "Δ": "M"}
)
_SPELLINGS = (  # of kinds that people write, and what music21 calls them
    (r"[(), ]|dom", ""),
    (r"^(minor|min|mi|-)", "m"),
    (r"(major|Major|Maj|maj|ma|MA)(?=$|[\d#b+-])", "M"),
    (r"^aug", "+"),
    (r"^dim", "o"),
    (r"^ø$", "ø7"),
    (r"^5$", "power"),
    (r"^(m?)6/9", r"\g<1>6add9"),
)
_EXAMPLES = "write it like C, Dm, F#m7, Bbmaj7, G7/B, Bdim, C+ or N.C."


def triad(symbol: str) -> int:
    """The triad of a chord symbol: "Cmaj7" and "C/E" are C major, "Bm7b5" is B diminished, "N.C." is none.

    Raises:
        ConfigError: it is no chord symbol, or its third and fifth make none of the four triads ("Csus4").
    """
    text = symbol.strip().translate(_SIGNS)
    if text.upper() in ("N.C.", "N.C", "NC", "N"):
        return NONE
    match = _SYMBOL.fullmatch(text)
    degrees = _degrees(match[3]) if match else None
    if degrees is None:
        raise ConfigError(f"unknown chord {symbol!r}: {_EXAMPLES}")
    kind = _KIND_OF.get((degrees.get(3), degrees.get(5)))
    if kind is None:
        raise ConfigError(
            f"chord {symbol!r} is neither major, minor, augmented nor diminished: write one that is, or N.C. for none"
        )
    return 1 + 12 * kind + _pitch_class(match)


def parse(text: str) -> np.ndarray:
    """The triads of chord symbols between blanks or commas ("Dm F Am G"), one a bar: uint8 [chords].

    Bar lines may be written ("Dm | F | Am | G").

    Raises:
        ConfigError: one of them is no triad, there are none, or there are two between bar lines.
    """
    bars = [re.split(_BETWEEN, bar.strip(" ,\t\n")) for bar in text.strip().strip("|").split("|")]
    if len(bars) > 1 and any(len(bar) > 1 for bar in bars):
        raise ConfigError(f"chords {text!r}: one chord a bar; leave the bar lines out, or write one between them")
    symbols = [symbol for bar in bars for symbol in bar]
    if symbols == [""]:
        raise ConfigError("no chords are named: write them like 'Dm F Am G'")
    return np.array([triad(symbol) for symbol in symbols], np.uint8)


def name(number: int) -> str:
    """The symbol of a triad: "C#m", "Ebaug", "Bdim", "N.C."."""
    kind, root = divmod(int(number) - 1, 12)
    return NO_CHORD if number == NONE else ROOTS[root] + KINDS[kind]


def requested(triads: np.ndarray) -> str:
    """A sentence on a progression that is asked for."""
    return f"follows the chords {_listed([name(number) for number in triads])}, one a bar"


def inferred(triads: np.ndarray) -> str:
    """A sentence on chords that were inferred, without those that repeat the one before."""
    return f"chords inferred from the notes: {_listed([name(number) for number in _changing(triads)])}"


def inferred_keys(keys: np.ndarray) -> str:
    """A sentence on keys that were inferred: of A minor they say C major, see `key_number`."""
    return f"key inferred from the notes: {_listed([f'{key_name(number)} major' for number in _changing(keys)])}"


def _listed(names: list[str], most: int = 8) -> str:
    """Names, at most so many."""
    return " ".join(names[:most] + ["..."] * (len(names) > most))


def _changing(numbers: np.ndarray) -> np.ndarray:
    """Numbers [n] without those that repeat the one before."""
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]]


def key(text: str, *, by_tonic: bool = False) -> int:
    """The number of a key as people write it: "F#", "Am", "Bb major", "C minor".

    Args:
        text: the key.
        by_tonic: see `key_number`.

    Raises:
        ConfigError: it is no key.
    """
    match = _KEY.fullmatch(text.strip().translate(_SIGNS))
    if not match or not match[1].isupper():
        raise ConfigError(f"unknown key {text!r}: write it like C, F#, Bb or Am")
    minor = match[3] == "m" or match[3].lower() in ("min", "minor", "moll")
    return (_pitch_class(match) + 3 * (minor and not by_tonic)) % 12


def key_name(number: int) -> str:
    """The major key of a number."""
    return ROOTS[int(number)]


def key_number(signature: KeySignature, *, by_tonic: bool = False) -> int:
    """The number of a key signature.

    Args:
        signature: the signature.
        by_tonic: False gives the tonic of the major scale: A minor is C major, 0. That is all that can be inferred of a
            key, and many a file calls its key major when it is minor. True gives the tonic itself, A minor is 9, as
            in MusicVAE (where keys that it infers are major ones all the same).
    """
    return (7 * signature.sharps + 9 * (signature.minor and by_tonic)) % 12


def transpose(triads: np.ndarray, semitones: np.ndarray) -> np.ndarray:
    """Triads [n, ...] moved by `semitones` [n]; no chord stays none."""
    number = triads.astype(np.int64) - 1
    moved = number // 12 * 12 + transpose_keys(number % 12, semitones) + 1
    return np.where(triads == NONE, NONE, moved).astype(triads.dtype)


def transpose_keys(keys: np.ndarray, semitones: np.ndarray) -> np.ndarray:
    """Keys [n, ...] moved by `semitones` [n]."""
    semitones = np.asarray(semitones, np.int64).reshape(-1, *[1] * (keys.ndim - 1))
    return ((keys + semitones) % 12).astype(keys.dtype)


def one_hot(numbers: np.ndarray, depth: int) -> np.ndarray:
    """Numbers [...] as float32 [..., depth]."""
    return (np.asarray(numbers)[..., None] == np.arange(depth)).astype(np.float32)


def _pitch_class(match: re.Match) -> int:
    """The pitch class of the letter and signs that a pattern found first."""
    signs = match[2] or ""
    return (_LETTERS[match[1]] + signs.count("#") - signs.lower().count("b")) % 12


def _degrees(suffix: str) -> dict[int, int] | None:
    """Degree of the scale -> alteration of a chord's tones, from what follows the root; None if it means nothing."""
    for pattern, spelling in _SPELLINGS:
        suffix = re.sub(pattern, spelling, suffix)
    kinds = _kinds()
    for end in range(len(suffix), -1, -1):  # the longest kind after which alterations follow
        if suffix[:end] in kinds and (degrees := _altered(kinds[suffix[:end]], suffix[end:])):
            return degrees
    return None


def _altered(degrees: dict[int, int], text: str) -> dict[int, int] | None:
    """Degrees after alterations such as "b5", "add9", "no3" and "sus4"; None if the text is something else."""
    degrees, at = dict(degrees), 0
    while at < len(text):
        match = _ALTERATION.match(text, at)
        if match is None:
            return None
        word, sign, degree = match[1], match[2] or match[3], match[4]
        if degree is None or word in ("no", "omit"):
            degrees.pop(int(degree or 3), None)
        elif word != "M":
            degrees[int(degree)] = (sign in ("#", "+")) - (sign in ("b", "-"))
        at = match.end()
    return degrees


@cache
def _kinds() -> dict[str, dict[int, int]]:
    """The kinds of chords that music21 knows: abbreviation -> degree of the scale -> alteration."""
    from music21.harmony import CHORD_TYPES

    return {
        abbreviation: {int(tone.strip("#-")): tone.count("#") - tone.count("-") for tone in tones.split(",")}
        for tones, abbreviations in CHORD_TYPES.values()
        for abbreviation in abbreviations
    }
