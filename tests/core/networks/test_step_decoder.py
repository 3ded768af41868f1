"""Decoding step by step without gradients: the same as with them, but faster."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from core.networks.recurrent_models import FAMILIES, Z, condition, lively
from musicae.core.autoregressive import CausalDecoder
from musicae.core.networks import Recurrent, packed
from musicae.core.networks.step_decoder import StepDecoder, forget, operations
from musicae.core.randomness import RandomSource
from musicae.loading import build_network
from musicae.presets import PRESETS

RECURRENT = [name for name, one in PRESETS.items() if isinstance(one.network, Recurrent) and one.network.autoregressive]


@pytest.fixture(params=(True, False), ids=("packed", "ordinary"))
def packs(request, monkeypatch):
    """With the packed operations, for small matrices too, and without."""
    monkeypatch.setattr(packed, "FEW", 0)
    if not request.param:
        monkeypatch.setattr(packed, "packs", lambda *_: False)


def plainly(monkeypatch) -> None:
    """Decoders take the steps that they take in training."""
    monkeypatch.setattr(StepDecoder, "sampler", CausalDecoder.sampler)


@pytest.mark.parametrize("size", [0, 2])
@pytest.mark.parametrize("name", FAMILIES)
def test_samples_are_those_of_the_steps_in_training(packs, name, size, monkeypatch):
    likelihood = lively(name, size).decode(Z, condition(size))
    fast = [likelihood.mode(), likelihood.sample(RandomSource(5), 0.8)]
    plainly(monkeypatch)
    plain = [likelihood.mode(), likelihood.sample(RandomSource(5), 0.8)]
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", RECURRENT)
def test_presets_decode_to_the_same_tokens(name, monkeypatch):
    """With fewer units, and larger weights than at the start, so that all of them matter."""
    monkeypatch.setattr(packed, "FEW", 0)
    preset = PRESETS[name]
    few = {
        field: (12,) * len(getattr(preset.network, field))
        for field in ("encoder_units", "decoder_units", "conductor_units")
    }
    preset = replace(preset, latent=6, network=replace(preset.network, **few, nade=5 * bool(preset.network.nade)))
    model = build_network(preset).eval()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            torch.nn.init.normal_(parameter, std=3 / parameter.shape[-1] ** 0.5)
    z = RandomSource(1).normal(2, 6)
    c = torch.rand(2, *preset.representation.shape[-1:], model.conditioning.size) if model.conditioning else None
    likelihood = model.decode(z, c)
    fast = likelihood.mode()
    plainly(monkeypatch)
    torch.testing.assert_close(fast, likelihood.mode(), rtol=1e-3, atol=1e-3)
    assert not torch.equal(fast[0], fast[1])


CHANGES = {
    "in place": lambda model: [one.mul_(1.5) for one in model.parameters()],
    "data": lambda model: [setattr(one, "data", one * 1.5) for one in model.parameters()],
    "state": lambda model: model.load_state_dict({name: one * 1.5 for name, one in model.state_dict().items()}),
    "optimiser": lambda model: stepped(model, fused=False),
    "fused optimiser": lambda model: stepped(model, fused=True),
    "average": lambda model: averaged(model),
}


def stepped(model, fused: bool) -> None:
    """A step of an optimiser."""
    for one in model.parameters():
        one.grad = torch.randn_like(one) if one.requires_grad else None
    torch.optim.AdamW(model.parameters(), lr=0.5, fused=fused).step()


def averaged(model) -> None:
    """A step of a running average of which it is the model."""
    other = copy.deepcopy(model)
    for one in other.parameters():
        one.mul_(1.5)
    average = AveragedModel(model)
    average.module, average.n_averaged = model, torch.tensor(1)
    average.update_parameters(other)


@pytest.mark.parametrize("change", CHANGES)
@torch.no_grad()
def test_changed_weights_are_noticed(change):
    model = lively("classes")
    decoder = model.decoder.voices[0]
    before = model.decode(Z).mode(), operations(decoder, 64)
    assert operations(decoder, 64) is operations(decoder, 30) is before[1]
    CHANGES[change](model)
    after = model.decode(Z).mode()
    assert not torch.equal(after, before[0])
    forget(decoder)
    assert torch.equal(model.decode(Z).mode(), after)


def test_nothing_is_kept_in_training():
    model = lively("classes")
    decoder = model.decoder.voices[0]
    before = operations(decoder, 64)
    model.train()
    assert operations(decoder, 64) is not operations(decoder, 64)
    model.eval()
    assert operations(decoder, 64) is not before


def test_what_is_generated_can_be_learned_from():
    """It is an ordinary tensor, not one of inference mode."""
    model = lively("binary")
    (model.decode(Z).mode() * torch.ones(1, requires_grad=True)).sum().backward()


def test_a_decoder_that_has_decoded_can_be_copied():
    model = lively("classes")
    before = model.decode(Z).mode()
    assert torch.equal(copy.deepcopy(model).decode(Z).mode(), before)
