"""A decoder of segments, step by step: LSTM layers, in training and, faster, without gradients.

Without gradients, what does not change from step to step is multiplied once, and the weights are laid out for what is
left (`musicae.core.networks.packed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional

from musicae.core.autoregressive import CausalDecoder, Step
from musicae.core.conditioning import concatenated
from musicae.core.networks.packed import Cell, Product, lstm_cell, product
from musicae.core.networks.recurrent_encoders import lstm
from musicae.core.networks.step_outputs import Nade, StepOutput

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
        """(h, c) of every layer, each `[1, batch, units]`."""
        return self.state_of(self.start(vector))

    def state_of(self, start: torch.Tensor) -> State:
        """The initial state of its projection `[batch, 2 · units]`, which holds c before h, layer by layer."""
        sizes = [u for u in self.units for _ in range(2)]
        parts = torch.tanh(start).unsqueeze(0).split(sizes, -1)
        return [(h.contiguous(), c.contiguous()) for c, h in zip(parts[::2], parts[1::2], strict=True)]

    def through(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """`[batch, steps, inputs]` to the states of the top layer `[batch, steps, units]`, and the new state."""
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            x, new = layer(functional.dropout(x, self.dropout, self.training), before)
            after.append(new)
        return x, after


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

    def train(self, mode: bool = True) -> StepDecoder:
        """See `nn.Module`."""
        if mode:
            forget(self)
        return super().train(mode)


@dataclass(frozen=True)
class Operations:
    """What a decoder computes with its weights, laid out.

    Args:
        table: what `StepOutput.projected` reads of the step before.
        vector: the product of the vector of a segment that is projected to the initial state, and the first layer's.
        bias: of both.
        condition: its product with the condition.
        across: its product with its own h.
        cells: the layers above the first.
        output: the outputs of h of the top layer.
    """

    table: torch.Tensor
    vector: Product
    bias: torch.Tensor
    condition: Product
    across: Product
    cells: tuple[Cell, ...]
    output: Product

    @classmethod
    def of(cls, decoder: StepDecoder, rows: int) -> Operations:
        """Those of a decoder, for about so many sequences at a time."""
        first, *others = decoder.layers
        of_step, of_vector, of_condition = first.weight_ih_l0.split(decoder.input_sizes, 1)
        return cls(
            table=decoder.step_output.table(of_step.t()),
            vector=product(torch.cat([decoder.start.weight, of_vector]), rows),
            bias=torch.cat([decoder.start.bias, first.bias_ih_l0 + first.bias_hh_l0]),
            condition=partial(functional.linear, weight=of_condition),
            across=product(first.weight_hh_l0, rows),
            cells=tuple(lstm_cell(layer, rows) for layer in others),
            output=partial(functional.linear, weight=decoder.output.weight, bias=decoder.output.bias),
        )


@dataclass(frozen=True)
class Kept:
    """The operations of a decoder and what its weights were then.

    Args:
        operations: with these weights.
        state: for how many sequences; and of each weight, where it is and how often it was changed.
        sample: values of all weights, for optimisers may change weights without counting it.
    """

    operations: Operations
    state: list
    sample: torch.Tensor


SEVERAL = 2  # sequences, for which weights are laid out alike
SAMPLE = 64  # values of each weight at most
_kept: WeakKeyDictionary[StepDecoder, Kept] = WeakKeyDictionary()


def operations(decoder: StepDecoder, rows: int) -> Operations:
    """Those of a decoder, kept until its weights change or it is trained: laying them out takes as long as some steps.

    Args:
        decoder: the decoder.
        rows: how many sequences it decodes at once: how weights are best laid out depends on whether it is one.
    """
    rows, weights = min(rows, SEVERAL), [one.detach() for one in decoder.parameters()]
    state = [rows, *((one.data_ptr(), 0 if one.is_inference() else one._version) for one in weights)]
    sample = torch.cat([one.flatten()[:: one.numel() // SAMPLE + 1] for one in weights])
    kept = _kept.get(decoder)
    if kept is None or kept.state != state or not torch.equal(kept.sample, sample):
        kept = Kept(Operations.of(decoder, rows), state, sample)
        if not decoder.training:
            _kept[decoder] = kept
    return kept.operations


def forget(decoder: StepDecoder) -> None:
    """Free what is kept of a decoder whose weights will change."""
    _kept.pop(decoder, None)


class FastLSTM:
    """A decoder that makes a batch of sequences step by step.

    Args:
        decoder: the decoder.
        vectors: of each segment, `[batch, segments, vector]`.
        condition: `[batch, steps, size]`, or None.
    """

    def __init__(self, decoder: StepDecoder, vectors: torch.Tensor, condition: torch.Tensor | None):
        self.decoder, self.operations = decoder, operations(decoder, len(vectors))
        self._projected = partial(decoder.step_output.projected, table=self.operations.table)
        vectors = vectors.to(decoder.start.weight.dtype)
        both = self.operations.vector(vectors) + self.operations.bias
        self._starts, self._vector_gates = both.tensor_split([decoder.start.out_features], -1)
        self._condition_gates = None if condition is None else self.operations.condition(condition)
        self._room = _Room.like(vectors, decoder.units[0])

    def step(self, t: int, previous: torch.Tensor | None) -> torch.Tensor:
        """See `musicae.core.autoregressive.Step`."""
        segment, since = divmod(t, self.decoder.segment_steps)
        if not since:
            self._begin(segment)
        do = self.operations
        gates = do.across(self._h).add_(self._segment_gates)
        if self._condition_gates is not None:
            gates.add_(self._condition_gates[:, t])
        if previous is not None:
            gates.add_(self._projected(previous))
        x = self._room.advance(gates, self._h, self._c)
        for i, cell in enumerate(do.cells):
            x, _ = self._above[i] = cell(x, *self._above[i])
        return do.output(x).float()

    def _begin(self, segment: int) -> None:
        """The states before a segment."""
        first, *above = self.decoder.state_of(self._starts[:, segment])
        self._h, self._c = (one[0] for one in first)
        self._above = [(h[0], c[0]) for h, c in above]
        self._segment_gates = self._vector_gates[:, segment]


class _Room:
    """Room to compute the first layer in."""

    def __init__(self, gates: torch.Tensor, tanh: torch.Tensor):
        self._gates, self._tanh = gates, tanh
        self._i, self._f, _, self._o = gates.chunk(4, 1)
        self._g = slice(2 * tanh.shape[1], 3 * tanh.shape[1])

    @classmethod
    def like(cls, vectors: torch.Tensor, units: int) -> _Room:
        """For so many vectors, of their device and type."""
        return cls(vectors.new_empty(len(vectors), 4 * units), vectors.new_empty(len(vectors), units))

    def advance(self, gates: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        """The new h; it and c are written over.

        Args:
            gates: sums `[batch, 4 · units]` of the gates i, f, g, o.
            h: of the layer, `[batch, units]`.
            c: of the layer.
        """
        torch.sigmoid(gates, out=self._gates)
        torch.tanh(gates[:, self._g], out=self._tanh)
        c.mul_(self._f).addcmul_(self._i, self._tanh)
        torch.tanh(c, out=self._tanh)
        return torch.mul(self._o, self._tanh, out=h)
