"""A classifier two-sample test on statistics of windows, cross-validated by song."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

FOLDS = 5
TIMES = 3  # that the songs are halved for the floor
BOOSTING = {"max_iter": 60, "max_leaf_nodes": 8, "learning_rate": 0.1, "min_samples_leaf": 10}


def accuracy(
    first: list[np.ndarray],
    songs: list[int],
    second: list[np.ndarray],
    others: list[int],
    joined: np.ndarray,
    seed: int,
) -> float:
    """The accuracy, both sets weighing the same, with which two sets of windows are distinguished.

    Args:
        first: statistics of the windows of each song, `[windows, statistics]`.
        songs: its number.
        second: of the other set.
        others: the number of a song that each of these belongs with.
        joined: `[pairs, 2]`, songs that must lie in one fold.
        seed: of the folds.
    """
    values = np.concatenate([*first, *second])
    labels = np.repeat([0, 1], [sum(map(len, first)), sum(map(len, second))])
    number = np.repeat([*songs, *others], [len(one) for one in (*first, *second)])
    size = int(max(joined.max(), number.max())) + 1
    _, groups = connected_components(coo_array((np.ones(len(joined)), joined.T), (size, size)), directed=False)
    groups = groups[number]
    if len(np.unique(groups)) < FOLDS:
        return float("nan")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(**BOOSTING, class_weight="balanced", random_state=seed)
    right = cross_val_predict(model, values, labels, groups=groups, cv=folds) == labels
    return float(np.mean([right[labels == label].mean() for label in (0, 1)]))


def floor(real: list[np.ndarray], songs: list[int], joined: np.ndarray, seed: int) -> float:
    """The same of one half of the songs against the other: the mean over several halvings."""
    found = []
    for i in range(TIMES):
        order = np.random.default_rng(seed + i).permutation(len(real))
        halves = np.array_split(order, 2)
        sets = [([real[j] for j in half], [songs[j] for j in half]) for half in halves]
        found.append(accuracy(*sets[0], *sets[1], joined, seed + i))
    return float(np.mean(found))
