"""The way between two songs: at which places it is heard, and in which key.

Along a straight line a decoder changes nothing at first, then nearly everything, then nothing again, and half way
between two songs in different keys notes of both are heard. So places are chosen between which as much changes, and
each is taken into one key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from musicae.core.geometry import lerp, slerp
from musicae.music.attributes import scale_consistency
from musicae.music.notes import Notes
from musicae.music.steering import DIATONIC, keys

if TYPE_CHECKING:
    import torch

    from musicae.music.model import MusicModel
    from musicae.music.representations import Representation

FINE = 33  # places at which a way is looked at
LOOKED_AT = 8  # windows of a passage, spread over it
AMOUNTS = (0.25, 0.5, 1.0)  # of the direction toward a key, tried until one suffices


def way(model: MusicModel, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """So many places between the latent vectors of two passages, both ends included.

    They lie on straight lines, where about as much changes from each to the next (`even_places`). Of a model that
    decodes step by step, which takes too long to look ahead, or is told something, they divide great circles evenly.

    Args:
        model: decodes.
        a: `[n, latent]`.
        b: `[n, latent]`.
        steps: how many.

    Returns:
        `[steps, n, latent]`.
    """
    import torch

    if looks_ahead(model):
        return lerp(a, b, even_places(model, a, b, steps))
    return slerp(a, b, torch.linspace(0, 1, steps))


def looks_ahead(model: MusicModel) -> bool:
    """Whether a model decodes without being told anything, and not step by step, which takes long."""
    return model.parallel and not model.representation.conditioning


def even_places(model: MusicModel, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """So many places between 0 and 1 that about as much of what is decoded changes from each to the next.

    Args:
        model: decodes, greedily.
        a: the latent vectors of one passage, `[n, latent]`.
        b: those of the other one.
        steps: how many places, both ends included.

    Returns:
        float32 `[steps]`, from 0 to 1; evenly spaced where nothing changes, or the model cannot look ahead.
    """
    import torch

    fine, even = torch.linspace(0, 1, FINE), torch.linspace(0, 1, steps)
    if not looks_ahead(model):
        return even
    some = np.linspace(0, len(a) - 1, min(len(a), LOOKED_AT)).round().astype(int)
    codes = lerp(a[some], b[some], fine).flatten(0, 1).numpy()
    windows = model.decode_windows(codes).reshape(FINE, len(some), *model.representation.shape)
    before, after = (part.reshape(-1, *model.representation.shape) for part in (windows[:-1], windows[1:]))
    changes = 1 - model.representation.steps_right(after, before).reshape(FINE - 1, -1).mean(1)
    travelled = np.append(0, changes.cumsum())
    if travelled[-1] == 0:
        return even
    inner = np.interp(even[1:-1] * travelled[-1], travelled, fine)
    return torch.tensor([0.0, *inner, 1.0], dtype=torch.float32)


def diatonic(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """How diatonic windows `[n, *shape]` are (`attributes.scale_consistency`), float64 `[n]`; nan without pitches."""
    return scale_consistency(Notes.of(representation, windows))


def in_key(
    model: MusicModel, latents: np.ndarray, conditions: Sequence[torch.Tensor | None] | None = None
) -> np.ndarray:
    """The way between two passages with each place on it as diatonic as the ends are, as far as the model can.

    Half way between two songs in different keys notes of both are heard. Codes are moved toward the key that most of
    these notes are in, until their greedy decodes are about as diatonic as a place between the ends evenly is. The ends
    stay as they are, and so does all that is diatonic enough, and everything where the model has no such direction.

    Args:
        model: decodes, and has directions.
        latents: `[places, n, latent]`.
        conditions: what a conditional model is told at each place, each `[n, steps, conditions]`; None for nothing.

    Returns:
        float32 `[places, n, latent]`.
    """
    if model.directions is None or DIATONIC not in model.directions.names:
        return latents
    conditions = conditions or [None] * len(latents)
    ends = ((latents[i], conditions[i]) for i in (0, -1))
    first, last = (diatonic(model.representation, model.decode_windows(*end)) for end in ends)
    wanted = [(1 - t) * first + t * last for t in np.linspace(0, 1, len(latents))]
    return np.stack([_into_key(model, *place) for place in zip(latents, wanted, conditions, strict=True)])


def _into_key(model: MusicModel, codes: np.ndarray, wanted: np.ndarray, condition: torch.Tensor | None) -> np.ndarray:
    """Codes `[n, latent]` of one passage, made as diatonic as `wanted` `[n]`, nan where nothing is."""
    windows = model.decode_windows(codes, condition)
    toward = model.directions.shift({DIATONIC: 1.0}, keys(model.representation, windows))
    moved, reached = codes.copy(), diatonic(model.representation, windows)
    for amount in AMOUNTS:
        short = np.flatnonzero(reached < wanted)
        if not len(short):
            break
        tried = codes[short] + np.float32(amount) * toward[short]
        windows = model.decode_windows(tried, None if condition is None else condition[short])
        found = diatonic(model.representation, windows)
        better = np.abs(found - wanted[short]) < np.abs(reached[short] - wanted[short])
        moved[short[better]], reached[short[better]] = tried[better], found[better]
    return moved
