"""What an LSTM says at one step, and how it hears what was said: classes, switches, or marked switches.

Each kind answers the same questions of data `[batch, ..., steps]`:

* `values`: how many numbers are heard; `numbers`: how many the LSTM must give; `draws`: random numbers a step
* `heard(x)`: data as the LSTM hears them, `[batch, steps, values]`
* `likelihood(parameters)`: what all parts of the data are, each given those before it; `[batch, steps, parameters]`
* `choose(parameters, uniform, temperature, top_p)`: one step `[batch, parameters]` to what is said, `[batch, parts]`
* `through(said, table)`: `heard @ weight` of one step with no more work than it needs; `table(weight)` is what that
  needs of weights `[values, n]`
* `data(said)`: all steps `[batch, steps, parts]` as data
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import nn
from torch.nn import functional

from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import HVO, Bernoulli, Categorical, Likelihood, Streams, choose
from musicae.core.networks.inputs import OneHot
from musicae.core.randomness import RandomSource


class Classes:
    """One class of each stream.

    Args:
        streams: classes of each.
        several: whether data have a dimension for streams.
    """

    def __init__(self, streams: tuple[int, ...], several: bool):
        self.streams, self.several = streams, several
        self.values = self.numbers = sum(streams)
        self.draws = len(streams)
        self._read = OneHot(streams, several)
        self._first = list(accumulate(streams[:-1], initial=0))

    def heard(self, x: torch.Tensor) -> torch.Tensor:
        """Indicators of int64 `[batch, steps]` (of several streams `[batch, streams, steps]`)."""
        return self._read(x).transpose(1, 2)

    def likelihood(self, parameters: torch.Tensor) -> Categorical | Streams:
        """The classes of each step."""
        parts = tuple(Categorical(logits) for logits in parameters.split(self.streams, -1))
        return Streams(parts) if self.several else parts[0]

    def choose(self, parameters, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """int64 `[batch, streams]`."""
        if temperature == 0:
            return torch.stack([part.argmax(-1) for part in parameters.split(self.streams, -1)], 1)
        parts = zip(parameters.split(self.streams, -1), uniform.unbind(1), strict=True)
        return torch.stack([choose(logits, numbers, temperature, top_p) for logits, numbers in parts], 1)

    def table(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights with a row of zeros for the number after the last class."""
        return functional.pad(weight, (0, 0, 0, 1)).contiguous()

    def through(self, said: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The sum of the rows that the classes point to."""
        if len(self.streams) == 1:
            return table[said[:, 0]]
        return functional.embedding(said + torch.tensor(self._first, device=said.device), table).sum(1)

    def data(self, said: torch.Tensor) -> torch.Tensor:
        """int64 `[batch, steps]` or `[batch, streams, steps]`."""
        return said.transpose(1, 2) if self.several else said[..., 0]


class Values:
    """What is said as one number a channel, and heard as it was said."""

    def heard(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]` as it is."""
        return x.transpose(1, 2)

    def table(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights."""
        return weight.contiguous()

    def through(self, said: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The product."""
        return said @ table

    def data(self, said: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]`."""
        return said.transpose(1, 2)


class Switches(Values):
    """Independent switches.

    Args:
        switches: how many.
    """

    def __init__(self, switches: int):
        self.values = self.numbers = self.draws = switches

    def likelihood(self, parameters: torch.Tensor) -> Bernoulli:
        """The switches of each step."""
        return Bernoulli.of(parameters.transpose(1, 2))

    def choose(self, parameters, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Zeros and ones `[batch, switches]`."""
        if temperature == 0:
            return (parameters > 0).float()
        return (uniform < torch.sigmoid(parameters / temperature)).float()


class Marks(Switches):
    """Switches, each with a level and a shift (`musicae.core.likelihoods.HVO`).

    Args:
        channels: three times the number of switches.
    """

    def __init__(self, channels: int):
        super().__init__(channels)
        self.draws = channels // 3

    def likelihood(self, parameters: torch.Tensor) -> HVO:
        """The switches, levels and shifts of each step."""
        return HVO.of(parameters.transpose(1, 2))

    def choose(self, parameters, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Switches, levels and shifts, `[batch, channels]`."""
        return HVO(parameters).drawn(uniform, temperature)


class Nade(nn.Module, Values):
    """Switches of which each depends on those before it in the same step: the neural autoregressive distribution
    estimator (Larochelle & Murray 2011), whose biases the LSTM gives.

        a_1 = b_hidden,  p_i = sigmoid(b_i + sigmoid(a_i) · says_i),  a_{i+1} = a_i + x_i · reads_i

    Args:
        switches: how many.
        hidden: units between them.
    """

    def __init__(self, switches: int, hidden: int):
        super().__init__()
        self.hidden, self.values, self.draws = hidden, switches, switches
        self.numbers = hidden + switches
        self.reads = nn.Parameter(torch.empty(switches, hidden))
        self.says = nn.Parameter(torch.empty(switches, hidden))
        for weight in (self.reads, self.says):
            deviation = switches**-0.5
            nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)

    def likelihood(self, parameters: torch.Tensor) -> NadeSwitches:
        """The switches of each step."""
        return NadeSwitches(self, parameters)

    def choose(self, parameters, uniform, temperature: float, top_p: float) -> torch.Tensor:
        """Zeros and ones `[..., switches]`, one after another."""
        if temperature == 0:
            return self.one_by_one(parameters, lambda i, logit: (logit > 0).float())[0]
        drawn = lambda i, logit: (uniform[..., i] < torch.sigmoid(logit / temperature)).float()  # noqa: E731
        return self.one_by_one(parameters, drawn)[0]

    def one_by_one(self, parameters: torch.Tensor, say) -> tuple[torch.Tensor, torch.Tensor]:
        """What is said, and the log odds of each switch given those before it: both `[..., switches]`.

        Args:
            parameters: `[..., hidden + switches]`.
            say: from the number of a switch and its log odds `[...]` to its value `[...]`.
        """
        a, biases = parameters.float().split([self.hidden, self.values], -1)
        said, logits = [], []
        for i in range(self.values):
            logits.append(biases[..., i] + torch.sigmoid(a) @ self.says[i])
            said.append(say(i, logits[-1]))
            a = a + said[-1].unsqueeze(-1) * self.reads[i]
        return torch.stack(said, -1), torch.stack(logits, -1)


NADE_EPSILON = 1e-6  # of the original's logarithms


@dataclass(frozen=True)
class NadeSwitches(Likelihood):
    """The switches of all steps, each given those before it in its step.

    Args:
        nade: the weights between switches.
        output: what the LSTM gave, `[batch, steps, hidden + switches]`.
    """

    nade: Nade
    output: torch.Tensor

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Log odds of each switch given the true ones before it, `[batch, switches, steps]`."""
        truth = x.transpose(1, 2).float()
        return self.nade.one_by_one(self.output, lambda i, _: truth[..., i])[1].transpose(1, 2)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """`Σ x ln(p + ε) + (1 − x) ln(1 − p + ε)` of `[batch, switches, steps]`, in nats: `[batch]`."""
        p = torch.sigmoid(self.logits(x))
        terms = x * (p + NADE_EPSILON).log() + (1 - x) * (1 - p + NADE_EPSILON).log()
        return terms.flatten(1).sum(1)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of steps of which every switch is on the right side of one half, `[batch]`."""
        return ((self.logits(x) > 0) == (x > 0.5)).all(1).float().mean(1)

    def mode(self) -> torch.Tensor:
        """Each switch as is more probable after those before it, `[batch, switches, steps]`."""
        return self.nade.data(self.nade.choose(self.output, None, 0.0, 1.0))

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Each switch drawn after those before it, `[batch, switches, steps]`."""
        uniform = random.uniform(*self.output.shape[:2], self.nade.draws, device=self.output.device)
        return self.nade.data(self.nade.choose(self.output, uniform, temperature, top_p))


def plain_step(example_spec: ExampleSpec, streams: tuple[int, ...], several: bool) -> Classes | Switches | Marks:
    """What is said at a step of some streams of an example_spec, without weights of its own."""
    if example_spec.categorical:
        return Classes(streams, several)
    return (
        Marks(example_spec.outputs)
        if example_spec.likelihood in ("hvo", "hvo_laplace")
        else Switches(example_spec.outputs)
    )
