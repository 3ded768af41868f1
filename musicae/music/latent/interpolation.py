"""The path between two songs in latent space: the positions at which it is decoded, and their keys.

At even positions of a straight line decodes do not change at first, then nearly completely, then not any more, and half
way between two songs in different keys they have notes of both. So positions are chosen between which about as much
changes, and each is moved into one key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from musicae.core.geometry import lerp, slerp
from musicae.music.analysis.attributes import scale_consistency
from musicae.music.analysis.keys import keys
from musicae.music.analysis.note_table import Notes
from musicae.music.codec import MusicCodec
from musicae.music.latent.steering import DIATONIC
from musicae.music.representations import Representation

TRIED = 33  # positions along a path that are decoded to find those of equal change
WINDOWS = 8  # of a song that are decoded there, evenly spaced
AMOUNTS = (0.25, 0.5, 1.0)  # of the direction toward a key, tried until one is enough


def path(model: MusicCodec, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """Positions between the latent vectors of two songs, both ends included.

    They lie on straight lines, and about as much changes from each to the next (`equal_change_positions`). Of a model
    that does not decode ahead (`MusicCodec.decodes_ahead`), they divide great circles evenly.

    Args:
        model: decodes.
        a: the latent vectors of one song, `[n, latent]`.
        b: those of the other one.
        steps: how many positions.

    Returns:
        `[steps, n, latent]`.
    """
    if model.decodes_ahead:
        return lerp(a, b, equal_change_positions(model, a, b, steps))
    return slerp(a, b, torch.linspace(0, 1, steps))


def equal_change_positions(model: MusicCodec, a: torch.Tensor, b: torch.Tensor, steps: int) -> torch.Tensor:
    """Positions between 0 and 1 such that about as much of the decode changes from each to the next.

    Args:
        model: decodes, greedily.
        a: the latent vectors of one song, `[n, latent]`.
        b: those of the other one.
        steps: how many positions, both ends included.

    Returns:
        float32 `[steps]`, from 0 to 1; evenly spaced if nothing changes, or the model does not decode ahead.
    """
    tried, even = torch.linspace(0, 1, TRIED), torch.linspace(0, 1, steps)
    if not model.decodes_ahead:
        return even
    some = np.linspace(0, len(a) - 1, min(len(a), WINDOWS)).round().astype(int)
    codes = lerp(a[some], b[some], tried).flatten(0, 1).numpy()
    windows = model.decode_windows(codes).reshape(TRIED, len(some), *model.representation.shape)
    before, after = (part.reshape(-1, *model.representation.shape) for part in (windows[:-1], windows[1:]))
    changes = 1 - model.representation.step_matches(after, before).reshape(TRIED - 1, -1).mean(1)
    travelled = np.append(0, changes.cumsum())
    if travelled[-1] == 0:
        return even
    inner = np.interp(even[1:-1] * travelled[-1], travelled, tried)
    return torch.tensor([0.0, *inner, 1.0], dtype=torch.float32)


def diatonic(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """How diatonic windows `[n, *shape]` are (`attributes.scale_consistency`), float64 `[n]`; nan without pitches."""
    return scale_consistency(Notes.of(representation, windows))


def snap_to_key(
    model: MusicCodec, latents: np.ndarray, conditions: Sequence[torch.Tensor | None] | None = None
) -> np.ndarray:
    """A path between two songs, with decodes that are as diatonic as those of the ends, as far as the model can.

    Half way between two songs in different keys decodes have notes of both. Latent vectors are moved toward the key of
    most of these notes, until their greedy decodes are about as diatonic as a value interpolated between the ends. The
    ends are not moved, nor is what is diatonic enough, nor anything if the model has no such direction.

    Args:
        model: decodes, and has directions.
        latents: `[positions, n, latent]`.
        conditions: of a conditional model, for each position `[n, steps, conditions]`; None for any other.

    Returns:
        float32 `[positions, n, latent]`.
    """
    if model.directions is None or DIATONIC not in model.directions.names:
        return latents
    conditions = conditions or [None] * len(latents)
    ends = ((latents[i], conditions[i]) for i in (0, -1))
    first, last = (diatonic(model.representation, model.decode_windows(*end)) for end in ends)
    targets = [(1 - t) * first + t * last for t in np.linspace(0, 1, len(latents))]
    return np.stack([_snapped(model, *position) for position in zip(latents, targets, conditions, strict=True)])


def _snapped(model: MusicCodec, codes: np.ndarray, target: np.ndarray, condition: torch.Tensor | None) -> np.ndarray:
    """Latent vectors `[n, latent]` of one song, made as diatonic as `target` `[n]`, nan if unknown."""
    windows = model.decode_windows(codes, condition)
    toward = model.directions.shift({DIATONIC: 1.0}, keys(model.representation, windows))
    moved, reached = codes.copy(), diatonic(model.representation, windows)
    for amount in AMOUNTS:
        short = np.flatnonzero(reached < target)
        if not len(short):
            break
        tried = codes[short] + np.float32(amount) * toward[short]
        windows = model.decode_windows(tried, None if condition is None else condition[short])
        found = diatonic(model.representation, windows)
        better = np.abs(found - target[short]) < np.abs(reached[short] - target[short])
        moved[short[better]], reached[short[better]] = tried[better], found[better]
    return moved
