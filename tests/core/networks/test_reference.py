"""The networks of MusicVAE compared with a forward pass in float64 numpy that shares no code with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import BROAD_GAUSSIAN
from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Recurrent
from musicae.core.randomness import RandomSource

STEPS, LATENT, CONDITION = 12, 4, 3
EVENT = ExampleSpec("categorical", 6, (STEPS,))
FLAT = Recurrent((5, 7), (5, 8))
CONDUCTED = Recurrent((6,), (5, 8), segments=4, conductor_units=(7, 9))
HIERARCHICAL = Recurrent((6,), (5,), segments=3, conductor_units=(7,), hierarchical_encoder=True)
ALL = [(network, size) for network in (FLAT, CONDUCTED, HIERARCHICAL) for size in (0, CONDITION)]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class Weights:
    """The weights of a model by name, in float64."""

    def __init__(self, model: torch.nn.Module):
        self.state = {name: value.detach().double().numpy() for name, value in model.state_dict().items()}

    def affine(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def lstm(self, name: str, x: np.ndarray, h: np.ndarray, c: np.ndarray, suffix: str = "") -> np.ndarray:
        """The states `[batch, steps, units]` of a layer; h and c as they are before its first step."""
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w, r, b, d = (self.state[f"{name}.{kind}_l0{suffix}"] for kind in kinds)
        states = []
        for t in range(x.shape[1]):
            i, f, g, o = np.split(x[:, t] @ w.T + h @ r.T + b + d, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            states.append(h)
        return np.stack(states, 1)

    def bidirectional(self, name: str, x: np.ndarray, layers: int) -> np.ndarray:
        """The last state of each direction of the top layer, side by side."""
        for i in range(layers):
            nothing = np.zeros((len(x), self.state[f"{name}.layers.{i}.weight_hh_l0"].shape[1]))
            forward = self.lstm(f"{name}.layers.{i}", x, nothing, nothing)
            backward = self.lstm(f"{name}.layers.{i}", x[:, ::-1], nothing, nothing, "_reverse")
            x = np.concatenate([forward, backward[:, ::-1]], -1)
        return np.concatenate([forward[:, -1], backward[:, -1]], -1)

    def stack(self, name: str, x: np.ndarray, vector: np.ndarray, units: tuple[int, ...]) -> np.ndarray:
        """The states of the top layer at each step; all layers begin from a vector, which gives c before h."""
        start, place = np.tanh(self.affine(f"{name}.start", vector)), 0
        for i, size in enumerate(units):
            c, h = start[:, place : place + size], start[:, place + size : place + 2 * size]
            x, place = self.lstm(f"{name}.layers.{i}", x, h, c), place + 2 * size
        return x


def encode(weights: Weights, network: Recurrent, x: np.ndarray) -> np.ndarray:
    layers = len(network.encoder_units)
    if not network.hierarchical_encoder:
        return weights.bidirectional("encoder.1", x, layers)
    bars = np.split(x, network.segments, axis=1)
    features = np.stack([weights.bidirectional("encoder.1.levels.0", bar, layers) for bar in bars], 1)
    return weights.bidirectional("encoder.1.levels.1", features, layers)


def decode(
    weights: Weights, network: Recurrent, z: np.ndarray, previous: np.ndarray, condition: np.ndarray
) -> np.ndarray:
    vectors = [z]
    if network.conductor_units:
        nothing = np.zeros((len(z), network.segments, 1))
        vectors = weights.stack("decoder.conductor", nothing, z, network.conductor_units).transpose(1, 0, 2)
    states = []
    length = STEPS // len(vectors)
    for k, vector in enumerate(vectors):
        own = slice(k * length, (k + 1) * length)
        repeated = np.repeat(vector[:, None], length, 1)
        inputs = np.concatenate([previous[:, own], repeated, condition[:, own]], -1)
        states.append(weights.stack("decoder.voices.0", inputs, vector, network.decoder_units))
    return weights.affine("decoder.voices.0.output", np.concatenate(states, 1))


@pytest.mark.parametrize(("network", "size"), ALL, ids=str)
def test_an_independent_forward_pass_gives_the_same_numbers(network, size):
    torch.manual_seed(1)
    model = build(network, EVENT, LATENT, BROAD_GAUSSIAN, Conditioning(size=size, per_step=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    x = RandomSource(2).integers(0, 5, 8, STEPS)
    condition = RandomSource(3).normal(8, STEPS, size) if size else None
    weights, one_hot = Weights(model), np.eye(6)[x.numpy()]
    conditions = condition.numpy() if size else np.zeros((8, STEPS, 0))

    features = encode(weights, network, np.concatenate([one_hot, conditions], -1))
    mean = weights.affine("bottleneck.mean", features)
    std = np.log1p(np.exp(weights.affine("bottleneck.std", features)))
    previous = np.concatenate([np.zeros((8, 1, 6)), one_hot[:, :-1]], 1)
    logits = decode(weights, network, mean, previous, conditions)
    log_prob = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    kl = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(1)

    posterior = model.encode(x, condition)
    likelihood = model.decode(posterior.mean, condition)
    close = {"rtol": 1e-5, "atol": 1e-6}  # what float32 leaves of float64
    np.testing.assert_allclose(posterior.mean.detach(), mean, **close)
    np.testing.assert_allclose(posterior.std.detach(), std, **close)
    np.testing.assert_allclose(posterior.kl().sum(1).detach(), kl, **close)
    np.testing.assert_allclose(likelihood.teacher_forced(x).logits.detach(), logits, **close)
    expected = np.take_along_axis(log_prob, x.numpy()[..., None], -1).sum((1, 2))
    np.testing.assert_allclose(likelihood.log_prob(x).detach(), expected, **close)
