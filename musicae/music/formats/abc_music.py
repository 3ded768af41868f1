"""Lines of music in ABC to bars of notes, of one part (voice) at a time.

Signs are found from left to right, each by a pattern that looks no further than its line; numbers are bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from musicae.music.formats import abc_fields
from musicae.music.formats.abc_fields import Key
from musicae.music.formats.bars import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TO_CODA, Bar, WrittenNote, full

_LENGTH = r"(\d*)(/*)(\d*)"
_NOTE = rf"(\^\^|\^|__|_|=)?([A-Ga-g])([,']*){_LENGTH}"
_SIGN = re.compile(
    rf"""
      (?P<note>{_NOTE})
    | (?P<space>\s+)
    | (?P<inline>\[[A-Za-z]:[^\[\]]*\])
    | (?P<invisible_bar_line>\[\|\])
    | (?P<bar_line>\.?(?::{{1,8}}(?:\|+\]?:{{0,4}})?|\[?\|+\]?:{{0,4}})\ ?(?:\[?\d[\d,-]*)?)
    | (?P<ending>\[\ ?\d[\d,-]*)
    | (?P<chord>\[[^\[\]|]*\]{_LENGTH})
    | (?P<tie>-)
    | (?P<broken_rhythm>>{{1,3}}|<{{1,3}})
    | (?P<tuplet>\(\d+(?::\d*){{0,2}})
    | (?P<rest>[zx]{_LENGTH})
    | (?P<long_rest>[ZX]\d*)
    | (?P<grace>\{{[^{{}}]*\}})
    | (?P<chord_symbol>"[^"]*")
    | (?P<decoration>![^!|\[\]:]{{1,40}}!|\+[a-z0-9<>().]{{1,40}}\+)
    | (?P<old_chord>\+[A-Ga-g\d_^=,'/]{{1,40}}\+)
    | (?P<overlay>&)
    | (?P<ignored>y[\d/]*|[.~H-Wh-w`$*;()!+\\])
    """,
    re.VERBOSE,
)
_NOTES = re.compile(rf"{_NOTE}(\s*-)?")
_LOUDNESS = {"pppp": 30, "ppp": 30, "pp": 45, "p": 60, "mp": 75, "mf": 90, "f": 105, "ff": 120, "fff": 127, "ffff": 127}
_MARKS = {
    "segno": SEGNO,
    "coda": CODA,
    "dacoda": TO_CODA,
    "tocoda": TO_CODA,
    "fine": FINE,
    "dacapo": DA_CAPO,
    **{f"d.c.{how}": DA_CAPO for how in ("", "alfine", "alcoda")},
    **{f"d.s.{how}": DAL_SEGNO for how in ("", "alfine", "alcoda")},
}
_PITCHES = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_RAISED = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # a tuplet of so many notes lasts as long as so many; others as the beat has
_MOST = 1024  # of a number; of those that time is divided by:
_MOST_PARTS = 256
_MOST_NOTES = 50_000  # written
_MOST_SLASHES = 8
_MOST_OCTAVES = 5


@dataclass
class Part:
    """A voice of a tune: its bars so far, and all that holds for the next note.

    Attributes:
        moved: semitones that all notes are moved by.
        unit: the quarters of a note without a number.
        left_out: how many signs of each kind were left out.
    """

    name: str = ""
    moved: int = 0
    key: Key = field(default_factory=lambda: Key(0, False, {}))
    metre: tuple[int, int] | None = (4, 4)
    unit: Fraction = Fraction(1, 2)
    tempo: float | None = None
    bars: list[Bar] = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.velocity = 90
        self.label = ""
        self.tuplet, self.tuplet_left = Fraction(1), 0
        self.written = 0
        self.sounding: dict[tuple[str, int], int] = {}  # the note before: its letter and octave, and its pitch
        self.tied: dict[tuple[str, int], int] = {}  # those of it that go on
        self._begin_bar()

    def _begin_bar(self) -> None:
        self.bar, self.now = Bar(), Fraction(0)
        self.accidentals: dict[str, int] = {}  # of letters, in all octaves
        self.before: tuple[int, Fraction, Fraction] | None = None  # index, time and length of the note before
        self.broken = ""

    def set_field(self, name: str, value: str) -> None:
        """Follows a field K, L, M, P or Q; others say nothing about notes."""
        if name == "K":
            self.key = self._sensible(abc_fields.key(value), self.key)
            self.moved = abc_fields.transposition(value) or self.moved
        elif name == "L":
            self.unit = self._sensible(abc_fields.note_length(value), self.unit)
        elif name == "M":
            is_free = value.strip().lower() in ("none", "free", "")
            self.metre = None if is_free else self._sensible(abc_fields.metre(value), self.metre)
        elif name == "P":
            self.label = value.strip()[:1]
        elif name == "Q":
            self.tempo = abc_fields.tempo(value, self.unit) or self.tempo

    def _sensible(self, value, before):
        """The value of a field, or the one before where there is none."""
        self.left_out["field"] += value is None
        return before if value is None else value

    def read(self, line: str) -> None:
        """Adds a line of music.

        Raises:
            ValueError: a number in it is absurd, or there are absurdly many notes.
        """
        at = 0
        while at < len(line):
            found = _SIGN.match(line, at)
            if found:
                at = found.end()
                getattr(self, f"_{found.lastgroup}")(found.group())
            else:
                self.left_out["sign"] += 1
                at += 1

    def end(self) -> list[Bar]:
        """All bars, the last of which needs no bar line."""
        self._close_bar(1, False)
        return self.bars

    # Notes --------------------------------------------------------------------------------------

    def _note(self, sign: str) -> None:
        self._add(_NOTES.findall(sign), Fraction(1))

    def _chord(self, sign: str) -> None:
        inside, _, after = sign[1:].partition("]")
        notes = _NOTES.findall(re.sub(r'"[^"]*"|![^!]*!', "", inside))
        if notes:
            self._add(notes, _length(*re.fullmatch(_LENGTH, after).groups()))

    def _old_chord(self, sign: str) -> None:
        self._chord(f"[{sign[1:-1]}]")

    def _rest(self, sign: str) -> None:
        length = self._scale() * _length(*re.fullmatch(_LENGTH, sign[1:]).groups())
        self._advance(length * self._stretch(length), length)

    def _long_rest(self, sign: str) -> None:
        length = _number(sign[1:] or "1") * full(self.metre or (4, 4))
        self._advance(length, length)

    def _add(self, notes: list[tuple[str, ...]], factor: Fraction) -> None:
        """Notes that begin together, as `_NOTES` finds them; the first says how long the chord lasts."""
        self.written += len(notes)
        if self.written > _MOST_NOTES:
            raise ValueError(f"has more than {_MOST_NOTES:,} notes in one voice")
        lengths = [factor * self._scale() * _length(*note[3:6]) for note in notes]
        stretch, going_on = self._stretch(lengths[0]), {}
        first, begins = len(self.bar.notes), self.now
        self.sounding = {}
        for (sign, letter, octaves, *_, tie), length in zip(notes, lengths, strict=True):
            place, pitch = self._pitch(sign, letter, octaves)
            self.sounding[place] = pitch
            if tie:
                going_on[place] = pitch
            self.bar.notes.append(WrittenNote(begins, length * stretch, pitch, self.velocity, bool(tie)))
        self._advance(lengths[0] * stretch, lengths[0])
        self.before, self.tied = (first, begins, lengths[0]), going_on

    def _scale(self) -> Fraction:
        """The quarters of a note or rest without a number, in its tuplet."""
        return self.unit * (self.tuplet if self.tuplet_left else 1)

    def _stretch(self, length: Fraction) -> Fraction:
        """What a broken rhythm lengthens a note of so many quarters by, after the same is done with the one before.

        It is only for two notes of one length.
        """
        sign, self.broken = self.broken, ""
        if not sign or self.before is None or self.before[2] != length:
            return Fraction(1)
        short = Fraction(1, 2 ** len(sign))
        mine, other = (2 - short, short) if sign[0] == ">" else (short, 2 - short)
        first, begins, _ = self.before
        notes = self.bar.notes
        notes[first:] = [note._replace(length=note.length * mine) for note in notes[first:]]
        self.now = begins + (self.now - begins) * mine
        return other

    def _advance(self, length: Fraction, written: Fraction) -> None:
        """Moves on by a note or rest of so many quarters, without its broken rhythm `written`."""
        if not self.bar.length:
            self.bar.tempo, self.bar.metre, self.bar.key = self.tempo, self.metre, self.key[:2]
            self.bar.label, self.label = self.label, ""
        self.before, self.tied = (len(self.bar.notes), self.now, written), {}
        self.now += length
        self.bar.length = max(self.bar.length, self.now)
        self.tuplet_left = max(self.tuplet_left - 1, 0)

    def _pitch(self, sign: str, letter: str, octaves: str) -> tuple[tuple[str, int], int]:
        """Letter with octave, and pitch of a note: by its sign, else by the tie, the bar, the key."""
        if len(octaves) > _MOST_OCTAVES:
            raise ValueError(f"has a note with {len(octaves)} octave marks")
        name = letter.upper()
        octave = letter.islower() + octaves.count("'") - octaves.count(",")
        place, natural = (name, octave), _PITCHES[name] + 12 * octave + self.moved
        if sign:
            self.accidentals[name] = _RAISED[sign]
        elif place in self.tied:
            return place, self.tied[place]
        return place, natural + self.accidentals.get(name, self.key.raised.get(name, 0))

    def _tie(self, sign: str) -> None:
        self.tied = dict(self.sounding)
        first = self.before[0] if self.before else len(self.bar.notes)
        self.bar.notes[first:] = [note._replace(tied=True) for note in self.bar.notes[first:]]

    def _broken_rhythm(self, sign: str) -> None:
        self.broken = sign

    def _tuplet(self, sign: str) -> None:
        number, time, count = [*sign[1:].split(":"), "", ""][:3]
        notes = _number(number, _MOST_PARTS)
        compound = self.metre is not None and self.metre[0] in (6, 9, 12)
        time_of = _number(time) if time else _TIME_OF.get(notes, 3 if compound else 2)
        if not notes or not time_of:
            raise ValueError(f"has a tuplet that makes no sense: {sign[:20]}")
        self.tuplet, self.tuplet_left = Fraction(time_of, notes), _number(count) if count else notes

    # Bars ---------------------------------------------------------------------------------------

    def _bar_line(self, sign: str) -> None:
        line, ending = re.fullmatch(r"([^\d]*?)\[?(\d.*)?", sign.replace(" ", "").lstrip(".")).groups()
        ends, begins = len(line) - len(line.lstrip(":")), len(line) - len(line.rstrip(":"))
        if "|" not in line:
            ends = begins = len(line) // 2
        if line != ":":
            self._close_bar(ends + 1, "||" in line or "|]" in line or "[|" in line)
        self.bar.begins_repeat |= bool(begins)
        if ending:
            self._ending(ending)

    def _ending(self, sign: str) -> None:
        if self.bar.length:  # it begins inside of what was taken for a bar
            self._close_bar(1, False)
        self.bar.endings = abc_fields.rounds(sign)

    def _close_bar(self, plays: int, ends_section: bool) -> None:
        if self.bar.length:
            self.bars.append(self.bar)
            self._begin_bar()
        elif self.bars and self.bar.marks & {FINE, DA_CAPO, DAL_SEGNO}:  # written between two bar lines
            self.bars[-1].marks |= self.bar.marks
            self.bar.marks = frozenset()
        if self.bars:
            last = self.bars[-1]
            last.plays, last.ends_section = max(last.plays, plays), last.ends_section or ends_section

    def _invisible_bar_line(self, sign: str) -> None:
        self._close_bar(1, False)

    def _overlay(self, sign: str) -> None:
        self.now, self.before = Fraction(0), None

    # Other signs --------------------------------------------------------------------------------

    def _inline(self, sign: str) -> None:
        self.set_field(sign[1], sign[3:-1])

    def _grace(self, sign: str) -> None:
        self.left_out["grace"] += len(_NOTES.findall(sign))

    def _chord_symbol(self, sign: str) -> None:
        self.left_out["chord symbol"] += sign[1:2] not in "^_<>@"

    def _decoration(self, sign: str) -> None:
        if mark := _MARKS.get(sign[1:-1].lower().replace(" ", "")):
            self.bar.marks |= {mark}
        self.velocity = _LOUDNESS.get(sign[1:-1], self.velocity)

    def _space(self, sign: str) -> None:
        pass

    _ignored = _space


def _number(digits: str, most: int = _MOST) -> int:
    if len(digits) > 4 or int(digits) > most:
        raise ValueError(f"has the number {digits[:12]} where ABC has small ones; the limit is {most:,}")
    return int(digits)


def _length(times: str, slashes: str, parts: str) -> Fraction:
    """The factor that follows a note: `3`, `/`, `//`, `/4`, `3/2`."""
    if len(slashes) > _MOST_SLASHES:
        raise ValueError(f"has a note with {len(slashes)} slashes")
    if not slashes:
        return Fraction(_number(times)) if times else Fraction(1)
    divisor = _number(parts, _MOST_PARTS) * 2 ** (len(slashes) - 1) if parts else 2 ** len(slashes)
    if not divisor:
        raise ValueError("has a note whose length is divided by 0")
    return Fraction(_number(times or "1"), divisor)
