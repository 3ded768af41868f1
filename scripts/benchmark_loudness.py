"""How loud what lies between two songs is: the level and the spread of velocities, and the sound at seams.

    python scripts/benchmark_loudness.py --songs FOLDERS --pairs 20
    python scripts/benchmark_loudness.py --songs FOLDERS --pairs 20 --model trio-16bar --sound 4

Pairs are those of `scripts/benchmark_interpolation.py`. Of the five steps between the first 32 bars of two songs:

* `level by line`: the mean velocity by what lies on the straight line between those of the two songs;
* `spread by ends`: the standard deviation of velocities by the mean of those of the two songs, of pairs in which it
  is more than 1;
* with --sound, of so many pairs, the change of level (RMS, in decibels) from bar to bar, where both bars sound: at
  seams of two steps, and within steps. Its median.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from song_pairs import drawn, pool

from musicae.loading import load
from musicae.music.render.audio import RATE, render
from musicae.music.results import Interpolation
from musicae.music.score.grid import Grid
from musicae.music.song import Song

STEPS = 5
SILENT = 20.0  # decibels over the smallest number


def velocities(song: Song) -> np.ndarray:
    """The velocities of all notes."""
    return np.concatenate([track.notes["velocity"] for track in song.tracks]).astype(float)


def levels(found: Interpolation) -> tuple[np.ndarray, np.ndarray]:
    """`level by line` and `spread by ends` of each step, nan where they are undefined."""
    mean, spread = ([f(one) if len(one) else np.nan for one in map(velocities, found.songs)] for f in (np.mean, np.std))
    first, last = (velocities(one) for one in found.originals)
    ends = (first.std() + last.std()) / 2
    line = np.linspace(first.mean(), last.mean(), STEPS)
    return np.array(mean) / line, np.array(spread) / (ends if ends > 1 else np.nan)


def changes(found: Interpolation) -> tuple[np.ndarray, np.ndarray]:
    """The changes of level in decibels from bar to bar: at seams, and within steps."""
    own = Grid.of(found.originals[0]).bar_ticks
    bars = found.shares.shape[1]
    own = own[: bars + 1] if len(own) > bars else np.linspace(0, found.ticks, bars + 1).astype(int)
    lines = np.append(np.add.outer(found.ticks * np.arange(STEPS), own[:-1]).ravel(), STEPS * found.ticks)
    wave = np.frombuffer(render(found.song), "<i2", offset=44).reshape(-1, 2).mean(1)
    parts = np.split(wave, (found.song.tick_to_seconds(lines) * RATE).astype(int))[1:-1]
    decibels = np.array([20 * np.log10(np.sqrt(np.mean(part**2)) + 1) if len(part) else 0 for part in parts])
    change, sounding = np.abs(np.diff(decibels)), np.minimum(decibels[1:], decibels[:-1]) > SILENT
    seam = np.arange(1, len(decibels)) % bars == 0
    return change[seam & sounding], change[~seam & sounding]


def main() -> None:
    """Draw pairs, interpolate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", nargs="+", required=True, type=Path, help="folders of songs")
    parser.add_argument("--model", default="melody-2bar", help="a model that ships, or a folder that training wrote")
    parser.add_argument("--pairs", type=int, default=20, help="in all groups together (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs")
    parser.add_argument("--sound", type=int, default=0, help="pairs whose sound is measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load(options.model)
    pairs = drawn(pool(model, options.songs, "all", 4 * options.pairs, options.seed), options.pairs, options.seed)
    found = [model.interpolate(*(one.song for one in pair.songs), steps=STEPS) for pair in pairs]
    level, spread = (np.nanmean(rows, 0) for rows in zip(*map(levels, found), strict=True))
    for name, row in (("level by line", level), ("spread by ends", spread)):
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |")
    if options.sound:
        both = zip(*(changes(one) for one in found[: options.sound]), strict=True)
        seams, within = (np.median(np.concatenate(some)) for some in both)
        print(f"change of level, dB: {seams:.1f} at seams, {within:.1f} within steps")


if __name__ == "__main__":
    main()
