from __future__ import annotations

import pytest
import torch

from core.networks.recurrent_models import lively
from musicae.core.randomness import RandomSource


def test_nade_has_the_probability_of_every_set_of_units():
    model = lively("nade")
    sets = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
    output = RandomSource(1).normal(1, 1, 7 + 4).expand(16, 1, -1)
    likelihood = model.decoder.voices[0].step_output.likelihood(output)
    total = likelihood.log_prob(sets.unsqueeze(-1)).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-4)  # the original adds 1e-6 to each probability
    most = sets[likelihood.log_prob(sets.unsqueeze(-1)).argmax()]
    drawn = model.decoder.voices[0].step_output.likelihood(output[:1].expand(4000, -1, -1)).sample(RandomSource(0))
    frequent, counts = drawn[..., 0].unique(dim=0, return_counts=True)
    assert torch.equal(frequent[counts.argmax()], most)
    torch.testing.assert_close(
        counts.max() / 4000, likelihood.log_prob(sets.unsqueeze(-1)).exp().max(), rtol=0.0, atol=0.03
    )
