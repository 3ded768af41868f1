"""The effect of each attribute direction on every attribute, on held-out windows: the figure of the MusicVAE paper.

    python scripts/benchmark_directions.py melody-2bar --data CORPUS

Codes of windows are moved by +1.0 and -1.0 along each direction and decoded greedily. Printed are half the difference
of the mean attributes, in standard deviations over the windows, a row for each direction; the number of directions that
change their own attribute most; and the share of the steps that do not change.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from musicae.datasets import open_data
from musicae.errors import ConfigError
from musicae.loading import load
from musicae.music.latent.steering import Effects, effects


def table(found: Effects) -> str:
    """The matrix as a table of Markdown, the strongest change of each direction in bold."""
    head = ["more", *(name.replace("_", " ") for name in found.attributes), "steps kept"]
    rows = [
        [name.replace("_", " "), *_cells(changes), f"{kept:.2f}"]
        for name, changes, kept in zip(found.names, found.changes, found.kept, strict=True)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _cells(changes: np.ndarray) -> list[str]:
    strongest = np.abs(changes).argmax()
    return [f"**{change:+.2f}**" if i == strongest else f"{change:+.2f}" for i, change in enumerate(changes)]


def summary(found: Effects) -> str:
    """In a sentence, how far directions change their own attributes rather than others."""
    own = np.array([found.attributes.index(name) for name in found.names])
    size = np.abs(found.changes)
    rows = np.arange(len(own))
    others = (size.sum(1) - size[rows, own]) / (size.shape[1] - 1)
    first = int((size.argmax(1) == own).sum())
    changed = f"it by {found.changes[rows, own].mean():.2f}, each other one by {others.mean():.2f} on average"
    return (
        f"{first} of {len(own)} directions change their own attribute most; {changed}; "
        f"{found.kept.mean():.0%} of the steps do not change"
    )


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", nargs="+", required=True, help="the corpus that it was trained on, or files")
    parser.add_argument("--part", default="test", choices=("validation", "test"), help="of the data (default: test)")
    parser.add_argument("--windows", type=int, default=500, help="to measure on (default: 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of windows")
    options = parser.parse_args()
    model = load(options.model)
    if model.directions is None:
        raise ConfigError(f"{model.name} has no directions: fit them with python scripts/refit.py")
    with TemporaryDirectory() as temporary:
        windows = getattr(open_data(model.preset, options.data, Path(temporary)), options.part).array
        chosen = np.random.default_rng(options.seed).permutation(len(windows))[: options.windows]
        found = effects(model, np.asarray(windows[np.sort(chosen)]), model.directions)
    print(f"{len(chosen):,} windows of {options.part}\n\n{table(found)}\n\n{summary(found)}")


if __name__ == "__main__":
    main()
