"""What holds for every network."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import pytest
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import BROAD_GAUSSIAN, Bottleneck, Gaussian, Point
from musicae.core.checkpoints import read_weights, write_weights
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import NETWORKS as NETWORK_KINDS
from musicae.core.networks import Convolutional, Dense, Network, Recurrent
from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError

LATENT, BATCH = 5, 3
GAUSSIAN = Gaussian()
ALWAYS_ZERO = "decoder.conductor.layers.0.weight_ih_l0"  # weights of the value 0 that MusicVAE's conductor reads
EVENTS = [
    ExampleSpec(likelihood, 4, size)
    for likelihood, size in itertools.product(("categorical", "bernoulli", "normal"), ((16,), (8, 16)))
]
SEQUENCES = [
    ExampleSpec("categorical", 8, (16,), silence=True),
    ExampleSpec("bernoulli", 4, (16,), silence=True),
    ExampleSpec("categorical", (4, 3, 8), (16,)),
    ExampleSpec("hvo", 6, (16,)),
]
COMBINED = ExampleSpec("categorical", (4, 3, 8), (16,), bitmask_streams=(2,))
ENDING = ExampleSpec("categorical", 5, (16,), end=4)
NETWORKS = [
    Convolutional((6, 8), blocks=1, full_resolution=True),
    Convolutional((6, 8), blocks=2, full_resolution=False),
    Convolutional((6,), blocks=1, full_resolution=True),
    Dense((12, 7)),
    Dense(()),
]
CASES = [
    *itertools.product(NETWORKS, EVENTS),
    (Recurrent((6,), (5, 7)), EVENTS[0]),
    (Recurrent((4, 6), (5,)), EVENTS[0]),
    (Recurrent((6,), (5, 7), autoregressive=False), EVENTS[0]),
    *(
        (network, example_spec)
        for example_spec in SEQUENCES
        for network in (Recurrent((6,), (5, 7)), Convolutional((6,), blocks=1))
    ),
    (Convolutional((6,), blocks=1, z_summary=3), COMBINED),
    (Dense((12,)), COMBINED),
    (Convolutional((6,), blocks=1), ExampleSpec("hvo_laplace", 6, (16,))),
    (Recurrent((6,), (5,), nade=7), SEQUENCES[1]),
    (Recurrent((6, 4), (5,), segments=4, conductor_units=(7, 8)), SEQUENCES[0]),
    (Recurrent((6,), (5, 4), segments=4, conductor_units=(7,), hierarchical_encoder=True), EVENTS[0]),
    (Recurrent((6,), (5,), segments=4, conductor_units=(7,), separate_decoders=True), SEQUENCES[2]),
    (Recurrent((6,), (5,), dropout=0.5), SEQUENCES[3]),
    (Recurrent((6,), (5,), segments=4, conductor_units=(7,), hierarchical_encoder=True), ENDING),
]


def examples(example_spec: ExampleSpec, batch: int = BATCH) -> torch.Tensor:
    """Of every stream and, where sequences end early, with an end in some."""
    random = RandomSource(2)
    if not example_spec.categorical:
        return random.uniform(batch, *example_spec.shape)
    x = random.integers(0, min(example_spec.streams) - 1, batch, *example_spec.shape)
    if example_spec.end is not None:
        over = (x == example_spec.end).cumsum(-1) - (x == example_spec.end).long() > 0
        x = x.masked_fill(over, example_spec.outputs)
    return x


def model(network: Network, example_spec: ExampleSpec, bottleneck: Bottleneck = GAUSSIAN, seed: int = 0):
    torch.manual_seed(seed)
    return build(network, example_spec, LATENT, bottleneck).eval()


@pytest.mark.parametrize(
    ("network", "example_spec", "bottleneck"),
    [
        *((*case, GAUSSIAN) for case in CASES),
        *((*CASES[0], bottleneck) for bottleneck in (BROAD_GAUSSIAN, Point(), Point(rectified=True))),
    ],
    ids=str,
)
def test_what_holds_for_every_network(network, example_spec, bottleneck, tmp_path):
    x, net = examples(example_spec), model(network, example_spec, bottleneck)
    posterior = net.encode(x)
    z = posterior.sample(RandomSource(0))
    assert posterior.mean.shape == z.shape == (BATCH, LATENT) == (BATCH, net.latent)

    # what is decoded has the shape and the kind of the data, and as probable as its likelihood has it
    likelihood = net.decode(z)
    for decoded in (likelihood.mode(), likelihood.sample(RandomSource(0)), net.reconstruct(x)):
        assert decoded.shape == x.shape
        assert decoded.dtype == x.dtype
    assert likelihood.log_prob(x).shape == likelihood.accuracy(x).shape == (BATCH,)
    assert net.sample(2, RandomSource(0), temperature=1.0).shape == (2, *x.shape[1:])

    # nothing depends on chance, nor on the other examples of the batch
    assert torch.equal(net.decode(z).log_prob(x), likelihood.log_prob(x))
    torch.testing.assert_close(net.encode(x[1:2]).mean, posterior.mean[1:2], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(net.decode(z[1:2]).log_prob(x[1:2]), likelihood.log_prob(x)[1:2])

    # a reconstruction is decoded from the mean
    assert torch.equal(net.reconstruct(x), net.decode(posterior.mean).mode())

    # weights that are written and read compute the same
    write_weights(tmp_path, net)
    other = model(network, example_spec, bottleneck, seed=1)
    assert not torch.equal(other.encode(x).mean, posterior.mean)
    read_weights(tmp_path, other)
    assert torch.equal(other.encode(x).mean, posterior.mean)
    assert torch.equal(other.decode(z).log_prob(x), likelihood.log_prob(x))

    # gradients reach everything that is trained
    net.train()
    Elbo()(net, Batch(x), x, 0, RandomSource(0)).loss.backward()
    trained = {name: p for name, p in net.named_parameters() if p.requires_grad and name != ALWAYS_ZERO}
    assert [name for name, p in trained.items() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(("network", "example_spec"), CASES, ids=str)
def test_every_network_depends_on_its_latent_vector(network, example_spec):
    net, z = model(network, example_spec), RandomSource(1).normal(BATCH, LATENT)
    assert not torch.equal(net.decode(z).log_prob(x := examples(example_spec)), net.decode(z + 5).log_prob(x))


@pytest.mark.parametrize("example_spec", [e for e in EVENTS if len(e.size) > 1 or e.likelihood == "normal"], ids=str)
def test_a_recurrent_network_refuses_what_is_no_sequence_of_classes(example_spec):
    with pytest.raises(ConfigError, match="sequences of classes"):
        build(Recurrent((4,), (4,)), example_spec, LATENT, Gaussian())


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_networks_are_frozen_and_equal_when_their_numbers_are(kind):
    layers = "encoder_units" if kind is Recurrent else "widths"
    one, same, other = (kind(**{layers: units}) for units in ((1, 2), (1, 2), (1, 3)))
    assert one == same != other
    assert len({one, same, other}) == 2
    with pytest.raises(FrozenInstanceError):
        setattr(one, layers, (3,))
