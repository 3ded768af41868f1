"""More or less of an attribute of music: directions in a model's latent space, and songs varied along them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicae.core.directions import Directions, Values, calibrated, fit
from musicae.errors import ConfigError
from musicae.music.attributes import measure
from musicae.music.windows import to_batch

if TYPE_CHECKING:
    from musicae.music.model import MusicModel
    from musicae.music.song import Song

GROUPS = ("syncopation",)  # names that stand for all attributes that begin with them
LEARNT_FROM = 12_000  # windows that are encoded
TRIED_ON = 150  # windows that are decoded, again and again
FEWEST = 100  # windows: of fewer nothing can be told


@dataclass(frozen=True, eq=False)
class Variations(Sequence):
    """Variations of a song; as a sequence, the songs.

    Args:
        songs: the variations.
        original: the passage as the representation holds it.
        report: what was taken from the file.
        before: the attributes of the original (`musicae.music.attributes`), each a mean over its windows; nan where no
            window has one.
        after: those of each variation.
        asked: the attributes of which there was to be more or less.
        kept: the share of the original's notes that are in each variation, with their pitch, onset and length.
        ticks: the length of each to its last bar line.
    """

    songs: list[Song]
    original: Song
    report: list[str]
    before: dict[str, float]
    after: list[dict[str, float]]
    asked: tuple[str, ...]
    kept: list[float]
    ticks: int

    def __len__(self) -> int:
        return len(self.songs)

    def __getitem__(self, i):
        return self.songs[i]


@dataclass(frozen=True, eq=False)
class Effects:
    """What directions do to windows: means over moving them by 1.0 forward, and, with the sign changed, backward.

    Args:
        names: of the directions.
        attributes: what is measured.
        changes: of each attribute by each direction, in spreads of the attribute, `[directions, attributes]`.
        kept: the share of the steps that stay as they were decoded without it, `[directions]`.
    """

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    changes: np.ndarray
    kept: np.ndarray


def wished(
    names: Iterable[str], more: Mapping[str, float] | None = None, less: Mapping[str, float] | None = None
) -> dict[str, float]:
    """How much of each attribute is asked for, in spreads, below 0 for less.

    Args:
        names: the attributes there are; those that begin with "syncopation" are meant by that word, all of them.
        more: how many spreads more, by name.
        less: how many less.

    Raises:
        ConfigError: an attribute that there is not.
    """
    total: dict[str, float] = {}
    for sign, wishes in ((1.0, more or {}), (-1.0, less or {})):
        for name, amount in wishes.items():
            for one in _meant(name, tuple(names)):
                total[one] = total.get(one, 0.0) + sign * amount
    return total


def _meant(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The attributes that a word stands for."""
    plain = name.strip().lower().replace("-", "_")
    group = tuple(one for one in names if one.startswith(plain)) if plain in GROUPS else ()
    if not group and plain not in names:
        raise ConfigError.unknown("attribute", name, names)
    return group or (plain,)


def averages(values: Values) -> dict[str, float]:
    """The mean of each attribute over the windows that have it; nan where none has."""
    finite = {name: column[np.isfinite(column)] for name, column in values.items()}
    return {name: float(column.mean()) if len(column) else float("nan") for name, column in finite.items()}


def repeats(windows: np.ndarray) -> np.ndarray:
    """A number for each window `[n, ...]`, the same for equal ones, counted from 0 by first appearance: int64 `[n]`."""
    _, first, number = np.unique(windows.reshape(len(windows), -1), axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.ravel()]


def fitted(model: MusicModel, windows: np.ndarray, seed: int = 0) -> Directions | None:
    """Directions for the attributes of training windows `[n, *shape]`, as far as a model can be steered along them.

    Args:
        model: the model.
        windows: what it was trained on.
        seed: of which of them are encoded, and which are decoded to calibrate.

    Returns:
        None where there are too few windows, or no attribute can be moved.
    """
    if len(windows) < FEWEST:
        return None
    chosen = np.random.default_rng(seed).permutation(len(windows))[:LEARNT_FROM]
    heard = np.asarray(windows[np.sort(chosen)])
    codes = model.encode_windows(heard)
    directions = fit(codes, measure(model.representation, heard))
    few = np.random.default_rng(seed).permutation(len(heard))[:TRIED_ON]
    longest = float(np.linalg.norm(codes - codes.mean(0), axis=1).mean())
    directions = calibrated(directions, Response(model, directions, heard[few], codes[few]), longest)
    return directions if directions.names else None


class Response:
    """What a model makes of moved codes: the mean change of attributes, half the difference of there and back.

    Args:
        model: the model.
        directions: whose attributes, in whose spreads.
        windows: `[n, *shape]`, which a conditional model is told about.
        codes: theirs, `[n, latent]`.
    """

    def __init__(self, model: MusicModel, directions: Directions, windows: np.ndarray, codes: np.ndarray):
        self.model, self.directions, self.codes = model, directions, codes
        self.condition = to_batch(windows, model.representation).condition

    def __call__(self, shift: np.ndarray) -> np.ndarray:
        """The change in spreads, float64 `[attributes]`, that adding `shift` `[latent]` to every code makes."""
        forward, back = (self.attributes(self.decoded(sign * shift)) for sign in (1, -1))
        return (forward - back) / 2 / self.directions.spreads

    def decoded(self, shift: np.ndarray) -> np.ndarray:
        """The windows that moved codes decode to, `[n, *shape]`."""
        return self.model.decode_windows(self.codes + shift.astype(np.float32), self.condition)

    def attributes(self, windows: np.ndarray) -> np.ndarray:
        """Their mean attributes, of those that have one; 0 where none has."""
        means = averages(measure(self.model.representation, windows))
        return np.nan_to_num([means[name] for name in self.directions.names])


def effects(model: MusicModel, windows: np.ndarray, directions: Directions) -> Effects:
    """What directions do to windows `[n, *shape]` that the model has not seen."""
    response = Response(model, directions, windows, model.encode_windows(windows))
    still = response.decoded(np.zeros(directions.vectors.shape[1]))
    changes = np.stack([response(vector) for vector in directions.vectors])
    kept = [
        np.mean([model.representation.steps_right(response.decoded(s * v), still).mean() for s in (1, -1)])
        for v in directions.vectors
    ]
    return Effects(directions.names, directions.names, changes, np.array(kept))
