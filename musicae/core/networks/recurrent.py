"""The recurrent networks of MusicVAE (magenta.models.music_vae.lstm_models), flat configurations.

Both compute what the original computes: LSTM cells with a forget bias of 1 at the start, Glorot initialisation over
each whole kernel, `tanh(W z + b)` as the decoder's initial state, z beside the previous output at every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from musicae.core.likelihoods import Categorical, choose
from musicae.core.randomness import RandomSource


def lstm(inputs: int, units: int, **options) -> nn.LSTM:
    """One LSTM layer as the original starts it: a single bias (the other stays 0) with 1 on the forget gate, kernels
    uniform within ±√(6 / (inputs + 5 units)), which is Glorot's limit for the kernel of all four gates."""
    layer = nn.LSTM(inputs, units, batch_first=True, **options)
    limit = math.sqrt(6 / (inputs + 5 * units))
    for name, parameter in layer.named_parameters():
        if name.startswith("weight"):
            nn.init.uniform_(parameter, -limit, limit)
        else:
            nn.init.zeros_(parameter)
        if name.startswith("bias_ih"):
            nn.init.ones_(parameter.data[units : 2 * units])
        if name.startswith("bias_hh"):
            parameter.requires_grad_(False)
    return layer


class RecurrentEncoder(nn.Module):
    """Stacked bidirectional LSTMs; the features are the last states of the top layer, forward beside backward.

    Args:
        channels: values at each step.
        units: of each layer, a direction.
    """

    def __init__(self, channels: int, units: Sequence[int]):
        super().__init__()
        inputs = (channels, *(2 * u for u in units[:-1]))
        self.layers = nn.ModuleList(lstm(i, u, bidirectional=True) for i, u in zip(inputs, units, strict=True))
        self.features = 2 * units[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, steps]` to `[batch, features]`."""
        x = x.transpose(1, 2)
        for layer in self.layers:
            x, (state, _) = layer(x)
        return torch.cat([state[0], state[1]], -1)


class RecurrentDecoder(nn.Module):
    """Latent vectors to a likelihood over `steps` classes.

    Args:
        classes: values that a step can take.
        steps: length of an example.
        units: of each LSTM layer.
        latent: size of z.
        autoregressive: whether it hears what it said before.
    """

    def __init__(self, classes: int, steps: int, units: Sequence[int], latent: int, autoregressive: bool = True):
        super().__init__()
        self.classes, self.steps, self.units = classes, steps, tuple(units)
        self.heard = classes if autoregressive else 0
        self.start = nn.Linear(latent, 2 * sum(units))
        inputs = (self.heard + latent, *units[:-1])
        self.layers = nn.ModuleList(lstm(i, u) for i, u in zip(inputs, units, strict=True))
        self.output = nn.Linear(units[-1], classes)
        nn.init.normal_(self.start.weight, std=0.001)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.start.bias)
        nn.init.zeros_(self.output.bias)

    def forward(self, z: torch.Tensor) -> AutoregressiveCategorical | Categorical:
        """The likelihood p(x | z) of `[batch, latent]`."""
        if self.heard:
            return AutoregressiveCategorical(self, z)
        return Categorical(self.run(z.new_zeros(len(z), self.steps, 0), z, self.initial_state(z))[0])

    def initial_state(self, z: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(h, c) of every layer, each `[1, batch, units]`; the projection holds c before h, layer by layer."""
        sizes = [u for u in self.units for _ in range(2)]
        parts = torch.tanh(self.start(z)).unsqueeze(0).split(sizes, -1)
        return [(h.contiguous(), c.contiguous()) for c, h in zip(parts[::2], parts[1::2], strict=True)]

    def run(self, x: torch.Tensor, z: torch.Tensor, state: list) -> tuple[torch.Tensor, list]:
        """Logits `[batch, steps, classes]` after previous outputs `x` `[batch, steps, classes]`, and the new state."""
        hidden = torch.cat([x, z.unsqueeze(1).expand(-1, x.shape[1], -1)], -1)
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            hidden, new = layer(hidden, before)
            after.append(new)
        return self.output(hidden).float(), after


@dataclass(frozen=True)
class Feedback:
    """How often a decoder in training hears its own output, not the truth (scheduled sampling, Bengio et al. 2015).

    Args:
        probability: for each step of each example.
        random: where the coin flips and the samples come from.
    """

    probability: float
    random: RandomSource


@dataclass(frozen=True)
class AutoregressiveCategorical:
    """Classes of which each depends on z and on all before it: `p(x | z) = Π_t p(x_t | x_<t, z)`.

    `log_prob` is teacher-forced, which is exact; `mode` is greedy, step by step; `sample` runs freely.

    Args:
        network: the decoder.
        z: `[batch, latent]`.
    """

    network: RecurrentDecoder
    z: torch.Tensor

    def given(self, x: torch.Tensor, feedback: Feedback | None = None) -> Categorical:
        """p(x_t | what was heard before t, z) for every step: the truth `x`, or with `feedback` at times a sample.

        Args:
            x: int64 `[batch, steps]`.
            feedback: None for teacher forcing.
        """
        truth = functional.pad(functional.one_hot(x, self.network.classes).float(), (0, 0, 1, 0))[:, :-1]
        if feedback is None or feedback.probability == 0:
            return Categorical(self.network.run(truth, self.z, self.network.initial_state(self.z))[0])
        return Categorical(self._scheduled(truth, feedback))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of int64 `[batch, steps]`: `[batch]`."""
        return self.given(x).log_prob(x)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of steps whose most probable class is right after the true steps before it, `[batch]`."""
        return self.given(x).accuracy(x)

    def mode(self) -> torch.Tensor:
        """The greedy decode, int64 `[batch, steps]`."""
        return self._run_freely(0.0, 1.0, torch.zeros(len(self.z), self.network.steps, device=self.z.device))

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Each step drawn after the steps drawn before it, int64 `[batch, steps]`."""
        uniform = random.uniform(len(self.z), self.network.steps, device=self.z.device)
        return self._run_freely(temperature, top_p, uniform)

    def _run_freely(self, temperature: float, top_p: float, uniform: torch.Tensor) -> torch.Tensor:
        state, chosen = self.network.initial_state(self.z), []
        heard = torch.zeros(len(self.z), 1, self.network.classes, device=self.z.device)
        for t in range(self.network.steps):
            logits, state = self.network.run(heard, self.z, state)
            chosen.append(choose(logits[:, 0], uniform[:, t], temperature, top_p))
            heard = functional.one_hot(chosen[-1], self.network.classes).float().unsqueeze(1)
        return torch.stack(chosen, 1)

    def _scheduled(self, truth: torch.Tensor, feedback: Feedback) -> torch.Tensor:
        """Logits `[batch, steps, classes]`; what the model says is drawn at temperature 1 and carries no gradient."""
        batch, steps = truth.shape[:2]
        coins, draws = feedback.random.uniform(batch, 2, steps, device=truth.device).unbind(1)
        state, logits, heard = self.network.initial_state(self.z), [], truth[:, :1]
        for t in range(steps):
            step, state = self.network.run(heard, self.z, state)
            logits.append(step)
            if t + 1 < steps:
                own = functional.one_hot(choose(step[:, 0].detach(), draws[:, t]), truth.shape[-1]).float()
                hears_itself = (coins[:, t] < feedback.probability).unsqueeze(-1)
                heard = torch.where(hears_itself, own, truth[:, t + 1]).unsqueeze(1)
        return torch.cat(logits, 1)
