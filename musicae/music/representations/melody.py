"""Melodies: one token a step, as in MusicVAE, for any length and any metre."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.music.representations.arrays import slices
from musicae.music.representations.base import Bars
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.one_part import Pitch, Pitched
from musicae.music.representations.report import sentences
from musicae.music.representations.tokens import (
    FIRST_NOTE,
    HOLD,
    OFF,
    canonical,
    ends_nothing,
    highest,
    in_pitches,
    line,
    sounding,
    without_leading_offs,
)
from musicae.music.representations.tracks import describe, label, melody_track, requested, tunes
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track
from musicae.music.theory import chords as symbols
from musicae.music.theory import harmony


@dataclass(frozen=True)
class Melody(Pitched):
    """A single line of tokens: 0 nothing happens, 1 a note ends, from 2 up one begins.

    Token 2 is a note of `lowest_pitch`, 3 one a semitone higher. The array of an excerpt is tokens
    [total_steps]. An array or window that begins in silence begins with 1, one that begins inside a note with 0:
    windows put together again are the array. Elsewhere 1 follows a sounding note only.

    A model may be conditioned on chords and key. Then arrays and windows have rows, [rows, steps]: the tokens; if
    `chords`, the triad at each step, 0 for none; if `key`, 1 plus the key's number, 0 for none (see
    `musicae.music.theory.chords`). Chords are inferred from all tracks; so are keys where the song has no key
    signature, or in strict mode with chords.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.
        strict: make windows exactly as MusicVAE does (see `extraction.magenta.melody_windows`). Then a window has no 1
            before its first note, and a note held into it is lost.
        programs: strict only: first and last MIDI program that count; (0, 31) in MusicVAE's two-bar models.
        gap_bars: strict only: a melody ends where so many bars are silent; 0 for never.
        max_bars: strict only: a melody is cut off after so many bars.
        chords: whether a model is conditioned on the chord at each step.
        key: whether it is conditioned on the key.

    Raises:
        ConfigError: a setting that cannot work.
    """

    strict: bool = False
    programs: tuple[Pitch, Pitch] | None = None
    gap_bars: Bars = 1
    max_bars: Bars = 100
    chords: bool = False
    key: bool = False

    @property
    def classes(self) -> int:
        """The number of different tokens."""
        return FIRST_NOTE + self.pitches

    @property
    def rows(self) -> int:
        """The rows of a window: 1 of tokens, and those of conditions."""
        return 1 + self.chords + self.key

    @property
    def conditioning(self) -> Conditioning:
        """A triad, a key, both or nothing."""
        names = ("chords",) * self.chords + ("key",) * self.key
        return Conditioning(names, symbols.TRIADS * self.chords + symbols.KEYS * self.key, per_step=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """(steps,), or (rows, steps) with conditions."""
        return (self.steps,) if self.rows == 1 else (self.rows, self.steps)

    @property
    def example_spec(self) -> ExampleSpec:
        """One of `classes` tokens in each step."""
        return ExampleSpec("categorical", self.classes, (self.steps,))

    def training_tracks(self, song: Score) -> list[int | str | None]:
        """Every pitched track, by its number."""
        return [label(song, i) for i in tunes(song)]

    def select_track(self, song: Score, track: int | str | None) -> tuple[Track, str]:
        """The track that is asked for, or the one that carries the melody (see `tracks.melody_track`)."""
        index, why = melody_track(song) if track is None else requested(song, track)
        return song.tracks[index], f"took {describe(song, index)} ({why})"

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """See `Representation.extract`; the chords and keys of the song are in the rows after the first."""
        excerpt = super().extract(song, track, bars)
        if self.rows == 1:
            return excerpt
        ticks = excerpt.grid.ticks(np.arange(excerpt.grid.total_steps))
        signed = None if self.strict and self.chords else harmony.signed_keys(excerpt.song, ticks, by_tonic=self.strict)
        key_inferred = self.key and signed is None
        chords, keys = harmony.of(excerpt.song).at(ticks) if self.chords or key_inferred else (None, None)
        report = [
            *([symbols.inferred(chords)] if self.chords else []),
            *([symbols.inferred_keys(keys)] if key_inferred else []),
        ]
        rows = self.condition_rows(chords, keys if key_inferred else signed)
        array = self.with_rows(self.tokens(excerpt.array), rows)
        return replace(excerpt, array=array, report=(*excerpt.report, *report))

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The top line of a track's notes as an array, and what was changed on the way; no chord, no key.

        In each step the highest note that begins there is taken; the next one ends it. A note shorter than a
        step lasts one.
        """
        start = grid.steps(notes["start"])
        first, last = np.searchsorted(start, (0, grid.total_steps))
        held = np.count_nonzero(grid.steps(notes["end"][:first]) > 0)
        notes, start = notes[first:last], start[first:last]
        best = highest(start, notes["pitch"], notes["end"])
        top, start = notes.take(best), start[best]
        pitch, end = self.in_range(top["pitch"]), np.maximum(grid.steps(top["end"]), start + 1)
        below = np.count_nonzero(notes["start"][1:] == notes["start"][:-1])
        changes = sentences(
            (held, "note", "held over from before the first bar left out"),
            (below, "lower note", "left out"),
            (len(notes) - below - len(top), "note", "left out beside a higher one in the same step"),
            (int(np.sum(grid.ticks(start) != top["start"])), "onset", "moved to the grid"),
            (int(np.sum(pitch != top["pitch"])), "note", "moved by octaves into the model's range"),
        )
        tokens = line(start, end, FIRST_NOTE + pitch - self.lowest_pitch, grid.total_steps)
        tokens[:1] = np.maximum(tokens[:1], OFF)
        return self.with_rows(tokens), changes

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of an array: each lasts until the next token that is not 0, or the end."""
        array = self.tokens(array)
        events = np.flatnonzero(array != HOLD)
        ends = np.append(events[1:], len(array))
        note = array[events] >= FIRST_NOTE
        start = events[note]
        return start, ends[note], array[start].astype(np.int64) - FIRST_NOTE + self.lowest_pitch

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, *shape] of an array that begin at `starts` [n]; beyond the end silence on the last chord."""
        tokens = np.append(self.tokens(array), OFF)
        sounds = sounding(tokens)
        windows = slices(canonical(tokens, sounds), starts, self.steps)
        if self.strict:
            windows = without_leading_offs(windows)
        else:
            windows[~sounds[np.minimum(starts, len(tokens) - 1)], 0] = OFF
        if self.rows == 1:
            return windows
        steps = np.minimum(np.asarray(starts)[:, None] + np.arange(self.steps), array.shape[1] - 1)
        return self.with_rows(windows, np.moveaxis(array[1:, steps], 0, 1))

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The array of which each window [n, *shape] holds its first `lengths` [n] steps; undoes `cut`.

        Note-offs that end nothing are dropped. A strict window is on its own: no note sounds into it.
        """
        tokens = self.tokens(windows).copy()
        if self.strict:
            tokens[:, 0] = np.maximum(tokens[:, 0], OFF)
        own = np.arange(self.steps) < np.asarray(lengths)[:, None]
        tokens = canonical(tokens[own])
        return tokens if self.rows == 1 else self.with_rows(tokens, np.moveaxis(windows[:, 1:], 1, 0)[:, own])

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window [n, *shape]: bool [n]."""
        return (self.tokens(windows) >= FIRST_NOTE).any(axis=1)

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, *shape]: bool [n, steps, pitches]."""
        return self.tokens(windows)[..., None] == np.arange(FIRST_NOTE, self.classes)

    def compared(self, windows: np.ndarray) -> np.ndarray:
        """The tokens [n, steps] of windows [n, *shape]."""
        return self.tokens(windows)

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] moved by `semitones` [n] with their conditions, as far as the notes stay in the range."""
        tokens = self.tokens(windows)
        note, top = tokens >= FIRST_NOTE, self.classes - 1
        down = FIRST_NOTE - np.where(note, tokens, top).min(axis=1, initial=top).astype(np.int64)
        up = top - np.where(note, tokens, FIRST_NOTE).max(axis=1, initial=FIRST_NOTE).astype(np.int64)
        move = np.where(self.has_onset(windows), np.clip(semitones, down, up), 0)
        tokens = np.where(note, tokens + move[:, None], tokens).astype(np.uint8)
        return tokens if self.rows == 1 else self.with_rows(tokens, symbols.transpose(windows[:, 1:], move))

    def in_pitches(self, windows: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """See `Representation.in_pitches`, and `tokens.in_pitches`."""
        tokens = in_pitches(self.tokens(windows), allowed, self.lowest_pitch, self.classes - FIRST_NOTE)
        return tokens if self.rows == 1 else self.with_rows(tokens, windows[:, 1:])

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The tokens [n, steps] of windows, and the chord and the key at each step, float32 [n, steps, conditions].

        49 values that are 0 but for the chord's, then 12 that are 0 but for the key's.
        """
        return self.tokens(windows), None if self.rows == 1 else self._conditions(windows[:, 1:])

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """See `Representation.from_data`."""
        return self.with_rows(x.astype(self.dtype))

    def repaired(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.repaired`: no note ends where none sounds."""
        tokens = self.tokens(windows)
        held = np.where(ends_nothing(tokens, self.strict), HOLD, tokens).astype(self.dtype)
        return held if self.rows == 1 else self.with_rows(held, windows[:, 1:])

    def faults(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.faults`: a note ends where none sounds."""
        return ends_nothing(self.tokens(windows), self.strict).any(axis=1)

    def with_condition(self, excerpt: Excerpt, *, before: int = 0, **conditions: Any) -> Excerpt:
        """See `Representation.with_condition`."""
        array, report = self._extended(excerpt.array, excerpt.grid.total_steps), []
        if "chords" in conditions:
            triads, lines = symbols.parse(conditions["chords"]), excerpt.grid.bar_steps
            bar = np.searchsorted(lines[1:-1], np.arange(array.shape[1]), "right")
            array[1] = triads[(before + bar) % len(triads)]
            report.append(symbols.requested(triads))
        if "key" in conditions:
            key = conditions["key"]
            array[-1] = 1 + symbols.key(key, by_tonic=self.strict)
            report.append(f"follows the key {key.strip()}")
        return replace(excerpt, array=array, report=(*excerpt.report, *report))

    def _extended(self, array: np.ndarray, steps: int) -> np.ndarray:
        """An array, copied, with silence until it has so many steps; its last chord and key go on."""
        more = max(steps - array.shape[1], 0)
        tokens = canonical(np.append(self.tokens(array), np.full(more, OFF)))
        return self.with_rows(tokens, np.pad(array[1:], ((0, 0), (0, more)), "edge"))

    def tokens(self, array: np.ndarray) -> np.ndarray:
        """The tokens [..., steps] of windows or of an array, without their conditions."""
        return array if self.rows == 1 else array[..., 0, :]

    def with_rows(self, tokens: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Tokens [..., steps] as windows or an array, with conditions [..., rows - 1, steps], or with none."""
        if self.rows == 1:
            return tokens
        if rows is None:
            rows = np.zeros((*tokens.shape[:-1], self.rows - 1, tokens.shape[-1]), np.uint8)
        return np.concatenate([tokens[..., None, :], rows], axis=-2)

    def condition_rows(self, chords: np.ndarray | None, keys: np.ndarray | None) -> np.ndarray:
        """Conditions as uint8 [rows - 1, ...]: of triads, and of numbers of keys (-1 none); both [...]."""
        return np.stack([*[chords] * self.chords, *([keys + 1] if self.key else [])]).astype(np.uint8)

    def _conditions(self, rows: np.ndarray) -> np.ndarray:
        """Conditions [n, rows - 1, steps] as float32 [n, steps, conditions]."""
        depths = [symbols.TRIADS] * self.chords + [symbols.KEYS] * self.key
        numbers = [*[rows[:, 0]] * self.chords, *([rows[:, -1].astype(np.int64) - 1] if self.key else [])]
        return np.concatenate([symbols.one_hot(n, depth) for n, depth in zip(numbers, depths, strict=True)], axis=-1)
