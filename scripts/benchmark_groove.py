"""Whether `groove tap` makes beats: what it plays to taps, beside what drummers play.

    python scripts/benchmark_groove.py --groove GROOVE --melodies FOLDER... [--every 40] [--model groove-2bar]

GROOVE is the Groove MIDI Dataset, of which the test part is used. Each of its beats is tapped on one key of a piano,
once at every step on which any drum is hit, as early or late as the loudest; all taps, and a random half of them. Then
come taps of which no beat is known: steady quarters and eighths, and the melodies of songs. The beats are those of the
public verb, `model.for_task("tapify").reconstruct(taps)`, which is what `python -m musicae.groove tap` writes.

Of the taps of test beats also: F1 of the kick and of the snare at their places, and the mean errors of loudness and of
timing where both have a hit. The row `rock beat` has the kick on the first and third quarter, the snare on the second
and fourth, and the closed hi-hat on every tap. A bar without hits has no drums and counts in no column but hits a bar.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from musicae.core.randomness import RandomSource
from musicae.errors import Error
from musicae.loading import load
from musicae.music.data.corruptions import GrooveCorruption
from musicae.music.data.sources import pieces
from musicae.music.model import MusicModel
from musicae.music.representations import Melody
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.kits import CLOSED_HAT, KICK, SNARE
from musicae.music.representations.rendering import render
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Track
from musicae.music.song import Song

KEY, LOUDNESS = 60, 80  # of taps
QUARTER, STEADY_BARS = 480, 16
COLUMNS = (
    *("songs", "taps a bar", "hits a tap", "hits a bar", "steps hit a bar", "drums a bar", "bars as the one before"),
    *("deviation of loudness", "kick F1", "snare F1", "error of loudness", "error of timing, steps"),
)


@dataclass(frozen=True, eq=False)
class Beat:
    """Taps, the beat played to them, and the beat that was tapped, if it is known.

    Args:
        taps: at which steps there is one, bool [steps].
        beat: float32 [27, steps] (see `Groove`).
        bars: where each bar begins, in steps.
        tapped: as `beat`.
    """

    taps: np.ndarray
    beat: np.ndarray
    bars: np.ndarray
    tapped: np.ndarray | None = None


def as_taps(track: Track) -> Track:
    """The times of a track, on one key of a piano."""
    notes = track.notes.copy()
    notes["pitch"], notes["velocity"] = KEY, LOUDNESS
    _, first = np.unique(notes["start"], return_index=True)
    return Track(notes[first], name="Taps")


def tap(model: MusicModel, excerpt: Excerpt, share: float, random: RandomSource) -> Score:
    """A random share of the taps of a beat, as a song."""
    taps = GrooveCorruption(tapify=True).deterministic(torch.from_numpy(excerpt.array)[None])[0]
    taps = taps * (random.uniform(taps.shape[-1]) < share)
    song = render(model.representation, taps.numpy(), excerpt)
    return replace(song, tracks=tuple(map(as_taps, song.tracks)))


def play(model: MusicModel, taps: Score, beats: bool | None = False) -> Beat:
    """What a model plays to taps."""
    source = model.extract(taps, beats=beats).excerpt
    played = model.reconstruct(taps, beats=beats).song
    beat = model.extract(played, beats=False).excerpt.array
    total = source.grid.total_steps
    beat = np.pad(beat, ((0, 0), (0, max(total - beat.shape[1], 0))))[:, :total]
    return Beat(source.array[:9].any(0), beat, source.grid.steps(source.grid.bar_ticks[:-1]))


def test_beats(model: MusicModel, groove: Path) -> list[Excerpt]:
    """The test part of Groove."""
    return [model.extract(one.content, beats=False).excerpt for one in pieces(groove) if one.split == "test"]


def tapped(model: MusicModel, beats: list[Excerpt], share: float) -> Iterator[Beat]:
    """What a model plays to a share of the taps of beats."""
    for i, excerpt in enumerate(beats):
        taps = tap(model, excerpt, share, RandomSource(0, i))
        if not len(taps.tracks[0].notes):
            continue
        played = play(model, taps)
        steps = min(played.beat.shape[1], excerpt.array.shape[1])
        yield Beat(played.taps[:steps], played.beat[:, :steps], played.bars, excerpt.array[:, :steps])


def steady(model: MusicModel, ticks: int) -> Iterator[Beat]:
    """What a model plays to a steady pulse."""
    starts = np.arange(0, 4 * STEADY_BARS * QUARTER, ticks)
    notes = np.array([(start, start + ticks // 2, KEY, LOUDNESS) for start in starts], NOTE)
    yield play(model, Song((Track(notes, name="Taps"),), ticks_per_quarter=QUARTER))


def melodies(model: MusicModel, folders: list[Path], every: int) -> Iterator[Beat]:
    """What a model plays to the melodies of every so manieth song."""
    files = [one for folder in folders for one in pieces(folder)]
    for one in files[::every]:
        try:
            melody = Melody().extract(Song.read(one.content))
            yield play(model, replace(melody.song, tracks=(as_taps(melody.track),)))
        except Error:
            continue


def drummers(excerpt: Excerpt) -> Beat:
    """A beat to its own taps."""
    taps, bars = excerpt.array[:9].any(0), excerpt.grid.steps(excerpt.grid.bar_ticks[:-1])
    return Beat(taps, excerpt.array, bars, excerpt.array)


def rock_beat(excerpt: Excerpt) -> Beat:
    """The closed hi-hat on every tap of a beat, kick and snare on those on alternate quarters."""
    own = drummers(excerpt)
    place = np.arange(len(own.taps)) - own.bars[np.searchsorted(own.bars, np.arange(len(own.taps)), "right") - 1]
    beat = np.zeros_like(own.beat)
    beat[CLOSED_HAT], beat[KICK], beat[SNARE] = own.taps, own.taps & (place % 8 == 0), own.taps & (place % 8 == 4)
    beat[9:18] = beat[:9] * own.beat[9:18][own.beat[:9] > 0].mean()
    return replace(own, beat=beat)


def ratios(model: MusicModel, one: Beat) -> dict[str, tuple[float, float]]:
    """The columns of a song as (numerator, denominator)."""
    hits = one.beat[:9] > 0.5
    bars = np.split(hits, one.bars[1:], axis=1)
    sounding = [bar.any(1).sum() for bar in bars if bar.any()]
    pairs = [np.array_equal(a, b) for a, b in pairwise(bars) if b.any()]
    loudness = one.beat[9:18][hits]
    row = {
        "songs": (1, 0),
        "taps a bar": (one.taps.sum(), len(bars)),
        "hits a tap": (hits.sum(), one.taps.sum()),
        "hits a bar": (hits.sum(), len(bars)),
        "steps hit a bar": (hits.any(0).sum(), len(bars)),
        "drums a bar": (sum(sounding), len(sounding)),
        "bars as the one before": (sum(pairs), len(pairs)),
        "deviation of loudness": (loudness.std() * len(loudness), len(loudness)) if len(loudness) else (0, 0),
    }
    if one.tapped is None:
        return row
    metrics = model.representation.extra_metrics(one.beat, one.tapped)
    row |= {"error of loudness": metrics["velocity_error"], "error of timing, steps": metrics["timing_error_steps"]}
    for name, drum in (("kick F1", KICK), ("snare F1", SNARE)):
        a, b = hits[drum], one.tapped[drum] > 0.5
        row[name] = 2 * (a & b).sum(), a.sum() + b.sum()
    return row


def line(name: str, rows: list[dict[str, tuple[float, float]]]) -> str:
    """A row of the table."""
    cells = []
    for column in COLUMNS:
        above, below = np.sum([row.get(column, (0, 0)) for row in rows], 0)
        cells.append(f"{above:.0f}" if column == "songs" else f"{above / below:.3f}" if below else "")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Play, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groove", type=Path, required=True, help="the Groove MIDI Dataset")
    parser.add_argument("--melodies", type=Path, nargs="*", default=[], help="folders of songs whose melodies are taps")
    parser.add_argument("--every", type=int, default=40, help="take every so manieth of these songs (default: 40)")
    parser.add_argument("--model", default="groove-2bar", help="name or folder of a model (default: groove-2bar)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load(options.model).for_task("tapify")
    beats = test_beats(model, options.groove)
    sources: dict[str, Callable[[], Iterator[Beat]]] = {
        "drummers": lambda: map(drummers, beats),
        "rock beat": lambda: map(rock_beat, beats),
        "all their taps": lambda: tapped(model, beats, 1.0),
        "half of their taps": lambda: tapped(model, beats, 0.5),
        "steady quarters": lambda: steady(model, QUARTER),
        "steady eighths": lambda: steady(model, QUARTER // 2),
        "melodies": lambda: melodies(model, options.melodies, options.every),
    }
    print(f"| taps | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|", sep="\n")
    for name, played in sources.items():
        print(line(name, [ratios(model, one) for one in played()]), flush=True)


if __name__ == "__main__":
    main()
