"""Whether piano rolls hold their notes: reconstructions of test songs, interpolations between them, new clips.

    python scripts/benchmark_pianoroll.py pianoroll-2bar --data CORPUS --songs FOLDER... [--number 12]

Of each source, and of Bach's chorales that come with music21, so many test songs, the first sixteen bars of each (songs
that have fewer are left out), go through `reconstruct`, and through `interpolate` with the next one, in seven steps.
Test songs are those of CORPUS (runs/NAME/corpus), found in FOLDER by their names. Printed are, of all songs of a source
together: onsets that are right (F1); notes, their mean length, and how many voices sound on average, divided by those
of the songs; of the five steps between two songs the same, divided by the line between the ends, and how many of them
are silent. Then the same of new clips, beside those of test windows.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import islice
from pathlib import Path

import numpy as np

from musicae.loading import load
from musicae.music.data.corpus import Corpus
from musicae.music.data.sources import pieces
from musicae.music.song import Song

CHORALES = "chorales of music21"
CLIPS = 128
BARS = (1, 16)
NOTHING = [("start", int), ("end", int), ("pitch", int)]


def notes(song: Song) -> np.ndarray:
    """All notes of a song."""
    return np.concatenate([track.notes for track in song.tracks if len(track.notes)] or [np.zeros(0, NOTHING)])


def amounts(song: Song) -> np.ndarray:
    """How many notes a song has, and how long they are all together, in quarters."""
    found = notes(song)
    return np.array([len(found), (found["end"] - found["start"]).sum() / song.ticks_per_quarter])


def right(song: Song, original: Song) -> np.ndarray:
    """Twice the onsets that both have, and all onsets of both."""
    a, b = ({(n["start"] / one.ticks_per_quarter, n["pitch"]) for n in notes(one)} for one in (song, original))
    return np.array([2 * len(a & b), len(a) + len(b)])


def test_songs(corpus: Corpus, folders: list[Path], seed: int) -> dict[str, list[str]]:
    """Files of test songs by source, in random order."""
    random, found = np.random.default_rng(seed), defaultdict(list)
    files = {path.name: path for folder in folders for path in folder.rglob("*.mid")}
    names = [corpus.index["songs"][i] for i in np.unique(corpus.songs["test"])]
    for name in random.permutation(names):
        source = next(one for one in corpus.index["sources"] if name.startswith(f"{one}/"))
        if Path(name).name in files:
            found[source].append(str(files[Path(name).name]))
    chorales = [piece.content for piece in pieces("music21") if piece.name.startswith("bach/")]
    return dict(found) | {CHORALES: list(random.permutation(chorales))}


def long_enough(model, files: list[str], number: int) -> list[Song]:
    """The first so many songs that have `BARS` bars."""
    songs = (Song.read(str(path)) for path in files)
    return list(islice((song for song in songs if len(model.extract(song).excerpt.grid) >= BARS[1]), number))


def reconstructed(model, songs: list[Song]) -> list[float]:
    """Of reconstructions: F1 of onsets; notes, length and voices by the songs'."""
    hits, own, theirs = np.zeros(2), np.zeros(2), np.zeros(2)
    for path in songs:
        result = model.reconstruct(path, bars=BARS)
        hits += right(result.song, result.original)
        own, theirs = own + amounts(result.song), theirs + amounts(result.original)
    return [hits[0] / hits[1], *ratios(own, theirs)]


def interpolated(model, songs: list[Song]) -> list[float]:
    """Of middles: notes, length and voices by the line between the songs, and silent songs."""
    own, line, silent = np.zeros(2), np.zeros(2), 0
    for a, b in zip(songs, [songs[-1], *songs[:-1]], strict=True):
        result = model.interpolate(a, b, bars=BARS)
        ends = [amounts(song) for song in result.originals]
        ends = [end * result.ticks / max(song.bars_end, 1) for end, song in zip(ends, result.originals, strict=True)]
        for place, song in zip(np.linspace(0, 1, len(result.songs))[1:-1], result.songs[1:-1], strict=True):
            own, line = own + amounts(song), line + (1 - place) * ends[0] + place * ends[1]
            silent += not len(notes(song))
    return [*ratios(own, line), silent]


def ratios(own: np.ndarray, others: np.ndarray) -> list[float]:
    """Notes, mean length and voices by those of the others."""
    count, sounding = own / others
    return [count, sounding / count, sounding]


def of_windows(windows: np.ndarray, quarter: int) -> list[float]:
    """Notes a window, their mean length in quarters, and voices, of planes [n, 2, steps, pitches]."""
    begins, sounds = windows[:, 0].sum(), windows.any(axis=1).sum()
    return [begins / len(windows), sounds / begins / quarter, sounds / len(windows) / windows.shape[2]]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", type=Path, required=True, help="the corpus that it was trained on")
    parser.add_argument("--songs", type=Path, nargs="+", required=True, help="the folders that the corpus was cut from")
    parser.add_argument("--number", type=int, default=12, help="songs of each source")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model, corpus = load(options.model), Corpus.open(options.data)
    print("| test songs of | onsets | notes | length | voices | middle: notes | length | voices | silent |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, files in test_songs(corpus, options.songs, options.seed).items():
        songs = long_enough(model, files, options.number)
        figures = [*reconstructed(model, songs), *interpolated(model, songs)]
        print(f"| {name} | {' | '.join(f'{figure:.3g}' for figure in figures)} |", flush=True)
    quarter = model.representation.steps_per_quarter
    some = np.random.default_rng(options.seed).permutation(len(corpus.test))[:2000]
    for name, windows in (
        ("test windows", corpus.test[np.sort(some)]),
        ("new clips", model.sampled_windows(CLIPS)),
    ):
        print(f"{name}: notes, length and voices {', '.join(f'{x:.2f}' for x in of_windows(windows, quarter))}")


if __name__ == "__main__":
    main()
