"""Every named model of pictures: each family once, for MNIST, in small for scikit-learn's digits, some in colour.

A family is a corruption, a network, a bottleneck and an objective; nothing else tells a denoising autoencoder from a
Wasserstein one. `docs/images.md` says what each is, and what it reaches.
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

NOISES = {  # of the lesson in TensorFlow, of the lesson in PyTorch, of the Keras blog
    "denoising": GaussianNoise(mean=0.5, std=0.5),
    "denoising-light": GaussianNoise(mean=0.5, std=0.3),
    "denoising-centred": GaussianNoise(mean=0.0, std=0.5),
}


@dataclass(frozen=True)
class Canvas:
    """The pictures that every family is made for, and what goes with their size.

    Args:
        name: what the names of the presets begin with.
        words: what their summaries call the pictures.
        pictures: size and colours.
        convolutional: the network with convolutions.
        dense: the one without.
        wide: dimensions of a generous code: 128 on MNIST.
        narrow: of a tight one: 32.
        steps: at most so many of training, whatever the family.
        batch_sizes: pictures a step, with convolutions and without.
        rate: its weight in the conditional model: fewer pixels bear less, or z says nothing.
        samples: of importance weights, by step: few draws are enough at first.
        data: what the presets are trained on when nothing is given.
    """

    name: str
    words: str
    pictures: Pictures
    convolutional: Convolutional
    dense: Dense
    wide: int
    narrow: int
    steps: int
    batch_sizes: tuple[int, int]
    rate: float
    samples: Linear
    data: str | None = None

    def preset(self, family: str, summary: str, *, steps: int, training: dict | None = None, **settings) -> Preset:
        """A preset of these pictures, trained for `steps` steps or fewer; `training` changes settings of `Training`."""
        settings = {"representation": self.pictures, "network": self.convolutional, "latent": self.wide} | settings
        name = f"{self.name}-{family}"
        how = self._training(steps, isinstance(settings["network"], Dense), training or {})
        return Preset(name, summary.format(pictures=self.words), training=how, data=self.data, **settings)

    def _training(self, steps: int, dense: bool, changes: dict) -> Training:
        own = min(steps, self.steps)
        settings = {"batch_size": self.batch_sizes[dense], "validate_every": max(own // 8, 1)} | changes
        return presets.training(own, peak=2e-3, **settings)


MNIST = Canvas(
    name="mnist",
    words="MNIST digits",
    pictures=Pictures(28, 28),
    convolutional=Convolutional(widths=(32, 64), blocks=1, full_resolution=False),
    dense=Dense(widths=(512, 512)),
    wide=128,
    narrow=32,
    steps=100_000,
    batch_sizes=(128, 512),
    rate=2.0,
    samples=Linear(1, 50, 20_000, 24_000),
)
DIGITS = Canvas(
    name="digits",
    words="scikit-learn's digits",
    pictures=Pictures(8, 8),
    convolutional=Convolutional(widths=(32, 64), blocks=1, full_resolution=False),
    dense=Dense(widths=(128, 128)),
    wide=16,
    narrow=8,
    steps=1500,
    batch_sizes=(64, 64),
    rate=0.2,
    samples=Linear(1, 50, 1000, 1500),
    data="digits",
)
CIFAR = Canvas(
    name="cifar",
    words="small colour pictures",
    pictures=Pictures(32, 32, 3, likelihood="normal"),
    convolutional=Convolutional(widths=(48, 96), blocks=1, full_resolution=False),
    dense=Dense(widths=(1024, 1024)),
    wide=512,
    narrow=128,
    steps=100_000,
    batch_sizes=(128, 512),
    rate=2.0,
    samples=Linear(1, 50, 20_000, 24_000),
)
POINT = {"bottleneck": Point(), "objective": Reconstruction()}


def plain(canvas: Canvas) -> Iterator[Preset]:
    """Nothing but reconstruction, through codes of several sizes; and sparse codes."""
    yield canvas.preset("ae", "a convolutional autoencoder of {pictures}", steps=3000, **POINT)
    yield canvas.preset("plane", "{pictures} on a plane, without a prior", steps=4500, **POINT, latent=2)
    deep = {"network": canvas.dense, "latent": canvas.narrow}
    yield canvas.preset("deep", "a deep autoencoder of {pictures}", steps=8000, **POINT, **deep)
    one_layer = {"network": Dense(widths=()), "latent": canvas.narrow, "bottleneck": Point(rectified=True)}
    simplest = {"steps": 8000, "objective": Reconstruction()}
    yield canvas.preset("dense", "the simplest autoencoder of {pictures}", **simplest, **one_layer)
    sparse = {"steps": 8000, "objective": Reconstruction(L1(0.08))}
    yield canvas.preset("sparse", "codes of {pictures} that are mostly near zero", **sparse, **one_layer)


def denoising(canvas: Canvas) -> Iterator[Preset]:
    """The whole picture from a noisy one."""
    for family, noise in NOISES.items():
        words = f"{{pictures}} without noise (mean {noise.mean}, deviation {noise.std})"
        yield canvas.preset(family, words, steps=2000, corruption=noise, **POINT)
    words = "{pictures}, three quarters of the pixels hidden"
    yield canvas.preset("masking", words, steps=1500, corruption=Masking(0.75), **POINT)


def superresolution(canvas: Canvas) -> Iterator[Preset]:
    """The whole picture from one of low resolution."""
    for factor in (2, 4):
        words, code = f"{{pictures}} at {factor} times their resolution", 2 * canvas.wide
        yield canvas.preset(
            f"superres-{factor}x", words, steps=2500, corruption=Pixelation(factor), latent=code, **POINT
        )


def variational(canvas: Canvas) -> Iterator[Preset]:
    """A distribution in place of a code, and a price for what it says."""
    elbo = {"objective": Elbo()}
    yield canvas.preset("vae", "{pictures} on a plane", steps=5000, latent=2, **elbo)
    squared = {"representation": replace(canvas.pictures, likelihood="normal")}
    dense = {"network": Dense(canvas.dense.widths[:1]), "latent": 2}
    yield canvas.preset("vae-dense", "{pictures} on a plane, squared errors", steps=8000, **elbo, **dense, **squared)
    yield canvas.preset("vae-20", "{pictures} in 20 dimensions", steps=3000, latent=20, **elbo)
    beta = {"objective": Elbo(beta=Constant(4.0)), "latent": 10}
    yield canvas.preset("beta-vae", "{pictures}, the rate weighed four times", steps=1500, **beta)
    told = {
        "label_classes": 10,
        "network": canvas.dense,
        "latent": 8,
        "prior": Mixture(),
        "objective": Elbo(beta=Constant(canvas.rate)),
    }
    yield canvas.preset("conditional", "{pictures} of a class that is asked for", steps=8000, **told)


def binary(canvas: Canvas) -> Iterator[Preset]:
    """Black or white pixels, drawn anew every time: the protocol of published likelihoods."""
    pictures = {"representation": replace(canvas.pictures, binary=True), "latent": 40}
    dense = {"network": canvas.dense, **pictures}
    yield canvas.preset("binary-vae", "{pictures} in black and white", steps=38_000, objective=Elbo(), **dense)
    weighted = {"objective": ImportanceWeighted(canvas.samples), "training": {"batch_size": canvas.batch_sizes[1] // 2}}
    words = "{pictures} in black and white, by a tighter bound"
    yield canvas.preset("binary-iwae", words, steps=24_000, **weighted, **dense)
    convolutional = {"steps": 40_000, "objective": Elbo(), **pictures}
    yield canvas.preset("binary-conv-vae", "{pictures} in black and white, by convolutions", **convolutional)


def matched(canvas: Canvas) -> Iterator[Preset]:
    """Codes without a rate, spread like a prior, or a prior fitted to the codes."""
    code = {"steps": 8000, "network": canvas.dense, "latent": 16, "bottleneck": Point()}
    deceived = {"objective": Reconstruction(AdversarialPenalty()), "training": {"keep": "last"}}
    yield canvas.preset("adversarial", "codes of {pictures} that deceive a discriminator", **code, **deceived)
    near = {"objective": Reconstruction(MMD(100.0)), "prior": Mixture()}
    yield canvas.preset("wasserstein", "codes of {pictures} matched to the prior by kernels", **code, **near)
    short = {"objective": Reconstruction(L2(0.1)), "prior": Mixture()}
    yield canvas.preset("regularised", "short codes of {pictures}, a mixture fitted to them", **code, **short)


FAMILIES = (plain, denoising, superresolution, variational, binary, matched)
PICTURES = (
    *(preset for canvas in (MNIST, DIGITS) for family in FAMILIES for preset in family(canvas)),
    *superresolution(CIFAR),
)
