"""Every preset of pictures: each family for MNIST, in small for scikit-learn's digits, and some for colour pictures.

A family is a corruption, a network, a bottleneck, an objective and a prior; nothing else distinguishes a denoising
autoencoder from a Wasserstein one. `docs/images.md` describes each, with its results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from musicae.core.bottlenecks import Point
from musicae.core.corruptions import GaussianNoise, Masking, Pixelation
from musicae.core.networks import Convolutional, Dense
from musicae.core.objectives import Elbo, ImportanceWeighted, Reconstruction
from musicae.core.penalties import L1, L2, MMD, AdversarialPenalty
from musicae.core.priors import Mixture
from musicae.core.schedules import Constant, Linear
from musicae.core.settings import Training
from musicae.images.pictures import Pictures
from musicae.presets import preset as presets
from musicae.presets.preset import Preset

NOISES = {  # those of a lesson in TensorFlow, of a lesson in PyTorch, and of the Keras blog
    "denoising": GaussianNoise(mean=0.5, std=0.5),
    "denoising-light": GaussianNoise(mean=0.5, std=0.3),
    "denoising-centred": GaussianNoise(mean=0.0, std=0.5),
}


@dataclass(frozen=True)
class DatasetDefaults:
    """The settings that all presets of one data set share, whatever their family.

    Args:
        name: the first word in the names of the presets.
        description: of the pictures, in the summaries of the presets.
        pictures: their size and colours.
        convolutional: the network with convolutions.
        dense: the network without.
        large_latent: dimensions of a large latent vector.
        small_latent: dimensions of a small one.
        most_steps: of training.
        batch_sizes: pictures a step, with convolutions and without.
        beta: weight of the rate in the conditional model: with fewer pixels it has to be smaller, or z is not used.
        samples: importance-weighted samples by step: few are enough at first.
        data: what the presets are trained on by default.
    """

    name: str
    description: str
    pictures: Pictures
    convolutional: Convolutional
    dense: Dense
    large_latent: int
    small_latent: int
    most_steps: int
    batch_sizes: tuple[int, int]
    beta: float
    samples: Linear
    data: str | None = None

    def preset(self, family: str, summary: str, *, steps: int, training: dict | None = None, **settings) -> Preset:
        """A preset for these pictures, trained for at most `steps` steps; `training` changes settings of `Training`."""
        settings = {
            "representation": self.pictures,
            "network": self.convolutional,
            "latent": self.large_latent,
        } | settings
        name = f"{self.name}-{family}"
        how = self._training(steps, isinstance(settings["network"], Dense), training or {})
        return Preset(name, summary.format(pictures=self.description), training=how, data=self.data, **settings)

    def _training(self, steps: int, dense: bool, changes: dict) -> Training:
        own = min(steps, self.most_steps)
        settings = {"batch_size": self.batch_sizes[dense], "validate_every": max(own // 8, 1)} | changes
        return presets.training(own, peak=2e-3, **settings)


MNIST = DatasetDefaults(
    name="mnist",
    description="MNIST digits",
    pictures=Pictures(28, 28),
    convolutional=Convolutional(widths=(32, 64), blocks=1, full_resolution=False),
    dense=Dense(widths=(512, 512)),
    large_latent=128,
    small_latent=32,
    most_steps=100_000,
    batch_sizes=(128, 512),
    beta=2.0,
    samples=Linear(1, 50, 20_000, 24_000),
)
DIGITS = DatasetDefaults(
    name="digits",
    description="scikit-learn's digits",
    pictures=Pictures(8, 8),
    convolutional=Convolutional(widths=(32, 64), blocks=1, full_resolution=False),
    dense=Dense(widths=(128, 128)),
    large_latent=16,
    small_latent=8,
    most_steps=1500,
    batch_sizes=(64, 64),
    beta=0.2,
    samples=Linear(1, 50, 1000, 1500),
    data="digits",
)
CIFAR = DatasetDefaults(
    name="cifar",
    description="small colour pictures",
    pictures=Pictures(32, 32, 3, likelihood="normal"),
    convolutional=Convolutional(widths=(48, 96), blocks=1, full_resolution=False),
    dense=Dense(widths=(1024, 1024)),
    large_latent=512,
    small_latent=128,
    most_steps=100_000,
    batch_sizes=(128, 512),
    beta=2.0,
    samples=Linear(1, 50, 20_000, 24_000),
)
POINT = {"bottleneck": Point(), "objective": Reconstruction()}


def plain(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Autoencoders without a prior, with latent vectors of several sizes; and sparse ones."""
    yield defaults.preset("ae", "a convolutional autoencoder of {pictures}", steps=3000, **POINT)
    yield defaults.preset("plane", "{pictures} on a plane, without a prior", steps=4500, **POINT, latent=2)
    deep = {"network": defaults.dense, "latent": defaults.small_latent}
    yield defaults.preset("deep", "a deep autoencoder of {pictures}", steps=8000, **POINT, **deep)
    one_layer = {"network": Dense(widths=()), "latent": defaults.small_latent, "bottleneck": Point(rectified=True)}
    simplest = {"steps": 8000, "objective": Reconstruction()}
    yield defaults.preset("dense", "the simplest autoencoder of {pictures}", **simplest, **one_layer)
    sparse = {"steps": 8000, "objective": Reconstruction(L1(0.08))}
    yield defaults.preset("sparse", "codes of {pictures} that are mostly near zero", **sparse, **one_layer)


def denoising(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Denoising autoencoders."""
    for family, noise in NOISES.items():
        words = f"{{pictures}} without noise (mean {noise.mean}, deviation {noise.std})"
        yield defaults.preset(family, words, steps=2000, corruption=noise, **POINT)
    words = "{pictures}, three quarters of the pixels hidden"
    yield defaults.preset("masking", words, steps=1500, corruption=Masking(0.75), **POINT)


def superresolution(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Super-resolution."""
    for factor in (2, 4):
        words, code = f"{{pictures}} at {factor} times their resolution", 2 * defaults.large_latent
        yield defaults.preset(
            f"superres-{factor}x", words, steps=2500, corruption=Pixelation(factor), latent=code, **POINT
        )


def variational(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Variational autoencoders, with other weights of the rate, and conditioned on labels."""
    elbo = {"objective": Elbo()}
    yield defaults.preset("vae", "{pictures} on a plane", steps=5000, latent=2, **elbo)
    squared = {"representation": replace(defaults.pictures, likelihood="normal")}
    dense = {"network": Dense(defaults.dense.widths[:1]), "latent": 2}
    yield defaults.preset("vae-dense", "{pictures} on a plane, squared errors", steps=8000, **elbo, **dense, **squared)
    yield defaults.preset("vae-20", "{pictures} in 20 dimensions", steps=3000, latent=20, **elbo)
    beta = {"objective": Elbo(beta=Constant(4.0)), "latent": 10}
    yield defaults.preset("beta-vae", "{pictures}, the rate weighed four times", steps=1500, **beta)
    conditional = {
        "label_classes": 10,
        "network": defaults.dense,
        "latent": 8,
        "prior": Mixture(),
        "objective": Elbo(beta=Constant(defaults.beta)),
    }
    yield defaults.preset("conditional", "{pictures} of a class that is asked for", steps=8000, **conditional)


def binary(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Dynamically binarised pictures: the protocol of published likelihoods."""
    pictures = {"representation": replace(defaults.pictures, binary=True), "latent": 40}
    dense = {"network": defaults.dense, **pictures}
    yield defaults.preset("binary-vae", "{pictures} in black and white", steps=38_000, objective=Elbo(), **dense)
    weighted = {
        "objective": ImportanceWeighted(defaults.samples),
        "training": {"batch_size": defaults.batch_sizes[1] // 2},
    }
    words = "{pictures} in black and white, by a tighter bound"
    yield defaults.preset("binary-iwae", words, steps=24_000, **weighted, **dense)
    convolutional = {"steps": 40_000, "objective": Elbo(), **pictures}
    yield defaults.preset("binary-conv-vae", "{pictures} in black and white, by convolutions", **convolutional)


def matched(defaults: DatasetDefaults) -> Iterator[Preset]:
    """Autoencoders without a rate, whose codes are matched to the prior, or get a prior that is fitted to them."""
    code = {"steps": 8000, "network": defaults.dense, "latent": 16, "bottleneck": Point()}
    deceived = {"objective": Reconstruction(AdversarialPenalty()), "training": {"keep": "last"}}
    yield defaults.preset("adversarial", "codes of {pictures} that deceive a discriminator", **code, **deceived)
    near = {"objective": Reconstruction(MMD(100.0)), "prior": Mixture()}
    yield defaults.preset("wasserstein", "codes of {pictures} matched to the prior by kernels", **code, **near)
    short = {"objective": Reconstruction(L2(0.1)), "prior": Mixture()}
    yield defaults.preset("regularised", "short codes of {pictures}, a mixture fitted to them", **code, **short)


FAMILIES = (plain, denoising, superresolution, variational, binary, matched)
PICTURES = (
    *(preset for defaults in (MNIST, DIGITS) for family in FAMILIES for preset in family(defaults)),
    *superresolution(CIFAR),
)
