from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import pytest
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import BOTTLENECKS
from musicae.core.checkpoints import read_weights, write_weights
from musicae.core.event import Event
from musicae.core.networks import NETWORKS as NETWORK_KINDS
from musicae.core.networks import Convolutional, Dense, Network, Recurrent
from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError

LATENT, BATCH = 5, 3
ALWAYS_ZERO = "decoder.conductor.layers.0.weight_ih_l0"  # weights of the value 0 that MusicVAE's conductor hears
EVENTS = [
    Event(likelihood, 4, size)
    for likelihood, size in itertools.product(("categorical", "bernoulli", "normal"), ((16,), (8, 16)))
]
SEQUENCES = [
    Event("categorical", 8, (16,), silence=True),
    Event("bernoulli", 4, (16,), silence=True),
    Event("categorical", (4, 3, 8), (16,)),
    Event("marked", 6, (16,)),
]
COMBINED = Event("categorical", (4, 3, 8), (16,), combinations=(2,))
ENDING = Event("categorical", 5, (16,), end=4)
NETWORKS = [
    Convolutional((6, 8), blocks=1, fine=True),
    Convolutional((6, 8), blocks=2, fine=False),
    Convolutional((6,), blocks=1, fine=True),
    Dense((12, 7)),
    Dense(()),
]
CASES = [
    *itertools.product(NETWORKS, EVENTS),
    (Recurrent((6,), (5, 7)), EVENTS[0]),
    (Recurrent((4, 6), (5,)), EVENTS[0]),
    (Recurrent((6,), (5, 7), autoregressive=False), EVENTS[0]),
    *((network, event) for event in SEQUENCES for network in (Recurrent((6,), (5, 7)), Convolutional((6,), blocks=1))),
    (Convolutional((6,), blocks=1, summary=3), COMBINED),
    (Dense((12,)), COMBINED),
    (Convolutional((6,), blocks=1), Event("played", 6, (16,))),
    (Recurrent((6,), (5,), nade=7), SEQUENCES[1]),
    (Recurrent((6, 4), (5,), segments=4, conductor_units=(7, 8)), SEQUENCES[0]),
    (Recurrent((6,), (5, 4), segments=4, conductor_units=(7,), hierarchical_encoder=True), EVENTS[0]),
    (Recurrent((6,), (5,), segments=4, conductor_units=(7,), apart=True), SEQUENCES[2]),
    (Recurrent((6,), (5,), dropout=0.5), SEQUENCES[3]),
    (Recurrent((6,), (5,), segments=4, conductor_units=(7,), hierarchical_encoder=True), ENDING),
]


def examples(event: Event, batch: int = BATCH) -> torch.Tensor:
    """Of every stream and, where sequences end early, with an end in some."""
    random = RandomSource(2)
    if not event.categorical:
        return random.uniform(batch, *event.shape)
    x = random.integers(0, min(event.streams) - 1, batch, *event.shape)
    if event.end is not None:
        over = (x == event.end).cumsum(-1) - (x == event.end).long() > 0
        x = x.masked_fill(over, event.outputs)
    return x


def model(network: Network, event: Event, bottleneck: str = "gaussian", seed: int = 0):
    torch.manual_seed(seed)
    return build(network, event, LATENT, bottleneck).eval()


@pytest.mark.parametrize(
    ("network", "event", "bottleneck"),
    [
        *((*case, "gaussian") for case in CASES),
        *((*CASES[0], bottleneck) for bottleneck in BOTTLENECKS if bottleneck != "gaussian"),
    ],
    ids=str,
)
def test_what_holds_for_every_network(network, event, bottleneck, tmp_path):
    x, net = examples(event), model(network, event, bottleneck)
    posterior = net.encode(x)
    z = posterior.sample(RandomSource(0))
    assert posterior.mean.shape == z.shape == (BATCH, LATENT) == (BATCH, net.latent)

    # what is decoded has the shape and the kind of the data, and is as probable as it says
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
    other = model(network, event, bottleneck, seed=1)
    assert not torch.equal(other.encode(x).mean, posterior.mean)
    read_weights(tmp_path, other)
    assert torch.equal(other.encode(x).mean, posterior.mean)
    assert torch.equal(other.decode(z).log_prob(x), likelihood.log_prob(x))

    # gradients reach everything that is trained
    net.train()
    Elbo()(net, x, x, 0, RandomSource(0)).loss.backward()
    trained = {name: p for name, p in net.named_parameters() if p.requires_grad and name != ALWAYS_ZERO}
    assert [name for name, p in trained.items() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(("network", "event"), CASES, ids=str)
def test_every_network_hears_its_latent_vector(network, event):
    net, z = model(network, event), RandomSource(1).normal(BATCH, LATENT)
    assert not torch.equal(net.decode(z).log_prob(x := examples(event)), net.decode(z + 5).log_prob(x))


@pytest.mark.parametrize(
    ("network", "size", "halvings"),
    [
        (Convolutional((4, 4, 4), fine=True), (6,), 2),
        (Convolutional((4, 4), fine=False), (6,), 2),
        (Convolutional((4, 4, 4), fine=True), (8, 6), 2),
        (Convolutional((4,), fine=False), (28, 27), 1),
    ],
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_sizes_that_cannot_be_halved_are_refused(network, size, halvings, part):
    event = Event("bernoulli", 1, size)
    with pytest.raises(ConfigError, match=rf"cannot be halved {halvings} times"):
        network.encoder(event) if part == "encoder" else network.decoder(event, LATENT)


@pytest.mark.parametrize("event", [e for e in EVENTS if len(e.size) > 1 or e.likelihood == "normal"], ids=str)
def test_a_recurrent_network_refuses_what_is_no_sequence_of_classes(event):
    with pytest.raises(ConfigError, match="sequences of classes"):
        build(Recurrent((4,), (4,)), event, LATENT, "gaussian")


def test_an_unknown_bottleneck_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'gaussian'"):
        build(Dense((4,)), EVENTS[0], LATENT, "gausian")


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_networks_are_frozen_and_equal_when_their_numbers_are(kind):
    layers = "encoder_units" if kind is Recurrent else "widths"
    one, same, other = (kind(**{layers: units}) for units in ((1, 2), (1, 2), (1, 3)))
    assert one == same != other
    assert len({one, same, other}) == 2
    with pytest.raises(FrozenInstanceError):
        setattr(one, layers, (3,))
