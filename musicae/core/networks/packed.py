"""Products with a matrix that stays the same, of few rows at a time, and LSTM cells made of them, without gradients.

On a CPU these take as long as it takes to read the matrix, which is up to three times faster where it lies in the order
in which it is read. oneDNN, which PyTorch comes with, lays matrices out so, but that is no public part of PyTorch:
it is tried first, and where it is missing or wrong the ordinary operations are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import nn
from torch.nn import functional

Product = Callable[[torch.Tensor], torch.Tensor]
Cell = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

FEW = 2**16  # weights of a matrix below which a product is too short to gain
LSTM = 2  # oneDNN's number of this kind of recurrence


def product(weight: torch.Tensor, rows: int) -> Product:
    """What multiplies rows `[..., inputs]` with a matrix `[outputs, inputs]`; it may miss later changes of it.

    Args:
        weight: the matrix.
        rows: about how many it will be; any number is right.
    """
    if packs(weight.device, weight.dtype) and weight.numel() >= FEW:
        return _packed_product(weight, rows)
    return partial(functional.linear, weight=weight)


def lstm_cell(layer: nn.LSTM, rows: int) -> Cell:
    """What computes the new (h, c) `[rows, units]` of x `[rows, inputs]`, h and c; see `product`."""
    weight = layer.weight_ih_l0
    if packs(weight.device, weight.dtype):
        return _packed_cell(layer, rows)
    return lambda x, h, c: torch.lstm_cell(x, (h, c), *layer._flat_weights)


@cache
def packs(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there are packed operations there, and they are right."""
    if device.type != "cpu" or dtype != torch.float32:
        return False
    x, h, c, layer = *torch.randn(3, 4, 5), nn.LSTM(5, 5, batch_first=True)
    try:
        with torch.no_grad():
            cells = zip(_packed_cell(layer, 4)(x, h, c), torch.lstm_cell(x, (h, c), *layer._flat_weights), strict=True)
            weight = layer.weight_ih_l0
            pairs = [*cells, (_packed_product(weight, 4)(x), functional.linear(x, weight))]
            return all(torch.allclose(*pair, atol=1e-5) for pair in pairs)
    except (AttributeError, RuntimeError, TypeError):
        return False


def _packed_product(weight: torch.Tensor, rows: int) -> Product:
    layout = 1 if rows == 1 else None  # another one is best for a single row
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), layout)
    multiply = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: multiply(x, packed, None, "none", [], "")


def _packed_cell(layer: nn.LSTM, rows: int) -> Cell:
    inputs, units = layer.input_size, layer.hidden_size
    below, across, *biases = (one.detach() for one in layer._flat_weights)
    pack = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight
    packed = pack(below, across, units, False, True, False, [1, rows, inputs])
    settings = False, [], LSTM, units, 1, True, False, False, False

    def cell(x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        _, h, c, _ = torch.mkldnn_rnn_layer(x.unsqueeze(0), *packed, *biases, h, c, *settings)
        return h, c

    return cell
