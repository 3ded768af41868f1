"""The recurrent networks of MusicVAE (magenta.models.music_vae.lstm_models and lstm_utils).

They compute what the original computes: LSTM cells with a forget bias of 1 at the start, Glorot initialisation over
each whole kernel, `tanh(W z + b)` as the decoder's initial state, z beside the previous output at every step.

A decoder is made of voices. A flat one has one voice, which says all steps from z. With a conductor, another LSTM makes
a vector of z for each segment (a bar, a track), and voices begin each segment anew from its vector, hearing what
they said last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from musicae.core.conditioning import concatenated
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import ScheduledSampling, Streams
from musicae.core.networks.recurrent_encoders import lstm
from musicae.core.networks.step_outputs import Nade, plain_step
from musicae.core.randomness import RandomSource

State = list[tuple[torch.Tensor, torch.Tensor]]


class Stack(nn.Module):
    """LSTM layers that begin from a vector.

    Args:
        inputs: values at each step.
        units: of each layer.
        vector: size of the vector.
        dropout: share of each layer's inputs that is left out in training.
    """

    def __init__(self, inputs: int, units: Sequence[int], vector: int, dropout: float = 0.0):
        super().__init__()
        self.units, self.dropout = tuple(units), dropout
        self.start = nn.Linear(vector, 2 * sum(units))
        self.layers = nn.ModuleList(lstm(i, u) for i, u in zip((inputs, *units[:-1]), units, strict=True))
        nn.init.normal_(self.start.weight, std=0.001)
        nn.init.zeros_(self.start.bias)

    def initial_state(self, vector: torch.Tensor) -> State:
        """(h, c) of every layer, each `[1, batch, units]`; the projection holds c before h, layer by layer."""
        sizes = [u for u in self.units for _ in range(2)]
        parts = torch.tanh(self.start(vector)).unsqueeze(0).split(sizes, -1)
        return [(h.contiguous(), c.contiguous()) for c, h in zip(parts[::2], parts[1::2], strict=True)]

    def through(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """What the top layer makes of `[batch, steps, inputs]`, and the new state."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            x, new = layer(functional.dropout(x, self.dropout, self.training), before)
            after.append(new)
        return x, after


class Conductor(Stack):
    """A vector for each segment, from z alone: its layers hear nothing.

    The original feeds them one value that is always 0, whose weights are kept for its checkpoints' sake.

    Args:
        segments: how many.
        units: of each layer.
        latent: size of z.
        dropout: share of each layer's inputs that is left out in training.
    """

    def __init__(self, segments: int, units: Sequence[int], latent: int, dropout: float = 0.0):
        super().__init__(1, units, latent, dropout)
        self.segments = segments

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, latent]` to `[batch, segments, units]`."""
        return self.through(z.new_zeros(len(z), self.segments, 1), self.initial_state(z))[0]


class Voice(Stack):
    """An LSTM that says something at each step, hearing what it said before and a vector.

    Args:
        step: what is said (`musicae.core.networks.step_outputs`).
        autoregressive: whether it hears what it said before.
        vector: size of the vector.
        told: values that it is told at each step.
        units: of each layer.
        dropout: share of each layer's inputs that is left out in training.
    """

    def __init__(self, step, autoregressive: bool, vector: int, told: int, units: Sequence[int], dropout: float):
        heard = step.values if autoregressive else 0
        super().__init__(heard + vector + told, units, vector, dropout)
        self.heard = heard
        self.output = nn.Linear(units[-1], step.numbers)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.nade = step if isinstance(step, Nade) else None
        self._plain = None if isinstance(step, Nade) else step

    @property
    def step(self):
        """What is said at a step."""
        return self._plain if self.nade is None else self.nade

    def run(
        self, x: torch.Tensor, vector: torch.Tensor, state: State, condition: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        """What it gives at each step, `[batch, steps, numbers]`, and the new state.

        Args:
            x: what it hears, `[batch, steps, values]`.
            vector: `[batch, vector]`.
            state: of every layer.
            condition: what it is told, `[batch, steps, told]`, or None.
        """
        values = torch.cat([x, vector.unsqueeze(1).expand(-1, x.shape[1], -1)], -1)
        hidden, state = self.through(concatenated(values, condition), state)
        return self.output(hidden).float(), state

    def forced(self, x: torch.Tensor, vectors: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """What it gives at each step `[batch, steps, numbers]`, hearing `x` `[batch, steps, values]`: all segments at
        once, for each begins anew from its vector `[batch, segments, vector]`."""
        segments = vectors.shape[1]
        cut = lambda values: values.unflatten(1, (segments, -1)).flatten(0, 1)  # noqa: E731
        begin = vectors.flatten(0, 1)
        told = None if condition is None else cut(condition)
        output, _ = self.run(cut(x), begin, self.initial_state(begin), told)
        return output.unflatten(0, (-1, segments)).flatten(1, 2)


class RecurrentDecoder(nn.Module):
    """Latent vectors to a likelihood over sequences.

    Args:
        example_spec: what one example is.
        latent: size of z.
        told: values that it is told at each step.
        units: of each layer, and the others: as `musicae.core.networks.Recurrent` has them.
    """

    def __init__(
        self,
        example_spec: ExampleSpec,
        latent: int,
        told: int = 0,
        *,
        units: Sequence[int],
        autoregressive: bool = True,
        segments: int = 1,
        conductor_units: Sequence[int] = (),
        separate_decoders: bool = False,
        nade: int = 0,
        dropout: float = 0.0,
        feed_after_end: bool = False,
    ):
        super().__init__()
        self.example_spec, self.autoregressive, self.separate_decoders = example_spec, autoregressive, separate_decoders
        self.feed_after_end = feed_after_end
        self.steps = example_spec.size[0]
        self.conductor = Conductor(segments, conductor_units, latent, dropout) if conductor_units else None
        vector = conductor_units[-1] if conductor_units else latent
        said = _said(example_spec, separate_decoders, nade)
        self.voices = nn.ModuleList(Voice(step, autoregressive, vector, told, units, dropout) for step in said)

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None):
        """The likelihood p(x | z) of `[batch, latent]`, told `[batch, steps, told]`."""
        vectors = z.unsqueeze(1) if self.conductor is None else self.conductor(z)
        if self.autoregressive:
            return Autoregressive(self, vectors, condition)
        nothing = z.new_zeros(len(z), self.steps, 0)
        return self.joined([v.step.likelihood(v.forced(nothing, vectors, condition)) for v in self.voices])

    def parts(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """The data of each voice."""
        return x.unbind(1) if self.separate_decoders else (x,)

    def joined(self, likelihoods: list):
        """The likelihood of what all voices say together."""
        return Streams(tuple(likelihoods)) if self.separate_decoders else likelihoods[0]


def _said(example_spec: ExampleSpec, separate_decoders: bool, nade: int) -> list:
    """What each voice says at a step."""
    if separate_decoders:
        return [plain_step(example_spec, (classes,), several=False) for classes in example_spec.streams]
    if nade:
        return [Nade(example_spec.outputs, nade)]
    return [plain_step(example_spec, example_spec.streams, isinstance(example_spec.channels, tuple))]


@dataclass(frozen=True)
class Autoregressive:
    """Sequences of which each step depends on z and on all before it: `p(x | z) = Π_t p(x_t | x_<t, z)`.

    `log_prob` is teacher-forced, which is exact; `mode` is greedy, step by step; `sample` runs freely.

    Args:
        network: the decoder.
        vectors: what each segment begins from, `[batch, segments, vector]`.
        condition: what it is told, `[batch, steps, told]`, or None.
    """

    network: RecurrentDecoder
    vectors: torch.Tensor
    condition: torch.Tensor | None = None

    def teacher_forced(self, x: torch.Tensor, scheduled_sampling: ScheduledSampling | None = None):
        """p(x_t | what was heard before t, z) for every step: the truth `x`, or with `feedback` at times a sample.

        Args:
            x: data `[batch, ...]`.
            scheduled_sampling: None for teacher forcing.
        """
        parts = zip(self.network.voices, self.network.parts(x), strict=True)
        return self.network.joined([v.step.likelihood(self._heard(v, part, scheduled_sampling)) for v, part in parts])

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of data `[batch, ...]`: `[batch]`."""
        return self.teacher_forced(x).log_prob(x)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of steps whose most probable value is right after the true steps before it, `[batch]`."""
        return self.teacher_forced(x).accuracy(x)

    def mode(self) -> torch.Tensor:
        """The greedy decode, of the shape of the data."""
        return self._said_by_all(0.0, 1.0, None)

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Each step drawn after the steps drawn before it, of the shape of the data."""
        return self._said_by_all(temperature, top_p, random)

    def _said_by_all(self, temperature: float, top_p: float, random: RandomSource | None) -> torch.Tensor:
        said = [v.step.data(self._said(v, temperature, top_p, random)) for v in self.network.voices]
        return torch.stack(said, 1) if self.network.separate_decoders else said[0]

    def _uniform(self, voice: Voice, random: RandomSource | None) -> torch.Tensor | None:
        """Numbers for every draw of every step, `[batch, steps, draws]`."""
        if random is None:
            return None
        return random.uniform(len(self.vectors), self.network.steps, voice.step.draws, device=self.vectors.device)

    def _said(self, voice: Voice, temperature: float, top_p: float, random: RandomSource | None) -> torch.Tensor:
        """What a voice says running freely, `[batch, steps, parts]`; after the class that ends a segment, nothing."""
        uniform, cells = self._uniform(voice, random), Cells(voice, self.vectors, self.condition)
        length, end = self.network.steps // self.vectors.shape[1], self.network.example_spec.end
        said: list[torch.Tensor] = []
        heard = None
        for t in range(self.network.steps):
            if t % length == 0:
                cells.begin(t // length)
                over = torch.zeros(len(self.vectors), 1, dtype=torch.bool, device=self.vectors.device)
            numbers = cells.step(t, heard)
            now = voice.step.choose(numbers, None if uniform is None else uniform[:, t], temperature, top_p)
            said.append(now if end is None else now.masked_fill(over, voice.step.values))
            heard = now if self.network.feed_after_end else said[-1]
            over = over | (now == end) if end is not None else over
        return torch.stack(said, 1)

    def _heard(self, voice: Voice, x: torch.Tensor, scheduled_sampling: ScheduledSampling | None) -> torch.Tensor:
        """What a voice gives at each step, hearing the truth `x` or at times itself: `[batch, steps, numbers]`."""
        truth = functional.pad(voice.step.heard(x), (0, 0, 1, 0))[:, :-1]
        if scheduled_sampling is None or scheduled_sampling.probability == 0:
            return voice.forced(truth, self.vectors, self.condition)
        return self._scheduled(voice, truth, scheduled_sampling)

    def _scheduled(self, voice: Voice, truth: torch.Tensor, scheduled_sampling: ScheduledSampling) -> torch.Tensor:
        """As `_heard`; what the model says is drawn at temperature 1 and carries no gradient."""
        batch, steps = truth.shape[:2]
        numbers = scheduled_sampling.random.uniform(batch, 1 + voice.step.draws, steps, device=truth.device)
        coins, draws = numbers[:, 0] < scheduled_sampling.probability, numbers[:, 1:]
        length, outputs, heard = steps // self.vectors.shape[1], [], truth[:, :1]
        for t in range(steps):
            if t % length == 0:
                vector = self.vectors[:, t // length]
                state = voice.initial_state(vector)
            told = None if self.condition is None else self.condition[:, t : t + 1]
            output, state = voice.run(heard, vector, state, told)
            outputs.append(output)
            if t + 1 < steps:
                said = voice.step.choose(output[:, 0].detach(), draws[:, :, t], 1.0, 1.0)
                own = voice.step.heard(voice.step.data(said.unsqueeze(1)))
                heard = torch.where(coins[:, t, None, None], own, truth[:, t + 1 : t + 2])
        return torch.cat(outputs, 1)


class Cells:
    """The layers of a voice as bare matrices, to run freely with no more work a step than the recurrence needs: what
    does not change from step to step is multiplied once.

    Args:
        voice: the voice.
        vectors: what each segment begins from, `[batch, segments, vector]`.
        condition: what it is told, `[batch, steps, told]`, or None.
    """

    def __init__(self, voice: Voice, vectors: torch.Tensor, condition: torch.Tensor | None):
        self.voice, self.vectors = voice, vectors
        first, *others = voice.layers
        told = 0 if condition is None else condition.shape[-1]
        heard, vector, beside = first.weight_ih_l0.split([voice.heard, vectors.shape[-1], told], 1)
        self._heard = voice.step.table(heard.t())
        self._fixed = functional.linear(vectors, vector, first.bias_ih_l0 + first.bias_hh_l0)
        self._told = None if condition is None else functional.linear(condition, beside)
        self._first = _columns(first.weight_hh_l0)
        self._others = [
            (_columns(o.weight_ih_l0), _columns(o.weight_hh_l0), o.bias_ih_l0 + o.bias_hh_l0) for o in others
        ]

    def begin(self, segment: int) -> None:
        """Begin a segment from its vector."""
        state = self.voice.initial_state(self.vectors[:, segment])
        self._state = [(h[0], c[0]) for h, c in state]
        self._now = self._fixed[:, segment]

    def step(self, t: int, said: torch.Tensor | None) -> torch.Tensor:
        """What the voice gives at step `t`, `[batch, numbers]`, having said `said` `[batch, parts]` before."""
        gates = self._now if self._told is None else self._now + self._told[:, t]
        if said is not None:
            gates = gates + self.voice.step.through(said, self._heard)
        h, c = _cell(torch.addmm(gates, self._state[0][0], self._first), self._state[0][1])
        after = [(h, c)]
        for (below, across, bias), (before, memory) in zip(self._others, self._state[1:], strict=True):
            h, c = _cell(torch.addmm(torch.addmm(bias, h, below), before, across), memory)
            after.append((h, c))
        self._state = after
        return self.voice.output(h).float()


LARGE = 2**23  # weights of a matrix above which a copy costs more than it gains


def _columns(weight: torch.Tensor) -> torch.Tensor:
    """A matrix turned, so that vectors can be multiplied from the left; in memory too: small products are then up to
    twice as fast on a CPU."""
    return weight.t() if weight.numel() > LARGE else weight.t().contiguous()


def _cell(gates: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(h, c) of an LSTM from the sums of its gates `[batch, 4 · units]`, in the order i, f, g, o."""
    units = c.shape[-1]
    i, f, _, o = torch.sigmoid(gates).chunk(4, -1)
    c = torch.addcmul(f * c, i, torch.tanh(gates[:, 2 * units : 3 * units]))
    return o * torch.tanh(c), c
