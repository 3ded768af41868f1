"""Attribute directions in a model's latent space, along which a song gets more or less of an attribute.

Diatonicity is relative to a key: it has a direction for each of the twelve major scales.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from musicae.core.directions import Directions, Values, calibrated, fit, of_variant
from musicae.errors import ConfigError
from musicae.music.analysis.attributes import in_scales, measure
from musicae.music.analysis.keys import keys
from musicae.music.analysis.note_table import Notes
from musicae.music.codec import MusicCodec
from musicae.music.data.windows import to_batch
from musicae.music.representations import Representation

DIATONIC = "scale_consistency"  # whose direction depends on the key
GROUPS = ("syncopation",)  # prefixes that stand for all attributes that begin with them
TIED = ("note_length", "pitch_range")  # to density and interval: what has more of them has more of these, or less
FITTED_TO = 12_000  # windows that are encoded
CALIBRATED_ON = 100  # windows that are decoded, again and again
FEWEST = 100  # windows: fewer are too few to fit directions


def requested_amounts(
    names: Iterable[str], more: Mapping[str, float] | None = None, less: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The requested change of each attribute, in standard deviations; below 0 for less.

    Args:
        names: the known attributes; "syncopation" stands for all that begin with it.
        more: standard deviations more, by name.
        less: standard deviations less.

    Raises:
        ConfigError: an unknown attribute.
    """
    total: dict[str, float] = {}
    for sign, requested in ((1.0, more or {}), (-1.0, less or {})):
        for name, amount in requested.items():
            for one in _expanded(name, tuple(names)):
                total[one] = total.get(one, 0.0) + sign * amount
    return total


def _expanded(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The attributes that a name or prefix stands for."""
    plain = name.strip().lower().replace("-", "_")
    group = tuple(one for one in names if one.startswith(plain)) if plain in GROUPS else ()
    if not group and plain not in names:
        raise ConfigError.unknown("attribute", name, names)
    return group or (plain,)


def means(values: Values) -> dict[str, float]:
    """The mean of each attribute over the windows that have it; nan where none has."""
    finite = {name: column[np.isfinite(column)] for name, column in values.items()}
    return {name: float(column.mean()) if len(column) else float("nan") for name, column in finite.items()}


def first_occurrence_ids(windows: np.ndarray) -> np.ndarray:
    """An id for each window `[n, ...]`, the same for equal ones, counted from 0 by first occurrence: int64 `[n]`."""
    _, first, number = np.unique(windows.reshape(len(windows), -1), axis=0, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.ravel()]


def fitted(model: MusicCodec, windows: np.ndarray, songs: np.ndarray | None = None, seed: int = 0) -> Directions | None:
    """Directions for those attributes of training windows `[n, *shape]` that a model can be steered by.

    Without those that do not grow alone (`TIED`), though all are fitted together. The windows are transposed to random
    keys, as in training, so that every key has many.

    Args:
        model: the model.
        windows: what it was trained on.
        songs: a number for the song of each window, `[n]`; None if each is a song.
        seed: of the choice of windows to encode, and to decode for calibration.

    Returns:
        None if there are too few windows, or no attribute can be steered.
    """
    if len(windows) < FEWEST:
        return None
    random, kind = np.random.default_rng(seed), model.representation
    chosen = np.sort(random.permutation(len(windows))[:FITTED_TO])
    low, high = model.preset.transpose
    transposed = kind.transpose(np.asarray(windows[chosen]), random.integers(low, high + 1, len(chosen)))
    codes, values = model.encode_windows(transposed), measure(kind, transposed)
    of_keys = {DIATONIC: in_scales(Notes.of(kind, transposed))} if DIATONIC in values else {}
    directions = fit(codes, values | of_keys)
    spreads = song_spreads(kind, windows, np.arange(len(windows)) if songs is None else songs, random)
    directions = replace(directions, spreads=np.array([spreads[name] for name in directions.names]))
    few = random.permutation(len(transposed))[:CALIBRATED_ON]
    of_windows = {name: float(np.nanstd(values[name])) for name in directions.names}
    response = Response(model, transposed[few], codes[few], of_windows)
    longest = float(np.linalg.norm(codes - codes.mean(0), axis=1).mean())
    directions = calibrated(directions, lambda shift: response.change(*response.both_ways(shift)), longest)
    directions = directions.keep(tuple(name for name in directions.names if name not in TIED))
    return directions if directions.names else None


def song_spreads(
    representation: Representation, windows: np.ndarray, songs: np.ndarray, random: np.random.Generator
) -> dict[str, float]:
    """The standard deviation of each attribute over songs, each the mean of its windows that have it.

    Args:
        representation: of the windows.
        windows: `[n, *shape]`.
        songs: a number for the song of each, int64 `[n]`.
        random: chooses whole songs, until they have `FITTED_TO` windows.
    """
    order = random.permutation(songs.max() + 1)[songs]
    chosen = np.argsort(order, kind="stable")[:FITTED_TO]
    chosen.sort()
    found = {}
    for name, column in measure(representation, np.asarray(windows[chosen])).items():
        there = np.isfinite(column)
        number, total = (np.bincount(songs[chosen][there], values) for values in (None, column[there]))
        found[name] = float(np.std(total[number > 0] / number[number > 0])) if there.any() else 0.0
    return found


class Response:
    """How a model's decodes respond to a shift of their codes.

    Args:
        model: the model.
        windows: `[n, *shape]`; their keys select among directions, their conditions are those of a conditional model.
        codes: of these windows, `[n, latent]`.
        spreads: the attributes to measure, and the standard deviation of each.
    """

    def __init__(self, model: MusicCodec, windows: np.ndarray, codes: np.ndarray, spreads: Mapping[str, float]):
        self.model, self.codes, self.spreads = model, codes, spreads
        self.condition = to_batch(windows, model.representation).condition
        self.keys = keys(model.representation, windows)

    def decoded(self, shift: np.ndarray) -> np.ndarray:
        """The decodes `[n, *shape]` of codes shifted by `shift` `[variants, latent]`, each by the row for its key."""
        return self.model.decode_windows(self.codes + np.float32(of_variant(shift, self.keys)), self.condition)

    def both_ways(self, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The decodes of the codes shifted forward and backward."""
        return self.decoded(shift), self.decoded(-shift)

    def change(self, forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
        """Half the difference of their mean attributes, in standard deviations, `[attributes]`; 0 if no window has one.

        Diatonicity is measured in the original key: far enough out of it lies another one.
        """
        ahead, behind = (means(self._values(windows)) for windows in (forward, backward))
        return np.nan_to_num([(ahead[name] - behind[name]) / 2 / spread for name, spread in self.spreads.items()])

    def _values(self, windows: np.ndarray) -> Values:
        notes = Notes.of(self.model.representation, windows)
        own = {DIATONIC: in_scales(notes)[np.arange(len(windows)), self.keys]}
        return measure(self.model.representation, windows) | own
