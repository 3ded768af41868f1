"""Performances: what one track plays in a window as a sentence of events, as in MusicVAE's multitrack models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VELOCITIES = 8
DRUMS = 128  # a kind of track beside the programs 0 to 127
OFF, SHIFT = 128, 256  # the first tokens of their kind; those below are note-ons
_ON, _END, _REST = 0, 1, 2  # a note begins, it ends, the track lasts to the end of the window
_UNMARKED = 7  # the velocity of notes before which there is none: that of 100, as in note-seq

PIECE = np.dtype([("row", "i8"), ("start", "i4"), ("end", "i4"), ("pitch", "i2"), ("velocity", "i2"), ("held", "?")])


@dataclass(frozen=True)
class PerformanceEncoding:
    """The tokens of performances (MultiInstrumentPerformanceConverter of magenta), 490 for 96 steps.

    A row of tokens is one track in one window: its program, events, an end, and `nothing` after it. Events, in the
    order of their time: 0 to 127 a note of that pitch begins, 128 to 255 one ends; then, from 256 on, `steps` shifts
    of time, by 1 step and more; then 8 velocities, of all notes that follow; then 128 programs and the drums; then the
    end. Shifts add up to the length of the window.

    A piece is a note in a row, or the part of a longer note that lies in it: first step, step after the last, pitch,
    velocity 1 to 8, and whether it is held beyond the window. One that is held has no token for its end.

    Args:
        steps: the longest window.
        tokens: of a row.
    """

    steps: int
    tokens: int

    @property
    def velocity(self) -> int:
        """The token of the lowest velocity."""
        return SHIFT + self.steps

    @property
    def program(self) -> int:
        """The token of program 0; the drums are 128 above it."""
        return self.velocity + VELOCITIES

    @property
    def end(self) -> int:
        """The token that ends a row, the last of all."""
        return self.program + DRUMS + 1

    @property
    def nothing(self) -> int:
        """What stands where there is no token."""
        return self.end + 1

    def write(self, pieces: np.ndarray, kinds: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pieces as tokens.

        Args:
            pieces: PIECE records.
            kinds: the program of each row, or `DRUMS` [rows].
            lengths: how many steps each row lasts [rows].

        Returns:
            int16 [rows, tokens], longer rows cut off; and how many events each has, program and end not among them.
        """
        pieces = pieces.take(in_time(pieces))
        row, step, number, action = _events(pieces, lengths)
        first = np.diff(row, prepend=-1) > 0
        shift = step - np.where(first, 0, np.roll(step, 1))
        louder = np.append(_is_louder(pieces), False).take(number) & (action == _ON)
        main = action != _REST
        moved = shift > 0
        width = moved.astype(np.int64) + louder + main
        counts = np.bincount(row, width, len(kinds)).astype(np.int64)
        place = np.cumsum(width) - width
        place += 1 - place[first][np.cumsum(first) - 1]
        rows = np.full((len(kinds), max(int(counts.max(initial=0)) + 2, self.tokens)), self.nothing, np.int16)
        rows[row[moved], place[moved]] = SHIFT + shift[moved] - 1
        place = place + moved
        rows[row[louder], place[louder]] = self.velocity + pieces["velocity"][number[louder]] - 1
        place = (place + louder)[main]
        rows[row[main], place] = OFF * (action[main] == _END) + pieces["pitch"][number[main]]
        rows[:, 0] = self.program + kinds
        rows[np.arange(len(rows)), counts + 1] = self.end
        return rows[:, : self.tokens], counts

    def counts(self, pieces: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """How many events `write` makes of pieces, in the order of `in_time`: int64 [rows].

        Args:
            pieces: PIECE records.
            lengths: how many steps each row lasts [rows].
        """
        row, ends = pieces["row"].copy(), np.flatnonzero(~pieces["held"])
        events = [row, row.take(ends), row[_is_louder(pieces)]]
        shifts = np.zeros((len(lengths), int(lengths.max(initial=0)) + 1), bool)
        shifts[row, pieces["start"]] = True
        shifts[row.take(ends), pieces["end"].take(ends)] = True
        shifts[np.arange(len(lengths)), lengths] = True
        return np.bincount(np.concatenate(events), minlength=len(lengths)) + shifts[:, 1:].sum(axis=1)

    def ended(self, rows: np.ndarray) -> np.ndarray:
        """Tokens [..., tokens] with nothing after the first end."""
        ends = rows == self.end
        after = np.cumsum(ends, axis=-1, dtype=np.int16) > ends
        return np.where(after, self.nothing, rows).astype(np.int16)

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokens [rows, tokens], whatever they are, as music: see `pieces` and `kinds`."""
        rows = self.ended(rows)
        return self.pieces(rows), self.kinds(rows)

    def kinds(self, rows: np.ndarray) -> np.ndarray:
        """The first program of each row that has ended, 0 without one, and -1 where there is no track: int64 [rows]."""
        programs = (rows >= self.program) & (rows < self.end)
        first = rows[np.arange(len(rows)), programs.argmax(axis=1)].astype(np.int64) - self.program
        return np.where(programs.any(axis=1), first, np.where((rows < self.end).any(axis=1), 0, -1))

    def pieces(self, rows: np.ndarray) -> np.ndarray:
        """The notes of rows that have ended, by row, pitch and time: PIECE records.

        A note lasts until the next event of its pitch or the end of the window. What makes no sense is skipped: ends
        of notes that do not sound, notes without length, all that lies beyond the window.
        """
        row, at = np.nonzero((rows >= 0) & (rows < SHIFT))
        order = np.lexsort((at, rows[row, at] % OFF, row))
        row, at = row[order], at[order]
        token, step = rows[row, at], np.minimum(self.times(rows), self.steps)[row, at]
        same = (np.diff(row, append=-1) == 0) & (np.diff(token % OFF, append=-1) == 0)
        pieces = np.zeros(len(row), PIECE)
        pieces["row"], pieces["start"], pieces["pitch"] = row, step, token % OFF
        pieces["end"] = np.where(same, np.roll(step, -1), self.steps)
        pieces["velocity"], pieces["held"] = self._velocities(rows)[row, at], ~same
        return pieces[(token < OFF) & (pieces["end"] > pieces["start"])]

    def times(self, rows: np.ndarray) -> np.ndarray:
        """The step of each token of rows that have ended: int64 [rows, tokens]."""
        shift = np.where((rows >= SHIFT) & (rows < self.velocity), rows.astype(np.int64) - SHIFT + 1, 0)
        return np.cumsum(shift, axis=1) - shift

    def _velocities(self, rows: np.ndarray) -> np.ndarray:
        """The velocity in force at each token: [rows, tokens]."""
        marks = (rows >= self.velocity) & (rows < self.program)
        last = np.maximum.accumulate(np.where(marks, np.arange(rows.shape[1]), -1), axis=1)
        velocity = np.take_along_axis(rows, np.maximum(last, 0), 1) - self.velocity + 1
        return np.where(last >= 0, velocity, _UNMARKED)


def velocity_bin(velocities: np.ndarray) -> np.ndarray:
    """MIDI velocities 1 to 127 as 1 to 8."""
    return (velocities.astype(np.int64) - 1) // 16 + 1


def in_time(pieces: np.ndarray) -> np.ndarray:
    """The indices of pieces by row, start and pitch."""
    row, start, pitch = (pieces[name].astype(np.int64) for name in ("row", "start", "pitch"))
    return np.argsort((row << 32) + (start << 7) + pitch, kind="stable")


def _events(pieces: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
    """Row, step, number of the piece and action of every event, in order.

    At one step the events of a piece that began earlier come first.

    Args:
        pieces: in the order of `in_time`.
        lengths: of the rows.
    """
    many, row, held = len(pieces), pieces["row"].copy(), pieces["held"]
    ending = np.flatnonzero(~held)
    number = np.concatenate([np.arange(many), ending, np.full(len(lengths), many)])
    action = np.repeat([_ON, _END, _REST], [many, len(ending), len(lengths)])
    step = np.concatenate([pieces["start"], pieces["end"].take(ending), lengths]).astype(np.int64)
    row = np.concatenate([row, row.take(ending), np.arange(len(lengths))])
    # A piece begins before it ends, and what begins is in order: neither needs the action to sort by.
    order = np.argsort((row * (step.max(initial=0) + 1) + step) * (many + 1) + number, kind="stable")
    return row.take(order), step.take(order), number.take(order), action.take(order)


def _is_louder(pieces: np.ndarray) -> np.ndarray:
    """Before which pieces, in the order of `in_time`, the velocity changes: bool [pieces]."""
    row, velocity = pieces["row"].copy(), pieces["velocity"].copy()
    louder = np.ones(len(pieces), bool)
    louder[1:] = (row[1:] != row[:-1]) | (velocity[1:] != velocity[:-1])
    return louder
