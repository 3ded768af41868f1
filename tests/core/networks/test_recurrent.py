"""Recurrent decoders that are not autoregressive, and what holds for every kind of step."""

from __future__ import annotations

import copy

import pytest
import torch

from core.networks.recurrent_models import EVENT, FAMILIES, LENGTH, MODEL, X, Z, condition, lively
from musicae.core.autoencoder import Autoencoder, build
from musicae.core.bottlenecks import Point
from musicae.core.networks import Recurrent
from musicae.core.randomness import RandomSource

# A decoder that is not autoregressive


@pytest.fixture(scope="module")
def one_pass() -> Autoencoder:
    torch.manual_seed(0)
    return build(Recurrent((7,), (5, 8), autoregressive=False), EVENT, 4, Point()).eval()


def test_without_autoregression_teacher_forcing_changes_nothing(one_pass):
    """So the score in training and the score in use are one number, whatever the other steps are."""
    likelihood = one_pass.decode(Z)
    torch.testing.assert_close(likelihood.teacher_forced(X).log_prob(X), likelihood.log_prob(X))
    assert torch.equal(likelihood.teacher_forced((X + 1) % 6).logits, likelihood.logits)
    expected = torch.log_softmax(likelihood.logits, -1).gather(-1, X.unsqueeze(-1)).sum((1, 2))
    torch.testing.assert_close(likelihood.log_prob(X), expected)
    assert torch.equal(likelihood.mode(), likelihood.logits.argmax(-1))


def test_without_autoregression_all_steps_are_decoded_in_one_pass(one_pass, monkeypatch):
    passes = []
    run = one_pass.decoder.voices[0].run
    monkeypatch.setattr(one_pass.decoder.voices[0], "run", lambda *inputs: passes.append(1) or run(*inputs))
    likelihood = one_pass.decode(Z)
    likelihood.mode(), likelihood.sample(RandomSource(0)), likelihood.log_prob(X)
    assert len(passes) == 1


def test_without_autoregression_there_are_no_weights_for_previous_steps(one_pass):
    assert one_pass.decoder.voices[0].layers[0].weight_ih_l0.shape == (4 * 5, 4)
    assert MODEL.decoder.voices[0].layers[0].weight_ih_l0.shape == (4 * 5, 4 + 6)


def test_without_autoregression_the_vector_is_read_at_every_step(one_pass):
    """Not only as the state that it starts from, nor at the first step alone: so it is asked without a memory."""
    decoder = copy.deepcopy(one_pass.decoder.voices[0])
    with torch.no_grad():
        for layer in decoder.layers:
            layer.weight_hh_l0.zero_()
            layer.bias_ih_l0[layer.hidden_size : 2 * layer.hidden_size] = -100.0  # the forget gate
    nothing = torch.zeros(len(Z), 9, 0)
    before, after = (decoder.run(nothing, z, decoder.initial_state(Z))[0] for z in (Z, Z + 1))
    assert (before != after).any(-1).all()


# Every kind of step


BOTH = [(name, size) for name in FAMILIES for size in (0, 2)]


@pytest.mark.parametrize(("name", "size"), BOTH)
def test_examples_do_not_depend_on_each_other(name, size):
    model, c = lively(name, size), condition(size)
    alone = None if c is None else c[5:6]
    torch.testing.assert_close(model.decode(Z[5:6], alone).mode(), model.decode(Z, c).mode()[5:6])


@pytest.mark.parametrize("name", FAMILIES)
def test_encoder_and_decoder_read_the_condition_at_every_step(name):
    model, c = lively(name, 2), condition(2)
    x = model.decode(Z, c).sample(RandomSource(1))
    for step in (0, LENGTH - 1) if name != "ending" else (0,):
        other = c.clone()
        other[:, step] += 3
        assert not torch.equal(model.encode(x, c).mean, model.encode(x, other).mean)
        assert not torch.equal(model.decode(Z, c).log_prob(x), model.decode(Z, other).log_prob(x))
