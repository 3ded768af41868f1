"""Notation in bars, and when each note of them sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest
from typing import NamedTuple

from musicae.music.formats.draft import check_note_count

SEGNO, CODA, TO_CODA, FINE, DA_CAPO, DAL_SEGNO = "segno", "coda", "to coda", "fine", "da capo", "dal segno"
TICKS = 10_080  # ticks a quarter that hold 32nds, triplets, quintuplets and septuplets of notation


class WrittenNote(NamedTuple):
    """A note of a bar: quarters from the beginning of the bar, quarters that it lasts, MIDI pitch and velocity, and
    whether it is tied to the next note of its pitch."""

    offset: Fraction
    length: Fraction
    pitch: int
    velocity: int
    tied: bool = False


@dataclass
class Bar:
    """A bar as it is written.

    Attributes:
        notes: in any order.
        length: quarters.
        tempo: BPM (quarters), metre: (numerator, denominator), and key: (sharps, minor), where the bar begins; None
            where nothing is said.
        begins_repeat: a sign `|:` stands before it.
        tempo_changes: (quarters from its beginning, BPM) of those within the bar.
        plays: how often music is played whose repeat ends with this bar; 1 where none does.
        endings: the rounds in which this bar and those after it are played, where it begins an ending.
        ends_section: a double bar line stands after it.
        label: the letter of the part of the piece that begins here.
        marks: of SEGNO, CODA, TO_CODA, FINE, DA_CAPO and DAL_SEGNO those that it has.
    """

    notes: list[WrittenNote] = field(default_factory=list)
    length: Fraction = Fraction(0)
    tempo: float | None = None
    metre: tuple[int, int] | None = None
    key: tuple[int, bool] | None = None
    tempo_changes: list[tuple[Fraction, float]] = field(default_factory=list)
    begins_repeat: bool = False
    plays: int = 1
    endings: tuple[int, ...] = ()
    ends_section: bool = False
    label: str = ""
    marks: frozenset[str] = frozenset()


def together(parts: Sequence[Sequence[Bar]]) -> list[Bar]:
    """Bars without notes, with the signs that any of some parts has in each bar."""
    return [_united([bar for bar in bars if bar]) for bars in zip_longest(*parts)]


def _united(bars: list[Bar]) -> Bar:
    def first(name: str):
        return next((value for bar in bars if (value := getattr(bar, name))), None)

    return Bar(
        length=bars[0].length,
        **{name: first(name) for name in ("tempo", "metre", "key")},
        tempo_changes=first("tempo_changes") or [],
        begins_repeat=any(bar.begins_repeat for bar in bars),
        plays=max(bar.plays for bar in bars),
        endings=first("endings") or (),
        marks=frozenset().union(*(bar.marks for bar in bars)),
    )


def align(parts: Sequence[Sequence[Bar]]) -> None:
    """Gives the last bars of all parts, which may end early, the length that others have; in place.

    Raises:
        ValueError: bar lines of the parts are at different times.
    """
    for bars in zip_longest(*parts):
        there = [bar for bar in bars if bar]
        length = max(bar.length for bar in there)
        for part, bar in zip(parts, bars, strict=True):
            if bar and bar.length != length and bar is not part[-1]:
                raise ValueError("has parts with bar lines at different times")
        for bar in there:
            bar.length = length


def ticks(quarters: Fraction | float) -> int:
    """Quarters in ticks."""
    return round(Fraction(quarters) * TICKS)


def upbeat(bars: Sequence[Bar]) -> Fraction:
    """Quarters that the first bar lacks, if it is an upbeat."""
    if len(bars) < 2 or not bars[0].metre:
        return Fraction(0)
    return max(full(bars[0].metre) - bars[0].length, Fraction(0))


def full(metre: tuple[int, int]) -> Fraction:
    """The quarters of a bar."""
    return Fraction(4 * metre[0], metre[1])


class Laid(NamedTuple):
    """Bars in time: (start, end, pitch, velocity) of each note, and the changes of tempo, metre and key, in ticks."""

    notes: list[tuple[int, int, int, int]]
    tempos: list[tuple]
    metres: list[tuple]
    keys: list[tuple]


def lay_out(bars: Sequence[Bar], order: Sequence[int], delay: Fraction) -> Laid:
    """Bars one after another from `delay` (quarters) on, in the order in which they are played, ties joined.

    Raises:
        ValueError: there are absurdly many notes.
    """
    check_note_count(sum(len(bars[i].notes) for i in order))
    laid = Laid([], [], [], [])
    in_ticks = {i: sorted(map(_in_ticks, bars[i].notes)) for i in set(order)}
    tied: dict[int, int] = {}  # pitch: the index of its note that goes on
    start = ticks(delay)
    for number, i in enumerate(order):
        bar = bars[i]
        at = start if number else 0  # what holds for the first bar holds before it too
        for changes, sign in ((laid.tempos, bar.tempo), (laid.metres, bar.metre), (laid.keys, bar.key)):
            if sign is not None and (not changes or changes[-1][1:] != _row(sign)):
                changes.append((at, *_row(sign)))
        laid.tempos.extend((start + ticks(offset), tempo) for offset, tempo in bar.tempo_changes)
        _add_notes(laid.notes, tied, in_ticks[i], start)
        start += ticks(bar.length)
    return laid


def _in_ticks(note: WrittenNote) -> tuple[int, int, int, int, bool]:
    """Beginning and end of a note in its bar, pitch, velocity, and whether it is tied."""
    return ticks(note.offset), ticks(note.offset + note.length), note.pitch, note.velocity, note.tied


def _row(sign) -> tuple:
    return sign if isinstance(sign, tuple) else (sign,)


def _add_notes(rows: list[tuple], tied: dict[int, int], notes: list[tuple], start: int) -> None:
    for begins, ends, pitch, velocity, is_tied in notes:
        before = tied.pop(pitch, None)
        if before is not None and abs(rows[before][1] - start - begins) <= 1:
            rows[before] = (rows[before][0], start + ends, *rows[before][2:])
        else:
            before = len(rows)
            rows.append((start + begins, start + ends, pitch, velocity))
        if is_tied:
            tied[pitch] = before
