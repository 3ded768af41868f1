"""What a decoder's output means: the distribution p(x | z).

Every likelihood answers the same questions (`Likelihood`), and sums over the whole example: all pixels, all steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from musicae.core.example_spec import ExampleSpec
from musicae.core.posteriors import normal_log_prob
from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class ScheduledSampling:
    """How often a decoder in training is given its own output in place of the true previous step (Bengio et al. 2015).

    Args:
        probability: for each step of each example.
        random: where the coin flips and the samples come from.
    """

    probability: float
    random: RandomSource


class Likelihood(Protocol):
    """A distribution p(x | z) over data `[batch, ...]`."""

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats, summed over the parts of each example: `[batch]`."""

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of parts whose most probable value is right, `[batch]`."""

    def mode(self) -> torch.Tensor:
        """The most probable data, `[batch, ...]`."""

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """A draw `[batch, ...]`; at temperature 0 it is the mode."""

    def teacher_forced(self, x: torch.Tensor, scheduled_sampling: ScheduledSampling | None = None) -> Likelihood:
        """The likelihood of each part of `x` given the true parts before it: itself, unless parts depend on each other
        (`musicae.core.autoregressive`).

        Args:
            x: data `[batch, ...]`.
            scheduled_sampling: how often a part sampled from the model stands in for a true one; None for never.
        """
        return self


def choose(logits: torch.Tensor, uniform: torch.Tensor, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
    """One class a row from logits `[..., classes]` by inverting the cumulative distribution at `uniform` `[...]`.

    Args:
        logits: unnormalised log probabilities.
        uniform: numbers in [0, 1).
        temperature: logits are divided by it; 0 takes the most probable class.
        top_p: only the most probable classes that together reach this probability stay in play (Holtzman et al. 2020);
            the most probable one always does.

    Returns:
        int64 `[...]`.
    """
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits.float()
    probabilities = torch.softmax((logits - logits.amax(-1, keepdim=True)) / temperature, -1)
    if top_p < 1:
        ordered, order = probabilities.sort(-1, descending=True)
        beyond = ordered.cumsum(-1) - ordered >= top_p
        beyond[..., 0] = False
        probabilities = probabilities.scatter(-1, order, ordered.masked_fill(beyond, 0.0))
    cumulative = probabilities.cumsum(-1)
    return (cumulative <= uniform.unsqueeze(-1) * cumulative[..., -1:]).sum(-1)


@dataclass(frozen=True)
class Categorical(Likelihood):
    """Independent classes: each of the parts `[batch, parts...]` takes one of `classes` values.

    The number `classes` in the data says that a part is not there; it counts for nothing.

    Args:
        logits: `[batch, parts..., classes]`.
    """

    logits: torch.Tensor

    @classmethod
    def of(cls, output: torch.Tensor) -> Categorical:
        """From a network's output `[batch, classes, parts...]`."""
        return cls(output.movedim(1, -1).float())

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of int64 `[batch, parts...]`, summed over the parts: `[batch]`."""
        logits, absent = self.logits.flatten(0, -2), self.logits.shape[-1]
        losses = functional.cross_entropy(logits, x.flatten(), reduction="none", ignore_index=absent)
        return -losses.view(len(x), -1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of the parts that are there whose most probable class is right, `[batch]`."""
        right, there = ((self.mode() == x).flatten(1), (x < self.logits.shape[-1]).flatten(1))
        return right.sum(1) / there.sum(1)

    def mode(self) -> torch.Tensor:
        """The most probable class of each part, int64 `[batch, parts...]`."""
        return self.logits.argmax(-1)

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Draw each part on its own, int64 `[batch, parts...]`."""
        uniform = random.uniform(*self.logits.shape[:-1], device=self.logits.device)
        return choose(self.logits, uniform, temperature, top_p)


@dataclass(frozen=True)
class BitmaskBernoulli(Likelihood):
    """Independent binary units of which the data are bitmasks: class `Σ_d 2^d` over those that are on.

    Args:
        units: of all parts, `[batch, units, parts...]`.
    """

    units: Bernoulli

    @classmethod
    def of(cls, output: torch.Tensor) -> BitmaskBernoulli:
        """From a network's output `[batch, units, parts...]`."""
        return cls(Bernoulli.of(output))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of int64 `[batch, parts...]`, summed over the parts: `[batch]`."""
        return self.units.log_prob(x.unsqueeze(1) >> self._places & 1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of parts whose most probable bitmask is right, `[batch]`."""
        return (self.mode() == x).float().flatten(1).mean(1)

    def mode(self) -> torch.Tensor:
        """The most probable bitmask of each part, int64 `[batch, parts...]`."""
        return self._bitmask(self.units.mode())

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Draw each unit on its own, int64 `[batch, parts...]`."""
        return self._bitmask(self.units.sample(random, temperature, top_p))

    @property
    def _places(self) -> torch.Tensor:
        logits = self.units.logits
        return torch.arange(logits.shape[1], device=logits.device).view(-1, *[1] * (logits.dim() - 2))

    def _bitmask(self, units: torch.Tensor) -> torch.Tensor:
        return (units.long() << self._places).sum(1)


@dataclass(frozen=True)
class Streams(Likelihood):
    """Several streams of classes side by side, each with classes of its own.

    Args:
        parts: of each stream; their data are `[batch, parts...]`, together `[batch, streams, parts...]`.
    """

    parts: tuple[Categorical | BitmaskBernoulli, ...]

    @classmethod
    def of(cls, output: torch.Tensor, example_spec: ExampleSpec) -> Streams:
        """From a network's output `[batch, example_spec.outputs, parts...]`."""
        kinds = (
            BitmaskBernoulli if i in example_spec.bitmask_streams else Categorical
            for i in range(len(example_spec.streams))
        )
        return cls(tuple(kind.of(part) for kind, part in zip(kinds, output.split(example_spec.widths, 1), strict=True)))

    def teacher_forced(self, x: torch.Tensor, scheduled_sampling: ScheduledSampling | None = None) -> Streams:
        """Each stream given its own true parts."""
        parts = zip(self.parts, x.unbind(1), strict=True)
        return Streams(tuple(part.teacher_forced(stream, scheduled_sampling) for part, stream in parts))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of int64 `[batch, streams, parts...]`: `[batch]`."""
        return sum(part.log_prob(stream) for part, stream in zip(self.parts, x.unbind(1), strict=True))

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of parts whose most probable class is right, the mean over the streams, `[batch]`."""
        shares = [part.accuracy(stream) for part, stream in zip(self.parts, x.unbind(1), strict=True)]
        return torch.stack(shares).mean(0)

    def mode(self) -> torch.Tensor:
        """The most probable class of each part, int64 `[batch, streams, parts...]`."""
        return torch.stack([part.mode() for part in self.parts], 1)

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Draw each part on its own, int64 `[batch, streams, parts...]`."""
        return torch.stack([part.sample(random, temperature, top_p) for part in self.parts], 1)


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Independent parts that are on or off; grey values in 0..1 count as the probability of being on.

    Args:
        logits: `[batch, ...]`, of the shape of the data.
    """

    logits: torch.Tensor

    @classmethod
    def of(cls, output: torch.Tensor) -> Bernoulli:
        """From a network's output, of the shape of the data."""
        return cls(output.float())

    @property
    def mean(self) -> torch.Tensor:
        """The probability of being on, of the shape of the data."""
        return torch.sigmoid(self.logits)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """`Σ x ln p + (1 − x) ln(1 − p)` in nats, `[batch]`: minus the summed binary cross-entropy."""
        losses = functional.binary_cross_entropy_with_logits(self.logits, x.float(), reduction="none")
        return -losses.flatten(1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of parts on the right side of one half, `[batch]`."""
        return ((self.logits > 0) == (x > 0.5)).float().flatten(1).mean(1)

    def mode(self) -> torch.Tensor:
        """On where being on is the more probable, float `[batch, ...]`."""
        return (self.logits > 0).float()

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Draw each part on its own, float `[batch, ...]`. `top_p` has nothing to cut off between two values."""
        if temperature == 0:
            return self.mode()
        uniform = random.uniform(*self.logits.shape, device=self.logits.device)
        return (uniform < torch.sigmoid(self.logits / temperature)).float()


@dataclass(frozen=True)
class Normal(Likelihood):
    """Independent real values around a mean with one fixed standard deviation.

    Args:
        mean: `[batch, ...]`, of the shape of the data.
        std: the same for every part; the default 1/√2 makes −log_prob the summed squared error and a constant.
    """

    mean: torch.Tensor
    std: float = math.sqrt(0.5)

    @classmethod
    def of(cls, output: torch.Tensor) -> Normal:
        """From a network's output, of the shape of the data."""
        return cls(output.float())

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats, summed over the parts: `[batch]`."""
        return normal_log_prob(x, self.mean, self.std).flatten(1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of parts within half a unit, `[batch]`."""
        return ((self.mean - x).abs() < 0.5).float().flatten(1).mean(1)

    def mode(self) -> torch.Tensor:
        """The mean, `[batch, ...]`."""
        return self.mean

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """`mean + temperature · std · e` with e ~ N(0, I), `[batch, ...]`."""
        noise = random.normal(*self.mean.shape, device=self.mean.device)
        return self.mean + temperature * self.std * noise


EPSILON = 1e-7  # of GrooVAE's logarithms


@dataclass(frozen=True)
class HVO(Likelihood):
    """Hits, each with a velocity in 0..1 and an offset in −1..1: a third of the channels each, in this order.

    As GrooVAE has it (Gillick et al. 2019): hits are Bernoulli with `p = sigmoid`, velocities and offsets are normal
    around `sigmoid` and `tanh`, with the deviation at which −log_prob is the squared error and a constant. Velocities
    and offsets where there is no hit count too; in the data they are 0.

    Args:
        output: `[batch, 3 · hits, ...]`, as the network gave it.
    """

    output: torch.Tensor

    @classmethod
    def of(cls, output: torch.Tensor) -> HVO:
        """From a network's output, of the shape of the data."""
        return cls(output.float())

    @property
    def mean(self) -> torch.Tensor:
        """The probability of each hit, its velocity and its offset, of the shape of the data."""
        hits, velocities, offsets = self.output.chunk(3, 1)
        return torch.cat([torch.sigmoid(hits), torch.sigmoid(velocities), torch.tanh(offsets)], 1)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """`Σ t ln(p + ε) + (1 − t) ln(1 − p + ε)` and the normal log densities, in nats: `[batch]`."""
        (p, *expected), (t, *true) = self.mean.chunk(3, 1), x.chunk(3, 1)
        hits = t * (p + EPSILON).log() + (1 - t) * (1 - p + EPSILON).log()
        densities = normal_log_prob(torch.cat(true, 1), torch.cat(expected, 1), math.sqrt(0.5))
        return hits.flatten(1).sum(1) + densities.flatten(1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of hits on the right side of one half, `[batch]`."""
        right = (self.output.chunk(3, 1)[0] > 0) == (x.chunk(3, 1)[0] > 0.5)
        return right.float().flatten(1).mean(1)

    def mode(self) -> torch.Tensor:
        """Hits where that is the more probable, and the expected velocities and offsets, of the shape of the data."""
        p, *expected = self.mean.chunk(3, 1)
        return torch.cat([(p > 0.5).float(), *expected], 1)

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Hits drawn, velocities and offsets expected: as the original draws them."""
        hits, *_ = self.output.chunk(3, 1)
        uniform = random.uniform(*hits.shape, device=hits.device)
        return self.drawn(uniform, temperature)

    def drawn(self, uniform: torch.Tensor, temperature: float) -> torch.Tensor:
        """As `sample`, from numbers in [0, 1) of the shape of the hits."""
        if temperature == 0:
            return self.mode()
        _, *expected = self.mean.chunk(3, 1)
        p = torch.sigmoid(self.output.chunk(3, 1)[0] / temperature)
        return torch.cat([(uniform < p).float(), *expected], 1)


def apportioned(expected: torch.Tensor) -> torch.Tensor:
    """Whole numbers in place of expected ones `[batch, parts]`: each rounded, but those with the largest remainders up,
    the first of equal ones (Hamilton's method), where the sum would be off by one or more: 1.4 hits of each tap.
    """
    down, rounded = expected.floor(), expected.round().sum(1, keepdim=True)
    missing = (expected.sum(1, keepdim=True) - rounded).trunc()
    place = (expected - down).argsort(dim=1, descending=True, stable=True).argsort(1)
    return down + (place < rounded + missing - down.sum(1, keepdim=True))


LAPLACE_SCALE = 0.1  # of the velocities and offsets of hits


@dataclass(frozen=True)
class HVOLaplace(HVO):
    """As `HVO`, but velocities and offsets count where there is a hit in the data, and by their distance: they have the
    Laplace density `exp(−|x − m| / b)` with b = 0.1, here as a share of its peak.

    What is expected is then the median of a hit's velocity and offset if there is a hit, whether or not there is one,
    and a wrong one costs as much as it is audible.
    """

    def mode(self) -> torch.Tensor:
        """Of each part of `[batch, 3 · hits, parts...]` as many hits as are expected, `apportioned(Σ p)`, the most
        probable ones; velocities and offsets as expected.

        Where something is hit but not what is known (a tap), each drum alone is more probably silent.
        """
        p, *expected = self.mean.chunk(3, 1)
        each = p.sum(1, keepdim=True)
        number = apportioned(each.flatten(1)).view_as(each)
        rank = p.argsort(dim=1, descending=True, stable=True).argsort(1)
        return torch.cat([(rank < number).float(), *expected], 1)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """`Σ t ln p + (1 − t) ln(1 − p) − t Σ |x − m| / b` over the hits, in nats: `[batch]`."""
        (_, *expected), (t, *true) = self.mean.chunk(3, 1), x.chunk(3, 1)
        hits = functional.binary_cross_entropy_with_logits(self.output.chunk(3, 1)[0], t, reduction="none")
        distances = torch.stack([(a - b).abs() for a, b in zip(expected, true, strict=True)])
        return -(hits + t * distances.sum(0) / LAPLACE_SCALE).flatten(1).sum(1)
