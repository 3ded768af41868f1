"""Operations with weights that are laid out for them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from musicae.core.networks import packed

CPU = torch.device("cpu")


@pytest.fixture(params=(True, False), ids=("packed", "ordinary"))
def packs(request, monkeypatch):
    """With the packed operations, for small matrices too, and without."""
    if request.param and not packed.packs(CPU, torch.float32):
        pytest.skip("this PyTorch has no packed operations")
    monkeypatch.setattr(packed, "FEW", 0)
    monkeypatch.setattr(packed, "packs", lambda *_: request.param)


@pytest.mark.parametrize("rows", [1, 2, 70])
@torch.no_grad()
def test_a_product_is_that_of_any_number_of_rows(packs, rows):
    weight, x = torch.randn(12, 9), torch.randn(70, 9)
    multiply = packed.product(weight, rows)
    for n in (1, 5, 70):
        torch.testing.assert_close(multiply(x[:n]), functional.linear(x[:n], weight), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 70])
@torch.no_grad()
def test_a_cell_is_a_step_of_the_layer(packs, rows):
    layer, x, h, c = nn.LSTM(9, 7, batch_first=True), torch.randn(70, 9), torch.randn(70, 7), torch.randn(70, 7)
    cell = packed.lstm_cell(layer, rows)
    for n in (1, 5, 70):
        _, (after, memory) = layer(x[:n, None], (h[None, :n].contiguous(), c[None, :n].contiguous()))
        torch.testing.assert_close(cell(x[:n], h[:n], c[:n]), (after[0], memory[0]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "broken", [lambda *_: 1 / torch.zeros(3), lambda *_: torch.ops.mkldnn.no_such_operation, lambda: None]
)
def test_what_is_missing_or_wrong_is_not_taken(monkeypatch, broken):
    monkeypatch.setattr(packed, "_packed_product", lambda *_: broken)
    assert not packed.packs.__wrapped__(CPU, torch.float32)


def test_other_devices_and_types_take_the_ordinary_operations():
    assert not packed.packs(CPU, torch.bfloat16)
    assert not packed.packs(torch.device("meta"), torch.float32)
