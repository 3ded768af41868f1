"""Interpolations between windows of music: the test of the MusicVAE paper (Roberts et al. 2018), for several paths.

    python scripts/benchmark_interpolation.py melody-2bar --data CORPUS --pairs 1000

Pairs of held-out windows are drawn at random, and eleven positions between the two are decoded greedily. Printed for
each path through latent space:

* the distance to the first end at each position: the share of the steps that differ (normalised Hamming distance);
* `monotone`: the share of changes that lead away from the first end and toward the other, or keep the distance;
* `evenness`: the largest change between positions over the mean one, the median over the pairs; 1 is perfectly even;
* the means of the attributes at the midpoint, and of the ends (musicae.music.analysis.attributes).

For comparison the two windows are also mixed without a model, each step taken from the second with probability t.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from musicae.core.geometry import lerp, slerp
from musicae.core.priors import FittedMixture
from musicae.datasets import open_data
from musicae.loading import load
from musicae.music.analysis.attributes import measure
from musicae.music.latent.interpolation import latents_at, snap_to_key
from musicae.music.model import MusicModel

POSITIONS = np.linspace(0, 1, 11, dtype=np.float32)
LEAST = 4  # onsets of the windows that are used


def paths(model: MusicModel) -> dict[str, Callable]:
    """Functions of two ends `[pairs, latent]` and positions that return `[positions, pairs, latent]`, by name."""
    found = {"straight": lerp, "great circle": slerp, "as interpolate does": partial(of_model, model)}
    if model.prior:
        found["great circle where the fitted prior is round"] = partial(in_coordinates, model.prior)
    return found


def of_model(model: MusicModel, a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The path of `interpolate`, for each pair alone."""
    pairs = zip(a.split(1), b.split(1), strict=True)
    return torch.from_numpy(
        np.concatenate([snap_to_key(model, latents_at(model, *pair, t).numpy()) for pair in pairs], 1)
    )


def in_coordinates(prior: FittedMixture, a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A great circle in the coordinates in which codes have unit covariance, a straight line in other dimensions."""
    ya, yb = (torch.from_numpy(prior.coordinates(end.numpy())) for end in (a, b))
    rests = (end - torch.from_numpy(prior.codes(y.numpy())) for end, y in ((a, ya), (b, yb)))
    return torch.from_numpy(prior.codes(slerp(ya, yb, t).numpy())) + lerp(*rests, t)


def chosen(model: MusicModel, windows: np.ndarray, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of `pairs` random windows, none of them nearly silent."""
    order = np.random.default_rng(seed).permutation(len(windows))[: 8 * pairs]
    drawn = np.asarray(windows[np.sort(order)])[np.argsort(np.argsort(order))]
    onsets = model.representation.onsets(drawn).reshape(len(drawn), -1).sum(1)
    drawn = drawn[onsets >= LEAST]
    return drawn[:pairs], drawn[pairs : 2 * pairs][:pairs]


def decoded(model: MusicModel, interpolate: Callable, ends: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The decodes between ends `[pairs, latent]`: windows `[positions, pairs, *shape]`."""
    z = interpolate(*map(torch.from_numpy, ends), torch.from_numpy(POSITIONS)).numpy()
    windows = model.decode_windows(z.reshape(-1, z.shape[-1]))
    return windows.reshape(len(POSITIONS), len(ends[0]), *model.representation.shape)


def mixed(first: np.ndarray, second: np.ndarray, seed: int) -> np.ndarray:
    """Two windows `[pairs, ..., steps]` mixed step by step, `[positions, pairs, ..., steps]`."""
    chance = np.random.default_rng(seed).random((len(POSITIONS), len(first), first.shape[-1]))
    later = (chance < POSITIONS[:, None, None]).reshape(*chance.shape[:2], *[1] * (first.ndim - 2), -1)
    return np.where(later, second, first)


def differing(model: MusicModel, windows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of the steps that differ, `[positions, pairs]`, of windows `[positions, pairs, *shape]`."""
    both = (array.reshape(-1, *model.representation.shape) for array in np.broadcast_arrays(windows, others))
    return 1 - model.representation.step_matches(*both).mean(1).reshape(windows.shape[:2])


def figures(model: MusicModel, windows: np.ndarray) -> dict:
    """Distances along decodes `[positions, pairs, *shape]`, and the attributes of their midpoints."""
    to_first, to_last = differing(model, windows, windows[:1]), differing(model, windows, windows[-1:])
    changes = differing(model, windows[1:], windows[:-1])
    moving = changes.sum(0) > 0
    forward = np.stack([np.diff(to_first, axis=0) >= -1e-9, np.diff(to_last, axis=0) <= 1e-9])
    return {
        "distance": to_first.mean(1),
        "monotone": float(forward.mean()),
        "evenness": float(np.median((changes.max(0) / np.maximum(changes.mean(0), 1e-9))[moving])),
        "middle": {name: np.nanmean(values) for name, values in _attributes(model, windows[len(windows) // 2]).items()},
    }


def _attributes(model: MusicModel, windows: np.ndarray) -> dict[str, np.ndarray]:
    return measure(model.representation, windows)


def described(name: str, found: dict) -> list[str]:
    """The figures as lines of text."""
    distances = " ".join(f"{d:.3f}" for d in found["distance"])
    return [
        name,
        f"  distance to the first end: {distances}",
        f"  monotone {found['monotone']:.3f}, evenness {found['evenness']:.2f}",
        "  midpoints: " + ", ".join(f"{key} {value:.3f}" for key, value in found["middle"].items()),
    ]


def main() -> None:
    """Encode, decode along every path, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--data", nargs="+", required=True, help="a corpus that training wrote, or files")
    parser.add_argument("--part", choices=("validation", "test"), default="test", help="of the corpus (default: test)")
    parser.add_argument("--pairs", type=int, default=1000, help="of windows (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs and of the mixing")
    options = parser.parse_args()
    model = load(options.model)
    with TemporaryDirectory() as folder:
        windows = getattr(open_data(model.preset, options.data, Path(folder), held_out=True), options.part).array
        pair = chosen(model, windows, options.pairs, options.seed)
    print(f"{len(pair[1])} pairs of the {options.part} part")
    for name, values in _attributes(model, np.concatenate(pair)).items():
        low, high = np.nanquantile(values, [0.05, 0.95])
        print(f"  ends: {name} {np.nanmean(values):.3f}, 90% between {low:.3f} and {high:.3f}")
    codes = tuple(model.encode_windows(windows) for windows in pair)
    for name, one in paths(model).items():
        print("\n".join(described(name, figures(model, decoded(model, one, codes)))), flush=True)
    print("\n".join(described("mixed without a model", figures(model, mixed(*pair, options.seed)))))


if __name__ == "__main__":
    main()
