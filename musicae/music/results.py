"""What the verbs of a model return: interpolations, reconstructions, variations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from musicae.music.song import Song


@dataclass(frozen=True, eq=False)
class Variations(Sequence[Song]):
    """Variations of a song; as a sequence, the songs.

    Args:
        songs: the variations.
        original: the excerpt as the representation holds it.
        report: which part of the song was taken, and what was done to it, in sentences.
        before: the attributes of the original (`musicae.music.analysis.attributes`), each a mean over its windows; nan
            if no window has one.
        after: those of each variation.
        requested: the attributes of which more or less was requested.
        kept: the share of the original's notes that are in each variation, at their onset and their pitch, transposed
            where it is.
        semitones: by how many each is transposed.
        ticks: the length of each to its last bar line.
    """

    songs: list[Song]
    original: Song
    report: list[str]
    before: dict[str, float]
    after: list[dict[str, float]]
    requested: tuple[str, ...]
    kept: list[float]
    semitones: list[int]
    ticks: int

    def __len__(self) -> int:
        return len(self.songs)

    @overload
    def __getitem__(self, i: int) -> Song: ...

    @overload
    def __getitem__(self, i: slice) -> list[Song]: ...

    def __getitem__(self, i: int | slice) -> Song | list[Song]:
        return self.songs[i]


@dataclass(frozen=True, eq=False)
class Interpolation:
    """An interpolation between two songs: several whole versions, or one pass from A to B.

    Args:
        songs: one a step, the first a reconstruction of A, the last of B; or one, which begins as A and ends as B.
        originals: the excerpts of A and of B as the representation holds them.
        report: which parts of A and of B were taken, and what was done to them, in sentences, A's first.
        latents: `[steps, windows, latent]`, in A's key and register, from which decodes are moved back; of one pass,
            windows of more than two bars have several, one a row, for the bars from the first to the last.
        ticks: the length of each step to its last bar line.
        shares: how much of B is in each bar of each step, float `[steps, bars]`.
    """

    songs: list[Song]
    originals: tuple[Song, Song]
    report: tuple[list[str], list[str]]
    latents: np.ndarray
    ticks: int
    shares: np.ndarray

    @property
    def one_pass(self) -> bool:
        """Whether it is one pass from A to B."""
        return len(self.songs) == 1

    @property
    def seconds(self) -> float:
        """The length of a step."""
        return float(self.songs[0].tick_to_seconds(self.ticks))

    @property
    def song(self) -> Song:
        """All steps one after another, each with A's number of bars, even if the last ones are silent."""
        return Song.concatenate(self.songs, [self.ticks] * len(self.songs))

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write all steps as one MIDI file."""
        return self.song.save(path, force=force)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A song as a model reconstructs it.

    Args:
        song: the decode of the posterior mean.
        original: the excerpt as the representation holds it: the most that a model can reconstruct.
        figures: `note_accuracy` (the share of the original's notes with the same pitch, onset and length),
            `step_accuracy`, `onset_f1`, `whole_windows` (see `musicae.music.analysis.accuracy.score`), between 0 and 1.
        report: which part of the song was taken, and what was done to it, in sentences.
    """

    song: Song
    original: Song
    figures: dict[str, float]
    report: list[str]
