"""What the verbs of a model take and give: passages of songs in windows, and what was made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musicae.music.grid import Grid
from musicae.music.representations import Hearing, Representation
from musicae.music.representations.base import counted
from musicae.music.song import Song


@dataclass(frozen=True, eq=False)
class Passage:
    """What a model hears in a song: windows, and the hearing that they are cut from.

    Args:
        hearing: tokens on a grid, the song and track they come from, and a report of what was changed.
        windows: `[windows, *shape]`, as the representation holds them.
        lengths: how many steps of each window are its own, `[windows]`.
    """

    hearing: Hearing
    windows: np.ndarray
    lengths: np.ndarray

    @property
    def metre(self) -> str:
        """The metre that it begins in, e.g. "3/4"."""
        begun = [s for s in self.hearing.song.time_signatures if s.tick <= self.hearing.grid.bar_ticks[0]]
        return f"{begun[-1].numerator}/{begun[-1].denominator}"

    @property
    def ticks(self) -> int:
        """Its length to the last bar line, in the ticks of its song."""
        return int(self.hearing.grid.bar_ticks[-1] - self.hearing.grid.bar_ticks[0])

    def first(self, windows: int) -> Passage:
        """Its first windows, with the bars that these reach."""
        lengths = self.lengths[:windows]
        hearing = replace(self.hearing, grid=self.hearing.grid.reaching(int(lengths.sum())))
        return Passage(hearing, self.windows[:windows], lengths)


@dataclass(frozen=True, eq=False)
class Interpolation:
    """What lies between two songs.

    Args:
        songs: one a step, the first a reconstruction of A, the last of B.
        originals: the passages of A and of B that were heard, as they were before the model.
        report: what was taken from A and from B, and what was done to it, in sentences, A's first.
        latents: `[steps, windows, latent]`.
        ticks: the length of each step to its last bar line.
    """

    songs: list[Song]
    originals: tuple[Song, Song]
    report: tuple[list[str], list[str]]
    latents: np.ndarray
    ticks: int

    @property
    def song(self) -> Song:
        """All steps one after another, each with A's number of bars, even where the last ones are silent."""
        return Song.concatenate(self.songs, [self.ticks] * len(self.songs))

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write all steps as one MIDI file."""
        return self.song.save(path, force=force)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What a model hears in a song.

    Args:
        song: the decode of the posterior mean.
        original: the passage as the representation holds it, which is all that the model could give back.
        figures: `note_accuracy` (notes of the original that came back with their pitch, onset and length),
            `step_accuracy`, `onset_f1`, `whole_windows` (see `musicae.music.metrics.score`), between 0 and 1.
        report: what was taken from the file.
    """

    song: Song
    original: Song
    figures: dict[str, float]
    report: list[str]


def heard(representation: Representation, hearing: Hearing) -> Passage:
    """A hearing in windows; its last bars are repeated in silence if they do not fill one."""
    hearing = _until_its_end(hearing)
    grid = _filled(hearing.grid, representation.steps)
    added = len(grid) - len(hearing.grid)
    report = (f"padded with {counted(added, 'bar')} of silence",) if added else ()
    hearing = replace(hearing, grid=grid, report=(*hearing.report, *report))
    return Passage(hearing, *representation.cut(hearing.array, grid.windows(representation.steps)))


def cut(representation: Representation, hearing: Hearing, lengths: np.ndarray) -> Passage:
    """A hearing in windows that have so many steps of their own, int64 [windows]."""
    starts = np.cumsum(lengths) - lengths
    plan = list(zip(starts.tolist(), lengths.tolist(), strict=True))
    return Passage(hearing, *representation.cut(hearing.array, plan))


def paired(
    representation: Representation, a: Passage, b: Passage
) -> tuple[tuple[Passage, Passage], tuple[list[str], list[str]]]:
    """Both passages in windows of the same number and lengths, on A's bars; and what was done to each."""
    grid = a.hearing.grid.reaching(min(a.hearing.grid.total_steps, b.hearing.grid.total_steps))
    plan, steps = grid.windows(representation.steps), grid.total_steps
    hearings = [replace(p.hearing, grid=p.hearing.grid.reaching(steps)) for p in (a, b)]
    pair = tuple(Passage(h, *representation.cut(h.array, plan)) for h in hearings)
    reports = tuple([*p.hearing.report, *_unequal(representation, p, steps)] for p in (a, b))
    if a.metre != b.metre:
        reports[1].append(f"laid from {b.metre} on bars of {a.metre}")
    return pair, reports


def whole_windows(representation: Representation, windows: np.ndarray, passage: Passage) -> tuple[float, float]:
    """Of how many windows of a passage all steps of their own came back, and how many there are."""
    right = representation.steps_right(windows, passage.windows)
    beyond = np.arange(right.shape[1]) >= passage.lengths[:, None]
    return float((right | beyond).all(1).sum()), float(len(right))


def _unequal(representation: Representation, passage: Passage, steps: int) -> list[str]:
    """What is done to a passage so that it has `steps` steps."""
    beyond = (passage.hearing.grid.total_steps - steps) / representation.steps_per_quarter
    if beyond > 0:
        return [f"its last {beyond:g} quarters have no partner in the other and are left out"]
    return [f"padded with {-beyond:g} quarters of silence to the length of the other"] if beyond else []


def _filled(grid: Grid, steps: int) -> Grid:
    """A grid with its last bar repeated as often as a window of `steps` steps has room."""
    bar = int(grid.bar_steps[-1] - grid.bar_steps[-2])
    return grid.extended(grid.total_steps + max(steps - grid.total_steps, 0) // bar * bar)


def _until_its_end(hearing: Hearing) -> Hearing:
    """A hearing whose song changes neither tempo, metre nor key after it: what is added to it is like its last bar."""
    names = ("tempos", "time_signatures", "key_signatures")
    end = hearing.grid.bar_ticks[-1]
    kept = {name: tuple(c for c in getattr(hearing.song, name) if c.tick < end) for name in names}
    return replace(hearing, song=replace(hearing.song, **kept))
