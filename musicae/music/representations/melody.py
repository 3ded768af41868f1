"""Melodies: one token a step, as in MusicVAE, for any length and any metre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musicae.core.event import Event
from musicae.music.grid import Grid
from musicae.music.representations import strict
from musicae.music.representations.base import Pitched, sentences, slices
from musicae.music.representations.tokens import (
    FIRST_NOTE,
    HOLD,
    OFF,
    canonical,
    highest,
    line,
    sounding,
    without_leading_offs,
)
from musicae.music.representations.tracks import describe, find, melody_track, pitched
from musicae.music.song import Song, Track


@dataclass(frozen=True)
class Melody(Pitched):
    """A single line of tokens: 0 nothing happens, 1 a note ends, from 2 up one begins.

    Token 2 is a note of `lowest_pitch`, 3 one a semitone higher. A passage is tokens [total_steps]. A
    passage or window that begins in silence begins with 1, one that begins inside a note with 0: windows
    put together again are the passage. Elsewhere 1 follows a sounding note only.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.
        strict: make windows exactly as MusicVAE does (see `strict.windows`). Then a window has no 1 before
            its first note, and a note held into it is lost.
        programs: strict only: first and last MIDI program heard; (0, 31) in MusicVAE's two-bar models.
        gap_bars: strict only: a melody ends where so many bars are silent; 0 for never.
        max_bars: strict only: a melody is cut off after so many bars.

    Raises:
        ConfigError: a setting that cannot work.
    """

    strict: bool = False
    programs: tuple[int, int] | None = None
    gap_bars: int = 1
    max_bars: int = 100

    @property
    def classes(self) -> int:
        """The number of different tokens."""
        return FIRST_NOTE + self.pitches

    @property
    def shape(self) -> tuple[int, ...]:
        """(steps,)."""
        return (self.steps,)

    @property
    def event(self) -> Event:
        """One of `classes` tokens in each step."""
        return Event("categorical", self.classes, (self.steps,))

    def each(self, song: Song) -> list[int | str | None]:
        """Every pitched track, by its number."""
        return [i + 1 for i in pitched(song)]

    def choose(self, song: Song, track: int | str | None) -> tuple[Track, str]:
        """The track asked for, or the one that carries the melody (see `tracks.melody_track`)."""
        index, why = melody_track(song) if track is None else (find(song, track), "as asked")
        return song.tracks[index], f"took {describe(song, index)} ({why})"

    def windows(self, song: Song, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
        """See `Representation.windows`; strict ones come from all tracks unless one is asked for."""
        return strict.windows(self, song, track) if self.strict else super().windows(song, track)

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The top line of a NOTE array as tokens uint8 [total_steps], and what was changed on the way.

        In each step the highest note that begins there is taken; the next one ends it. A note shorter than a
        step lasts one.
        """
        start = grid.steps(notes["start"])
        held = np.sum((start < 0) & (grid.steps(notes["end"]) > 0))
        notes = notes[(start >= 0) & (start < grid.total_steps)]
        notes = notes[np.argsort(-notes["end"], kind="stable")]
        top = notes[highest(grid.steps(notes["start"]), notes["pitch"])]
        start, pitch = grid.steps(top["start"]), self.in_range(top["pitch"])
        end = np.maximum(grid.steps(top["end"]), start + 1)
        below = len(notes) - len(np.unique(notes["start"]))
        changes = sentences(
            (int(held), "note", "held over from before the first bar left out"),
            (below, "lower note", "left out"),
            (len(notes) - below - len(top), "note", "left out beside a higher one in the same step"),
            (int(np.sum(grid.ticks(start) != top["start"])), "onset", "moved to the grid"),
            (int(np.sum(pitch != top["pitch"])), "note", "moved by octaves into the model's range"),
        )
        return canonical(line(start, end, FIRST_NOTE + pitch - self.lowest_pitch, grid.total_steps)), changes

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of tokens [total_steps]: each lasts until the next token that is not 0, or the end."""
        events = np.flatnonzero(array != HOLD)
        ends = np.append(events[1:], len(array))
        note = array[events] >= FIRST_NOTE
        start = events[note]
        return start, ends[note], array[start].astype(np.int64) - FIRST_NOTE + self.lowest_pitch

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, steps] of tokens that begin at `starts` [n]; silence beyond the end."""
        array = canonical(np.append(array, OFF))
        windows = slices(array, starts, self.steps)
        if self.strict:
            return without_leading_offs(windows)
        sounds = sounding(array)[np.minimum(starts, len(array) - 1)]
        windows[:, 0] = np.where(sounds, windows[:, 0], OFF)
        return windows

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The tokens of which each window [n, steps] holds its first `lengths` [n]; undoes `cut`.

        Note-offs that end nothing are dropped. A strict window is on its own: no note sounds into it.
        """
        windows = windows.copy()
        if self.strict:
            windows[:, 0] = np.maximum(windows[:, 0], OFF)
        own = np.arange(windows.shape[1]) < np.asarray(lengths)[:, None]
        return canonical(windows[own])

    def struck(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window [n, steps]: bool [n]."""
        return (windows >= FIRST_NOTE).any(axis=1)

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, steps]: bool [n, steps, pitches]."""
        return windows[..., None] == np.arange(FIRST_NOTE, self.classes)

    def steps_right(self, windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """In which steps the token is the true one; all [n, steps]."""
        return windows == truth

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows [n, steps] moved by `semitones` [n], each only as far as its notes stay in the range."""
        note, top = windows >= FIRST_NOTE, self.classes - 1
        down = FIRST_NOTE - np.where(note, windows, top).min(axis=1, initial=top).astype(np.int64)
        up = top - np.where(note, windows, FIRST_NOTE).max(axis=1, initial=FIRST_NOTE).astype(np.int64)
        move = np.where(self.struck(windows), np.clip(semitones, down, up), 0)
        return np.where(note, windows + move[:, None], windows).astype(np.uint8)
