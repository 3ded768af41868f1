"""Fit again the prior, directions and reranker of a trained model; its weights are not changed.

    python scripts/refit.py melody-2bar --data CORPUS [--only reranker]
    python scripts/refit.py melody-2bar --data FOLDER... --melodies --corpus MELODIES --only prior
    python scripts/refit.py melody-2bar --data MELODIES --only reranker

The model is one that ships or a folder that training wrote; CORPUS is the data that it was trained on. The settings are
those of its preset today. Written into its folder are `prior.safetensors`, from which new clips are drawn, and its
settings in `config.json`; for music also `directions.safetensors`, along which a model is steered, and
`choice.safetensors`, which reranks new clips. `--only` fits one of the three; a new prior needs a new reranker.

A model of the top lines of all tracks samples accompaniments too; with `--melodies` prior and reranker are fitted to
the melody of each song alone, extracted from its files. `--corpus` keeps what was extracted, to fit the other one to,
and to compare new clips with: `python -m musicae.evaluate melody-2bar --data MELODIES --samples 1000`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicae.after_training import encoded, fit_directions, fit_prior, fit_reranker
from musicae.core import checkpoints
from musicae.core.model import Model
from musicae.core.priors import PRIOR
from musicae.datasets import Splits, open_data
from musicae.loading import build_network, find, load, of, read_preset, write_settings
from musicae.presets import PRESETS


def trained(folder: Path) -> Model:
    """The model in a folder, with the prior of its preset today, which need not be fitted yet."""
    preset = read_preset(folder)
    preset = replace(preset, prior=PRESETS[preset.name].prior) if preset.name in PRESETS else preset
    network = build_network(preset)
    checkpoints.read_weights(folder, network)
    return of(preset, network, folder=folder)


def refit_prior(model: Model, splits: Splits) -> str:
    """Fit the prior that the preset asks for and write it; a sentence with its likelihoods of codes."""
    if not model.preset.prior:
        (model.folder / PRIOR).unlink(missing_ok=True)
        return f"{model.name} draws from N(0, I)"
    fit_prior(model, splits.train, print)
    prior = model.prior
    if prior is None:
        return f"{model.name} draws from N(0, I)"
    codes = [encoded(model, part, 5000) for part in (splits.train, splits.validation)]
    train, validation = (float(np.mean(prior.log_prob(z))) for z in codes)
    size = (model.folder / PRIOR).stat().st_size / 1e3
    fitted = f"{len(prior.weights)} components in {len(prior.directions)} directions, {size:.0f} kB"
    return f"{model.folder / PRIOR}: {fitted}; nats a code: training {train:.2f}, validation {validation:.2f}"


def refit_directions(model: Model, splits: Splits) -> str:
    """Fit the directions of a model of music and write them; a sentence with their names."""
    if model.preset.musical:
        fit_directions(model, splits.train)
    names = model.directions.names if model.directions else ()
    return f"{model.name} can be steered by {', '.join(names) or 'nothing'}"


def refit_reranker(model: Model, splits: Splits) -> str:
    """Fit the reranker of a model of music and write it; a sentence with its attributes."""
    if model.preset.musical:
        fit_reranker(model, splits.train)
    names = model.reranker.names if model.preset.musical and model.reranker else ()
    return f"new clips of {model.name} are reranked by {', '.join(names) or 'nothing'}"


PARTS = {"prior": refit_prior, "directions": refit_directions, "reranker": refit_reranker}  # in this order


def main() -> None:
    """Load, fit, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", nargs="+", required=True, help="the corpus that it was trained on, or files")
    parser.add_argument("--only", choices=PARTS, help="fit only this one (default: all)")
    parser.add_argument("--melodies", action="store_true", help="use only the melody of each song of --data")
    parser.add_argument("--corpus", type=Path, help="where the windows of --data are kept (default: nowhere)")
    options = parser.parse_args()
    folder = find(options.model)
    model = load(folder) if options.only in ("directions", "reranker") else trained(folder)
    with TemporaryDirectory() as temporary:
        preset = replace(model.preset, track=None) if options.melodies else model.preset
        splits = open_data(preset, options.data, options.corpus or Path(temporary))
        for part in [options.only] if options.only else PARTS:
            print(PARTS[part](model, splits))
    write_settings(model.folder, model.preset)


if __name__ == "__main__":
    main()
