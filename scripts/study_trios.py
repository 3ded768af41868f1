"""How far so few trios reach: three splits of the songs, less of them, and what augmentation gains.

Trains `trio-16bar` several times, for the same few steps each, and prints for every variant how much comes back of
windows that it has learnt from and of songs that it has not: `[melody / bass / drums]`, at the posterior mean and
greedily, and at a draw from the posterior with every step drawn at temperature 1. A variant whose run is there is not
trained again.

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
LEARNT = 400  # windows that a model has learnt from on which it is measured
SHARES = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Variant:
    """What is trained.

    Args:
        name: of the row.
        seed: of the split of the songs.
        songs: share of the songs to train on.
        mixtures: whether mixtures of parts are added (`scripts/mix_trios.py`).
        augmented: whether windows are transposed, exchanged and spliced.
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


def corpus(variant: Variant, given: argparse.Namespace) -> Path:
    """The folder of the windows of a variant, made if it is not there."""
    trios = given.runs / f"trios_{variant.seed}"
    if not (trios / "index.json").exists():
        build(given.trios, PRESETS["trio-16bar"].representation, trios, seed=variant.seed, fractions=SHARES)
    if variant.songs < 1:
        trios = fewer(trios, variant.songs)
    if not variant.mixtures:
        return trios
    mixed = trios.with_name(f"{trios.name}_mixed")
    if not (mixed / "index.json").exists():
        mix = [sys.executable, Path(__file__).with_name("mix_trios.py"), trios, given.melodies, given.drums, mixed]
        subprocess.run(mix, check=True)
    return mixed


def fewer(folder: Path, share: float) -> Path:
    """The corpus with a share of its training songs, drawn once."""
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


def trained(variant: Variant, given: argparse.Namespace):
    """The model of a variant, and the corpus that it learnt from."""
    data, out = corpus(variant, given), given.runs / variant.name.replace(" ", "_")
    preset = changed(PRESETS["trio-16bar"], steps=given.steps)
    if not variant.augmented:
        preset = replace(preset, transpose=(0, 0), augmentations=())
    if (out / "metrics.json").exists():
        return load(out), Corpus.open(data)
    if (out / "state.pt").exists():
        return resume(preset, out, say=str), Corpus.open(data)
    return fit(preset, [data], out, say=str), Corpus.open(data)


def row(variant: Variant, given: argparse.Namespace) -> str:
    """The figures of a variant, as a row of a table."""
    model, data = trained(variant, given)
    real = np.flatnonzero(np.asarray(data.songs["train"]) >= 0)
    chosen = np.random.default_rng(0).permutation(real)[:LEARNT]
    learnt = model.evaluate(Windows(np.asarray(data.train)[np.sort(chosen)], model.representation))
    held_out = model.metrics["held_out"]
    cells = [
        *(shares(one["mean"]["greedy"]) for one in (learnt, held_out)),
        shares(held_out["sample"]["temperature_1"]),
    ]
    songs = len(np.unique(np.asarray(data.songs["train"])[real]))
    return f"| {variant.name} | {songs} | {len(real):,} | {' | '.join(cells)} |"


def shares(ratios: dict) -> str:
    """Melody / bass / drums."""
    return " / ".join(f"{ratios[f'{part}_accuracy']:.3f}" for part in PARTS)


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trios", nargs="+", required=True, help="folders of MIDI files with melody, bass and drums")
    parser.add_argument("--melodies", type=Path, required=True, help="a corpus cut for melody-16bar")
    parser.add_argument("--drums", type=Path, required=True, help="a corpus cut for drums-2bar")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--only", nargs="+", choices=[one.name for one in VARIANTS])
    given = parser.parse_args()
    given.runs.mkdir(parents=True, exist_ok=True)
    ways = "learnt from, mean and greedy | held out, mean and greedy | held out, sampled"
    print(f"| trained on | songs | windows | {ways} |")
    print("|---|---|---|---|---|---|", flush=True)
    for variant in VARIANTS:
        if not given.only or variant.name in given.only:
            print(row(variant, given), flush=True)


if __name__ == "__main__":
    main()
