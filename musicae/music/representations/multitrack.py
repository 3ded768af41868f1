"""Whole bands: up to eight tracks with their programs, a bar at a time, as in MusicVAE's multitrack models."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, ClassVar

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.configuration import Range
from musicae.core.example_spec import ExampleSpec
from musicae.music.representations.base import Plan, Representation, Steps, StepsPerQuarter
from musicae.music.representations.beats import as_drums, beats
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.multitrack_notes import (
    CHORD,
    chord_entries,
    chords_of,
    in_steps,
    in_ticks,
    ordered,
    without_chords,
)
from musicae.music.representations.multitrack_rows import Rows
from musicae.music.representations.performance import DRUMS, OFF, SHIFT, VELOCITIES, PerformanceEncoding
from musicae.music.representations.report import counted, sentences
from musicae.music.representations.tracks import describe, requested, sounding
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Score, Track
from musicae.music.theory import chords as triads
from musicae.music.theory import harmony


@dataclass(frozen=True)
class Multitrack(Representation):
    """Up to eight tracks of notes with velocities, each a row of tokens (see `performance.PerformanceEncoding`).

    A window is int16 [most_tracks * tokens], or [2, most_tracks * tokens] with chords: tokens, and the triad that goes
    with each. It holds as many whole bars as fit, mostly one; the rest of it is silent. Rows are sorted by program,
    drums last; a track that is silent in a window has no row there, or an empty one before another of its program.
    Rows left over are an end and nothing else. The array of an excerpt is a table of notes
    (`multitrack_notes.NOTE_IN_STEPS`), whose `part` is `most_tracks` times the program (128 for drums) plus how many
    tracks of that program come before it.

    A note that is held beyond its window has no end there and begins again in the next one: when windows are joined it
    is one note again.

    Args:
        steps: the length of a window, and the longest shift of time.
        steps_per_quarter: steps to a quarter note.
        most_tracks: the most tracks.
        tokens: the most tokens of a track in a window, its program and end among them.
        chords: a model is conditioned on the chord at each token.
        strict: make windows exactly as MusicVAE does (see `extraction.magenta_multitrack`). Then all notes end at the
            bar line.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype: ClassVar[type] = np.int16
    has_pitches: ClassVar[bool] = True
    has_drums: ClassVar[bool] = True

    steps: Steps = 96
    steps_per_quarter: StepsPerQuarter = 24
    most_tracks: Annotated[int, Range(1, 64)] = 8
    tokens: Annotated[int, Range(8, 2**12)] = 64
    chords: bool = False
    strict: bool = False

    @property
    def rows(self) -> Rows:
        """How windows hold notes."""
        return Rows(self.steps, self.most_tracks, self.tokens, self.strict)

    @property
    def encoding(self) -> PerformanceEncoding:
        """What the tokens mean."""
        return self.rows.encoding

    @property
    def conditioning(self) -> Conditioning:
        """A triad, or nothing."""
        return Conditioning(("chords",) * self.chords, triads.TRIADS * self.chords, per_step=True)

    @property
    def instruments(self) -> tuple[Track, ...]:
        """None: what comes from no song has its programs in its rows."""
        return ()

    def is_drum_part(self, part: np.ndarray) -> np.ndarray:
        """See `Representation.is_drum_part`."""
        return part // self.most_tracks == DRUMS

    @property
    def shape(self) -> tuple[int, ...]:
        """(most_tracks * tokens,), or (2, most_tracks * tokens) with chords."""
        size = self.most_tracks * self.tokens
        return (2, size) if self.chords else (size,)

    @property
    def example_spec(self) -> ExampleSpec:
        """One of the tokens at each place; where a row has ended, nothing."""
        size = (self.most_tracks * self.tokens,)
        return ExampleSpec("categorical", self.encoding.nothing, size, end=self.encoding.end)

    # Parts and excerpts --------------------------------------------------------------------------

    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """The track that is asked for, or all; of too many those of one program together, and of those the busiest."""
        if track is not None:
            index, why = requested(song, track, sounding)
            return (song.tracks[index],), f"took {describe(song, index)} ({why})"
        percussion = beats(song)
        tracks = [as_drums(song.tracks[i]) if i in percussion else song.tracks[i] for i in sounding(song)]
        like_drums = "".join(f"; {describe(song, i)} looks like drums, and is taken as drums" for i in percussion)
        if len(tracks) <= self.most_tracks:
            return tuple(tracks), f"took {'all ' * (len(tracks) > 1)}{counted(len(tracks), 'track')}{like_drums}"
        merged = _merged_by_program(tracks)
        busiest = sorted(merged, key=lambda one: -len(one.notes))[: self.most_tracks]
        report = [f"took {len(tracks)} tracks"]
        report += [f"those of one program together as {len(merged)}"] * (len(merged) < len(tracks))
        report += [f"and of these the {len(busiest)} with the most notes"] * (len(busiest) < len(merged))
        return tuple(one for one in merged if any(one is other for other in busiest)), ", ".join(report) + like_drums

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """See `Representation.extract`; chords, if there are to be any, are inferred from all notes of the song."""
        excerpt = super().extract(song, track, bars)
        if not self.chords:
            return excerpt
        found = harmony.of(excerpt.song)
        array = np.concatenate([chord_entries(excerpt.grid.steps(found.starts), found.chords), excerpt.array])
        within = found.at(excerpt.grid.ticks(np.arange(excerpt.grid.total_steps)))[0]
        return replace(excerpt, array=array, report=(*excerpt.report, triads.inferred(within)))

    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes of tracks that begin on the grid as a table, and what was changed on the way.

        A note ends where the next one of its pitch begins; notes that begin in one step at one pitch become one. A
        note shorter than a step lasts one. Where a track has too many notes for a window the softest, and of these
        the shortest, are left out.
        """
        notes = ordered(in_steps(tracks, self._part_numbers(tracks), grid))
        all_notes = np.concatenate([np.zeros(0, NOTE), *(one.notes for one in tracks)])
        start = grid.steps(all_notes["start"])
        inside = all_notes.take(np.flatnonzero((start >= 0) & (start < grid.total_steps)))
        fitting = self.rows.fitting(notes, *_columns(grid.windows(self.steps)))
        too_many = f"left out, the softest where a track has more than {self.rows.most_events} events a bar"
        return fitting, sentences(
            (int(np.sum((start < 0) & (grid.steps(all_notes["end"]) > 0))), "note", "held over from before left out"),
            (_off_grid(inside, grid), "onset", "moved to the grid"),
            (len(inside) - len(notes), "note", "merged with one of the same pitch and step"),
            (len(notes) - len(fitting), "note", too_many),
        )

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of a table: first step, step after the last, pitch plus 128 times the part."""
        notes = without_chords(array)
        start, end, pitch, part = (notes[name].astype(np.int64) for name in ("start", "end", "pitch", "part"))
        return start, end, pitch + 128 * part

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """The tracks of a table: those of the excerpt, with their names, and after them those on other programs."""
        own = dict(zip(self._part_numbers(excerpt.tracks), excerpt.tracks, strict=True))
        others = sorted(set(array["part"].tolist()) - {CHORD, *own})
        all_parts = own | {part: _unnamed(part // self.most_tracks) for part in others}
        return tuple(
            replace(one, notes=in_ticks(array, part, excerpt.grid, lowest_velocity=self.strict))
            for part, one in all_parts.items()
        )

    def loudness(self, excerpt: Excerpt) -> tuple[()]:
        """See `Representation.loudness`."""
        return ()

    def _part_numbers(self, tracks: tuple[Track, ...]) -> list[int]:
        """The part that each of some tracks is."""
        seen: Counter = Counter()
        numbers = []
        for one in tracks:
            kind = _kind(one)
            numbers.append(self.most_tracks * kind + seen[kind])
            seen[kind] += 1
        return numbers

    # Windows -------------------------------------------------------------------------------------

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, *shape] of a table that begin at `starts` [n], full to their last step."""
        return self._windows(array, np.asarray(starts, np.int64), np.full(len(starts), self.steps))

    def cut(self, array: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """See `Representation.cut`; after a window's own steps nothing follows in it."""
        starts, lengths = _columns(plan)
        return self._windows(array, starts, lengths), lengths

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The notes of which each window holds its first `lengths` [n] steps; undoes `cut`, but for chords.

        The first track of a program in one window and the first of that program in another are one, and so on.
        """
        return self.rows.join(self._tokens(windows), lengths)

    def rejoin(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The same windows with nothing after their own `lengths` [n] steps."""
        ends = np.cumsum(lengths)
        return self.cut(self.join(windows, lengths), list(zip(ends - lengths, lengths, strict=True)))[0]

    def along_bars(self, excerpt: Excerpt) -> np.ndarray:
        """See `Representation.along_bars`: from every bar line, and of longer bars every piece."""
        lines = excerpt.grid.bar_steps
        pieces = -(-np.diff(lines) // self.steps)
        nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(lines[:-1], pieces) + nth * self.steps
        line = lines[np.searchsorted(lines, starts + self.steps, "right") - 1]
        return self._windows(excerpt.array, starts, np.where(line > starts, line - starts, self.steps))

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows moved by `semitones` [n], chords with them, each only as far as all stays in 0 to 127; not drums."""
        rows = self.encoding.ended(self._tokens(windows))
        note = (rows >= 0) & (rows < SHIFT) & (self._kinds(rows) != DRUMS)[..., None]
        pitch = rows.astype(np.int64) % OFF
        down = -np.where(note, pitch, 127).min(axis=(1, 2))
        up = 127 - np.where(note, pitch, 0).max(axis=(1, 2))
        move = np.where(note.any(axis=(1, 2)), np.clip(semitones, down, up), 0)
        moved = np.where(note, rows + move[:, None, None], rows).astype(np.int16)
        moved = moved.reshape(-1, self.most_tracks * self.tokens)
        return np.stack([moved, triads.transpose(windows[:, 1], move)], 1) if windows.ndim == 3 else moved

    def _windows(self, array: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The windows of a table that begin at `starts` [n] and last `lengths` [n] steps."""
        rows = self.rows.of_windows(without_chords(array), starts, lengths)
        tokens = rows.reshape(-1, self.most_tracks * self.tokens)
        if not self.chords:
            return tokens
        return np.stack([tokens, self.rows.chords_at_tokens(rows, chords_of(array), starts, lengths)], 1)

    def _tokens(self, windows: np.ndarray) -> np.ndarray:
        """The tokens of windows: [n, most_tracks, tokens]."""
        tokens = windows[:, 0] if windows.ndim == 3 else windows
        return tokens.reshape(len(tokens), self.most_tracks, self.tokens)

    # Measures ------------------------------------------------------------------------------------

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window: bool [n]."""
        rows = self.encoding.ended(self._tokens(windows))
        return ((rows >= 0) & (rows < OFF)).any(axis=(1, 2))

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin: bool [n, steps, 256], pitches of all programs, and then pitches of drums."""
        pieces, part = self.rows.read(self._tokens(windows))
        found = np.zeros((len(windows), self.steps, 256), bool)
        pitch = pieces["pitch"] + 128 * self.is_drum_part(part)
        found[pieces["row"] // self.most_tracks, pieces["start"], pitch] = True
        return found

    def step_matches(self, windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """In which steps the same notes of the same programs begin and sound, as loud: bool [n, steps]."""
        begin, sound = (a == b for a, b in zip(self._sums(windows), self._sums(truth), strict=True))
        return begin & sound

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """`program_f1`: 2 · right / (decoded + true), counting the programs of the tracks of each window."""
        decoded, true = (self._programs(one) for one in (windows, truth))
        return {"program_f1": (2.0 * float(np.minimum(decoded, true).sum()), float(decoded.sum() + true.sum()))}

    def _sums(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers for what begins and for what sounds in each step, the same for the same: two uint64 [n, steps]."""
        pieces, part = self.rows.read(self._tokens(windows))
        window, pitch = pieces["row"] // self.most_tracks, part // self.most_tracks * 128 + pieces["pitch"]
        number = _random_numbers()[pitch * VELOCITIES + pieces["velocity"] - 1]
        begin, end = np.zeros((2, len(windows), self.steps + 1), np.uint64)
        np.add.at(begin, (window, pieces["start"]), number)
        np.add.at(end, (window, pieces["end"]), number)
        return begin[:, :-1], np.cumsum(begin - end, axis=1)[:, :-1]

    def _programs(self, windows: np.ndarray) -> np.ndarray:
        """How many tracks of each kind windows have: [n, 129]."""
        kinds = self._kinds(self.encoding.ended(self._tokens(windows)))
        return (kinds[..., None] == np.arange(DRUMS + 1)).sum(axis=1)

    def _kinds(self, rows: np.ndarray) -> np.ndarray:
        """The kind of each row of [n, most_tracks, tokens] that have ended: [n, most_tracks]."""
        return self.encoding.kinds(rows.reshape(-1, self.tokens)).reshape(rows.shape[:2])

    # What a network reads, and its condition -----------------------------------------------------

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Tokens [n, most_tracks * tokens]; and, of chords, one-hot triads float32 [n, most_tracks * tokens, 49]."""
        if not self.chords:
            return windows, None
        return windows[:, 0], triads.one_hot(windows[:, 1], triads.TRIADS)

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] of tokens; what follows the end of a row is dropped, and no chord is in them."""
        tokens = self.encoding.ended(np.asarray(x).reshape(-1, self.most_tracks, self.tokens)).reshape(x.shape)
        return np.stack([tokens, np.zeros_like(tokens)], 1) if self.chords else tokens

    def with_condition(self, excerpt: Excerpt, *, before: int = 0, **conditions: Any) -> Excerpt:
        """See `Representation.with_condition`."""
        progression, lines = triads.parse(conditions["chords"]), excerpt.grid.bar_steps[:-1]
        of_bars = progression[(before + np.arange(len(lines))) % len(progression)]
        array = np.concatenate([chord_entries(lines, of_bars), without_chords(excerpt.array)])
        return replace(excerpt, array=array, report=(*excerpt.report, triads.requested(progression)))


def _columns(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """The first step and the length of each window, int64 [n] each."""
    starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
    return starts, lengths


def _kind(track: Track) -> int:
    """The program of a track; 128 for drums."""
    return DRUMS if track.is_drum else track.program


def _unnamed(kind: int) -> Track:
    """A silent track of a kind."""
    return Track(is_drum=True) if kind == DRUMS else Track(program=kind)


def _merged_by_program(tracks: list[Track]) -> list[Track]:
    """Tracks with those of one program, and all drums, as one, which has the name of the first."""
    kinds: dict[int, list[Track]] = {}
    for one in tracks:
        kinds.setdefault(_kind(one), []).append(one)
    return [replace(some[0], notes=tidy(np.concatenate([one.notes for one in some]))) for some in kinds.values()]


def _off_grid(notes: np.ndarray, grid: Grid) -> int:
    """How many notes do not begin on a step."""
    return int(np.sum(grid.ticks(grid.steps(notes["start"])) != notes["start"]))


@cache
def _random_numbers() -> np.ndarray:
    """A number for each kind, pitch and velocity of a note: sums of them are the same for the same notes."""
    return np.random.default_rng(0).integers(2**64, size=(DRUMS + 1) * 128 * VELOCITIES, dtype=np.uint64)
