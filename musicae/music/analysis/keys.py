"""The key of windows."""

from __future__ import annotations

import numpy as np

from musicae.music.analysis.attributes import SCALES
from musicae.music.analysis.note_table import Notes
from musicae.music.representations.base import Representation


def keys(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """The major scale that most notes of each window `[n, *shape]` lie in, 0 for C: int64 `[n]`.

    All windows together count as one more, so that a window of few notes is in the key of the others.
    """
    counts = Notes.of(representation, windows).pitched.pitch_classes()
    return ((counts + counts.mean(0)) @ SCALES.T).argmax(1)
