"""The path between two songs in latent space: the latent vectors at the places between them, and what its decodes need.

At even positions of a straight line decodes do not change at first, then nearly completely, then not any more. So
positions are chosen between which about as much changes. The path leads to B moved onto A (`latent.alignment`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from musicae.core.geometry import lerp, slerp
from musicae.music.codec import MusicCodec
from musicae.music.latent.alignment import Alignment, in_scale, moved, moved_back
from musicae.music.representations import Representation
from musicae.music.representations.excerpt import Windowed

TRIED = 33  # positions along a path that are decoded to find those of equal change
WINDOWS = 8  # of a song that are decoded there, evenly spaced


@dataclass(frozen=True, eq=False)
class Path:
    """A path between two songs A and B, all that its decoding needs: of each step, all windows of a song.

    B is moved onto A, into its key and register; where the decode is B as it is, so is the latent vector.

    Attributes:
        latents: float32 `[steps, windows, latent]`.
        places: how far each is from A to B, float `[steps, windows]`; at 0 its latent vector is A's, at 1 B's. Those of
            a step are the same, except where one step leads from A to B.
        stages: of each step the windows whose conditions it has, with their lengths, on the bars of A.
        ends: the windows of A and of B moved onto A, each `[windows, *shape]`.
        scale: the major scale of both, 0 for C; None of models that are not aligned.
        semitones: by how many semitones each decode is moved, int64 `[steps, windows]`.
        counts: of a model of spans what is to be expected there, float32 `[steps, windows, 2]`: as much as on the line
            between the ends (`counts_between`).
    """

    latents: np.ndarray
    places: np.ndarray
    stages: Sequence[Windowed]
    ends: tuple[np.ndarray, np.ndarray]
    scale: int | None
    semitones: np.ndarray
    counts: np.ndarray | None = None

    def in_one_scale(self, representation: Representation, decoded: np.ndarray) -> np.ndarray:
        """The decodes `[steps, windows, *shape]`, of which those between A and B are brought into their scale."""
        if self.scale is None:
            return decoded
        decoded = decoded.copy()
        differ = (self.ends[0] != self.ends[1]).reshape(len(self.ends[0]), -1).any(1)
        for windows, some in zip(decoded, (self.places > 0) & (self.places < 1) & differ, strict=True):
            ends = self.ends[0][some], self.ends[1][some]
            windows[some] = in_scale(representation, windows[some], self.scale, ends)
        return decoded

    def finished(self, representation: Representation, decoded: np.ndarray) -> np.ndarray:
        """The decodes `[steps, windows, *shape]`, each moved by its `semitones`.

        Before, one that is silent where both songs sound becomes that of the nearest step that sounds.
        """
        decoded = decoded.copy()
        if self.scale is not None:
            self._fill(representation, decoded)
        return np.stack([moved_back(representation, *step) for step in zip(decoded, self.semitones, strict=True)])

    def _fill(self, representation: Representation, decoded: np.ndarray) -> None:
        """Put the decode of the nearest step that sounds where there is silence though both songs sound, in place."""
        own = np.arange(representation.steps) < self.stages[0].lengths[:, None]

        def sounds(windows: np.ndarray) -> np.ndarray:
            return (representation.onsets(windows).any(2) & own).any(1)

        sound, both = np.stack([sounds(windows) for windows in decoded]), sounds(self.ends[0]) & sounds(self.ends[1])
        for step, window in np.argwhere(~sound & both & (self.places > 0) & (self.places < 1)):
            others = np.flatnonzero(sound[:, window] & (self.places[:, window] < 1))
            if len(others):
                apart = np.abs(self.places[others, window] - self.places[step, window])
                decoded[step, window] = decoded[others[apart.argmin()], window]


def places_of_steps(steps: int, windows: int) -> np.ndarray:
    """Places `[steps, windows]` that divide the path from A (0) to B (1) evenly, the same for all windows of a step."""
    return np.linspace(0, 1, steps)[:, None].repeat(windows, 1)


def path(
    model: MusicCodec,
    pair: tuple[Windowed, Windowed],
    places: np.ndarray,
    stages: Sequence[Windowed],
    alignment: Alignment,
    linear: bool = False,
) -> Path:
    """The path between two songs.

    Args:
        model: encodes and decodes.
        pair: A and B, in windows of the same number; they are repeated as needed.
        places: `[steps, windows]`; see `Path`.
        stages: see `conditioned_stages`.
        alignment: how B is moved onto A.
        linear: at these places of straight lines; otherwise, see `latents_at`.
    """
    first, last = (cycled(one.windows, places.shape[1]) for one in pair)
    ends = first, moved(model.representation, last, alignment.semitones)
    a, b = (torch.from_numpy(model.encode_windows(windows)) for windows in ends)
    shares = torch.from_numpy(places).float()
    latents = (lerp(a, b, shares) if linear else latents_at(model, a, b, shares)).numpy()
    counts = counts_between(model, a, b, shares)
    semitones = alignment.moves(places)
    whole = (places == 1) & (semitones == -alignment.semitones)
    own = model.encode_windows(last)
    latents[whole] = np.broadcast_to(own, latents.shape)[whole]
    if counts is not None:
        counts[whole] = np.broadcast_to(model.expected_counts(own), counts.shape)[whole]
    return Path(latents, places, stages, ends, alignment.scale, np.where(whole, 0, semitones), counts)


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
    """Latent vectors or windows, repeated cyclically along an axis until there are `windows`, or the first of them."""
    return z.take(np.arange(windows) % z.shape[axis], axis)
