"""Values of the fields of ABC: keys, metres, lengths, tempos, clefs and the order of parts.

Every number is bounded; what has no sense or no bound is None.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_MODES = {
    "maj": 0,
    "ion": 0,
    "mix": 1,
    "dor": 2,
    "m": 3,
    "min": 3,
    "aeo": 3,
    "phr": 4,
    "loc": 5,
    "lyd": -1,
}  # flats added
_FIFTHS = "FCGDAEB"
_ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_MOST_PARTS = 200


class Key(NamedTuple):
    """A key: sharps (negative: flats), whether it is minor, and what each letter is raised by."""

    sharps: int
    minor: bool
    raised: dict[str, int]


def key(text: str) -> Key | None:
    """The key in a field K: `G`, `Am`, `D mixolydian`, `Hp`, `none`; with accidentals of its own, as `D =c`."""
    text = text.strip()
    if text[:4].lower() == "none" or not text or text.startswith("HP"):
        sharps, minor, rest = 0, False, text[4:]
    elif text.startswith("Hp"):
        sharps, minor, rest = 2, False, text[2:]
    elif found := re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text):
        letter, sign, mode = found.groups()
        minor = mode.lower()[:3] in ("m", "min", "aeo")
        flats = _MODES.get(mode.lower()[:3], 0)
        sharps = _FIFTHS.index(letter) - 1 + 7 * {"#": 1, "b": -1, "": 0}[sign] - flats
        rest = " " + text[found.end() :]
    else:
        return None
    if abs(sharps) > 7:
        return None
    raised = dict.fromkeys(_FIFTHS[:sharps], 1) if sharps > 0 else dict.fromkeys(_FIFTHS[7 + sharps :], -1)
    for sign, letter in re.findall(r"(?<=\s)(\^\^|\^|=|__|_)([A-Ga-g])(?=\s|$)", rest):
        raised[letter.upper()] = _ACCIDENTALS[sign]
    return Key(sharps, minor, raised)


def metre(text: str) -> tuple[int, int] | None:
    """The metre in a field M: `6/8`, `C`, `C|`, `(2+3)/8`; None where it is free or impossible."""
    text = text.strip()
    if text in ("C", "C|"):
        return (4, 4) if text == "C" else (2, 2)
    found = re.match(r"\(?(\d{1,2}(?:\+\d{1,2}){0,7})\)?\s*/\s*(\d{1,2})(?!\d)", text)
    if not found:
        return None
    numerator, denominator = sum(map(int, found[1].split("+"))), int(found[2])
    return (numerator, denominator) if 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32, 64) else None


def note_length(text: str) -> Fraction | None:
    """The quarters of the fraction in a field L."""
    found = re.match(r"\s*(\d{1,2})(?:\s*/\s*(\d{1,3}))?(?!\d)", text)
    numbers = found and (int(found[1]), int(found[2] or 1))
    return Fraction(4 * numbers[0], numbers[1]) if numbers and all(numbers) else None


def usual_length(metre: tuple[int, int] | None) -> Fraction:
    """The quarters of a note without a field L: a sixteenth in short bars, else an eighth."""
    return Fraction(1, 4) if metre and 4 * metre[0] < 3 * metre[1] else Fraction(1, 2)


def tempo(text: str, unit: Fraction) -> float | None:
    """Quarters a minute in a field Q: `1/4=120`, `3/8=80 "Jig"`; `120` and `C=120` count notes of `unit` quarters."""
    text = re.sub(r'"[^"]*"', " ", text)
    rate = re.search(r"(?:=|^)\s*(\d{1,4}(?:\.\d{1,3})?)\s*$", text)
    if not rate:
        return None
    beats = re.findall(r"(\d{1,2})/(\d{1,3})(?!\d)", text[: rate.start()])
    if any(int(below) == 0 for _, below in beats):
        return None
    beat = sum((Fraction(4 * int(above), int(below)) for above, below in beats), Fraction(0))
    counted = re.match(r"\s*C(\d{0,2})\s*=", text)
    return float(Fraction(rate[1]) * (beat or unit * int((counted and counted[1]) or 1)))


def transposition(text: str) -> int:
    """Semitones that a clef, `octave=` or `transpose=` in a field K or V moves notes by."""
    moved = 0
    for name, factor, most in (("octave", 12, 4), ("transpose", 1, 48)):
        if found := re.search(rf"\b{name}=\s*(-?\d{{1,2}})(?!\d)", text):
            moved += factor * max(min(int(found[1]), most), -most)
    clef = re.search(r"[A-Za-z]\d?([+-])8\b", text)
    return moved + (12 if clef[1] == "+" else -12) if clef else moved


def rounds(text: str) -> tuple[int, ...]:
    """The rounds that an ending is played in: `1`, `1,3`, `1-3`."""
    found: list[int] = []
    for first, last in re.findall(r"(\d)(?:-(\d))?", text):
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def parts(text: str) -> str | None:
    """The letters of a field P in a header, as they are played: `ABA`, `A2B`, `(AB)3C`; None where it has no sense."""
    text = re.sub(r"[\s.,]", "", text)
    if not re.fullmatch(r"(?:[A-Z]\d?|\([A-Z\d]{1,30}\)\d?)+", text[:100]):
        return None
    flat = re.sub(r"\(([A-Z\d]+)\)(\d?)", lambda found: found[1] * int(found[2] or 1), text[:100])
    order = "".join(letter * int(number or 1) for letter, number in re.findall(r"([A-Z])(\d?)", flat))
    return order if len(order) <= _MOST_PARTS else None
