from __future__ import annotations

import torch
from torch.nn import functional

from core.networks.recurrent_models import lively
from musicae.core.networks.recurrent_encoders import lstm


def test_layers_start_as_those_of_the_original():
    layer = lstm(10, 6, bidirectional=True)
    for suffix in ("_l0", "_l0_reverse"):
        bias = getattr(layer, f"bias_ih{suffix}")
        assert bias.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
        assert not getattr(layer, f"bias_hh{suffix}").any()
        assert not getattr(layer, f"bias_hh{suffix}").requires_grad
        weights = getattr(layer, f"weight_ih{suffix}")
        limit = (6 / (10 + 6 + 4 * 6)) ** 0.5
        assert 0.9 * limit < weights.abs().max() <= limit


def test_the_encoder_does_not_read_what_comes_after_an_end():
    """Lengths are honoured: an example in a batch of longer ones is encoded as alone, cut where it ends."""
    model, x = lively("ending"), torch.tensor([[0, 1, 3, 4, 3, 4, 4, 4, 2, 2, 2, 2]])
    one_by_one = []
    for segment in x[0].unflatten(0, (3, 4)):
        own = segment[segment < 4]
        one_by_one.append(model.encoder[1].levels[0](functional.one_hot(own, 4)[None].float()))
    expected = model.encoder[1].levels[1](torch.stack(one_by_one, 1))
    torch.testing.assert_close(model.encoder(x), expected)
