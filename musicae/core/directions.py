"""Directions in latent space along which named attributes of the data grow: to ask a model for more of one, or less.

The MusicVAE paper (Roberts et al. 2018) takes the mean code of the examples that have most of an attribute minus that
of those that have least. Attributes go together in the data, and so such a direction changes many at once. These are
fitted to all attributes at the same time: each is the change of the expected code when one grows and the others stay.

Some attributes grow in one direction for some examples and in another for others: what brings a melody in C into its
key takes one in F sharp out of it. Examples are then of several variants (keys), and each variant has its own vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicae.core.checkpoints import read_arrays, write_arrays
from musicae.errors import ConfigError

DIRECTIONS = "directions.safetensors"
RIDGE = 1e-3  # of the correlations between attributes: keeps apart two that are nearly the same
ROUNDS = 7  # of calibration
WEAKEST = 0.5  # spreads that 1.0 along a calibrated direction must reach for it to be kept
Values = dict[str, np.ndarray]  # attributes by name, each [n]
Respond = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Directions:
    """Attributes by name, and where each grows.

    Args:
        names: of the attributes.
        vectors: float32 `[attributes, variants, latent]`; adding that of its variant to a code makes the attribute grow
            by one spread.
        spreads: the standard deviation of each attribute over songs, in its own unit, `[attributes]`.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    spreads: np.ndarray

    def shift(self, amounts: Mapping[str, float], variant: np.ndarray | int = 0) -> np.ndarray:
        """What to add to codes, float32 `[*variant.shape, latent]`, for so many spreads of each attribute.

        Args:
            amounts: how many of each; negative for less.
            variant: of which variant each code is.

        Raises:
            ConfigError: an attribute that there is no direction for, or an amount that is not a number.
        """
        total = np.zeros((*np.shape(variant), self.vectors.shape[-1]), np.float32)
        for name, amount in amounts.items():
            if name not in self.names:
                raise ConfigError.unknown("attribute", name, self.names)
            if not np.isfinite(amount):
                raise ConfigError(f"{name} {amount}: give a number of spreads, e.g. 1.5")
            total += np.float32(amount) * of_variant(self.vectors[self.names.index(name)], variant)
        return total

    def deviation(self, name: str) -> float:
        """The standard deviation of an attribute, in its own unit."""
        return float(self.spreads[self.names.index(name)])

    def keep(self, names: tuple[str, ...]) -> Directions:
        """Only those of some attributes."""
        places = [self.names.index(name) for name in names]
        return Directions(tuple(names), self.vectors[places], self.spreads[places])

    def save(self, folder: Path) -> None:
        """Write them into a model folder, in float16."""
        arrays = {"vectors": self.vectors.astype(np.float16), "spreads": self.spreads.astype(np.float32)}
        write_arrays(folder / DIRECTIONS, arrays, self.names)

    @classmethod
    def load(cls, folder: Path, latent: int) -> Directions | None:
        """Read them from the folder of a model with so many latent dimensions; None where there are none.

        Raises:
            CheckpointError: they are damaged, or of another model.
        """
        shapes = {"vectors": ("names", "variants", "latent"), "spreads": ("names",)}
        found = read_arrays(folder / DIRECTIONS, shapes, {"latent": latent})
        return found and cls(found[0], found[1]["vectors"].astype(np.float32), found[1]["spreads"])


def of_variant(vectors: np.ndarray, variant: np.ndarray | int) -> np.ndarray:
    """The vector of each variant, `[*variant.shape, latent]`, of `[variants, latent]`; where there is one, that."""
    return vectors[np.asarray(variant) % len(vectors)]


def fit(codes: np.ndarray, values: Values) -> Directions:
    """Directions for the attributes of codes `[n, latent]`, each of `values` `[n]`, nan where it is undefined, or
    `[n, variants]`: what it would be if the example were of each variant.

    With standardised attributes a and codes z, `vectors = Cov(a, a)⁻¹ Cov(a, z)`: the least squares of z on all of a
    together, for each variant. Left out are attributes that fewer than half of the codes have, codes that lack one of
    the others, and attributes that do not vary over the rest.

    Raises:
        ConfigError: nothing is left.
    """
    columns = {name: column.reshape(len(codes), -1) for name, column in values.items()}
    there = {name: np.isfinite(column).all(1) for name, column in columns.items()}
    common = [name for name in columns if 2 * there[name].sum() >= len(codes)]
    defined = np.all([np.ones(len(codes), bool), *(there[name] for name in common)], 0)
    varied = {name: columns[name][defined] for name in common if (columns[name][defined].std(0) > 0).all()}
    if not varied:
        raise ConfigError(f"no attribute varies over {defined.sum()} codes: there is nothing to fit directions to")
    a = np.stack(np.broadcast_arrays(*varied.values()), 2).astype(np.float64)  # [n, variants, attributes]
    spreads, z = a.std(0), codes[defined].astype(np.float64)
    a, z = (a - a.mean(0)) / spreads, z - z.mean(0)
    vectors = np.stack([_least_squares(of_one, z) for of_one in a.swapaxes(0, 1)], 1)
    return Directions(tuple(varied), vectors.astype(np.float32), spreads.mean(0))


def _least_squares(a: np.ndarray, z: np.ndarray) -> np.ndarray:
    """`Cov(a, a)⁻¹ Cov(a, z)` of standardised attributes `[n, attributes]` and centred codes `[n, latent]`."""
    correlations = a.T @ a / len(a) + RIDGE * np.eye(a.shape[1])
    return np.linalg.solve(correlations, a.T @ z / len(a))


def calibrated(directions: Directions, respond: Respond, longest: float) -> Directions:
    """The same directions, each so long that its attribute grows by one spread in what the model decodes.

    A fitted direction says how codes differ, which is not what a decoder makes of a move: it rounds small moves off.
    Those that do not move their attribute, however far they are followed, are left out.

    Args:
        directions: to calibrate.
        respond: from a shift of the codes of each variant, `[variants, latent]`, to the mean change of each attribute,
            in spreads, `[attributes]`.
        longest: the length that no direction is followed beyond: about that of a code.
    """
    vectors = [_calibrated(one, respond, i, longest) for i, one in enumerate(directions.vectors)]
    able = tuple(name for name, vector in zip(directions.names, vectors, strict=True) if vector is not None)
    kept = np.stack(
        [np.zeros_like(one) if v is None else v for one, v in zip(directions.vectors, vectors, strict=True)]
    )
    return Directions(directions.names, kept, directions.spreads).keep(able)


def _calibrated(vectors: np.ndarray, respond: Respond, own: int, longest: float) -> np.ndarray | None:
    """The vectors of an attribute `[variants, latent]` scaled until it grows by one spread; None if it does not."""
    unit = vectors / max(float(np.linalg.norm(vectors, axis=1).mean()), 1e-12)
    too_short, too_long, length = 0.0, np.inf, longest / 3
    for _ in range(ROUNDS):
        if respond(unit * length)[own] < 1:
            too_short = length
        else:
            too_long = length
        length = min((too_short + too_long) / 2, 2 * length, longest)
    return unit * length if respond(unit * length)[own] >= WEAKEST else None
