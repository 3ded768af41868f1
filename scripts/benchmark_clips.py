"""New clips beside held-out music: are they music, are they new, are they as different from each other as songs are?

    python scripts/benchmark_clips.py melody-2bar --data MELODIES [--samples 1000] [--part validation]

MELODIES is a corpus; of the melody of each song alone, for a model whose new clips are melodies, as
`scripts/refit.py --melodies --corpus MELODIES` keeps it. Windows of fewer than four notes are left out: no clip is one.

A column each: clips as `python -m musicae.sample` makes them, the windows of one part of the corpus, and as many of its
training part. Printed are:

* `leaps`, `leaps_octave`, `repeated_notes`: the shares of intervals over 7, over 12 semitones, of 0;
* the means of some attributes and traits; the fewest notes of any window, their mean and standard deviation;
* `distinct`: the share that is not, but for its key, as another one;
* `copies`: the share that is, but for its key, a training window;
* `nearest`: the share of the steps that differ from the nearest training window, the median of 200;
* `coverage`: the share of the steps in which held-out windows differ from the nearest clip (training window, of as many
  as there are clips), the mean of 200: smaller is better, and farther than training windows is less diverse;
* `distinguished`: the accuracy of gradient boosting on all attributes and traits, against the windows of the part,
  cross-validated by song; of the windows themselves, of one half of their songs against the other: the floor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from classifier_test import accuracy, floor

from musicae.loading import load
from musicae.music.analysis.attributes import intervals
from musicae.music.analysis.note_table import Notes
from musicae.music.analysis.similarity import nearest
from musicae.music.analysis.traits import measure, note_counts
from musicae.music.data.corpus import Corpus, keyless_hashes
from musicae.music.latent.reranking import FEWEST_NOTES, with_notes
from musicae.music.model import MusicModel
from musicae.music.options import Decoding
from musicae.music.representations import Representation

MEANS = ("scale_consistency", "interval", "pitch_range", "note_length", "repeated_bars", "repeated_rhythms")
DISTANCES = 200  # windows whose nearest neighbour is looked for
KNOWN = 20_000  # training windows among which it is looked for


def of_lines(representation: Representation, windows: np.ndarray) -> dict[str, float]:
    """Shares of intervals, numbers of notes, means of attributes and traits."""
    wide = np.abs(intervals(Notes.of(representation, windows))[1])
    counts, found = note_counts(representation, windows), measure(representation, windows)
    return {
        "leaps": float((wide > 7).mean()),
        "leaps_octave": float((wide > 12).mean()),
        "repeated_notes": float((wide == 0).mean()),
        **{name: float(np.nanmean(found[name])) for name in MEANS if name in found},
        "fewest_notes": int(counts.min()),
        "notes": float(counts.mean()),
        "notes_deviation": float(counts.std()),
    }


def of_novelty(representation: Representation, windows: np.ndarray, known: np.ndarray, own: bool) -> dict[str, float]:
    """How many are the same, are known, and how far they lie from what is known; `own`: they are among it."""
    hashes = keyless_hashes(windows, representation)
    figures = {"distinct": len(np.unique(hashes)) / len(hashes)}
    if own:
        return figures
    figures["copies"] = float(np.isin(hashes, keyless_hashes(known, representation)).mean())
    return figures | {"nearest": float(np.median(nearest(representation, windows[:DISTANCES], known[:KNOWN])))}


def statistics(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """All attributes and traits, `[n, names]`."""
    return np.stack(list(measure(representation, windows).values()), 1)


def grouped(values: np.ndarray, groups: np.ndarray) -> tuple[list[np.ndarray], list[int]]:
    """The rows of each group, and its number."""
    numbers = np.unique(groups)
    return [values[groups == one] for one in numbers], numbers.tolist()


def figures(model: MusicModel, corpus: Corpus, part: str, samples: int, seed: int) -> dict[str, dict[str, float]]:
    """The figures by column and name."""
    kind, random = model.representation, np.random.default_rng(seed)
    clips = model.sampled_windows(samples, decoding=Decoding(seed=seed))
    enough = note_counts(kind, corpus.windows[part]) >= FEWEST_NOTES
    held_out, songs = corpus.windows[part][enough], corpus.songs[part][enough]
    train = with_notes(kind, np.asarray(corpus.train))
    train = train[random.permutation(len(train))]
    some = held_out[random.permutation(len(held_out))[:DISTANCES]]
    values, numbers = grouped(statistics(kind, held_out), songs)
    none = np.zeros((1, 2), np.int64)
    alone = [row[None] for row in statistics(kind, clips)]
    columns = {"clips": clips, part: held_out, "train": train[:samples]}
    found = {name: of_lines(kind, one) | of_novelty(kind, one, train, name == "train") for name, one in columns.items()}
    for name in ("clips", "train"):
        found[name]["coverage"] = float(nearest(kind, some, columns[name]).mean())
    apart = range(max(numbers) + 1, max(numbers) + 1 + samples)
    found["clips"]["distinguished"] = accuracy(values, numbers, alone, list(apart), none, seed)
    found[part]["distinguished"] = floor(values, numbers, none, seed)
    return found


def table(found: dict[str, dict[str, float]]) -> list[str]:
    """The figures as lines of Markdown."""

    def write(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}".replace(".000", "")

    lines = [f"| | {' | '.join(found)} |", "|---|" + "---|" * len(found)]
    names = next(iter(found.values()))
    return lines + [f"| {name} | {' | '.join(write(one.get(name)) for one in found.values())} |" for name in names]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", type=Path, required=True, help="a corpus")
    parser.add_argument("--part", choices=("validation", "test"), default="test", help="which part (default: test)")
    parser.add_argument("--samples", type=int, default=1000, help="how many clips (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the clips and all that is drawn (default: 0)")
    options = parser.parse_args()
    found = figures(load(options.model), Corpus.open(options.data), options.part, options.samples, options.seed)
    print(*table(found), sep="\n")


if __name__ == "__main__":
    main()
