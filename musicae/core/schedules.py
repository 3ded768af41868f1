"""Functions of the training step: the weight of the rate, the learning rate, the probability of scheduled sampling.

Each is a frozen set of numbers that is called with the step (0 for the first), so that it can be written in a
configuration; none has a state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from musicae.core.configuration import Positive, Share, Step


@dataclass(frozen=True)
class Constant:
    """The same `value` at every step."""

    value: float

    def __call__(self, step: int) -> float:
        """The value."""
        return self.value


@dataclass(frozen=True)
class Linear:
    """`start` until the step `first`, `end` from the step `last` on, a straight line between."""

    start: float
    end: float
    first: Step
    last: Step

    def __call__(self, step: int) -> float:
        """The value at `step`."""
        progress = (step - self.first) / max(self.last - self.first, 1)
        return self.start + (self.end - self.start) * min(max(progress, 0.0), 1.0)


@dataclass(frozen=True)
class Saturating:
    """`(1 − rate^step) · maximum`: MusicVAE's beta. A rate of 0 is 0 at step 0 and `maximum` from step 1 on."""

    maximum: float
    rate: Share

    def __call__(self, step: int) -> float:
        """The value at `step`."""
        return (1 - self.rate**step) * self.maximum


@dataclass(frozen=True)
class Exponential:
    """`1 − rate^step`: MusicVAE's sampling probability of that name."""

    rate: Share

    def __call__(self, step: int) -> float:
        """The value at `step`."""
        return 1 - self.rate**step


@dataclass(frozen=True)
class InverseSigmoid:
    """`1 − k / (k + exp(step / k))`: MusicVAE's sampling probability; one half at step `k ln k`."""

    k: Positive

    def __call__(self, step: int) -> float:
        """The value at `step`, in a form that cannot overflow."""
        return 1 - self.k / (self.k + math.exp(min(step / self.k, 700.0)))


@dataclass(frozen=True)
class WarmupCosine:
    """A straight rise to `peak` over `warmup` steps, then half a cosine down to `final` at step `steps`."""

    peak: float
    final: float
    warmup: Step
    steps: Step

    def __call__(self, step: int) -> float:
        """The value at `step`."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        progress = min((step - self.warmup) / max(self.steps - self.warmup, 1), 1.0)
        return self.final + (self.peak - self.final) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Decay:
    """`(start − final) · rate^step + final`: MusicVAE's learning rate."""

    start: float
    final: float
    rate: Share

    def __call__(self, step: int) -> float:
        """The value at `step`."""
        return (self.start - self.final) * self.rate**step + self.final


Schedule = Constant | Linear | Saturating | Exponential | InverseSigmoid | WarmupCosine | Decay
SCHEDULES = (Constant, Linear, Saturating, Exponential, InverseSigmoid, WarmupCosine, Decay)
