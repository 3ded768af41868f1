"""The recurrent decoder of MusicVAE (magenta.models.music_vae.lstm_models and lstm_utils).

It computes what the original computes: LSTM cells with a forget bias of 1 at the start, Glorot initialisation over each
whole kernel, `tanh(W z + b)` as the initial state, z concatenated with the previous output at every step.

A flat decoder makes all steps from z. With a conductor, another LSTM makes a vector of z for each segment (a bar, a
track), and the decoder begins each segment anew from its vector, reading the last step of the segment before. Each
stream of the data may have a decoder of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from musicae.core.autoregressive import Autoregressive, CausalDecoder, Step
from musicae.core.conditioning import concatenated
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import Likelihood, Streams
from musicae.core.networks.recurrent_encoders import lstm
from musicae.core.networks.step_outputs import CategoricalStep, Nade, StepOutput, step_output

State = list[tuple[torch.Tensor, torch.Tensor]]


class LSTMStack(nn.Module):
    """LSTM layers whose initial states are made of a vector.

    Args:
        inputs: values at each step.
        units: of each layer.
        vector: size of the vector.
        dropout: share of each layer's inputs that is dropped in training.
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
        """`[batch, steps, inputs]` to the states of the top layer `[batch, steps, units]`, and the new state."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            x, new = layer(functional.dropout(x, self.dropout, self.training), before)
            after.append(new)
        return x, after


class Conductor(LSTMStack):
    """A vector for each segment, from z alone: its layers have no inputs.

    The original feeds them one value that is always 0, whose weights are kept for its checkpoints' sake.

    Args:
        segments: how many.
        units: of each layer.
        latent: size of z.
        dropout: share of each layer's inputs that is dropped in training.
    """

    def __init__(self, segments: int, units: Sequence[int], latent: int, dropout: float = 0.0):
        super().__init__(1, units, latent, dropout)
        self.segments = segments

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, latent]` to `[batch, segments, units]`."""
        return self.through(z.new_zeros(len(z), self.segments, 1), self.initial_state(z))[0]


class StepDecoder(LSTMStack, CausalDecoder):
    """LSTMs that make each step of a segment from its vector, the step before, and the condition.

    As a `CausalDecoder` it decodes the vectors of all segments, `[batch, segments, vector]`.

    Args:
        step: what a step is (`musicae.core.networks.step_outputs`).
        segment_steps: steps of a segment.
        vector: size of the vector.
        condition_size: values of the condition at each step.
        units: of each layer.
        autoregressive: whether it reads the step before.
        dropout: share of each layer's inputs that is dropped in training.
    """

    def __init__(
        self,
        step: StepOutput,
        segment_steps: int,
        vector: int,
        condition_size: int,
        units: Sequence[int],
        autoregressive: bool,
        dropout: float,
    ):
        self_inputs = step.input_size if autoregressive else 0
        super().__init__(self_inputs + vector + condition_size, units, vector, dropout)
        self.segment_steps, self.input_sizes = segment_steps, (self_inputs, vector, condition_size)
        self.output = nn.Linear(units[-1], step.output_size)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.nade = step if isinstance(step, Nade) else None
        self._without_weights = None if isinstance(step, Nade) else step

    @property
    def step_output(self) -> StepOutput:
        """What a step is."""
        return self._without_weights if self.nade is None else self.nade

    def run(
        self, inputs: torch.Tensor, vector: torch.Tensor, state: State, condition: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        """The outputs of some steps of a segment, `[batch, steps, output_size]`, and the new state.

        Args:
            inputs: the step before each, `[batch, steps, input_size]`.
            vector: of the segment, `[batch, vector]`.
            state: of every layer.
            condition: `[batch, steps, size]`, or None.
        """
        values = torch.cat([inputs, vector.unsqueeze(1).expand(-1, inputs.shape[1], -1)], -1)
        hidden, state = self.through(concatenated(values, condition), state)
        return self.output(hidden).float(), state

    def teacher_forced(self, inputs: torch.Tensor, z: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """See `CausalDecoder`; all segments at once, for each begins anew from its vector."""
        cut = lambda values: values.unflatten(1, (z.shape[1], -1)).flatten(0, 1)  # noqa: E731
        vectors = z.flatten(0, 1)
        condition = None if condition is None else cut(condition)
        outputs, _ = self.run(cut(inputs), vectors, self.initial_state(vectors), condition)
        return outputs.unflatten(0, (-1, z.shape[1])).flatten(1, 2)

    def step(
        self,
        t: int,
        previous: torch.Tensor | None,
        state: tuple[torch.Tensor, State] | None,
        z: torch.Tensor,
        condition: torch.Tensor | None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, State]]:
        """See `CausalDecoder`; the state holds the vector of the segment too."""
        if t % self.segment_steps == 0:
            vector = z[:, t // self.segment_steps]
            state = vector, self.initial_state(vector)
        vector, layers = state
        size = self.step_output.input_size
        inputs = z.new_zeros(len(z), size) if previous is None else self.step_output.step_inputs(previous)
        condition = None if condition is None else condition[:, t : t + 1]
        output, layers = self.run(inputs.unsqueeze(1), vector, layers, condition)
        return output[:, 0], (vector, layers)

    def sampler(self, z: torch.Tensor, condition: torch.Tensor | None) -> Step:
        """See `CausalDecoder`."""
        return FastLSTM(self, z, condition).step


@dataclass(frozen=True)
class DecoderSettings:
    """The decoder's part of `musicae.core.networks.Recurrent`, which says what each setting is."""

    units: Sequence[int]
    autoregressive: bool = True
    segments: int = 1
    conductor_units: Sequence[int] = ()
    separate_decoders: bool = False
    nade: int = 0
    dropout: float = 0.0
    feed_after_end: bool = False


class RecurrentDecoder(nn.Module):
    """Latent vectors to a likelihood over sequences.

    Args:
        settings: layers and their sizes.
        example_spec: what one example is.
        latent: size of z.
        condition_size: values of the condition at each step.
    """

    def __init__(self, settings: DecoderSettings, example_spec: ExampleSpec, latent: int, condition_size: int = 0):
        super().__init__()
        self.settings, self.example_spec = settings, example_spec
        conducting, dropout = settings.conductor_units, settings.dropout
        self.steps, self.segments = example_spec.size[0], settings.segments if conducting else 1
        self.conductor = Conductor(settings.segments, conducting, latent, dropout) if conducting else None
        vector = conducting[-1] if conducting else latent
        sizes = (self.steps // self.segments, vector, condition_size, settings.units, settings.autoregressive, dropout)
        self.voices = nn.ModuleList(StepDecoder(step, *sizes) for step in self._step_outputs())

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> Likelihood:
        """The likelihood p(x | z) of `[batch, latent]`, with a condition `[batch, steps, size]` or None."""
        vectors = z.unsqueeze(1) if self.conductor is None else self.conductor(z)
        likelihoods = [self._likelihood(decoder, vectors, condition) for decoder in self.voices]
        return Streams(tuple(likelihoods)) if self.settings.separate_decoders else likelihoods[0]

    def _likelihood(self, decoder: StepDecoder, z: torch.Tensor, condition: torch.Tensor | None) -> Likelihood:
        """Of what one decoder makes of vectors `[batch, segments, vector]`."""
        if self.settings.autoregressive:
            ending = {"end": self.example_spec.end, "feed_after_end": self.settings.feed_after_end}
            return Autoregressive(decoder, z, condition, self.steps, self.segments, **ending)
        inputs = z.new_zeros(len(z), self.steps, 0)
        return decoder.step_output.likelihood(decoder.teacher_forced(inputs, z, condition))

    def _step_outputs(self) -> list[StepOutput]:
        """What a step of each decoder is."""
        spec, nade = self.example_spec, self.settings.nade
        if self.settings.separate_decoders:
            return [CategoricalStep((classes,), several=False) for classes in spec.streams]
        return [Nade(spec.outputs, nade) if nade else step_output(spec)]


class FastLSTM:
    """The layers of a decoder as bare matrices, to generate with no more work a step than the recurrence needs: what
    does not change from step to step is multiplied once.

    Args:
        decoder: the decoder.
        vectors: of each segment, `[batch, segments, vector]`.
        condition: `[batch, steps, size]`, or None.
    """

    def __init__(self, decoder: StepDecoder, vectors: torch.Tensor, condition: torch.Tensor | None):
        self.decoder, self.vectors = decoder, vectors
        first, *others = decoder.layers
        of_step, of_vector, of_condition = first.weight_ih_l0.split(decoder.input_sizes, 1)
        self._table = decoder.step_output.table(of_step.t())
        self._vector_gates = functional.linear(vectors, of_vector, first.bias_ih_l0 + first.bias_hh_l0)
        self._condition_gates = None if condition is None else functional.linear(condition, of_condition)
        self._first = _columns(first.weight_hh_l0)
        self._others = [
            (_columns(o.weight_ih_l0), _columns(o.weight_hh_l0), o.bias_ih_l0 + o.bias_hh_l0) for o in others
        ]

    def step(
        self, t: int, previous: torch.Tensor | None, state: tuple[torch.Tensor, State] | None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, State]]:
        """As `StepDecoder.step`; the state holds the gates of the segment too."""
        segment, since = divmod(t, self.decoder.segment_steps)
        vector_gates, layers = state if since else self._begin(segment)
        gates = vector_gates if self._condition_gates is None else vector_gates + self._condition_gates[:, t]
        if previous is not None:
            gates = gates + self.decoder.step_output.projected(previous, self._table)
        h, c = _cell(torch.addmm(gates, layers[0][0], self._first), layers[0][1])
        after = [(h, c)]
        for (below, across, bias), (before, memory) in zip(self._others, layers[1:], strict=True):
            h, c = _cell(torch.addmm(torch.addmm(bias, h, below), before, across), memory)
            after.append((h, c))
        return self.decoder.output(h).float(), (vector_gates, after)

    def _begin(self, segment: int) -> tuple[torch.Tensor, State]:
        """The state before a segment."""
        layers = self.decoder.initial_state(self.vectors[:, segment])
        return self._vector_gates[:, segment], [(h[0], c[0]) for h, c in layers]


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
