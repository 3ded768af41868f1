"""Train a model a little further, on more data than before: a small learning rate, the weight of the rate as it was.

    python scripts/finetune.py MODEL --data FOLDER... --out runs/NAME --steps 500

`musicae.train --init` begins with no weight on the rate, as a new model does, and is made for longer runs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from musicae.core.schedules import Constant, WarmupCosine
from musicae.fitting import fit
from musicae.loading import find, read_preset
from musicae.presets import Preset

PEAK = 2.5e-4  # of the learning rate; at 4e-4 and above the figures fell first
AVERAGE = 0.99  # of the weights: over the last hundred steps


def settings(preset: Preset, steps: int) -> Preset:
    """The preset of a trained model, to be trained so many steps further."""
    rate = WarmupCosine(PEAK, PEAK / 100, 25, steps)
    changed = {"steps": steps, "learning_rate": rate, "average": AVERAGE, "validate_every": 125}
    beta = Constant(preset.objective.beta(preset.training.steps))
    objective = replace(preset.objective, beta=beta)
    return replace(preset, training=replace(preset.training, **changed), objective=objective)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", nargs="+", required=True, help="folders of music, or a corpus")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    fit(settings(read_preset(find(options.model)), options.steps), options.data, options.out, init=options.model)


if __name__ == "__main__":
    main()
