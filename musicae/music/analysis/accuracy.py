"""How much of some music is right: steps, onsets, whole windows, notes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from musicae.music.representations.base import Representation

Ratios = dict[str, tuple[float, float]]


def score(representation: Representation) -> Callable[[np.ndarray, np.ndarray], Ratios]:
    """Metrics of decoded windows against the true ones, as (numerator, denominator), so that batches add up.

    Both are windows `[batch, ...]` of `representation`, which may add metrics of its own (`extra_metrics`).

    * `step_accuracy`: steps at which everything is right, of all steps.
    * `onset_f1`: `2 · right / (decoded + true)`, counting onsets; one is right if a note of that pitch begins there.
    * `whole_windows`: windows with every step right, of all windows.
    """

    def ratios(decoded: np.ndarray, truth: np.ndarray) -> Ratios:
        right = representation.step_matches(decoded, truth)
        found, true = representation.onsets(decoded), representation.onsets(truth)
        both = 2 * float(np.sum(found & true))
        return {
            "step_accuracy": (float(right.sum()), float(right.size)),
            "onset_f1": (both, float(found.sum() + true.sum())),
            "whole_windows": (float(right.all(1).sum()), float(len(right))),
            **representation.extra_metrics(decoded, truth),
        }

    return ratios


def notes_right(representation: Representation, decoded: np.ndarray, truth: np.ndarray) -> float:
    """The share of the true notes that were decoded with their pitch, onset and length; of two arrays of excerpts."""
    found, true = (set(zip(*representation.decode(array), strict=True)) for array in (decoded, truth))
    return len(found & true) / max(len(true), 1)
