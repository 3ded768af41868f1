"""Reconstruction accuracy by source of held-out songs, and of the melody of each song alone.

    python scripts/benchmark_sources.py pianoroll-2bar --data CORPUS
    python scripts/benchmark_sources.py melody-16bar --data CORPUS --songs FOLDER...

CORPUS is the data that the model was trained on (runs/NAME/corpus); its test part is measured source by source. With
--songs, the folders that it was cut from, these are cut again, of each song only the track that is taken when none is
named; windows that occur in the training part of CORPUS, in any key, are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicae.loading import load
from musicae.music.data.corpus import Corpus, build, keyless_hashes
from musicae.music.data.windows import Windows

SETTINGS = (("mean", "greedy"), ("sample", "temperature_1"))


def row(model, name: str, windows: np.ndarray) -> str:
    """The figures of some windows, as a row of a table."""
    figures = model.evaluate(Windows(windows, model.representation))
    cells = [f"{figures[z][how][ratio]:.3f}" for z, how in SETTINGS for ratio in ("step_accuracy", "onset_f1")]
    return f"| {name} | {len(windows):,} | {' | '.join(cells)} |"


def by_source(corpus: Corpus) -> dict[str, np.ndarray]:
    """The test windows of each source, and of all."""
    source = np.array([_source(name, corpus.index["sources"]) for name in corpus.index["songs"]])
    own = source[corpus.songs["test"]]
    return {name: corpus.test[own == name] for name in np.unique(own)} | {"all": corpus.test[:].copy()}


def _source(song: str, sources: list[str]) -> str:
    return next(source for source in sorted(sources, key=len, reverse=True) if song.startswith(f"{source}/"))


def melodies(songs: list[Path], corpus: Corpus, representation) -> np.ndarray:
    """The test windows of each song's track that is taken when none is named."""
    with TemporaryDirectory() as folder:
        alone = build(songs, representation, folder, seed=corpus.index["seed"]).test[:].copy()
    known = keyless_hashes(corpus.train, representation)
    return alone[~np.isin(keyless_hashes(alone, representation), known)]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", type=Path, required=True, help="the corpus that it was trained on")
    parser.add_argument("--songs", type=Path, nargs="+", help="the folders that the corpus was cut from")
    options = parser.parse_args()
    model, corpus = load(options.model), Corpus.open(options.data)
    parts = by_source(corpus)
    if options.songs:
        parts = {"melody of each song": melodies(options.songs, corpus, model.representation)}
    print("| test windows of | number | steps: mean, greedy | onsets | steps: sampled, temperature 1 | onsets |")
    print("|---|---|---|---|---|---|")
    for name, windows in parts.items():
        print(row(model, name, windows), flush=True)


if __name__ == "__main__":
    main()
