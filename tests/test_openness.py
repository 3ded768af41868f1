"""A bottleneck, a decoder and a representation of one's own: each is a class or two in this file, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

import musicae
from musicae import registry
from musicae.core import checkpoints
from musicae.core.autoregressive import Autoregressive, CausalDecoder
from musicae.core.bottlenecks import Bottleneck, Gaussian
from musicae.core.conditioning import Conditioning, concatenated
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import ScheduledSampling
from musicae.core.networks import Convolutional, Network
from musicae.core.networks.step_outputs import step_output
from musicae.core.objectives import Elbo, Reconstruction
from musicae.core.posteriors import Posterior
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.core.training import Task, Trainer
from musicae.loading import build_network, read_preset, write_settings
from musicae.presets import Preset

# A vector-quantised bottleneck (van den Oord et al. 2017)


@dataclass(frozen=True)
class VectorQuantised(Bottleneck):
    """Features to the nearest vector of a codebook.

    Args:
        codes: vectors in the codebook.
        commitment: weight of the distance of the features from their vector.
    """

    codes: int = 64
    commitment: float = 0.25

    def layer(self, features: int, latent: int) -> nn.Module:
        return Codebook(features, latent, self.codes, self.commitment)


class Codebook(nn.Module):
    has_density = False

    def __init__(self, features: int, latent: int, codes: int, commitment: float):
        super().__init__()
        self.latent, self.commitment = latent, commitment
        self.affine = nn.Linear(features, latent)
        self.codebook = nn.Embedding(codes, latent)

    def forward(self, features: torch.Tensor) -> Quantised:
        continuous = self.affine(features).float()
        index = torch.cdist(continuous, self.codebook.weight).argmin(1)
        return Quantised(continuous, self.codebook(index), index, self.codebook.num_embeddings, self.commitment)


@dataclass(frozen=True)
class Quantised(Posterior):
    """All mass on one of the codes, of which each is as probable before anything is seen."""

    continuous: torch.Tensor
    code: torch.Tensor
    index: torch.Tensor
    codes: int
    commitment: float

    @property
    def mean(self) -> torch.Tensor:
        """The code, with the gradient of what was quantised (straight through)."""
        return self.continuous + (self.code - self.continuous).detach()

    def sample(self, random: RandomSource) -> torch.Tensor:
        return self.mean

    def kl(self) -> torch.Tensor:
        """ln codes of each example, in equal parts."""
        return torch.full_like(self.code, math.log(self.codes) / self.code.shape[1])

    def penalty(self) -> torch.Tensor:
        to_code = (self.continuous - self.code.detach()).square().sum(1)
        of_codebook = (self.continuous.detach() - self.code).square().sum(1)
        return self.commitment * to_code + of_codebook

    def metrics(self) -> dict[str, float]:
        return {"codes_in_use": len(self.index.unique()) / self.codes}


# A causal transformer


@dataclass(frozen=True)
class Transformer(Network):
    """Convolutions as an encoder, and a causal transformer as an autoregressive decoder.

    Args:
        width: of each layer.
        heads: of its attention.
    """

    width: int = 16
    heads: int = 2

    def encoder(self, example_spec: ExampleSpec, condition_size: int = 0) -> tuple[nn.Module, int]:
        return Convolutional((self.width,), blocks=1).encoder(example_spec)

    def decoder(self, example_spec: ExampleSpec, latent: int, condition_size: int = 0) -> nn.Module:
        return TransformerDecoder(self, example_spec, latent)


class TransformerDecoder(nn.Module, CausalDecoder):
    def __init__(self, settings: Transformer, example_spec: ExampleSpec, latent: int):
        super().__init__()
        self.step_output, self.steps = step_output(example_spec), example_spec.size[0]
        self.read = nn.Linear(self.step_output.input_size + latent, settings.width)
        self.position = nn.Parameter(torch.randn(self.steps, settings.width))
        self.layer = nn.TransformerEncoderLayer(settings.width, settings.heads, settings.width, 0.0, batch_first=True)
        self.output = nn.Linear(settings.width, self.step_output.output_size)

    def forward(self, z: torch.Tensor) -> Autoregressive:
        return Autoregressive(self, z, None, self.steps)

    def teacher_forced(self, inputs, z, condition):
        steps = inputs.shape[1]
        x = self.read(concatenated(inputs, z.unsqueeze(1).expand(-1, steps, -1))) + self.position[:steps]
        later = nn.Transformer.generate_square_subsequent_mask(steps)
        return self.output(self.layer(x, later, is_causal=True)).float()

    def step(self, t, previous, state, z, condition):
        """The state is what was read so far; all of it is read again, which is as simple as it is slow."""
        nothing = z.new_zeros(len(z), self.step_output.input_size)
        read = nothing if previous is None else self.step_output.step_inputs(previous)
        state = [*(state or []), read]
        return self.teacher_forced(torch.stack(state, 1), z, condition)[:, -1], state


# A representation: what one example is


@dataclass(frozen=True)
class Letters:
    """Words of equal length as class numbers: all that the core and a preset ask of a representation.

    Args:
        length: letters of a word.
    """

    length: int = 8

    @property
    def example_spec(self) -> ExampleSpec:
        return ExampleSpec("categorical", 26, (self.length,))

    @property
    def conditioning(self) -> Conditioning:
        return Conditioning()

    def encode(self, words: list[str]) -> torch.Tensor:
        return torch.tensor([[ord(letter) - ord("a") for letter in word] for word in words])

    def decode(self, x: torch.Tensor) -> list[str]:
        return ["".join(chr(ord("a") + number) for number in row) for row in x.tolist()]


OWN = (VectorQuantised, Transformer, Letters)
WORDS = ["abcdefgh", "hgfedcba", "aaaabbbb", "bbbbaaaa", "abababab", "zyxwvuts", "qrqrqrqr", "mmmmmmmm"]
TRAINING = Training(steps=1, batch_size=4, validate_every=1, precision="float32")
PRESET = Preset(
    "words", "words of eight letters", Letters(), Convolutional((8,), blocks=1), 3, Reconstruction(), TRAINING
)
QUANTISED = replace(PRESET, bottleneck=VectorQuantised(codes=5))
CAUSAL = replace(PRESET, network=Transformer(), bottleneck=Gaussian(), objective=Elbo(scheduled_sampling=Constant(0.5)))
PRESETS = pytest.mark.parametrize("preset", [QUANTISED, CAUSAL], ids=["quantised", "causal"])


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """What a package of one's own does with `@musicae.register` above each class, undone after each test."""
    monkeypatch.setattr(registry, "_registered", {})
    for kind in OWN:
        musicae.register(kind)


class Words:
    def __len__(self) -> int:
        return len(WORDS)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        return Batch(Letters().encode([WORDS[i] for i in indices]))


def network(preset: Preset, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(preset)


@PRESETS
def test_it_is_trained_saved_and_loaded_like_any_other(preset, tmp_path):
    model, reported = network(preset), {}
    before = {name: weights.clone() for name, weights in model.state_dict().items()}

    def save(averaged, row: dict) -> None:
        reported.update(row)
        checkpoints.write_weights(tmp_path, averaged)
        write_settings(tmp_path, preset)

    options = {"save": save, "device": "cpu", "quiet": True}
    Trainer(Task(model, preset.objective), (Words(), Words()), preset.training, tmp_path, **options).run()
    assert [name for name, weights in model.state_dict().items() if torch.equal(weights, before[name])] == []

    read = read_preset(tmp_path)
    assert read == preset
    loaded = network(read, seed=1).eval()
    checkpoints.read_weights(tmp_path, loaded)
    x = Letters().encode(WORDS)
    words = Letters().decode(loaded.reconstruct(x))
    assert [len(word) for word in words] == [8] * len(WORDS)
    assert math.isfinite(reported["loss"])
    assert ("codes_in_use" in reported) == (preset is QUANTISED)


def test_what_a_quantised_posterior_charges_moves_codes_and_features_to_each_other():
    posterior = network(QUANTISED).encode(Letters().encode(WORDS))
    posterior.continuous.retain_grad()
    posterior.code.retain_grad()
    posterior.penalty().sum().backward()
    apart = posterior.continuous - posterior.code
    torch.testing.assert_close(posterior.continuous.grad, 2 * 0.25 * apart)
    torch.testing.assert_close(posterior.code.grad, -2 * apart)
    torch.testing.assert_close(posterior.kl().sum(1), torch.full((len(WORDS),), math.log(5)))


def test_a_causal_transformer_generates_what_it_finds_most_probable():
    """Step by step and all steps at once are one model."""
    model, z, x = network(CAUSAL).eval(), 3 * RandomSource(1).normal(8, 3), Letters().encode(WORDS)
    likelihood = model.decode(z)
    mode = likelihood.mode()
    assert torch.equal(likelihood.teacher_forced(mode).mode(), mode)
    assert torch.equal(likelihood.sample(RandomSource(0), temperature=0.0), mode)
    assert not torch.equal(likelihood.sample(RandomSource(0)), likelihood.sample(RandomSource(1)))
    never = ScheduledSampling(1e-9, RandomSource(0))
    torch.testing.assert_close(likelihood.teacher_forced(x, never).log_prob(x), likelihood.log_prob(x))
