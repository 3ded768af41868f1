"""Partial inputs of a model of grooves in place of a performance: a score, taps, a part of the kit.

As in GrooVAE (Gillick et al. 2019; GrooveConverter of magenta). A model that reconstructs the performance from such a
partial input humanises a score, turns taps into a beat, or adds the drum that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from musicae.core.configuration import Range, Share, check
from musicae.core.corruptions import Corruption
from musicae.music.representations.kits import NINE, OPEN_HAT

if TYPE_CHECKING:
    import torch

    from musicae.core.randomness import RandomSource

LEAST = 0.2  # the least probability that a hit is dropped, however loud, as a share of p


@dataclass(frozen=True)
class GrooveCorruption(Corruption):
    """Removes parts of a performance `[batch, 27, steps]` (see `Groove`), in this order.

    Args:
        note_dropout: with `p ~ U(0, note_dropout)` for each window, each hit is dropped with probability
            `p · max(0.2, 1 − velocity)`: the soft ones first.
        tapify: keep the loudest hit of each step only, with its velocity and offset, as a hit on the open hi-hat: not
            which drum, only when.
        tap_dropout: with `p ~ U(0, tap_dropout)` for each window, each step is silenced with probability p: few taps,
            as of a hand or a melody, between which the model is to play on.
        humanise: set all velocities and offsets to 0: a score, which the model is to humanise.
        fixed_velocities: set all velocities to 0.
        add_instruments: drums to leave out, 0 to 8: the model is to add them.

    Raises:
        ConfigError: a setting out of range.
    """

    note_dropout: Share = 0.0
    tapify: bool = False
    tap_dropout: Share = 0.0
    humanise: bool = False
    fixed_velocities: bool = False
    add_instruments: Annotated[tuple[Annotated[int, Range(0, len(NINE) - 1)], ...], Range(0, len(NINE))] = ()

    def __post_init__(self):
        check(self)

    @property
    def name(self) -> str:
        """The partial input in a word or two."""
        if self.tapify:
            return f"{'few ' * bool(self.tap_dropout)}taps{' on the grid' * self.humanise}"
        return "a score" if self.humanise else "a part" if self.add_instruments else "all"

    def only(self, setting: str) -> GrooveCorruption | None:
        """Itself if a setting is on (`"humanise"`, `"tapify"`, ...); None if not."""
        return self if getattr(self, setting) else None

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Performances `[batch, 27, steps]` to partial inputs of the same shape."""
        if self.note_dropout:
            x = x * _three_times(~self._dropped(x, random))
        if self.tapify:
            x = _taps(x)
        if self.tap_dropout:
            uniform = random.uniform(len(x), 1, x.shape[-1], device=x.device)
            x = x * (uniform >= _share(self.tap_dropout, x, random))
        return self._without(x)

    def deterministic(self, x: torch.Tensor) -> torch.Tensor:
        """The same without random dropout: what is applied to a user's own music."""
        return replace(self, note_dropout=0.0, tap_dropout=0.0)(x, None)

    def restore_known(self, decoded: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """A decode of the partial input of x, with what that input holds of x in its place; both `[batch, 27, steps]`.

        A score keeps its hits, a part its drums; taps say nothing of which drum was hit.
        """
        import torch

        if self.tapify:
            return decoded
        decoded, x = (one.unflatten(1, (3, len(NINE))) for one in (decoded, x))
        known = torch.ones(3, len(NINE), 1, dtype=torch.bool)
        known[1] = not (self.humanise or self.fixed_velocities)
        known[2] = not self.humanise
        known[:, list(self.add_instruments)] = False
        return torch.where(known, x, decoded).flatten(1, 2)

    def _dropped(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Which hits are dropped, bool `[batch, 9, steps]`."""
        _, velocities, _ = x.chunk(3, 1)
        most = _share(self.note_dropout, x, random)
        return random.uniform(*velocities.shape, device=x.device) < most * (1 - velocities).clamp(min=LEAST)

    def _without(self, x: torch.Tensor) -> torch.Tensor:
        """Performances without the velocities, offsets and drums that the settings remove."""
        x = x.clone().unflatten(1, (3, len(NINE)))
        if self.humanise or self.fixed_velocities:
            x[:, 1] = 0
        if self.humanise:
            x[:, 2] = 0
        x[:, :, list(self.add_instruments)] = 0
        return x.flatten(1, 2)


def _share(most: float, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
    """p ~ U(0, most) for each window, `[batch, 1, 1]`."""
    return most * random.uniform(len(x), 1, 1, device=x.device)


def _three_times(cells: torch.Tensor) -> torch.Tensor:
    """Cells `[batch, 9, steps]` for hits, velocities and offsets alike, `[batch, 27, steps]`."""
    return cells.repeat(1, 3, 1)


def _taps(x: torch.Tensor) -> torch.Tensor:
    """The loudest hit of each step on the open hi-hat, and nothing else; of equally loud ones that of the first drum.

    A step without a hit stays silent, also where all its hits were dropped: the original then takes the kick of the
    undropped performance.
    """
    import torch

    planes = x.unflatten(1, (3, len(NINE)))
    hits, velocities, _ = planes.unbind(1)
    loudest = torch.where(hits > 0.5, 1 + velocities, 0).argmax(1, keepdim=True)
    chosen = planes.gather(2, loudest.unsqueeze(1).expand(-1, 3, -1, -1))
    taps = torch.zeros_like(planes)
    taps[:, :, OPEN_HAT] = chosen[:, :, 0]
    return taps.flatten(1, 2)


@dataclass(frozen=True)
class OneOf(Corruption):
    """One of several corruptions, drawn for each example: one model for all of them. A user's own music is not changed.

    Args:
        kinds: the corruptions, equally probable; of several with one setting the first is that of the task
            (`only`).
    """

    kinds: Annotated[tuple[GrooveCorruption, ...], Range(1, 64)] = (
        GrooveCorruption(),
        GrooveCorruption(humanise=True),
        GrooveCorruption(tapify=True, fixed_velocities=True),
        GrooveCorruption(tapify=True, fixed_velocities=True, tap_dropout=0.9),
        GrooveCorruption(tapify=True, humanise=True, tap_dropout=0.9),
    )

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Performances `[batch, 27, steps]` to partial inputs of the same shape."""
        import torch

        drawn = random.integers(0, len(self.kinds) - 1, len(x), device=x.device)
        partial = torch.stack([kind(x, random) for kind in self.kinds])
        return partial[drawn, torch.arange(len(x), device=x.device)]

    def only(self, setting: str) -> GrooveCorruption | None:
        """The first kind whose setting is on; None if there is none."""
        return next((kind for kind in self.kinds if kind.only(setting)), None)


CORRUPTIONS = (GrooveCorruption, OneOf)
