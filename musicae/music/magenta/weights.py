"""The original's tensors by its names, and those of musicae: one table, read in both directions.

An LSTM cell of TensorFlow (LSTMBlockCell) has one kernel `[inputs + units, 4 · units]` for its input and its state,
gates in the order i, j, f, o, and adds 1 to the forget gate f while it runs. PyTorch has two matrices with gates
in rows, in the order i, f, g (= j), o, and two biases. Here the first bias is the original's plus that 1, the
second is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian
from musicae.errors import CheckpointError
from musicae.music.magenta.checkpoints import is_weight, shape

CELL = "lstm_cell"
CONDUCTOR = "decoder/hierarchical_level_0/"
State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Cell:
    """An LSTM layer, or one direction of it: `theirs/kernel`, `theirs/bias`, and `ours.weight_ih_l0`, ...

    Args:
        theirs: what the original's names begin with.
        ours: what those of musicae begin with.
        direction: what they end with: `"_reverse"` for the backward one.
    """

    theirs: str
    ours: str
    direction: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the original."""
        return f"{self.theirs}/kernel", f"{self.theirs}/bias"

    def to_musicae(self, kernel: torch.Tensor, bias: torch.Tensor) -> State:
        """Both matrices and both biases."""
        units = len(bias) // 4
        matrix, bias = _swapped(kernel.T), _swapped(bias)
        bias[units : 2 * units] += 1
        values = (matrix[:, :-units], matrix[:, -units:], bias, torch.zeros_like(bias))
        return {name: value.contiguous() for name, value in zip(self._names, values, strict=True)}

    def from_musicae(self, state: State) -> State:
        """Kernel and bias, which is the sum of both biases of musicae."""
        of_input, of_state, *biases = (state[name] for name in self._names)
        bias, units = biases[0] + biases[1], of_state.shape[1]
        bias[units : 2 * units] -= 1
        kernel = _swapped(torch.cat([of_input, of_state], 1)).T.contiguous()
        return dict(zip(self.parts, (kernel, _swapped(bias)), strict=True))

    @property
    def _names(self) -> list[str]:
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [f"{self.ours}.{kind}_l0{self.direction}" for kind in kinds]


@dataclass(frozen=True)
class Dense:
    """An affine layer: `theirs/kernel` `[inputs, outputs]`, `theirs/bias`, and `ours.weight` `[outputs, inputs]`,
    `ours.bias`."""

    theirs: str
    ours: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the original."""
        return f"{self.theirs}/kernel", f"{self.theirs}/bias"

    def to_musicae(self, kernel: torch.Tensor, bias: torch.Tensor) -> State:
        """Weight and bias."""
        return {f"{self.ours}.weight": kernel.T.contiguous(), f"{self.ours}.bias": bias}

    def from_musicae(self, state: State) -> State:
        """Kernel and bias."""
        values = (state[f"{self.ours}.weight"].T.contiguous(), state[f"{self.ours}.bias"])
        return dict(zip(self.parts, values, strict=True))


@dataclass(frozen=True)
class Nade:
    """The weights of a NADE: `theirs/w_enc` `[binary units, 1, hidden]`, `theirs/w_dec_t` `[binary units, hidden, 1]`,
    and `ours.reads`, `ours.says` `[binary units, hidden]`."""

    theirs: str
    ours: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the original."""
        return f"{self.theirs}/w_enc", f"{self.theirs}/w_dec_t"

    def to_musicae(self, encoder: torch.Tensor, decoder: torch.Tensor) -> State:
        """Both matrices."""
        return {f"{self.ours}.reads": encoder.squeeze(1), f"{self.ours}.says": decoder.squeeze(2)}

    def from_musicae(self, state: State) -> State:
        """Both, with another dimension of size 1."""
        values = (state[f"{self.ours}.reads"].unsqueeze(1), state[f"{self.ours}.says"].unsqueeze(2))
        return dict(zip(self.parts, values, strict=True))


def _swapped(gates: torch.Tensor) -> torch.Tensor:
    """Four blocks of rows, the second and the third swapped: i, j, f, o to i, f, j, o and back."""
    first, second, third, fourth = gates.chunk(4)
    return torch.cat([first, third, second, fourth])


def table(preset: Any) -> list[Cell | Dense | Nade]:
    """Which tensors of the original are which of musicae, for a preset with a recurrent network."""
    network = preset.network
    decoders = len(preset.representation.example_spec.streams) if network.separate_decoders else 1
    rows = [*_encoder(network), Dense("encoder/mu", "bottleneck.mean")]
    if isinstance(preset.bottleneck, Gaussian):
        rows.append(Dense("encoder/sigma", "bottleneck.std"))
    if network.conductor_units:
        rows += _stack(CONDUCTOR, "initial_state", "decoder.conductor", len(network.conductor_units))
    core = "core_decoder/" if network.conductor_units else ""
    for i in range(decoders):
        theirs = f"{core}core_decoder_{i}/decoder/" if network.separate_decoders else f"{core}decoder/"
        rows += _step_decoder(theirs, f"decoder.voices.{i}", network)
    return rows


def _encoder(network: Any) -> Iterator[Cell]:
    levels = [("encoder", "encoder.1")]
    if network.hierarchical_encoder:
        levels = [(f"encoder/hierarchical_level_{k}", f"encoder.1.levels.{k}") for k in range(2)]
    for theirs, ours in levels:
        for i in range(len(network.encoder_units)):
            for direction, suffix in (("fw", ""), ("bw", "_reverse")):
                name = f"{theirs}/cell_{i}/bidirectional_rnn/{direction}/multi_rnn_cell/cell_0/{CELL}"
                yield Cell(name, f"{ours}.layers.{i}", suffix)


def _stack(theirs: str, start: str, ours: str, layers: int, cells: str = "cell") -> Iterator[Cell | Dense]:
    """A stack of LSTM layers and the map from z to its initial state."""
    yield Dense(f"{theirs}{start}", f"{ours}.start")
    for i in range(layers):
        yield Cell(f"{theirs}{cells}_{i}/{CELL}", f"{ours}.layers.{i}")


def _step_decoder(theirs: str, ours: str, network: Any) -> Iterator[Cell | Dense | Nade]:
    yield from _stack(theirs, "z_to_initial_state", ours, len(network.decoder_units), "multi_rnn_cell/cell")
    yield Dense(f"{theirs}output_projection", f"{ours}.output")
    if network.nade:
        yield Nade(f"{theirs}nade", f"{ours}.nade")


def to_musicae(tensors: Mapping[str, np.ndarray], preset: Any) -> dict[str, torch.Tensor]:
    """The state of a preset's network from the original's weights.

    Args:
        tensors: by the original's names: a `Checkpoint`, or anything that maps names to arrays.
        preset: the model (`musicae.presets.Preset`) that they are of, its sizes included.

    Raises:
        CheckpointError: a tensor is missing, superfluous, of another shape, or damaged; names the first.
    """
    check(tensors, preset)
    state = {}
    for row in table(preset):
        state |= row.to_musicae(*(torch.from_numpy(np.require(tensors[name], np.float32, "W")) for name in row.parts))
    return state


def from_musicae(state: State, preset: Any) -> dict[str, np.ndarray]:
    """The original's weights from the state of a preset's network: the inverse of `to_musicae`."""
    return {name: value.detach().float().cpu().numpy() for name, value in _exported(state, preset).items()}


@cache
def shapes(preset: Any) -> dict[str, tuple[int, ...]]:
    """The original's tensors of a preset: names and shapes."""
    example_spec = preset.representation.example_spec
    with torch.device("meta"):
        network = build(preset.network, example_spec, preset.latent, preset.bottleneck, preset.conditioning)
    return {name: tuple(value.shape) for name, value in _exported(network.state_dict(), preset).items()}


def check(tensors: Mapping[str, np.ndarray], preset: Any) -> None:
    """Compare names and shapes with those of a preset.

    Raises:
        CheckpointError: a tensor is missing, superfluous, or of another shape; names the first.
    """
    wanted, where = shapes(preset), getattr(tensors, "source", "the checkpoint")
    for name in wanted:
        if name not in tensors:
            raise CheckpointError(f"{where}: tensor {name} is missing, which {preset.name} has")
    for name in tensors:
        if is_weight(name) and name not in wanted:
            raise CheckpointError(f"{where}: tensor {name} is too many: {preset.name} has none of that name")
    for name, expected in wanted.items():
        found = shape(tensors, name)
        if found != expected:
            raise CheckpointError(f"{where}: tensor {name} has shape {found}, that of {preset.name} has {expected}")


def _exported(state: State, preset: Any) -> dict[str, torch.Tensor]:
    return {name: value for row in table(preset) for name, value in row.from_musicae(state).items()}
