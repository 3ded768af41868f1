"""What one step of a sequence is: classes, binary units, or hits with velocities and offsets.

A decoder that makes a sequence step by step gives numbers at each step; a `StepOutput` is the distribution that they
are the parameters of, and the way in which steps that were drawn from it become inputs again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import HVO, Bernoulli, Categorical, Likelihood, Streams, choose
from musicae.core.networks.inputs import OneHot
from musicae.core.randomness import RandomSource


class StepOutput(Protocol):
    """The distribution of a step, given the steps before it. By default a step is one number a channel, and is read as
    it is.

    Attributes:
        input_size: how many numbers a step is read as.
        output_size: how many numbers a decoder gives at each step.
        draws: how many random numbers it takes to draw a step.
    """

    input_size: int
    output_size: int
    draws: int

    def likelihood(self, outputs: torch.Tensor) -> Likelihood:
        """All parts of the data, each given those before it, of outputs `[batch, steps, output_size]`."""

    def choose(self, outputs: torch.Tensor, uniform: torch.Tensor | None, temperature: float, top_p: float):
        """One step `[batch, parts]` of outputs `[batch, output_size]`.

        Args:
            outputs: of the step.
            uniform: numbers in [0, 1), `[batch, draws]`; None at temperature 0.
            temperature: 0 for the most probable values.
            top_p: see `musicae.core.likelihoods.choose`.
        """

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Data `[batch, ..., steps]` as a decoder reads them, `[batch, steps, input_size]`."""
        return x.transpose(1, 2)

    def parts(self, x: torch.Tensor) -> torch.Tensor:
        """Data as steps `[batch, steps, parts]`."""
        return x.transpose(1, 2)

    def data(self, steps: torch.Tensor) -> torch.Tensor:
        """Steps `[batch, steps, parts]` as data: the inverse of `parts`."""
        return steps.transpose(1, 2)

    def step_inputs(self, step: torch.Tensor) -> torch.Tensor:
        """One step `[batch, parts]` as a decoder reads it, `[batch, input_size]`."""
        return self.inputs(self.data(step.unsqueeze(1)))[:, 0]

    def table(self, weight: torch.Tensor) -> torch.Tensor:
        """What `projected` needs of weights `[input_size, n]`."""
        return weight.contiguous()

    def projected(self, step: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """`step_inputs(step) @ weight` of one step `[batch, parts]`, with no more work than it needs: `[batch, n]`."""
        return step @ table


class CategoricalStep(StepOutput):
    """One class of each stream.

    Args:
        streams: classes of each.
        several: whether data have a dimension for streams.
    """

    def __init__(self, streams: tuple[int, ...], several: bool):
        self.streams, self.several = streams, several
        self.input_size = self.output_size = sum(streams)
        self.draws = len(streams)
        self._one_hot = OneHot(streams, several)
        self._first = list(accumulate(streams[:-1], initial=0))

    def likelihood(self, outputs: torch.Tensor) -> Categorical | Streams:
        """See `StepOutput`."""
        parts = tuple(Categorical(logits) for logits in outputs.split(self.streams, -1))
        return Streams(parts) if self.several else parts[0]

    def choose(self, outputs, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """int64 `[batch, streams]`; see `StepOutput`."""
        if temperature == 0 and len(self.streams) == 1:
            return outputs.argmax(-1, keepdim=True)
        if temperature == 0:
            return torch.cat([part.argmax(-1, keepdim=True) for part in outputs.split(self.streams, -1)], 1)
        parts = zip(outputs.split(self.streams, -1), uniform.unbind(1), strict=True)
        return torch.stack([choose(logits, numbers, temperature, top_p) for logits, numbers in parts], 1)

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """One-hot vectors of int64 `[batch, steps]` (of several streams `[batch, streams, steps]`)."""
        return self._one_hot(x).transpose(1, 2)

    def parts(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, steps, streams]`."""
        return x.transpose(1, 2) if self.several else x.unsqueeze(-1)

    def data(self, steps: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, steps]` or `[batch, streams, steps]`."""
        return steps.transpose(1, 2) if self.several else steps[..., 0]

    def table(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights with a row of zeros for the number after the last class."""
        return functional.pad(weight, (0, 0, 0, 1)).contiguous()

    def projected(self, step: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The sum of the rows that the classes point to."""
        if len(self.streams) == 1:
            return table.index_select(0, step[:, 0])
        return functional.embedding(step + torch.tensor(self._first, device=step.device), table).sum(1)


class BernoulliStep(StepOutput):
    """Independent binary units.

    Args:
        units: how many.
    """

    def __init__(self, units: int):
        self.input_size = self.output_size = self.draws = units

    def likelihood(self, outputs: torch.Tensor) -> Bernoulli:
        """See `StepOutput`."""
        return Bernoulli.of(outputs.transpose(1, 2))

    def choose(self, outputs, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Zeros and ones `[batch, units]`; see `StepOutput`."""
        if temperature == 0:
            return (outputs > 0).float()
        return (uniform < torch.sigmoid(outputs / temperature)).float()


class HVOStep(StepOutput):
    """Hits, each with a velocity and an offset (`musicae.core.likelihoods.HVO`).

    Args:
        channels: three times the number of drums.
    """

    def __init__(self, channels: int):
        self.input_size = self.output_size = channels
        self.draws = channels // 3

    def likelihood(self, outputs: torch.Tensor) -> HVO:
        """See `StepOutput`."""
        return HVO.of(outputs.transpose(1, 2))

    def choose(self, outputs, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Hits, velocities and offsets, `[batch, channels]`; see `StepOutput`."""
        return HVO(outputs).drawn(uniform, temperature)


class Nade(nn.Module, StepOutput):
    """Binary units of which each depends on those before it in the same step: the neural autoregressive distribution
    estimator (Larochelle & Murray 2011), whose biases the decoder gives.

        a_1 = b_hidden,  p_i = sigmoid(b_i + sigmoid(a_i) · says_i),  a_{i+1} = a_i + x_i · reads_i

    Args:
        units: how many.
        hidden: units of the hidden layer.
    """

    def __init__(self, units: int, hidden: int):
        super().__init__()
        self.hidden, self.input_size, self.draws = hidden, units, units
        self.output_size = hidden + units
        self.reads = nn.Parameter(torch.empty(units, hidden))
        self.says = nn.Parameter(torch.empty(units, hidden))
        for weight in (self.reads, self.says):
            deviation = units**-0.5
            nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)

    def likelihood(self, outputs: torch.Tensor) -> NadeLikelihood:
        """See `StepOutput`."""
        return NadeLikelihood(self, outputs)

    def choose(self, outputs, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Zeros and ones `[..., units]`, one after another; see `StepOutput`."""
        if temperature == 0:
            return self.one_by_one(outputs, lambda i, logit: (logit > 0).float())[0]
        drawn = lambda i, logit: (uniform[..., i] < torch.sigmoid(logit / temperature)).float()  # noqa: E731
        return self.one_by_one(outputs, drawn)[0]

    def one_by_one(
        self, outputs: torch.Tensor, value: Callable[[int, torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The values of the units, and the log odds of each given those before it: both `[..., units]`.

        Args:
            outputs: `[..., hidden + units]`.
            value: from the number of a unit and its log odds `[...]` to its value `[...]`.
        """
        a, biases = outputs.float().split([self.hidden, self.input_size], -1)
        values, logits = [], []
        for i in range(self.input_size):
            logits.append(biases[..., i] + torch.sigmoid(a) @ self.says[i])
            values.append(value(i, logits[-1]))
            a = a + values[-1].unsqueeze(-1) * self.reads[i]
        return torch.stack(values, -1), torch.stack(logits, -1)


NADE_EPSILON = 1e-6  # of the original's logarithms


@dataclass(frozen=True)
class NadeLikelihood(Likelihood):
    """The binary units of all steps, each given those before it in its step.

    Args:
        nade: the weights between units.
        output: what the decoder gave, `[batch, steps, hidden + units]`.
    """

    nade: Nade
    output: torch.Tensor

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Log odds of each unit given the true ones before it, `[batch, units, steps]`."""
        truth = x.transpose(1, 2).float()
        return self.nade.one_by_one(self.output, lambda i, _: truth[..., i])[1].transpose(1, 2)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """`Σ x ln(p + ε) + (1 − x) ln(1 − p + ε)` of `[batch, units, steps]`, in nats: `[batch]`."""
        p = torch.sigmoid(self.logits(x))
        terms = x * (p + NADE_EPSILON).log() + (1 - x) * (1 - p + NADE_EPSILON).log()
        return terms.flatten(1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of steps of which every unit is on the right side of one half, `[batch]`."""
        return ((self.logits(x) > 0) == (x > 0.5)).all(1).float().mean(1)

    def mode(self) -> torch.Tensor:
        """Each unit as is more probable after those before it, `[batch, units, steps]`."""
        return self.nade.data(self.nade.choose(self.output, None, 0.0, 1.0))

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Each unit drawn after those before it, `[batch, units, steps]`."""
        uniform = random.uniform(*self.output.shape[:2], self.nade.draws, device=self.output.device)
        return self.nade.data(self.nade.choose(self.output, uniform, temperature, top_p))


def step_output(example_spec: ExampleSpec) -> CategoricalStep | BernoulliStep | HVOStep:
    """What a step of such an example is, without weights of its own."""
    if example_spec.categorical:
        return CategoricalStep(example_spec.streams, isinstance(example_spec.channels, tuple))
    if example_spec.likelihood in ("hvo", "hvo_laplace"):
        return HVOStep(example_spec.outputs)
    return BernoulliStep(example_spec.outputs)
