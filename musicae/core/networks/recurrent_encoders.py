"""The recurrent encoders of MusicVAE, and the LSTM layer that encoders and decoders are made of.

They compute what the original computes (magenta.models.music_vae.lstm_models and lstm_utils): LSTM cells with a forget
bias of 1 at the start, Glorot initialisation over each whole kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from musicae.core.conditioning import concatenated
from musicae.core.example_spec import ExampleSpec


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
    """Stacked bidirectional LSTMs; the features are the last states of the top layer, those of both directions.

    Args:
        channels: values at each step.
        units: of each layer, a direction.
        dropout: share of each layer's inputs that is dropped in training.
    """

    def __init__(self, channels: int, units: Sequence[int], dropout: float = 0.0):
        super().__init__()
        inputs = (channels, *(2 * u for u in units[:-1]))
        self.layers = nn.ModuleList(lstm(i, u, bidirectional=True) for i, u in zip(inputs, units, strict=True))
        self.features = 2 * units[-1]
        self.dropout = dropout

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """`[batch, steps, channels]` to `[batch, features]`; of each example the first `lengths` `[batch]` steps."""
        for layer in self.layers:
            x = functional.dropout(x, self.dropout, self.training)
            if lengths is None:
                x, (state, _) = layer(x)
            else:
                packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
                packed, (state, _) = layer(packed)
                x, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return torch.cat([state[0], state[1]], -1)


class HierarchicalEncoder(nn.Module):
    """An encoder that reads segments, and one of the same size that reads the features of the segments.

    Args:
        channels: values at each step.
        units: of each layer of both, a direction.
        segments: how many; they are equally long.
        dropout: share of each layer's inputs that is dropped in training.
    """

    def __init__(self, channels: int, units: Sequence[int], segments: int, dropout: float = 0.0):
        super().__init__()
        first = RecurrentEncoder(channels, units, dropout)
        self.levels = nn.ModuleList([first, RecurrentEncoder(first.features, units, dropout)])
        self.segments, self.features = segments, first.features

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """`[batch, steps, channels]` to `[batch, features]`; of each segment the first `lengths` steps."""
        segments = x.unflatten(1, (self.segments, -1)).flatten(0, 1)
        features = self.levels[0](segments, None if lengths is None else lengths.flatten())
        return self.levels[1](features.unflatten(0, (-1, self.segments)))


class InputEncoder(nn.Sequential):
    """A recurrent encoder and the layer that makes its inputs of the data.

    Args:
        read: the input layer, of `musicae.core.networks.inputs`.
        network: the encoder.
        example_spec: what one example is.
    """

    def __init__(self, read: nn.Module, network: nn.Module, example_spec: ExampleSpec):
        super().__init__(read, network)
        self.example_spec = example_spec

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Data `[batch, ...]` and a condition at each step `[batch, steps, size]`, or None, to `[batch, features]`."""
        values = concatenated(self[0](x).transpose(1, 2), condition)
        return self[1](values, self._lengths(x))

    def _lengths(self, x: torch.Tensor) -> torch.Tensor | None:
        """How many steps of each segment are present: `[batch, segments]`, or `[batch]` if there is one."""
        if self.example_spec.end is None:
            return None
        present = (x < self.example_spec.outputs).unflatten(1, (getattr(self[1], "segments", 1), -1))
        return present.sum(-1).clamp(min=1).squeeze(1)
