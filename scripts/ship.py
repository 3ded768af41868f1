"""Add a trained model to those that ship: its weights in float16, and the figures of these on held-out data.

python scripts/ship.py runs/melody-2bar
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from musicae.after_training import figures
from musicae.core import checkpoints
from musicae.datasets import CORPUS, open_data
from musicae.fitting import SOURCES
from musicae.loading import load, write_settings

PRETRAINED = Path(__file__).parents[1] / "musicae" / "pretrained"  # of this checkout, wherever the package is installed


def ship(run: Path) -> Path:
    """Write the model in `run` to the folder of those that ship, and measure it."""
    trained = load(run)
    folder = PRETRAINED / trained.name
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder, trained.preset)
    checkpoints.write_weights(folder, trained.network, torch.float16)
    for fitted in (trained.prior, trained.directions, trained.reranker if trained.preset.musical else None):
        if fitted:
            fitted.save(folder)
    splits = open_data(trained.preset, [run / CORPUS], run / CORPUS)
    measured = figures(load(folder), splits)
    checkpoints.write_json(folder, checkpoints.METRICS, measured | {"trained": taken(run)})
    return folder


def taken(run: Path) -> dict[str, int]:
    """The steps and seconds of a run and of the runs that it was initialised from."""
    own = checkpoints.read_json(run, checkpoints.METRICS).get("trained", {})
    begun = checkpoints.read_json(run, SOURCES).get("init") if (run / SOURCES).exists() else None
    before = taken(Path(begun)) if begun and (Path(begun) / checkpoints.METRICS).exists() else {}
    return {name: own.get(name, 0) + before.get(name, 0) for name in own | before}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that training wrote")
    print(f"shipped {ship(parser.parse_args().run)}")
