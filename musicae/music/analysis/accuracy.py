"""How much of some music is right: steps, onsets, whole windows, notes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Ratios = dict[str, tuple[float, float]]


def score(representation) -> Callable[[np.ndarray, np.ndarray], Ratios]:
    """The figures of decoded windows beside the true ones, as (numerator, denominator), so that batches add up.

    Both are windows `[batch, ...]` of `representation`, which may add figures of its own (`extra_metrics`).

    * `step_accuracy`: steps at which everything is right, of all steps.
    * `onset_f1`: `2 · right / (decoded + true)`, counting onsets; one is right if a note of that pitch begins there.
    * `whole_windows`: windows with every step right, of all windows.
    """

    def ratios(decoded: np.ndarray, truth: np.ndarray) -> Ratios:
        right = representation.step_matches(decoded, truth)
        heard, meant = representation.onsets(decoded), representation.onsets(truth)
        both = 2 * float(np.sum(heard & meant))
        return {
            "step_accuracy": (float(right.sum()), float(right.size)),
            "onset_f1": (both, float(heard.sum() + meant.sum())),
            "whole_windows": (float(right.all(1).sum()), float(len(right))),
            **representation.extra_metrics(decoded, truth),
        }

    return ratios


def notes_right(representation, decoded: np.ndarray, truth: np.ndarray) -> float:
    """The share of the true notes that came back with their pitch, onset and length; both arrays are passages."""
    heard, meant = (set(zip(*representation.decode(array), strict=True)) for array in (decoded, truth))
    return len(heard & meant) / max(len(meant), 1)
