"""The small configurations of MusicVAE, trained for a given time: baselines for other models.

    python scripts/benchmark_musicvae.py --groove GROOVE --melody CORPUS --minutes 30   trains and measures
    python scripts/benchmark_musicvae.py --groove GROOVE --melody CORPUS --minutes 0    measures the existing runs

GROOVE is the Groove MIDI Dataset, whose own split is used; CORPUS a folder that training wrote
(runs/melody-2bar/corpus). Each model is trained on one thread for --minutes of processor time, in batches of 128; the
averaged weights are measured on the test part. Our own `groove-2bar` is not trained here: the one that ships is
measured, on scores and on taps. It keeps the hits of a score, so its errors of timing and velocity are over all hits,
those of the others over the hits that they reconstruct.

Teacher-forced accuracies, rates and distortions are of one draw of z. `score played` is the test data as a score: every
hit on the grid, at the mean velocity; a model that humanises should have smaller errors.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from benchmark_melody import train

from musicae.core.checkpoints import WEIGHTS
from musicae.core.evaluation import WAYS
from musicae.core.randomness import RandomSource
from musicae.datasets import Splits, open_data
from musicae.loading import load
from musicae.music.data.corpus import Corpus
from musicae.music.representations import Groove
from musicae.presets import PRESETS

NAMES = (
    "cat-mel_2bar_small",
    "cat-drums_2bar_small",
    "groovae_2bar_humanize",
    "groovae_2bar_tap_fixed_velocity",
    "groovae_2bar_add_closed_hh",
    "groove-2bar",
)
CORPORA = {"cat-drums_2bar_small": "drums", "groove-2bar": "groove_precise"}  # others: "groove"
BATCH = 256


@torch.no_grad()
def teacher_forced(model, splits: Splits) -> float:
    """Teacher-forced accuracy: the share of parts that are the most probable ones given the true steps before them."""
    shares = []
    for start in range(0, len(splits.test), BATCH):
        batch = splits.test.batch(np.arange(start, min(start + BATCH, len(splits.test))))
        random, corruption = RandomSource(0, start), model.preset.corruption
        corrupted = batch.x if corruption is None else corruption(batch.x, random)
        conditioned = model.network.conditioned_on(batch.condition)
        shares.append(conditioned.decode(conditioned.encode(corrupted).sample(random)).accuracy(batch.x))
    return float(torch.cat(shares).mean())


@torch.no_grad()
def decoded(model, splits: Splits, how: str) -> np.ndarray:
    """Decodes of the posterior means of the corrupted test windows."""
    windows = []
    for start in range(0, len(splits.test), BATCH):
        batch = splits.test.batch(np.arange(start, min(start + BATCH, len(splits.test))))
        random = RandomSource(0, start)
        conditioned = model.network.conditioned_on(batch.condition)
        posterior = conditioned.encode(model.preset.corruption(batch.x, random))
        windows.append(WAYS[how](conditioned.decode(posterior.mean), random).numpy())
    return model.representation.from_data(np.concatenate(windows))


def in_milliseconds(representation: Groove, corpus: Corpus, windows: np.ndarray) -> float:
    """The mean timing error of test windows in milliseconds, at each song's own tempo."""
    errors = hits = 0.0
    tempos = np.array(corpus.index["quarters_per_minute"])[corpus.songs["test"]]
    for tempo in np.unique(tempos):
        own = tempos == tempo
        steps, number = representation.extra_metrics(windows[own], corpus.test[own])["timing_error_steps"]
        errors += steps * 60_000 / (tempo * representation.steps_per_quarter)
        hits += number
    return errors / hits


def score_played(corpus: Corpus) -> np.ndarray:
    """The test windows on the grid, every hit with the mean velocity of the training part."""
    truth, loudness = corpus.test[:].copy(), corpus.train[:, 9:18][corpus.train[:, :9] > 0].mean()
    truth[:, 9:18], truth[:, 18:] = truth[:, :9] * loudness, 0
    return truth


def measured(folder: Path, splits: Splits, corpus: Corpus) -> dict:
    """Every figure of a run."""
    model = load(folder)
    figures = {"held_out": model.evaluate(splits.test), "teacher_forced": teacher_forced(model, splits)}
    figures["rate_bits"] = figures["held_out"]["rate"] / math.log(2)
    if isinstance(model.representation, Groove):
        decodes = {f"mean, {how}": decoded(model, splits, how) for how in WAYS} | {"score played": score_played(corpus)}
        figures["timing_error_ms_at_own_tempo"] = {
            name: in_milliseconds(model.representation, corpus, windows) for name, windows in decodes.items()
        }
        score = model.representation.extra_metrics(decodes["score played"], corpus.test)
        figures["velocity_error_of_a_score"] = float(np.divide(*score["velocity_error"]))
    return figures


def of_partial_inputs(corpus: Corpus, recurrent: Path) -> dict:
    """The errors of the groove model that ships on scores and on taps, decoded greedily.

    On scores also over those hits alone that a trained `groovae_2bar_humanize` reconstructs, and that model's errors.
    """
    model, truth = load("groove-2bar"), corpus.test[:].copy()
    figures = {}
    for setting in ("humanise", "tapify"):
        humanising = model.for_task(setting)
        windows = humanising.decode_windows(humanising.encode_windows(truth), known=truth)
        figures[setting] = errors(corpus, windows, truth)
        if setting == "humanise" and (recurrent / WEIGHTS).exists():
            theirs = load(recurrent)
            theirs = theirs.decode_windows(theirs.encode_windows(truth))
            windows[:, :9] *= theirs[:, :9]
            figures["humanise, the hits that the recurrent one reconstructs"] = errors(corpus, windows, truth)
            figures["the recurrent one on these"] = errors(corpus, theirs, truth)
    return figures


def errors(corpus: Corpus, windows: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The errors of windows."""
    kind = PRESETS["groove-2bar"].representation
    ratios = {name: float(np.divide(*ratio)) for name, ratio in kind.extra_metrics(windows, truth).items()}
    return ratios | {"timing_error_ms_at_own_tempo": in_milliseconds(kind, corpus, windows)}


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groove", type=Path, required=True, help="the Groove MIDI Dataset")
    parser.add_argument(
        "--melody", type=Path, help="a corpus of two-bar melodies; without it the melody model is left out"
    )
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="of processor time for each model; 0 to train none (default: 30)"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/benchmark_musicvae"),
        help="folder of the runs (default: runs/benchmark_musicvae)",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="only these models (default: all)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name in options.only:
        melody = name.startswith("cat-mel")
        if melody and not options.melody:
            continue
        corpus = options.melody if melody else options.runs / CORPORA.get(name, "groove")
        source = corpus if (corpus / "index.json").exists() else options.groove
        splits = open_data(PRESETS[name], [source], corpus, quiet=True)
        if name == "groove-2bar":
            results[name] = of_partial_inputs(Corpus.open(corpus), options.runs / "groovae_2bar_humanize")
            continue
        if options.minutes:
            train(name, corpus, options.runs / name, options.minutes)
        results[name] = measured(options.runs / name, splits, Corpus.open(corpus))
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
