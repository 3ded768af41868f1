"""What the verbs of a model answer: interpolations, reconstructions, variations."""

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
        original: the passage as the representation holds it.
        report: what was taken from the file.
        before: the attributes of the original (`musicae.music.analysis.attributes`), each a mean over its windows; nan
            where no window has one.
        after: those of each variation.
        requested: the attributes of which there was to be more or less.
        kept: the share of the original's notes that are in each variation, at their pitch and onset.
        ticks: the length of each to its last bar line.
    """

    songs: list[Song]
    original: Song
    report: list[str]
    before: dict[str, float]
    after: list[dict[str, float]]
    requested: tuple[str, ...]
    kept: list[float]
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
            `step_accuracy`, `onset_f1`, `whole_windows` (see `musicae.music.analysis.similarity.score`), between 0 and
            1.
        report: what was taken from the file.
    """

    song: Song
    original: Song
    figures: dict[str, float]
    report: list[str]
