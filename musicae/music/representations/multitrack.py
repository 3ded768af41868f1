"""Whole bands: up to eight tracks with their programs, a bar at a time, as in MusicVAE's multitrack models."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.errors import ConfigError
from musicae.music.representations.base import Excerpt, Plan, Representation, counted, placed, sentences
from musicae.music.representations.performance import DRUMS, OFF, PIECE, SHIFT, VELOCITIES, Language, loudness_of
from musicae.music.representations.tracks import describe, find, sounding
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Score, Track
from musicae.music.theory import chords as triads
from musicae.music.theory import harmony

NOTE_IN_STEPS = np.dtype([("part", "i2"), ("start", "i4"), ("end", "i4"), ("pitch", "i2"), ("velocity", "i2")])
CHORD = -1  # the part of rows that say from when on a chord is in force; their pitch is its triad
VELOCITY_WIDTH = 16  # MIDI velocities that are one
MOST_FREED = 6  # events that a note can take: its begin and end, two shifts of time, two velocities


@dataclass(frozen=True)
class Multitrack(Representation):
    """Up to eight tracks of notes with velocities, each a row of tokens (see `performance.Language`).

    A window is int16 [most_tracks * tokens], or [2, most_tracks * tokens] with chords: tokens, and the triad that goes
    with each. It holds as many whole bars as fit, mostly one; the rest of it is silent. Rows are sorted by program,
    drums last; a track that is silent in a window has no row there, or an empty one before another of its program.
    Rows left over are an end and nothing else. A passage is a table of notes (`NOTE_IN_STEPS`), whose `part` is
    `most_tracks` times the program (128 for drums) plus how many tracks of that program come before it.

    A note that goes on beyond its window has no end there and begins again in the next one: when windows are joined it
    is one note again.

    Args:
        steps: the length of a window, and the longest shift of time.
        steps_per_quarter: steps to a quarter note.
        most_tracks: the most tracks.
        tokens: the most tokens of a track in a window, its program and end among them.
        chords: a model is told the chord at each token.
        strict: make windows exactly as MusicVAE does (see `extraction.magenta_multitrack`). Then all notes end at the
            bar line.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype = np.int16

    steps: int = 96
    steps_per_quarter: int = 24
    most_tracks: int = 8
    tokens: int = 64
    chords: bool = False
    strict: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.most_tracks < 1 or self.tokens < 8:
            raise ConfigError(f"most_tracks {self.most_tracks} must be positive and tokens {self.tokens} at least 8")

    @property
    def language(self) -> Language:
        """What the tokens mean."""
        return Language(self.steps, self.tokens)

    @property
    def conditioning(self) -> Conditioning:
        """A triad, or nothing."""
        return Conditioning(("chords",) * self.chords, triads.TRIADS * self.chords, per_step=True)

    @property
    def instruments(self) -> tuple[Track, ...]:
        """None: what comes from no song says itself on which programs it is played."""
        return ()

    @property
    def shape(self) -> tuple[int, ...]:
        """(most_tracks * tokens,), or (2, most_tracks * tokens) with chords."""
        size = self.most_tracks * self.tokens
        return (2, size) if self.chords else (size,)

    @property
    def example_spec(self) -> ExampleSpec:
        """One of the tokens at each place; where a row has ended, nothing."""
        return ExampleSpec(
            "categorical", self.language.nothing, (self.most_tracks * self.tokens,), end=self.language.end
        )

    # Excerpt -------------------------------------------------------------------------------------

    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """The track asked for, or all; of too many those of one program together, and of those the busiest."""
        if track is not None:
            index = find(song, track, sounding)
            return (song.tracks[index],), f"took {describe(song, index)} (as asked)"
        tracks = [song.tracks[i] for i in sounding(song)]
        if len(tracks) <= self.most_tracks:
            return tuple(tracks), f"took {'all ' * (len(tracks) > 1)}{counted(len(tracks), 'track')}"
        together = _together(tracks)
        busiest = sorted(together, key=lambda one: -len(one.notes))[: self.most_tracks]
        choice = [f"took {len(tracks)} tracks"]
        choice += [f"those of one program together as {len(together)}"] * (len(together) < len(tracks))
        choice += [f"and of these the {len(busiest)} with the most notes"] * (len(busiest) < len(together))
        return tuple(one for one in together if any(one is other for other in busiest)), ", ".join(choice)

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """See `Representation.extract`; where a model is told chords, they are inferred from all notes of the song."""
        excerpt = super().extract(song, track, bars)
        if not self.chords:
            return excerpt
        found = harmony.of(excerpt.song)
        array = np.concatenate([said(excerpt.grid.steps(found.starts), found.chords), excerpt.array])
        within = found.at(excerpt.grid.ticks(np.arange(excerpt.grid.total_steps)))[0]
        return replace(excerpt, array=array, report=(*excerpt.report, triads.inferred(within)))

    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes of tracks that begin on the grid as a passage, and what was changed on the way.

        A note ends where the next one of its pitch begins; notes that begin in one step at one pitch become one. A
        note shorter than a step lasts one. Where a track has too many notes for a window the softest, and of these
        the shortest, are left out.
        """
        tables = [
            self._in_steps(one.notes, part, grid) for one, part in zip(tracks, self._numbers(tracks), strict=True)
        ]
        notes = _sorted(np.concatenate([_no_notes(), *tables]))
        heard = np.concatenate([np.zeros(0, NOTE), *(one.notes for one in tracks)])
        start = grid.steps(heard["start"])
        inside = heard[(start >= 0) & (start < grid.total_steps)]
        fitting = self._fitting(notes, grid.windows(self.steps))
        return fitting, sentences(
            (int(np.sum((start < 0) & (grid.steps(heard["end"]) > 0))), "note", "held over from before left out"),
            (_off_grid(inside, grid), "onset", "moved to the grid"),
            (len(inside) - len(notes), "note", "merged with one of the same pitch and step"),
            (
                len(notes) - len(fitting),
                "note",
                f"left out, the softest where a track has more than {self.tokens - 2} events a bar",
            ),
        )

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of a passage: first step, step after the last, pitch plus 128 times the part."""
        notes = array[array["part"] != CHORD]
        start, end, pitch, part = (notes[name].astype(np.int64) for name in ("start", "end", "pitch", "part"))
        return start, end, pitch + 128 * part

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """The tracks of a passage: those heard, with their names, and after them those on other programs."""
        heard = dict(zip(self._numbers(excerpt.tracks), excerpt.tracks, strict=True))
        others = sorted(set(array["part"].tolist()) - {CHORD, *heard})
        named = heard | {part: _unnamed(part // self.most_tracks) for part in others}
        return tuple(replace(one, notes=self._in_ticks(array, part, excerpt.grid)) for part, one in named.items())

    # Windows -------------------------------------------------------------------------------------

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, *shape] of a passage that begin at `starts` [n], full to their last step."""
        return self._windows(array, np.asarray(starts, np.int64), np.full(len(starts), self.steps))

    def cut(self, array: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """See `Representation.cut`; after a window's own steps nothing follows in it."""
        starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
        return self._windows(array, starts, lengths), lengths

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The notes of which each window holds its first `lengths` [n] steps; undoes `cut`, chords apart.

        The first track of a program in one window and the first of that program in another are one, and so on.
        """
        pieces, part = self._read(windows)
        lengths = np.asarray(lengths, np.int64)
        window = pieces["row"] // self.most_tracks
        inside = pieces["start"] < lengths[window]
        pieces, part, window = pieces[inside], part[inside], window[inside]
        begin, length = (np.cumsum(lengths) - lengths)[window], lengths[window]
        notes = np.zeros(len(pieces), NOTE_IN_STEPS)
        notes["part"], notes["pitch"], notes["velocity"] = part, pieces["pitch"], pieces["velocity"]
        notes["start"], notes["end"] = begin + pieces["start"], begin + np.minimum(pieces["end"], length)
        return _tied(notes, pieces["held"] & (not self.strict))

    def rejoin(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The same windows with nothing after their own `lengths` [n] steps."""
        ends = np.cumsum(lengths)
        return self.cut(self.join(windows, lengths), list(zip(ends - lengths, lengths, strict=True)))[0]

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window: bool [n]."""
        rows = self.language.ended(self._rows(windows))
        return ((rows >= 0) & (rows < OFF)).any(axis=(1, 2))

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin: bool [n, steps, 256], pitches of all programs, and then pitches of drums."""
        pieces, part = self._read(windows)
        found = np.zeros((len(windows), self.steps, 256), bool)
        sort = pieces["pitch"] + 128 * (part // self.most_tracks == DRUMS)
        found[pieces["row"] // self.most_tracks, pieces["start"], sort] = True
        return found

    def step_matches(self, windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """In which steps the same notes of the same programs begin and sound, as loud: bool [n, steps]."""
        begin, sound = (a == b for a, b in zip(self._sums(windows), self._sums(truth), strict=True))
        return begin & sound

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """`program_f1`: 2 · right / (decoded + true), counting the programs of the tracks of each window."""
        heard, meant = (self._programs(one) for one in (windows, truth))
        return {"program_f1": (2.0 * float(np.minimum(heard, meant).sum()), float(heard.sum() + meant.sum()))}

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows moved by `semitones` [n], chords with them, each only as far as all stays in 0 to 127; not drums."""
        rows = self.language.ended(self._rows(windows))
        kinds = self.language.kinds(rows.reshape(-1, self.tokens)).reshape(rows.shape[:2])
        note = (rows >= 0) & (rows < SHIFT) & (kinds != DRUMS)[..., None]
        pitch = rows.astype(np.int64) % OFF
        down = -np.where(note, pitch, 127).min(axis=(1, 2))
        up = 127 - np.where(note, pitch, 0).max(axis=(1, 2))
        move = np.where(note.any(axis=(1, 2)), np.clip(semitones, down, up), 0)
        moved = (
            np.where(note, rows + move[:, None, None], rows)
            .astype(np.int16)
            .reshape(-1, self.most_tracks * self.tokens)
        )
        return np.stack([moved, triads.transpose(windows[:, 1], move)], 1) if windows.ndim == 3 else moved

    # What a network reads ------------------------------------------------------------------------

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Tokens [n, most_tracks * tokens]; and, of chords, one-hot triads float32 [n, most_tracks * tokens, 49]."""
        if not self.chords:
            return windows, None
        return windows[:, 0], triads.one_hot(windows[:, 1], triads.TRIADS)

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] of tokens; what follows the end of a row is dropped, and no chord is in them."""
        tokens = self.language.ended(np.asarray(x).reshape(-1, self.most_tracks, self.tokens)).reshape(x.shape)
        return np.stack([tokens, np.zeros_like(tokens)], 1) if self.chords else tokens

    def with_condition(
        self, excerpt: Excerpt, *, chords: str | None = None, key: str | None = None, hits=None, before: int = 0
    ) -> Excerpt:
        """See `Representation.with_condition`."""
        if not self.requested_conditions(chords=chords, key=key, hits=hits):
            return excerpt
        progression, lines = triads.parse(chords), excerpt.grid.bar_steps[:-1]
        of_bars = progression[(before + np.arange(len(lines))) % len(progression)]
        notes = excerpt.array[excerpt.array["part"] != CHORD]
        array = np.concatenate([said(lines, of_bars), notes])
        return replace(excerpt, array=array, report=(*excerpt.report, triads.told(progression)))

    # Between notes and rows ----------------------------------------------------------------------

    def along_bars(self, excerpt: Excerpt) -> np.ndarray:
        """See `Representation.along_bars`: from every bar line, and of longer bars every piece."""
        lines = excerpt.grid.bar_steps
        pieces = -(-np.diff(lines) // self.steps)
        nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(lines[:-1], pieces) + nth * self.steps
        line = lines[np.searchsorted(lines, starts + self.steps, "right") - 1]
        return self._windows(excerpt.array, starts, np.where(line > starts, line - starts, self.steps))

    def _fitting(self, notes: np.ndarray, plan: Plan) -> np.ndarray:
        """The notes without those for which the windows of a plan have no room."""
        starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
        while len(starts):
            pieces, number, kinds = self._cut(notes, starts, lengths)
            excess = self.write(pieces, kinds, lengths)[1] - (self.tokens - 2)
            notes = np.delete(notes, number[_softest(pieces, excess)])
            full = (excess > 0).reshape(-1, self.most_tracks).any(axis=1)
            starts, lengths = starts[full], lengths[full]
        return notes

    def _windows(self, array: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The windows of a passage that begin at `starts` [n] and last `lengths` [n] steps."""
        pieces, _, kinds = self._cut(array[array["part"] != CHORD], starts, lengths)
        rows, counts = self.write(pieces, kinds, lengths)
        while (counts > self.tokens - 2).any():
            pieces = pieces[~_softest(pieces, counts - (self.tokens - 2))]
            rows, counts = self.write(pieces, kinds, lengths)
        tokens = rows.reshape(-1, self.most_tracks * self.tokens)
        return (
            np.stack([tokens, self.told_of(rows, array[array["part"] == CHORD], starts, lengths)], 1)
            if self.chords
            else tokens
        )

    def _cut(
        self, notes: np.ndarray, starts: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Notes in windows: the pieces, the number of the note that each is of, and the kind of each row, -1 for none.

        Rows are numbered through all windows.
        """
        window, number = _overlaps(notes, starts, starts + lengths)
        if self.strict:  # a note held into a window is lost
            window, number = (one[notes["start"][number] >= starts[window]] for one in (window, number))
        slot, kinds = self._slots(window, notes["part"][number].astype(np.int64), len(starts))
        window, number, slot = (one[slot < self.most_tracks] for one in (window, number, slot))
        note, begin, end = notes[number], starts[window], (starts + lengths)[window]
        pieces = np.zeros(len(number), PIECE)
        pieces["row"], pieces["pitch"], pieces["velocity"] = (
            self.most_tracks * window + slot,
            note["pitch"],
            note["velocity"],
        )
        pieces["start"] = np.maximum(note["start"], begin) - begin
        pieces["end"] = np.minimum(note["end"], end) - begin
        pieces["held"] = (note["end"] > end) & (not self.strict)
        return pieces, number, kinds.ravel()

    def _slots(self, window: np.ndarray, part: np.ndarray, windows: int) -> tuple[np.ndarray, np.ndarray]:
        """The row of each part within each window; and the kind of every row, -1 for none: [windows, most_tracks].

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

    def write(self, pieces: np.ndarray, kinds: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows int16 [windows * most_tracks, tokens], and how many events each has."""
        rows = np.full((len(kinds), self.tokens), self.language.nothing, np.int16)
        rows[:, 0] = self.language.end
        counts = np.zeros(len(kinds), np.int64)
        used = np.flatnonzero(kinds >= 0)
        pieces = pieces.copy()
        pieces["row"] = np.searchsorted(used, pieces["row"])
        rows[used], counts[used] = self.language.write(pieces, kinds[used], lengths[used // self.most_tracks])
        return rows, counts

    def told_of(self, rows: np.ndarray, said: np.ndarray, starts: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The triad at each token: int16 [windows, most_tracks * tokens].

        None at the first token of a row; at its end that of the last event; after it the last one of the window.

        Args:
            rows: of windows, as `write` gives them.
            said: where chords begin, rows of a passage.
            starts: the first step of each window.
            known: for how many steps its chords are known; later events are told the last of them.
        """
        if not len(said):
            return np.zeros((len(starts), self.most_tracks * self.tokens), np.int16)
        starts, last = (np.repeat(one, self.most_tracks)[:, None] for one in (starts, known - 1))
        step = starts + np.minimum(self.language.times(rows), last)
        at = np.maximum(np.searchsorted(said["start"], step, "right") - 1, 0)
        told = said["pitch"][at].astype(np.int16)
        told[:, 1:] = np.where(rows[:, 1:] == self.language.end, told[:, :-1], told[:, 1:])
        told[:, 0] = triads.NONE
        return told.reshape(-1, self.most_tracks * self.tokens)

    def _read(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pieces of windows, their rows numbered through all of them; and the part of each."""
        pieces, kinds = self.language.read(self._rows(windows).reshape(-1, self.tokens))
        kinds = kinds.reshape(-1, self.most_tracks)
        before = np.tril(kinds[:, :, None] == kinds[:, None, :], -1).sum(axis=2)
        return pieces, (self.most_tracks * kinds + before).ravel()[pieces["row"]]

    def _rows(self, windows: np.ndarray) -> np.ndarray:
        """The tokens of windows: [n, most_tracks, tokens]."""
        tokens = windows[:, 0] if windows.ndim == 3 else windows
        return tokens.reshape(len(tokens), self.most_tracks, self.tokens)

    def _sums(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers for what begins and for what sounds in each step, the same for the same: two uint64 [n, steps]."""
        pieces, part = self._read(windows)
        window, sort = pieces["row"] // self.most_tracks, part // self.most_tracks * 128 + pieces["pitch"]
        number = _random_numbers()[sort * VELOCITIES + pieces["velocity"] - 1]
        begin, end = np.zeros((2, len(windows), self.steps + 1), np.uint64)
        np.add.at(begin, (window, pieces["start"]), number)
        np.add.at(end, (window, pieces["end"]), number)
        return begin[:, :-1], np.cumsum(begin - end, axis=1)[:, :-1]

    def _programs(self, windows: np.ndarray) -> np.ndarray:
        """How many tracks of each kind windows have: [n, 129]."""
        rows = self.language.ended(self._rows(windows))
        kinds = self.language.kinds(rows.reshape(-1, self.tokens)).reshape(rows.shape[:2])
        return (kinds[..., None] == np.arange(DRUMS + 1)).sum(axis=1)

    def _numbers(self, tracks: tuple[Track, ...]) -> list[int]:
        """The part that each of some tracks is."""
        seen: Counter = Counter()
        numbers = []
        for one in tracks:
            kind = DRUMS if one.is_drum else one.program
            numbers.append(self.most_tracks * kind + seen[kind])
            seen[kind] += 1
        return numbers

    def _in_steps(self, notes: np.ndarray, part: int, grid: Grid) -> np.ndarray:
        """The notes of a track that begin on the grid as a part of a passage."""
        notes = notes.copy()
        notes["start"], notes["end"] = (
            grid.steps(notes["start"]),
            np.minimum(grid.steps(notes["end"]), grid.total_steps),
        )
        notes = tidy(notes[(notes["start"] >= 0) & (notes["start"] < grid.total_steps)])
        table = np.zeros(len(notes), NOTE_IN_STEPS)
        table["part"], table["velocity"] = part, loudness_of(notes["velocity"])
        for name in ("start", "end", "pitch"):
            table[name] = notes[name]
        return table

    def _in_ticks(self, array: np.ndarray, part: int, grid: Grid) -> np.ndarray:
        """The notes of a part of a passage, each in the middle of its velocities; strict: at their lower end."""
        notes = array[array["part"] == part]
        velocity = VELOCITY_WIDTH * (notes["velocity"].astype(np.int64) - 1) + (
            1 if self.strict else VELOCITY_WIDTH // 2
        )
        return placed(notes["start"], notes["end"], notes["pitch"], velocity, grid)


def said(starts: np.ndarray, chords: np.ndarray) -> np.ndarray:
    """The rows of a passage that say from which step on which triad is in force."""
    rows = np.zeros(len(starts), NOTE_IN_STEPS)
    rows["part"], rows["start"], rows["pitch"] = CHORD, starts, chords
    return rows


def _softest(pieces: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """As many pieces of each row as must go, at the least, to free `excess` [rows] events: bool."""
    order = np.lexsort((pieces["end"] - pieces["start"], pieces["velocity"], pieces["row"]))
    row = pieces["row"][order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    soft = np.zeros(len(pieces), bool)
    soft[order] = place < -(-excess // MOST_FREED)[row]
    return soft


def _overlaps(notes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which windows from `starts` to `ends` [n] have which notes in them: two arrays of indices."""
    order = np.argsort(starts, kind="stable")
    first = np.searchsorted(np.maximum.accumulate(ends[order]), notes["start"], "right")
    last = np.searchsorted(starts[order], notes["end"], "left")
    count = np.maximum(last - first, 0)
    number = np.repeat(np.arange(len(notes)), count)
    window = order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[number]]
    inside = notes["start"][number] < ends[window]
    return window[inside], number[inside]


def _tied(notes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Notes of which one that is held goes on in the next of its part and pitch, if that begins where it ends."""
    order = np.lexsort((notes["start"], notes["pitch"], notes["part"]))
    notes, held = notes[order], held[order]
    one, two = notes[:-1], notes[1:]
    goes_on = held[:-1] & (one["end"] == two["start"]) & (one["part"] == two["part"]) & (one["pitch"] == two["pitch"])
    first = np.flatnonzero(np.append(True, ~goes_on)[: len(notes)])
    whole = notes[first]
    whole["end"] = notes["end"][np.append(first[1:], len(notes))[: len(first)] - 1]
    return _sorted(whole)


def _sorted(notes: np.ndarray) -> np.ndarray:
    """The notes of a passage by their time, then part and pitch."""
    return notes[np.lexsort((notes["pitch"], notes["part"], notes["start"]))]


def _no_notes() -> np.ndarray:
    return np.zeros(0, NOTE_IN_STEPS)


def _unnamed(kind: int) -> Track:
    """A silent track of a kind."""
    return Track(is_drum=True) if kind == DRUMS else Track(program=kind)


def _together(tracks: list[Track]) -> list[Track]:
    """Tracks with those of one program, and all drums, as one, which has the name of the first."""
    kinds: dict[int, list[Track]] = {}
    for one in tracks:
        kinds.setdefault(DRUMS if one.is_drum else one.program, []).append(one)
    return [replace(some[0], notes=tidy(np.concatenate([one.notes for one in some]))) for some in kinds.values()]


def _off_grid(notes: np.ndarray, grid: Grid) -> int:
    """How many notes do not begin on a step."""
    return int(np.sum(grid.ticks(grid.steps(notes["start"])) != notes["start"]))


@cache
def _random_numbers() -> np.ndarray:
    """A number for each kind, pitch and velocity of a note: sums of them are the same for the same notes."""
    return np.random.default_rng(0).integers(2**64, size=(DRUMS + 1) * 128 * VELOCITIES, dtype=np.uint64)
