"""The path between two songs in latent space: the positions at which it is decoded, and their keys.

At even positions of a straight line decodes do not change at first, then nearly completely, then not any more, and half
way between two songs in different keys they have notes of both. So positions are chosen between which about as much
changes, and each is moved into one key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from musicae.core.geometry import lerp, slerp
from musicae.music.analysis.attributes import scale_consistency
from musicae.music.analysis.keys import keys
from musicae.music.analysis.note_table import Notes
from musicae.music.codec import MusicCodec
from musicae.music.latent.steering import DIATONIC
from musicae.music.representations import Representation
from musicae.music.representations.excerpt import Windowed

TRIED = 33  # positions along a path that are decoded to find those of equal change
WINDOWS = 8  # of a song that are decoded there, evenly spaced
AMOUNTS = (0.25, 0.5, 1.0)  # of the direction toward a key, tried until one is enough


@dataclass(frozen=True, eq=False)
class Path:
    """A path between two songs A and B, all that its decoding needs: of each step, all windows of a song.

    Attributes:
        latents: float32 `[steps, windows, latent]`.
        places: how far each is from A to B, float `[steps, windows]`; at 0 its latent vector is A's, at 1 B's. Those of
            a step are the same, except where one step leads from A to B.
        stages: of each step the windows whose conditions it has, with their lengths, on the bars of A.
        counts: of a model of spans what is to be expected there, float32 `[steps, windows, 2]`: as much as on the line
            between the ends (`counts_between`).
    """

    latents: np.ndarray
    places: np.ndarray
    stages: Sequence[Windowed]
    counts: np.ndarray | None = None


def places_of_steps(steps: int, windows: int) -> np.ndarray:
    """Places `[steps, windows]` that divide the path from A (0) to B (1) evenly, the same for all windows of a step."""
    return np.linspace(0, 1, steps)[:, None].repeat(windows, 1)


def path(
    model: MusicCodec,
    pair: tuple[Windowed, Windowed],
    places: np.ndarray,
    stages: Sequence[Windowed],
    linear: bool = False,
) -> Path:
    """The path between two songs.

    Args:
        model: encodes and decodes.
        pair: A and B, in windows of the same number; they are repeated as needed.
        places: `[steps, windows]`; see `Path`.
        stages: see `conditioned_stages`.
        linear: at these places of straight lines; otherwise, see `latents_at`.
    """
    a, b = (torch.from_numpy(cycled(model.encode_windows(one.windows), places.shape[1])) for one in pair)
    shares = torch.from_numpy(places).float()
    latents = (lerp(a, b, shares) if linear else latents_at(model, a, b, shares)).numpy()
    latents = snap_to_key(model, latents, [model.condition(stage) for stage in stages])
    return Path(latents, places, stages, counts_between(model, a, b, shares))


def counts_between(model: MusicCodec, a: torch.Tensor, b: torch.Tensor, shares: torch.Tensor) -> np.ndarray | None:
    """How many notes of a piano roll are to begin, and in how many cells one is to go on, at places between two songs:
    float32 `[steps, n, 2]` on the line between what is expected of the ends.

    Half way between two chords all notes of both are half probable: the model expects fewer than either has.

    Args:
        model: of piano rolls; of any other the answer is None.
        a: the latent vectors of one song, `[n, latent]`.
        b: those of the other one.
        shares: the places, `[steps, n]`; 0 is `a`, 1 is `b`.
    """
    ends = [model.expected_counts(z.numpy()) for z in (a, b)]
    return None if ends[0] is None else lerp(*map(torch.from_numpy, ends), shares).numpy()


def latents_at(model: MusicCodec, a: torch.Tensor, b: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """The latent vectors between those of two songs.

    They lie on straight lines, where these shares of the change are done (`equal_change_positions`). Of a model that
    does not decode ahead (`MusicCodec.decodes_ahead`), they divide great circles in these shares.

    Args:
        model: decodes.
        a: the latent vectors of one song, `[n, latent]`.
        b: those of the other one.
        shares: `[steps]`, or of each vector `[steps, n]`; 0 is `a`, 1 is `b`.

    Returns:
        `[steps, n, latent]`.
    """
    if model.decodes_ahead:
        return lerp(a, b, equal_change_positions(model, a, b, shares))
    return slerp(a, b, shares)


def equal_change_positions(model: MusicCodec, a: torch.Tensor, b: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Positions between 0 and 1 where given shares of the change of the decode are done: as much changes between any
    two as the difference of their shares.

    Args:
        model: decodes, greedily.
        a: the latent vectors of one song, `[n, latent]`.
        b: those of the other one.
        shares: of the change, of any shape.

    Returns:
        float32, of the shape of `shares`, at 0 and 1 the same; the shares themselves if nothing changes, or the model
        does not decode ahead.
    """
    if not model.decodes_ahead:
        return shares
    tried = torch.linspace(0, 1, TRIED)
    some = np.linspace(0, len(a) - 1, min(len(a), WINDOWS)).round().astype(int)
    codes = lerp(a[some], b[some], tried).flatten(0, 1).numpy()
    windows = model.decode_windows(codes).reshape(TRIED, len(some), *model.representation.shape)
    before, after = (part.reshape(-1, *model.representation.shape) for part in (windows[:-1], windows[1:]))
    changes = 1 - model.representation.step_matches(after, before).reshape(TRIED - 1, -1).mean(1)
    travelled = np.append(0, changes.cumsum())
    if travelled[-1] == 0:
        return shares
    found = torch.from_numpy(np.interp(shares * travelled[-1], travelled, tried)).float()
    return torch.where((shares > 0) & (shares < 1), found, shares)


def conditioned_stages(
    model: MusicCodec, pair: tuple[Windowed, Windowed], places: np.ndarray, conditions: dict[str, Any]
) -> list[Windowed]:
    """The windows whose conditions each step of a path has, on the bars of A: those that are requested, continued from
    step to step, otherwise at each place those of the nearer song.

    Args:
        model: a model, maybe conditional.
        pair: A and B, on the same bars.
        places: `[steps, windows]`; see `Path`.
        conditions: see `MusicCodec.conditioned`.
    """
    grid = pair[0].excerpt.grid
    aligned = [replace(one, excerpt=replace(one.excerpt, grid=grid)) for one in pair]

    def stage(i: int) -> Windowed:
        a, b = (model.conditioned(one, conditions, before=i * len(grid)) for one in aligned)
        near_b = (places[i] > 0.5).reshape(-1, *[1] * (a.windows.ndim - 1))
        return replace(a, windows=np.where(near_b, b.windows, a.windows))

    return [stage(i) for i in range(len(places))]


def cycled(z: np.ndarray, windows: int, axis: int = 0) -> np.ndarray:
    """Latent vectors repeated cyclically along an axis until there are `windows`, or the first `windows` of them."""
    return z.take(np.arange(windows) % z.shape[axis], axis)


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
