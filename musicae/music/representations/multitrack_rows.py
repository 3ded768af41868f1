"""Notes in steps to the rows of tokens of windows, one row for each track, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musicae.music.representations.multitrack_notes import NOTE_IN_STEPS, overlaps, tied
from musicae.music.representations.performance import PIECE, PerformanceEncoding, in_time
from musicae.music.theory import chords as triads

MOST_FREED = 6  # events that a note can take: its begin and end, two shifts of time, two velocities


@dataclass(frozen=True)
class Rows:
    """How windows hold notes: `most_tracks` rows of tokens each, sorted by program, drums last.

    The part of a note is `most_tracks` times its program (128 for drums) plus how many tracks of that program come
    before its own. The kind of a row is its program, 128 for drums, -1 where it is left over. Rows are numbered through
    all windows.

    Args:
        steps: the length of a window.
        most_tracks: rows of a window.
        tokens: of a row.
        strict: notes end with their window.
    """

    steps: int
    most_tracks: int
    tokens: int
    strict: bool

    @property
    def encoding(self) -> PerformanceEncoding:
        """What the tokens mean."""
        return PerformanceEncoding(self.steps, self.tokens)

    @property
    def most_events(self) -> int:
        """How many events a row has room for, besides its program and its end."""
        return self.tokens - 2

    def of_windows(self, notes: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The rows of windows that begin at `starts` [n] and last `lengths` [n] steps: int16 [n * most_tracks, tokens].

        Where a row has too many notes the softest, and of these the shortest, are left out.
        """
        pieces, number, kinds = self._pieces(notes, starts, lengths)
        rows, counts = self.write(pieces, kinds, lengths)
        while (full := counts > self.most_events).any():
            excess = counts - self.most_events
            kept = np.flatnonzero(full[pieces["row"]] & ~_softest(pieces, number, excess))
            pieces, number = pieces.take(kept), number.take(kept)
            shorter, fewer = self.write(pieces, np.where(full, kinds, -1), lengths)
            rows[full], counts = shorter[full], np.where(full, fewer, counts)
        return rows

    def fitting(self, notes: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The notes without those for which windows have no room."""
        pieces, number, kinds = self._pieces(notes, starts, lengths)
        order = in_time(pieces)
        pieces, number = pieces.take(order), number.take(order)
        lengths, left_out = np.repeat(lengths, self.most_tracks) * (kinds >= 0), np.zeros(len(notes), bool)
        while True:
            excess = self.encoding.counts(pieces, lengths) - self.most_events
            full = (excess > 0).reshape(-1, self.most_tracks).any(axis=1)
            if not full.any():
                return notes[~left_out]
            left_out[number[_softest(pieces, number, excess)]] = True
            window, slot = np.divmod(pieces["row"], self.most_tracks)
            pieces["row"] = (np.cumsum(full) - 1)[window] * self.most_tracks + slot
            kept = np.flatnonzero(full[window] & ~left_out[number])
            pieces, number = pieces.take(kept), number.take(kept)
            lengths = lengths.reshape(-1, self.most_tracks)[full].ravel()

    def write(self, pieces: np.ndarray, kinds: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows int16 [windows * most_tracks, tokens], and how many events each has.

        Args:
            pieces: PIECE records.
            kinds: of each row.
            lengths: how many steps each window lasts.
        """
        rows = np.full((len(kinds), self.tokens), self.encoding.nothing, np.int16)
        rows[:, 0] = self.encoding.end
        counts = np.zeros(len(kinds), np.int64)
        used = np.flatnonzero(kinds >= 0)
        pieces = pieces.copy()
        pieces["row"] = np.searchsorted(used, pieces["row"])
        rows[used], counts[used] = self.encoding.write(pieces, kinds[used], lengths[used // self.most_tracks])
        return rows, counts

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pieces of rows [windows, most_tracks, tokens], and the part of each."""
        pieces, kinds = self.encoding.read(rows.reshape(-1, self.tokens))
        kinds = kinds.reshape(-1, self.most_tracks)
        before = np.tril(kinds[:, :, None] == kinds[:, None, :], -1).sum(axis=2)
        return pieces, (self.most_tracks * kinds + before).ravel()[pieces["row"]]

    def join(self, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The notes of which each window of rows [n, most_tracks, tokens] holds its first `lengths` [n] steps.

        A note that a window holds to its end, and that begins the next one, is one note again.
        """
        pieces, part = self.read(rows)
        lengths = np.asarray(lengths, np.int64)
        window = pieces["row"] // self.most_tracks
        inside = pieces["start"] < lengths[window]
        pieces, part, window = pieces[inside], part[inside], window[inside]
        begin, length = (np.cumsum(lengths) - lengths)[window], lengths[window]
        notes = np.zeros(len(pieces), NOTE_IN_STEPS)
        notes["part"], notes["pitch"], notes["velocity"] = part, pieces["pitch"], pieces["velocity"]
        notes["start"], notes["end"] = begin + pieces["start"], begin + np.minimum(pieces["end"], length)
        return tied(notes, pieces["held"] & (not self.strict))

    def chords_at_tokens(
        self, rows: np.ndarray, chords: np.ndarray, starts: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """The triad at each token: int16 [windows, most_tracks * tokens].

        None at the first token of a row; at its end that of the last event; after it the last one of the window.

        Args:
            rows: of windows, as `write` gives them.
            chords: where chords begin (`multitrack_notes.chord_entries`).
            starts: the first step of each window.
            known: for how many steps its chords are known; later events have the last of them.
        """
        if not len(chords):
            return np.zeros((len(starts), self.most_tracks * self.tokens), np.int16)
        starts, last = (np.repeat(one, self.most_tracks)[:, None] for one in (starts, known - 1))
        step = starts + np.minimum(self.encoding.times(rows), last)
        at = np.maximum(np.searchsorted(chords["start"], step, "right") - 1, 0)
        found = chords["pitch"][at].astype(np.int16)
        found[:, 1:] = np.where(rows[:, 1:] == self.encoding.end, found[:, :-1], found[:, 1:])
        found[:, 0] = triads.NONE
        return found.reshape(-1, self.most_tracks * self.tokens)

    def _pieces(
        self, notes: np.ndarray, starts: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Notes in windows: the pieces, the index of the note that each is of, and the kind of each row."""
        window, number = overlaps(notes, starts, starts + lengths)
        if self.strict:  # a note held into a window is lost
            window, number = (one[notes["start"][number] >= starts[window]] for one in (window, number))
        slot, kinds = self._slots(window, notes["part"][number].astype(np.int64), len(starts))
        window, number, slot = (one[slot < self.most_tracks] for one in (window, number, slot))
        note, begin, end = notes.take(number), starts[window], (starts + lengths)[window]
        pieces = np.zeros(len(number), PIECE)
        pieces["row"] = self.most_tracks * window + slot
        pieces["pitch"], pieces["velocity"] = note["pitch"], note["velocity"]
        pieces["start"] = np.maximum(note["start"], begin) - begin
        pieces["end"] = np.minimum(note["end"], end) - begin
        pieces["held"] = (note["end"] > end) & (not self.strict)
        return pieces, number, kinds.ravel()

    def _slots(self, window: np.ndarray, part: np.ndarray, windows: int) -> tuple[np.ndarray, np.ndarray]:
        """The row of each part within each window; and the kind of every row: [windows, most_tracks].

        A part that another of the same program follows has a row even where it is silent.
        """
        parts = np.unique(
            np.concatenate([np.arange(p - p % self.most_tracks, p + 1) for p in np.unique(part)] or [part])
        )
        kind, column = parts // self.most_tracks, np.searchsorted(parts, part)
        present = np.zeros((windows, len(parts)), bool)
        present[window, column] = True
        for i in range(len(parts) - 1, 0, -1):
            if kind[i] == kind[i - 1]:
                present[:, i - 1] |= present[:, i]
        slots = np.cumsum(present, axis=1) - 1
        kinds = np.full((windows, self.most_tracks), -1)
        used = present & (slots < self.most_tracks)
        kinds[np.nonzero(used)[0], slots[used]] = np.broadcast_to(kind, used.shape)[used]
        return slots[window, column], kinds


def _softest(pieces: np.ndarray, number: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """As many pieces of each row as must go, at the least, to free `excess` [rows] events: bool; of equally soft and
    short ones those whose notes have the lowest number."""
    soft = np.zeros(len(pieces), bool)
    found = np.flatnonzero(excess[pieces["row"]] > 0)
    some = pieces.take(found)
    order = np.lexsort((number.take(found), some["end"] - some["start"], some["velocity"], some["row"]))
    row = some["row"][order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    soft[found[order]] = place < -(-excess // MOST_FREED)[row]
    return soft
