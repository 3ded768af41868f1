"""How alike two sets of windows are."""

from __future__ import annotations

import numpy as np

from musicae.music.analysis.attributes import ATTRIBUTES, Attribute, intervals, names
from musicae.music.analysis.note_table import Notes
from musicae.music.representations.base import Representation

WIDEST = 24  # semitones: wider intervals are counted with it
AT_A_TIME = 2**20  # pairs of windows that are compared in one pass: stays in the cache


def overlap(a: np.ndarray, b: np.ndarray, attribute: Attribute) -> float:
    """How much the distributions of an attribute in two sets of windows overlap: `Σ min(p_a, p_b)`, 0 to 1.

    The p are shares of the bins of two histograms (`Attribute.lowest`, `highest`, `width`: the highest value has a bin
    of its own, what lies beyond is counted with the outermost bins, and nan, of windows that have no such number, is
    a bin too). It is 1 minus their total variation distance. Of few windows it is below 1 even where both are drawn
    from one distribution: compare overlaps of sets of the same sizes only.

    Args:
        a: values `[n]`.
        b: values `[m]`.
        attribute: what they are.
    """
    return _shared(*(_binned(values, attribute) for values in (a, b)))


def interval_overlap(a: np.ndarray, b: np.ndarray) -> float:
    """As `overlap`, of all intervals (`attributes.intervals`, in semitones) of two sets of windows: one bin each."""
    return _shared(*(np.clip(semitones, -WIDEST, WIDEST) + WIDEST for semitones in (a, b)))


def overlaps(representation: Representation, windows: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """The `overlap` of two sets of windows in every attribute that they have, and of their intervals."""
    a, b = (Notes.of(representation, one) for one in (windows, others))
    found = {
        name: overlap(*(ATTRIBUTES[name].measure(one) for one in (a, b)), ATTRIBUTES[name])
        for name in names(representation)
    }
    if "interval" in found:
        found["interval_histogram"] = interval_overlap(*(intervals(one)[1] for one in (a, b)))
    return found


def nearest(representation: Representation, windows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far windows are from the nearest of some known ones: float64 `[n]`.

    The distance is the share of the steps that differ (the normalised Hamming distance), in the best of two keys: those
    in which the lowest, and in which the highest notes of both lie together. Of a performance only the hits count.

    Args:
        representation: what the windows are of.
        windows: `[n, *shape]`.
        known: `[m, *shape]`, e.g. those that a model was trained on.
    """
    return np.min([_nearest(*_steps(representation, windows, known, edge)) for edge in (-128, 128)], axis=0)


def _nearest(windows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The smallest normalised Hamming distance of each row `[n, steps]` from rows `[m, steps]`."""
    columns = np.ascontiguousarray(known.T)
    at_a_time = max(AT_A_TIME // max(len(known), 1), 1)
    most = [np.zeros(0, np.uint16)]
    for i in range(0, len(windows), at_a_time):
        some = windows[i : i + at_a_time]
        same = np.zeros((len(some), len(known)), np.uint16)
        for step, column in enumerate(columns):
            same += some[:, step, None] == column
        most.append(same.max(axis=1))
    return 1 - np.concatenate(most) / windows.shape[1]


def _steps(
    representation: Representation, windows: np.ndarray, known: np.ndarray, edge: int
) -> tuple[np.ndarray, np.ndarray]:
    """What is at each step of two sets of windows moved by `edge` semitones, or as far as they go: the same numbers for
    the same, `[n, steps]` and `[m, steps]`."""
    numbers = [
        _numbers(representation, representation.transpose(one, np.full(len(one), edge))) for one in (windows, known)
    ]
    if numbers[0].itemsize == 1:
        return tuple(numbers)
    _, places = np.unique(np.concatenate(numbers), return_inverse=True)
    places = places.reshape(-1, numbers[0].shape[1])
    places = places.astype(np.min_scalar_type(places.max(initial=0)))
    return places[: len(windows)], places[len(windows) :]


def _numbers(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """A number for what is at each step of windows, the same for the same: `[n, steps]`."""
    x = representation.compared(windows)
    if x.ndim == 2:
        return x
    factors = np.random.default_rng(0).integers(2**62, size=x.shape[1]) * 2 + 1
    return sum(factor * x[:, i].astype(np.int64) for i, factor in enumerate(factors))


def _binned(values: np.ndarray, attribute: Attribute) -> np.ndarray:
    """The bin of each value, from 0; of nan the last."""
    bins = round((attribute.highest - attribute.lowest) / attribute.width)
    place = np.floor((values - attribute.lowest) / attribute.width + 1e-9)
    return np.where(np.isnan(values), bins + 1, np.clip(place, 0, bins)).astype(np.int64)


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """`Σ min(p_a, p_b)` of whole numbers from 0; 0 if there are none in one of both."""
    bins = int(max(a.max(initial=0), b.max(initial=0))) + 1
    shares = [np.bincount(one, minlength=bins) / max(len(one), 1) for one in (a, b)]
    return float(np.minimum(*shares).sum())
