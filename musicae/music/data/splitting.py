"""Which songs are trained on, and which are held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from musicae.music.data.sources import SPLITS


@dataclass(frozen=True)
class Splitting:
    """How songs are split whose source does not give their split.

    Args:
        seed: another one splits the songs differently.
        fractions: of them that become training, validation and test; (0, 0, 1) makes all of them test.
    """

    seed: int = 0
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)


def split(
    fingerprints: Sequence[str], seed: int, fractions: Sequence[float], fixed: Sequence[str] | None = None
) -> list[str]:
    """The split of each song: that of `fixed`, or one drawn from the hash of its fingerprint and the seed.

    Args:
        fingerprints: of the songs; equal ones fall into one split, unless `fixed` says otherwise.
        seed: another one splits differently.
        fractions: of train, validation and test; a split whose fraction is not 0 stays empty only if
            there are fewer different songs than splits, or if `fixed` has some.
        fixed: the split of each song that its source gives, "" for none.
    """
    fixed = fixed or [""] * len(fingerprints)
    known = {one: name for one, name in zip(fingerprints, fixed, strict=True) if name}
    known |= _drawn([one for one in fingerprints if one not in known], seed, fractions, fill=not known)
    return [name or known[one] for one, name in zip(fingerprints, fixed, strict=True)]


def _drawn(fingerprints: Sequence[str], seed: int, fractions: Sequence[float], fill: bool) -> dict[str, str]:
    """The split of each fingerprint by its hash; with `fill`, one that would be empty gets the one nearest to it."""
    bounds = np.cumsum([0, *fractions]) / sum(fractions)
    draws = {one: int(sha256(f"{seed}:{one}".encode()).hexdigest()[:12], 16) / 2**48 for one in fingerprints}
    chosen = {one: SPLITS[int(np.searchsorted(bounds, draw, "right")) - 1] for one, draw in draws.items()}
    for i, name in enumerate(SPLITS if fill else ()):
        largest, number = Counter(chosen.values()).most_common(1)[0]
        if fractions[i] and name not in chosen.values() and number > 1:
            middle = (bounds[i] + bounds[i + 1]) / 2
            spare = [one for one in chosen if chosen[one] == largest]
            chosen[min(spare, key=lambda one, middle=middle: abs(draws[one] - middle))] = name
    return chosen
