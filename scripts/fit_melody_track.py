"""Fits the weights of `musicae/music/representations/likeness.py`: what tells a melody from an accompaniment.

    python scripts/fit_melody_track.py --data FOLDER

A conditional logit (McFadden 1974): of the tracks of a song each is the melody with a probability in proportion to
exp(weights · traits); where several are, any of them is right. Every source counts as given below, whatever its size,
and in it all songs alike. The sources are some of those of which weights may ship; `benchmark_melody_track.py` says
what is kept to judge.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import benchmark_melody_track as known
import numpy as np
from scipy.optimize import minimize

from musicae.music.representations.likeness import Traits, traits
from musicae.music.representations.tracks import tunes
from musicae.music.score.grid import Grid

SHARES = {"games": 2.0, "Lieder": 1.0, "bands": 1.0, "mutopia": 1.0, "quartets": 0.5}
SHRINKAGE = 0.005  # times the squares of the weights, each in standard deviations of its trait in a song


class Table(NamedTuple):
    """The tracks of all songs, one song after another."""

    traits: np.ndarray  # [tracks, traits]
    melody: np.ndarray  # [tracks], whether it is one
    first: np.ndarray  # [songs], the first track of each
    share: np.ndarray  # [songs], how much each counts; 1 in all


def table(sources: dict[str, list[known.Known]]) -> Table:
    """The tracks of the songs that have melodies and others."""
    rows, melody, sizes, shares = [], [], [], []
    for name, songs in sources.items():
        chosen = [one for one in songs if 0 < len(one.melodies) < len(tunes(one.song))]
        for song, melodies in chosen:
            bars, tracks = Grid.of(song).bar_ticks, tunes(song)
            rows += [traits(song.tracks[i], bars, song.ticks_per_quarter) for i in tracks]
            melody += [i in melodies for i in tracks]
            sizes.append(len(tracks))
            shares.append(SHARES[name] / sum(SHARES.values()) / len(chosen))
    first = np.cumsum([0, *sizes[:-1]])
    return Table(np.array(rows), np.array(melody), first, np.array(shares))


def fitted(data: Table) -> np.ndarray:
    """The weight of each trait."""
    sizes = np.diff(np.append(data.first, len(data.traits)))
    mean = np.add.reduceat(data.traits, data.first) / sizes[:, None]
    squares = np.add.reduceat((data.traits - np.repeat(mean, sizes, 0)) ** 2, data.first) / sizes[:, None]
    scale = np.sqrt(data.share @ squares)

    def loss(weights: np.ndarray) -> float:
        likeness = data.traits / scale @ weights
        of_all = np.logaddexp.reduceat(likeness, data.first)
        of_melodies = np.logaddexp.reduceat(np.where(data.melody, likeness, -np.inf), data.first)
        return data.share @ (of_all - of_melodies) + SHRINKAGE * weights @ weights

    return minimize(loss, np.zeros(len(scale))).x / scale


def main() -> None:
    """Fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the unpacked archives")
    data = parser.parse_args().data
    sources = {
        "games": known.by_table(data, "fit"),
        "Lieder": known.by_name(known.midi(data / "openscore_lieder")[::4]),
        "bands": known.bands(data, "train", 20),
        "mutopia": known.by_name(known.midi(data / "mutopia")[::2]),
        "quartets": known.first_tracks(known.midi(data / "openscore_quartets")[::2]),
    }
    for name, weight in zip(Traits._fields, fitted(table(sources)), strict=True):
        print(f"{name:10} {weight:6.2f}")


if __name__ == "__main__":
    main()
