"""Melodies: one token a step, as in MusicVAE, for any length and any metre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from musicae.errors import NoWindows
from musicae.music.grid import Grid
from musicae.music.representations.hearing import (
    Hearing,
    choose_track,
    describe,
    gather,
    passage,
    pitched,
    refined,
    said,
    unique,
)
from musicae.music.song import Song

HOLD, OFF, FIRST_NOTE = 0, 1, 2


@dataclass(frozen=True)
class Melody:
    """A single line on a grid: token 0 nothing happens, 1 the note ends, 2 and up a note of `lowest_pitch` and up.

    A whole passage is one sequence of tokens [total_steps]; windows are slices of it. A slice that begins in silence
    begins with 1, one that begins inside a note with 0, so that slices put together again are the passage.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.
    """

    kind: ClassVar[str] = "melody"

    steps: int = 32
    steps_per_quarter: int = 4
    lowest_pitch: int = 21
    highest_pitch: int = 108

    @property
    def classes(self) -> int:
        """The number of different tokens."""
        return FIRST_NOTE + self.highest_pitch - self.lowest_pitch + 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a window."""
        return (self.steps,)

    def hear(
        self, song: Song, track: int | str | None = None, bars: tuple[int, int] | None = None
    ) -> Hearing:
        """The top line of one track, as tokens [total_steps].

        At each onset step the highest note is taken, and the next onset ends it; a note shorter than a step lasts one.
        The track is chosen by `choose_track`. Empty bars before its first and after its last note are left out.

        Args:
            song: the song.
            track: the track's number, counted from 1, or part of its name; None chooses.
            bars: first and last bar, counted from 1; None for all.

        Raises:
            NoWindows: if there are no pitched notes.
            ConfigError: if there is no such track or bar.
        """
        song = refined(song, self.steps_per_quarter)
        index, why = choose_track(song, track)
        notes = song.tracks[index].notes
        grid, left_out = passage(Grid.of(song, self.steps_per_quarter), notes, bars)
        tokens, changes = self.encode(notes, grid)
        report = (f"took {describe(song, index)} ({why})", *left_out, *changes)
        return Hearing(tokens, grid, song, song.tracks[index], report)

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The top line of a NOTE array on a grid as tokens uint8 [total_steps], and what was changed on the way."""
        start, total = grid.steps(notes["start"]), grid.total_steps
        inside = (start >= 0) & (start < total)
        held = np.sum((start < 0) & (grid.steps(notes["end"]) > 0))
        notes, start = notes[inside], start[inside]
        end = np.maximum(grid.steps(notes["end"]), start + 1)
        pitch, moved = self._in_range(notes["pitch"])
        order = np.lexsort((-end, -notes["pitch"].astype(int), start))
        top = order[np.diff(start[order], prepend=-1) > 0]

        tokens = np.zeros(total, np.uint8)
        ends = np.minimum(end[top], np.append(start[top][1:], total))
        tokens[ends[ends < total]] = OFF
        tokens[:1] = OFF
        tokens[start[top]] = FIRST_NOTE + pitch[top] - self.lowest_pitch
        chords = len(notes) - len(np.unique(notes["start"]))
        changes = said(
            (int(held), "note", "from before the first bar left out"),
            (chords, "lower note", "left out"),
            (
                len(notes) - chords - len(top),
                "note",
                "left out because another one is struck in the same step",
            ),
            (int(np.sum(grid.ticks(start[top]) != notes["start"][top])), "onset", "moved to the grid"),
            (int(moved[top].sum()), "note", "moved by octaves into the range of the model"),
        )
        return tokens, list(changes)

    def windows(self, song: Song, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
        """The windows of a song to train on: uint8 [n, steps], all different, and why there are none if so.

        Every slice of `steps` steps that begins on a bar line and in which a note is struck. A passage shorter than
        that is padded.

        Args:
            song: the song.
            track: as for `hear`; or "all" for the top line of every pitched track that is long enough.
        """
        try:
            tracks = [i + 1 for i in pitched(song)] if track == "all" else [track]
            heard = [self.hear(song, one) for one in tracks]
        except NoWindows as error:
            return np.zeros((0, self.steps), np.uint8), [str(error)]
        found = unique(np.concatenate([self._slices(hearing) for hearing in heard]))
        return found, [] if len(found) else [f"no track is {self.steps} steps long"]

    def cut(self, tokens: np.ndarray, plan: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        """The windows [n, steps] of a passage [total_steps], and how many steps of each are its own [n].

        What follows a window's own steps is the music that follows there, and silence beyond the end.

        Args:
            tokens: the passage.
            plan: (first step, length) of every window, as from `grid.windows(steps)`; of this passage, or of another
                one onto which it is laid.
        """
        starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
        return self._gather(tokens, starts), lengths

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The passage [total_steps] of which each window [n, steps] holds `lengths` [n] steps of its own.

        Note-offs that end nothing are dropped, so this undoes `cut`.
        """
        own = np.arange(windows.shape[1]) < np.asarray(lengths)[:, None]
        return _tidy(windows[own])

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows [n, steps] moved by `semitones` [n], each only as far as all of its notes stay in the range."""
        note = windows >= FIRST_NOTE
        lowest = (
            np.where(note, windows, self.classes - 1).min(axis=1, initial=self.classes - 1).astype(np.int64)
        )
        highest = np.where(note, windows, FIRST_NOTE).max(axis=1, initial=FIRST_NOTE).astype(np.int64)
        move = np.clip(semitones, FIRST_NOTE - lowest, self.classes - 1 - highest)
        return np.where(note, windows + move[:, None], windows).astype(np.uint8)

    def _gather(self, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows that begin at `starts`, with silence beyond the end."""
        end = int(starts.max(initial=0)) + self.steps
        silence = np.zeros(max(end - len(tokens), 0), np.uint8)
        silence[:1] = OFF
        tokens = _tidy(np.concatenate([np.asarray(tokens, np.uint8), silence]))
        windows = gather(tokens, starts, self.steps)
        windows[:, 0] = np.where(_sounding(tokens)[starts], windows[:, 0], OFF)
        return windows

    def _slices(self, hearing: Hearing) -> np.ndarray:
        """The windows of a passage to train on."""
        starts = hearing.grid.bar_steps[:-1]
        starts = starts[(starts + self.steps <= hearing.grid.total_steps) | (starts == 0)]
        windows = self._gather(hearing.array, starts)
        return windows[(windows >= FIRST_NOTE).any(axis=1)]

    def _in_range(self, pitches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pitches moved by octaves into the range, and which were moved."""
        pitches = pitches.astype(np.int64)
        up = np.maximum(self.lowest_pitch - pitches + 11, 0) // 12
        down = np.maximum(pitches - self.highest_pitch + 11, 0) // 12
        return pitches + 12 * (up - down), (up + down) > 0


def _sounding(tokens: np.ndarray) -> np.ndarray:
    """Whether a note sounds in each step of [..., steps]: bool, shaped like `tokens`."""
    last = np.maximum.accumulate(np.where(tokens != HOLD, np.arange(tokens.shape[-1]), 0), axis=-1)
    return np.take_along_axis(tokens, last, axis=-1) >= FIRST_NOTE


def _tidy(tokens: np.ndarray) -> np.ndarray:
    """The same music with a note-off only after a note, and at the beginning of a passage that begins in silence."""
    before = np.concatenate([[False], _sounding(tokens)[:-1]])
    tokens = np.where((tokens == OFF) & ~before, HOLD, tokens).astype(np.uint8)
    tokens[:1] = np.where(tokens[:1] >= FIRST_NOTE, tokens[:1], OFF)
    return tokens
