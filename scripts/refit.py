"""Fit again what is fitted to a model's codes after training; its weights stay.

    python scripts/refit.py melody-2bar --data CORPUS [--only choice]
    python scripts/refit.py melody-16bar --data FOLDER... --melodies --only prior

The model is one that ships or a folder that training wrote; CORPUS is what it was trained on. The settings are what
its preset says today. Written into its folder: `prior.safetensors`, from which new clips are drawn, and its settings in
`config.json`; of music also `directions.safetensors`, along which it is steered, and `choice.safetensors`, which
chooses among new clips. `--only` fits one of the three; a prior that is fitted again asks for a choice that is.

A model of the top lines of all tracks makes up accompaniments too; with `--melodies` prior and choice are fitted to the
melody of each song alone, cut from its files.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicae.after_training import encoded, fit_directions, fit_reranker, fitted_prior
from musicae.core import checkpoints
from musicae.core.model import Model
from musicae.core.priors import PRIOR
from musicae.datasets import Splits, open_data
from musicae.loading import build_network, find, load, of, read_preset, write_settings
from musicae.presets import PRESETS


def trained(folder: Path) -> Model:
    """The model in a folder, with what its preset says today of what is fitted afterwards; that need not be there."""
    preset = read_preset(folder)
    preset = replace(preset, prior=PRESETS[preset.name].prior) if preset.name in PRESETS else preset
    network = build_network(preset)
    checkpoints.read_weights(folder, network)
    return of(preset, network, folder=folder)


def refit_prior(model: Model, splits: Splits) -> str:
    """Fit the prior that the preset asks for and write it; a sentence on what held-out codes say of it."""
    if not model.preset.prior:
        (model.folder / PRIOR).unlink(missing_ok=True)
        return f"{model.name} draws from N(0, I)"
    prior = fitted_prior(model, splits.train)
    prior.save(model.folder)
    codes = [encoded(model, part, 5000) for part in (splits.train, splits.validation)]
    train, validation = (float(np.mean(prior.log_prob(z))) for z in codes)
    size = (model.folder / PRIOR).stat().st_size / 1e3
    fitted = f"{len(prior.weights)} components in {len(prior.directions)} directions, {size:.0f} kB"
    return f"{model.folder / PRIOR}: {fitted}; nats a code: training {train:.2f}, validation {validation:.2f}"


def refit_directions(model: Model, splits: Splits) -> str:
    """Fit the directions of a model of music and write them; a sentence on which there are."""
    if model.preset.musical:
        fit_directions(model, splits.train)
    names = model.directions.names if model.directions else ()
    return f"{model.name} can be steered by {', '.join(names) or 'nothing'}"


def refit_choice(model: Model, splits: Splits) -> str:
    """Fit what chooses among the new clips of a model of music and write it; a sentence on what it goes by."""
    if model.preset.musical:
        fit_reranker(model, splits.train)
    names = model.reranker.names if model.preset.musical and model.reranker else ()
    return f"new clips of {model.name} are chosen by {', '.join(names) or 'nothing'}"


PARTS = {"prior": refit_prior, "directions": refit_directions, "choice": refit_choice}  # in this order


def main() -> None:
    """Read, fit, write, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", nargs="+", required=True, help="the corpus that it was trained on, or files")
    parser.add_argument("--only", choices=PARTS, help="which is fitted; all of them if left out")
    parser.add_argument("--melodies", action="store_true", help="of each song of --data the melody alone")
    options = parser.parse_args()
    folder = find(options.model)
    model = load(folder) if options.only in ("directions", "choice") else trained(folder)
    with TemporaryDirectory() as temporary:
        preset = replace(model.preset, track=None) if options.melodies else model.preset
        splits = open_data(preset, options.data, Path(temporary))
        for part in [options.only] if options.only else PARTS:
            print(PARTS[part](model, splits))
    write_settings(model.folder, model.preset)


if __name__ == "__main__":
    main()
