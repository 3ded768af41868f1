"""How the accuracy on trios depends on the split of the songs, their number, and augmentation.

Trains `trio-16bar` several times, for the same few steps each, and prints the accuracy of every variant on windows
that it was trained on and on held-out songs: `[melody / bass / drums]`, of the posterior mean decoded greedily, and of
a draw from the posterior with every step drawn at temperature 1. A finished run is not trained again.

    python scripts/study_trios.py --trios FOLDER... --melodies CORPUS --drums CORPUS --runs FOLDER [--steps 1200]
        [--only "split 0" "plain" ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musicae.fitting import fit, resume
from musicae.loading import load
from musicae.music.data.corpus import Corpus, build
from musicae.music.data.windows import Windows
from musicae.overrides import changed
from musicae.presets import PRESETS

PARTS = ("melody", "bass", "drums")
TRAINING_WINDOWS = 400  # on which a model is measured
SHARES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Variant:
    """A variant of the training.

    Args:
        name: in the table.
        seed: of the split of the songs.
        songs: share of the training songs to use.
        mixtures: whether mixtures of parts are added (`scripts/mix_trios.py`).
        augmented: whether windows are transposed and augmented.
    """

    name: str
    seed: int = 0
    songs: float = 1.0
    mixtures: bool = True
    augmented: bool = True


VARIANTS = (
    *(Variant(f"split {seed}", seed) for seed in range(3)),
    Variant("half of the songs", songs=0.5),
    Variant("a quarter of the songs", songs=0.25),
    Variant("no mixtures", mixtures=False),
    Variant("plain", mixtures=False, augmented=False),
)


def corpus(variant: Variant, options: argparse.Namespace) -> Path:
    """The corpus of a variant, built if there is none."""
    trios = options.runs / f"trios_{variant.seed}"
    if not (trios / "index.json").exists():
        build(options.trios, PRESETS["trio-16bar"].representation, trios, seed=variant.seed, fractions=SHARES)
    if variant.songs < 1:
        trios = fewer(trios, variant.songs)
    if not variant.mixtures:
        return trios
    mixed = trios.with_name(f"{trios.name}_mixed")
    if not (mixed / "index.json").exists():
        mix = [sys.executable, Path(__file__).with_name("mix_trios.py"), trios, options.melodies, options.drums, mixed]
        subprocess.run(mix, check=True)
    return mixed


def fewer(folder: Path, share: float) -> Path:
    """A copy of a corpus with a share of its training songs, the same in every run."""
    import shutil

    out = folder.with_name(f"{folder.name}_{share:g}")
    if not (out / "index.json").exists():
        shutil.copytree(folder, out)
        songs = np.load(folder / "train_song.npy")
        names = np.random.default_rng(0).permutation(np.unique(songs))
        kept = np.isin(songs, names[: round(share * len(names))])
        np.save(out / "train_song.npy", songs[kept])
        np.save(out / "train.npy", np.load(folder / "train.npy")[kept])
    return out


def trained(variant: Variant, options: argparse.Namespace):
    """The model of a variant, and the corpus that it was trained on."""
    data, out = corpus(variant, options), options.runs / variant.name.replace(" ", "_")
    preset = changed(PRESETS["trio-16bar"], steps=options.steps)
    if not variant.augmented:
        preset = replace(preset, transpose=(0, 0), augmentations=())
    if (out / "metrics.json").exists():
        return load(out), Corpus.open(data)
    if (out / "state.pt").exists():
        return resume(preset, out, say=str), Corpus.open(data)
    return fit(preset, [data], out, say=str), Corpus.open(data)


def row(variant: Variant, options: argparse.Namespace) -> str:
    """The figures of a variant, as a row of a table."""
    model, data = trained(variant, options)
    real = np.flatnonzero(np.asarray(data.songs["train"]) >= 0)
    chosen = np.random.default_rng(0).permutation(real)[:TRAINING_WINDOWS]
    training = model.evaluate(Windows(np.asarray(data.train)[np.sort(chosen)], model.representation))
    held_out = model.metrics["held_out"]
    cells = [
        *(shares(one["mean"]["greedy"]) for one in (training, held_out)),
        shares(held_out["sample"]["temperature_1"]),
    ]
    songs = len(np.unique(np.asarray(data.songs["train"])[real]))
    return f"| {variant.name} | {songs} | {len(real):,} | {' | '.join(cells)} |"


def shares(ratios: dict) -> str:
    """Melody / bass / drums."""
    return " / ".join(f"{ratios[f'{part}_accuracy']:.3f}" for part in PARTS)


def main() -> None:
    """Train the missing runs, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trios", nargs="+", required=True, help="folders of MIDI files with melody, bass and drums")
    parser.add_argument("--melodies", type=Path, required=True, help="a corpus cut for melody-16bar")
    parser.add_argument("--drums", type=Path, required=True, help="a corpus cut for drums-2bar")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=1200, help="of each training (default: 1200)")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in VARIANTS], help="only these variants")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    settings = "training windows, mean and greedy | held out, mean and greedy | held out, sampled"
    print(f"| trained on | songs | windows | {settings} |")
    print("|---|---|---|---|---|---|", flush=True)
    for variant in VARIANTS:
        if not options.only or variant.name in options.only:
            print(row(variant, options), flush=True)


if __name__ == "__main__":
    main()
