"""Directions in latent space along which named attributes of the data grow: to ask a model for more of one, or less.

The MusicVAE paper (Roberts et al. 2018) takes the mean code of the examples that have most of an attribute minus that
of those that have least. Attributes go together in the data, and so such a direction changes many at once. These are
fitted to all attributes at the same time: each is the change of the expected code when one grows and the others stay.
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
ROUNDS = 5  # of calibration
WEAKEST = 0.5  # spreads that 1.0 along a calibrated direction must reach for it to be kept
Values = dict[str, np.ndarray]
Respond = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Directions:
    """Attributes by name, and where each grows.

    Args:
        names: of the attributes.
        vectors: float32 `[attributes, latent]`; adding one to a code makes its attribute grow by one spread.
        spreads: the standard deviation of each attribute over the data, in its own unit, `[attributes]`.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    spreads: np.ndarray

    def shift(self, amounts: Mapping[str, float]) -> np.ndarray:
        """What to add to a code, float32 `[latent]`, for so many spreads of each attribute; negative for less.

        Raises:
            ConfigError: an attribute that there is no direction for, or an amount that is not a number.
        """
        total = np.zeros(self.vectors.shape[1], np.float32)
        for name, amount in amounts.items():
            if name not in self.names:
                raise ConfigError.unknown("attribute", name, self.names)
            if not np.isfinite(amount):
                raise ConfigError(f"{name} {amount}: give a number of spreads, e.g. 1.5")
            total += np.float32(amount) * self.vectors[self.names.index(name)]
        return total

    def keep(self, names: tuple[str, ...]) -> Directions:
        """Only those of some attributes."""
        places = [self.names.index(name) for name in names]
        return Directions(tuple(names), self.vectors[places], self.spreads[places])

    def save(self, folder: Path) -> None:
        """Write them into a model folder, in float16."""
        arrays = {"vectors": self.vectors.astype(np.float16), "spreads": self.spreads.astype(np.float32)}
        write_arrays(folder / DIRECTIONS, arrays, self.names)

    @classmethod
    def load(cls, folder: Path) -> Directions | None:
        """Read them from a model folder; None where there are none.

        Raises:
            CheckpointError: they are damaged.
        """
        found = read_arrays(folder / DIRECTIONS)
        return found and cls(found[0], found[1]["vectors"].astype(np.float32), found[1]["spreads"])


def fit(codes: np.ndarray, values: Values) -> Directions:
    """Directions for the attributes of codes `[n, latent]`, each of `values` `[n]`, nan where it is undefined.

    With standardised attributes a and codes z, `vectors = Cov(a, a)⁻¹ Cov(a, z)`: the least squares of z on all of a
    together. Left out are attributes that fewer than half of the codes have, codes that lack one of the others, and
    attributes that do not vary over the rest.

    Raises:
        ConfigError: nothing is left.
    """
    common = {name: column for name, column in values.items() if 2 * np.isfinite(column).sum() >= len(column)}
    defined = np.isfinite(np.stack([*common.values(), np.zeros(len(codes))])).all(0)
    varied = {name: column[defined] for name, column in common.items() if np.unique(column[defined]).size > 1}
    if not varied:
        raise ConfigError(f"no attribute varies over {defined.sum()} codes: there is nothing to fit directions to")
    columns, z = np.stack(list(varied.values()), 1).astype(np.float64), codes[defined].astype(np.float64)
    spreads = columns.std(0)
    a = (columns - columns.mean(0)) / spreads
    correlations = a.T @ a / len(a) + RIDGE * np.eye(len(spreads))
    vectors = np.linalg.solve(correlations, a.T @ (z - z.mean(0)) / len(a))
    return Directions(tuple(varied), vectors.astype(np.float32), spreads)


def calibrated(directions: Directions, respond: Respond, longest: float) -> Directions:
    """The same directions, each so long that its attribute grows by one spread in what the model decodes.

    A fitted direction says how codes differ, which is not what a decoder makes of a move: it rounds small moves off.
    Those that do not move their attribute, however far they are followed, are left out.

    Args:
        directions: to calibrate.
        respond: from a shift of codes `[latent]` to the mean change of each attribute, in spreads, `[attributes]`.
        longest: the length that no direction is followed beyond: about that of a code.
    """
    vectors = [_calibrated(vector, respond, i, longest) for i, vector in enumerate(directions.vectors)]
    able = tuple(name for name, vector in zip(directions.names, vectors, strict=True) if vector is not None)
    kept = np.stack(
        [np.zeros_like(one) if v is None else v for one, v in zip(directions.vectors, vectors, strict=True)]
    )
    return Directions(directions.names, kept, directions.spreads).keep(able)


def _calibrated(vector: np.ndarray, respond: Respond, own: int, longest: float) -> np.ndarray | None:
    """A direction scaled until its own attribute grows by one spread; None if it does not."""
    unit = vector / max(float(np.linalg.norm(vector)), 1e-12)
    length = longest / 3
    for _ in range(ROUNDS):
        change = respond(unit * length)[own]
        length = min(length * float(np.clip(1 / max(change, 1e-3), 0.5, 2.0)) ** 0.8, longest)
    return unit * length if respond(unit * length)[own] >= WEAKEST else None
