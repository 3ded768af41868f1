from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from musicae.core.autoencoder import Autoencoder, build
from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import HVO, ScheduledSampling, choose
from musicae.core.networks import Recurrent
from musicae.core.networks.recurrent_encoders import lstm
from musicae.core.randomness import RandomSource

EVENT = ExampleSpec("categorical", 6, (9,))


def small(seed: int = 0) -> Autoencoder:
    torch.manual_seed(seed)
    model = build(Recurrent((7,), (5, 8)), EVENT, 4, Gaussian()).eval()
    with torch.no_grad():  # larger than at the start, so that the inputs and z both matter
        for parameter in model.decoder.parameters():
            parameter.mul_(3)
    return model


MODEL = small()
Z = RandomSource(1).normal(64, 4)
X = RandomSource(2).integers(0, 5, 64, 9)


# How layers start


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


# The decoder as a distribution


def step_by_step(next_class) -> torch.Tensor:
    """Logits `[batch, steps, classes]` with a call of the decoder a step; `next_class` gives what is read after it."""
    network = MODEL.decoder.voices[0]
    state, inputs, all_logits = network.initial_state(Z), torch.zeros(64, 1, 6), []
    for t in range(9):
        logits, state = network.run(inputs, Z, state)
        all_logits.append(logits[:, 0])
        inputs = functional.one_hot(next_class(t, logits[:, 0]), 6).float().unsqueeze(1)
    return torch.stack(all_logits, 1)


def test_the_teacher_forced_log_prob_is_the_sum_over_steps():
    steps = torch.log_softmax(step_by_step(lambda t, _: X[:, t]), -1)
    expected = steps.gather(-1, X.unsqueeze(-1)).squeeze(-1).sum(1)
    torch.testing.assert_close(MODEL.decode(Z).log_prob(X), expected)


def test_probabilities_of_all_sequences_sum_to_one():
    torch.manual_seed(0)
    model = build(Recurrent((3,), (4,)), ExampleSpec("categorical", 3, (4,)), 2, Gaussian()).eval()
    everything = torch.cartesian_prod(*[torch.arange(3)] * 4)
    z = RandomSource(3).normal(1, 2).expand(len(everything), -1)
    torch.testing.assert_close(model.decode(z).log_prob(everything).exp().sum(), torch.tensor(1.0))


def test_no_step_depends_on_later_ones():
    changed = X.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 6
    before, after = (MODEL.decode(Z).teacher_forced(x).logits for x in (X, changed))
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6], after[:, 6])


def test_greedy_is_the_most_probable_class_after_its_own():
    mode = MODEL.decode(Z).mode()
    assert torch.equal(mode, step_by_step(lambda t, logits: logits.argmax(-1)).argmax(-1))
    assert torch.equal(mode, MODEL.decode(Z).mode())
    assert torch.equal(mode, MODEL.decode(Z).sample(RandomSource(5), temperature=0.0))
    assert torch.equal(MODEL.decode(Z).accuracy(mode), torch.ones(64))


def test_samples_run_freely_and_depend_on_the_source_alone():
    likelihood, uniform = MODEL.decode(Z), RandomSource(5).uniform(64, 9)
    sample = likelihood.sample(RandomSource(5), 0.8, 0.9)
    free = step_by_step(lambda t, logits: choose(logits, uniform[:, t], 0.8, 0.9))
    assert torch.equal(sample, choose(free, uniform, 0.8, 0.9))
    assert torch.equal(sample, likelihood.sample(RandomSource(5), 0.8, 0.9))
    assert not torch.equal(sample, likelihood.sample(RandomSource(6), 0.8, 0.9))


def test_samples_are_as_frequent_as_they_are_probable():
    torch.manual_seed(0)
    model = build(Recurrent((3,), (4,)), ExampleSpec("categorical", 2, (3,)), 2, Gaussian()).eval()
    z = RandomSource(3).normal(1, 2).expand(20_000, -1)
    numbers = model.decode(z).sample(RandomSource(0)) @ torch.tensor([4, 2, 1])
    everything = torch.cartesian_prod(*[torch.arange(2)] * 3)
    expected = model.decode(z[:8]).log_prob(everything).exp().detach()
    torch.testing.assert_close(numbers.bincount(minlength=8) / 20_000, expected, rtol=0.0, atol=0.015)


# Scheduled sampling


def scheduled(probability: float, x: torch.Tensor = X, seed: int = 5) -> torch.Tensor:
    return MODEL.decode(Z).teacher_forced(x, ScheduledSampling(probability, RandomSource(seed))).logits


def test_scheduled_sampling_of_0_is_teacher_forcing():
    assert torch.equal(scheduled(0.0), MODEL.decode(Z).teacher_forced(X).logits)


def test_scheduled_sampling_of_nearly_0_computes_what_teacher_forcing_computes():
    torch.testing.assert_close(scheduled(1e-9), MODEL.decode(Z).teacher_forced(X).logits)


def test_scheduled_sampling_of_1_reads_its_own_samples_alone():
    """The truth makes no difference; the samples are drawn at temperature 1 from the same source."""
    assert torch.equal(scheduled(1.0), scheduled(1.0, (X + 1) % 6))
    draws = RandomSource(5).uniform(64, 2, 9)[:, 1]
    torch.testing.assert_close(scheduled(1.0), step_by_step(lambda t, logits: choose(logits, draws[:, t])))


def test_scheduled_sampling_of_one_half_reads_its_own_samples_after_heads():
    coins, draws = RandomSource(5).uniform(64, 2, 9).unbind(1)
    own = choose(MODEL.decode(Z).teacher_forced(X).logits[:, 0], draws[:, 0])
    mixed = torch.where(coins[:, 0] < 0.5, own, X[:, 0]).unsqueeze(1).expand(-1, 9)
    torch.testing.assert_close(scheduled(0.5)[:, 1], MODEL.decode(Z).teacher_forced(mixed).logits[:, 1])
    assert 0.3 < (coins[:, 0] < 0.5).float().mean() < 0.7


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


# Every kind of step, conductors, conditions


LENGTH = 12
FAMILIES = {
    "classes": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", 6, (LENGTH,))),
    "labels": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", 8, (LENGTH,), silence=True)),
    "binary": (Recurrent((6,), (5, 8)), ExampleSpec("bernoulli", 4, (LENGTH,), silence=True)),
    "nade": (Recurrent((6,), (5, 8), nade=7), ExampleSpec("bernoulli", 4, (LENGTH,), silence=True)),
    "hvo": (Recurrent((6,), (5, 8), dropout=0.5), ExampleSpec("hvo", 6, (LENGTH,))),
    "streams": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", (4, 3, 8), (LENGTH,))),
    "conducted": (Recurrent((6,), (5,), segments=3, conductor_units=(7,)), ExampleSpec("categorical", 6, (LENGTH,))),
    "apart": (
        Recurrent((6, 4), (5,), segments=3, conductor_units=(7, 9), separate_decoders=True),
        ExampleSpec("categorical", (4, 3, 8), (LENGTH,)),
    ),
    "ending": (
        Recurrent((6,), (5,), segments=3, conductor_units=(7,), hierarchical_encoder=True),
        ExampleSpec("categorical", 4, (LENGTH,), end=3),
    ),
}
BOTH = [(name, size) for name in FAMILIES for size in (0, 2)]


def lively(name: str, size: int = 0) -> Autoencoder:
    """A model whose steps depend on z, on the step before, and on the condition."""
    torch.manual_seed(3)
    network, example_spec = FAMILIES[name]
    model = build(network, example_spec, 4, Gaussian(), Conditioning(size=size, per_step=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        for part in (model.decoder.conductor, *model.decoder.voices):
            if part is not None:
                torch.nn.init.normal_(part.start.weight)
    return model


def condition(size: int, examples: int = 64) -> torch.Tensor | None:
    return RandomSource(7).normal(examples, LENGTH, size) if size else None


@pytest.mark.parametrize(("name", "size"), BOTH)
def test_the_greedy_decode_is_the_most_probable_after_itself(name, size):
    """Free running step by step, and teacher forcing of all steps and segments at once, are one model."""
    model = lively(name, size)
    likelihood = model.decode(Z, condition(size))
    decoded = likelihood.mode()
    again = likelihood.teacher_forced(decoded).mode()
    there = decoded < 4 if name == "ending" else torch.ones_like(decoded, dtype=torch.bool)
    torch.testing.assert_close(again[there], decoded[there], rtol=1e-4, atol=1e-5)
    assert torch.equal(likelihood.sample(RandomSource(0), temperature=0.0), decoded)
    assert len({bytes(one.numpy()) for one in decoded.detach()}) > 5, "nearly the same whatever z is"


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


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_of_nearly_0_is_teacher_forcing_for_every_kind_of_step(name):
    model = lively(name)
    x = model.decode(Z).sample(RandomSource(1))
    mixed = model.decode(Z).teacher_forced(x, ScheduledSampling(1e-9, RandomSource(5)))
    torch.testing.assert_close(mixed.log_prob(x), model.decode(Z).log_prob(x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_of_1_never_reads_the_truth(name):
    model = lively(name)
    x, other = (model.decode(Z).sample(RandomSource(seed)) for seed in (1, 2))
    always = [ScheduledSampling(1.0, RandomSource(5)) for _ in range(2)]
    likelihoods = [model.decode(Z).teacher_forced(*one) for one in zip((x, other), always, strict=True)]
    torch.testing.assert_close(*(likelihood.log_prob(x) for likelihood in likelihoods))


def test_after_the_end_of_a_segment_there_is_nothing_until_the_next_begins():
    decoded = lively("ending").decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4))
    over = ((decoded == 3).cumsum(-1) - (decoded == 3).long()) > 0
    assert over.any()
    assert torch.equal(decoded == 4, over)


def test_a_decoder_that_feeds_after_an_end_reads_what_it_does_not_show():
    """What it shows is what it generates without any end, up to the end of each segment."""
    model, endless = lively("ending"), lively("ending")
    model.decoder.settings = replace(model.decoder.settings, feed_after_end=True)
    endless.decoder.example_spec = replace(endless.decoder.example_spec, end=None)
    shown, endlessly = (one.decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4)) for one in (model, endless))
    over = ((endlessly == 3).cumsum(-1) - (endlessly == 3).long()) > 0
    assert over.any()
    assert torch.equal(shown, endlessly.masked_fill(over, 4))
    assert not torch.equal(shown.flatten(1), lively("ending").decode(Z).sample(RandomSource(2)))


def test_the_encoder_does_not_read_what_comes_after_an_end():
    """Lengths are honoured: an example in a batch of longer ones is encoded as alone, cut where it ends."""
    model, x = lively("ending"), torch.tensor([[0, 1, 3, 4, 3, 4, 4, 4, 2, 2, 2, 2]])
    one_by_one = []
    for segment in x[0].unflatten(0, (3, 4)):
        own = segment[segment < 4]
        one_by_one.append(model.encoder[1].levels[0](functional.one_hot(own, 4)[None].float()))
    expected = model.encoder[1].levels[1](torch.stack(one_by_one, 1))
    torch.testing.assert_close(model.encoder(x), expected)


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


def test_hits_velocities_and_offsets_are_as_probable_as_in_the_equation():
    output = RandomSource(1).normal(2, 6, 3)
    x = torch.cat([(RandomSource(2).uniform(2, 2, 3) < 0.5).float(), RandomSource(3).uniform(2, 4, 3)], 1)
    p, level, shift = torch.sigmoid(output[:, :2]), torch.sigmoid(output[:, 2:4]), torch.tanh(output[:, 4:])
    t, marks = x[:, :2], x[:, 2:]
    squares = (torch.cat([level, shift], 1) - marks).square() + 0.5 * math.log(math.pi)
    expected = (t * p.log() + (1 - t) * (1 - p).log()).sum((1, 2)) - squares.sum((1, 2))
    torch.testing.assert_close(HVO.of(output).log_prob(x), expected, rtol=1e-5, atol=1e-5)
