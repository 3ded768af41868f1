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
    with torch.no_grad():  # larger than at the start, so that what is heard and z both matter
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


def step_by_step(hear) -> torch.Tensor:
    """Logits `[batch, steps, classes]` with one call of the decoder a step; `hear` gives what is heard after it."""
    network = MODEL.decoder.voices[0]
    state, heard, all_logits = network.initial_state(Z), torch.zeros(64, 1, 6), []
    for t in range(9):
        logits, state = network.run(heard, Z, state)
        all_logits.append(logits[:, 0])
        heard = functional.one_hot(hear(t, logits[:, 0]), 6).float().unsqueeze(1)
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


def test_what_comes_later_is_never_heard():
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


def test_scheduled_sampling_of_1_hears_itself_alone():
    """The truth makes no difference; the samples are drawn at temperature 1 from the same source."""
    assert torch.equal(scheduled(1.0), scheduled(1.0, (X + 1) % 6))
    draws = RandomSource(5).uniform(64, 2, 9)[:, 1]
    torch.testing.assert_close(scheduled(1.0), step_by_step(lambda t, logits: choose(logits, draws[:, t])))


def test_scheduled_sampling_of_one_half_hears_itself_where_the_coin_says_so():
    coins, draws = RandomSource(5).uniform(64, 2, 9).unbind(1)
    own = choose(MODEL.decode(Z).teacher_forced(X).logits[:, 0], draws[:, 0])
    heard = torch.where(coins[:, 0] < 0.5, own, X[:, 0]).unsqueeze(1).expand(-1, 9)
    torch.testing.assert_close(scheduled(0.5)[:, 1], MODEL.decode(Z).teacher_forced(heard).logits[:, 1])
    assert 0.3 < (coins[:, 0] < 0.5).float().mean() < 0.7


# A decoder that hears nothing of what it said


@pytest.fixture(scope="module")
def deaf() -> Autoencoder:
    torch.manual_seed(0)
    return build(Recurrent((7,), (5, 8), autoregressive=False), EVENT, 4, Point()).eval()


def test_what_hears_nothing_is_as_probable_run_freely_as_given_the_truth(deaf):
    """So the score in training and the score in use are one number, whatever the other steps are."""
    likelihood = deaf.decode(Z)
    torch.testing.assert_close(likelihood.teacher_forced(X).log_prob(X), likelihood.log_prob(X))
    assert torch.equal(likelihood.teacher_forced((X + 1) % 6).logits, likelihood.logits)
    expected = torch.log_softmax(likelihood.logits, -1).gather(-1, X.unsqueeze(-1)).sum((1, 2))
    torch.testing.assert_close(likelihood.log_prob(X), expected)
    assert torch.equal(likelihood.mode(), likelihood.logits.argmax(-1))


def test_what_hears_nothing_is_decoded_in_one_pass(deaf, monkeypatch):
    passes = []
    run = deaf.decoder.voices[0].run
    monkeypatch.setattr(deaf.decoder.voices[0], "run", lambda *inputs: passes.append(1) or run(*inputs))
    likelihood = deaf.decode(Z)
    likelihood.mode(), likelihood.sample(RandomSource(0)), likelihood.log_prob(X)
    assert len(passes) == 1


def test_what_hears_nothing_has_no_weights_for_it(deaf):
    assert deaf.decoder.voices[0].layers[0].weight_ih_l0.shape == (4 * 5, 4)
    assert MODEL.decoder.voices[0].layers[0].weight_ih_l0.shape == (4 * 5, 4 + 6)


def test_what_hears_nothing_hears_its_vector_at_every_step(deaf):
    """Not only as the state that it starts from, nor at the first step alone: so it is asked without a memory."""
    decoder = copy.deepcopy(deaf.decoder.voices[0])
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
    "switches": (Recurrent((6,), (5, 8)), ExampleSpec("bernoulli", 4, (LENGTH,), silence=True)),
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
BOTH = [(name, told) for name in FAMILIES for told in (0, 2)]


def lively(name: str, told: int = 0) -> Autoencoder:
    """A model whose steps depend on z, on what was said, and on what it is told."""
    torch.manual_seed(3)
    network, example_spec = FAMILIES[name]
    model = build(network, example_spec, 4, Gaussian(), Conditioning(size=told, per_step=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        for part in (model.decoder.conductor, *model.decoder.voices):
            if part is not None:
                torch.nn.init.normal_(part.start.weight)
    return model


def condition(told: int, examples: int = 64) -> torch.Tensor | None:
    return RandomSource(7).normal(examples, LENGTH, told) if told else None


@pytest.mark.parametrize(("name", "told"), BOTH)
def test_what_is_said_greedily_is_the_most_probable_after_itself(name, told):
    """Free running step by step, and teacher forcing of all steps and segments at once, are one model."""
    model = lively(name, told)
    likelihood = model.decode(Z, condition(told))
    said = likelihood.mode()
    again = likelihood.teacher_forced(said).mode()
    there = said < 4 if name == "ending" else torch.ones_like(said, dtype=torch.bool)
    torch.testing.assert_close(again[there], said[there], rtol=1e-4, atol=1e-5)
    assert torch.equal(likelihood.sample(RandomSource(0), temperature=0.0), said)
    assert len({bytes(one.numpy()) for one in said.detach()}) > 5, "it says nearly the same whatever z is"


@pytest.mark.parametrize(("name", "told"), BOTH)
def test_examples_do_not_hear_each_other(name, told):
    model, c = lively(name, told), condition(told)
    alone = None if c is None else c[5:6]
    torch.testing.assert_close(model.decode(Z[5:6], alone).mode(), model.decode(Z, c).mode()[5:6])


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_told_is_heard_by_encoder_and_decoder_at_every_step(name):
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
    heard = model.decode(Z).teacher_forced(x, ScheduledSampling(1e-9, RandomSource(5)))
    torch.testing.assert_close(heard.log_prob(x), model.decode(Z).log_prob(x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_of_1_never_hears_the_truth(name):
    model = lively(name)
    x, other = (model.decode(Z).sample(RandomSource(seed)) for seed in (1, 2))
    always = [ScheduledSampling(1.0, RandomSource(5)) for _ in range(2)]
    likelihoods = [model.decode(Z).teacher_forced(*one) for one in zip((x, other), always, strict=True)]
    torch.testing.assert_close(*(likelihood.log_prob(x) for likelihood in likelihoods))


def test_after_the_end_of_a_segment_nothing_is_said_until_the_next_begins():
    said = lively("ending").decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4))
    over = ((said == 3).cumsum(-1) - (said == 3).long()) > 0
    assert over.any()
    assert torch.equal(said == 4, over)


def test_a_decoder_that_goes_on_hears_itself_after_an_end_and_says_nothing():
    """What it shows is what it says without any end, up to the end of each segment."""
    model, endless = lively("ending"), lively("ending")
    model.decoder.feed_after_end = True
    endless.decoder.example_spec = replace(endless.decoder.example_spec, end=None)
    shown, said = (one.decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4)) for one in (model, endless))
    over = ((said == 3).cumsum(-1) - (said == 3).long()) > 0
    assert over.any()
    assert torch.equal(shown, said.masked_fill(over, 4))
    assert not torch.equal(shown.flatten(1), lively("ending").decode(Z).sample(RandomSource(2)))


def test_what_comes_after_an_end_is_not_heard_by_the_encoder():
    """Lengths are honoured: an example in a batch of longer ones is encoded as alone, cut where it ends."""
    model, x = lively("ending"), torch.tensor([[0, 1, 3, 4, 3, 4, 4, 4, 2, 2, 2, 2]])
    one_by_one = []
    for segment in x[0].unflatten(0, (3, 4)):
        own = segment[segment < 4]
        one_by_one.append(model.encoder[1].levels[0](functional.one_hot(own, 4)[None].float()))
    expected = model.encoder[1].levels[1](torch.stack(one_by_one, 1))
    torch.testing.assert_close(model.encoder(x), expected)


def test_nade_knows_the_probability_of_every_set_of_switches():
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


def test_switches_with_marks_are_as_probable_as_the_equation_says():
    output = RandomSource(1).normal(2, 6, 3)
    x = torch.cat([(RandomSource(2).uniform(2, 2, 3) < 0.5).float(), RandomSource(3).uniform(2, 4, 3)], 1)
    p, level, shift = torch.sigmoid(output[:, :2]), torch.sigmoid(output[:, 2:4]), torch.tanh(output[:, 4:])
    t, marks = x[:, :2], x[:, 2:]
    squares = (torch.cat([level, shift], 1) - marks).square() + 0.5 * math.log(math.pi)
    expected = (t * p.log() + (1 - t) * (1 - p).log()).sum((1, 2)) - squares.sum((1, 2))
    torch.testing.assert_close(HVO.of(output).log_prob(x), expected, rtol=1e-5, atol=1e-5)
