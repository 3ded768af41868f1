"""Every named model of pictures: each family once, for MNIST and in small for scikit-learn's digits.

A family is a corruption, a network, a bottleneck and an objective; nothing else tells a denoising autoencoder from a
Wasserstein one. `docs/images.md` says what each is, and what it reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.networks import Convolutional, Dense
from musicae.core.objectives import Elbo, ImportanceWeighted, Reconstruction
from musicae.core.penalties import Absolute, Adversary, Discrepancy, Square
from musicae.core.priors import Mixture
from musicae.core.schedules import Constant, Linear
from musicae.core.settings import Training
from musicae.images.pictures import Pictures
from musicae.presets.preset import Preset, training

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
        convolutional: the convolutional network.
        dense: the deep network without convolutions.
        wide: dimensions of a generous code: 128 on MNIST.
        narrow: of a tight one: 32.
        steps: of training, for 1,000 on MNIST.
        batch_size: pictures a step.
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
    batch_size: int
    data: str | None = None

    def preset(self, family: str, summary: str, *, steps: int, peak: float = 2e-3, **settings) -> Preset:
        """A preset of these pictures, trained for `steps` steps of MNIST."""
        settings = {"representation": self.pictures, "network": self.convolutional, "latent": self.wide} | settings
        return Preset(
            name=f"{self.name}-{family}",
            summary=summary.format(pictures=self.words),
            training=self._training(steps, peak, settings.pop("keep", "best")),
            data=self.data,
            **settings,
        )

    def _training(self, steps: int, peak: float, keep: str) -> Training:
        own = steps * self.steps // 1000
        return training(own, self.batch_size, peak, validate_every=max(own // 8, 1), keep=keep)


MNIST = Canvas(
    name="mnist",
    words="MNIST digits",
    pictures=Pictures(28, 28),
    convolutional=Convolutional(widths=(32, 64), blocks=1, fine=False),
    dense=Dense(widths=(512, 256)),
    wide=128,
    narrow=32,
    steps=1000,
    batch_size=128,
)
DIGITS = Canvas(
    name="digits",
    words="scikit-learn's digits",
    pictures=Pictures(8, 8),
    convolutional=Convolutional(widths=(32, 64), blocks=1, fine=False),
    dense=Dense(widths=(128, 64)),
    wide=16,
    narrow=8,
    steps=150,
    batch_size=64,
    data="digits",
)


def plain(canvas: Canvas) -> Iterator[Preset]:
    """Nothing but reconstruction, through codes of several sizes; and sparse codes."""
    point = {"bottleneck": "point", "objective": Reconstruction()}
    rectified = {"bottleneck": "rectified point", "network": Dense(widths=()), "latent": canvas.narrow}
    yield canvas.preset("ae", "a convolutional autoencoder of {pictures}", steps=5000, **point)
    yield canvas.preset("plane", "{pictures} on a plane, without a prior", steps=7000, **point | {"latent": 2})
    deep = point | {"network": canvas.dense, "latent": canvas.narrow}
    yield canvas.preset("deep", "a deep autoencoder of {pictures}", steps=20_000, **deep)
    yield canvas.preset(
        "dense", "the simplest autoencoder of {pictures}", steps=15_000, **rectified, objective=Reconstruction()
    )
    yield canvas.preset(
        "sparse", "codes of {pictures} that are mostly zero", steps=15_000, **rectified,
        objective=Reconstruction(Absolute(0.08)),
    )  # fmt: skip


def restoring(canvas: Canvas) -> Iterator[Preset]:
    """The whole picture from a damaged one."""
    point = {"bottleneck": "point", "objective": Reconstruction()}
    for family, noise in NOISES.items():
        words = f"{{pictures}} without noise of mean {noise.mean} and deviation {noise.std}"
        yield canvas.preset(family, words, steps=6000, corruption=noise, **point)
    for factor in (2, 4):
        words = f"{{pictures}} at {factor} times their resolution"
        code = {"latent": 2 * canvas.wide, "corruption": Pixelation(factor)}
        yield canvas.preset(f"superres-{factor}x", words, steps=6000, **point | code)


def variational(canvas: Canvas) -> Iterator[Preset]:
    """A distribution in place of a code, and a price for what it says."""
    plane, narrow = {"latent": 2, "objective": Elbo()}, {"latent": 20, "objective": Elbo()}
    yield canvas.preset("vae", "{pictures} on a plane", steps=7000, **plane)
    squared = replace(canvas.pictures, likelihood="normal")
    dense = {"network": Dense(canvas.dense.widths[:1]), "representation": squared}
    yield canvas.preset("vae-dense", "{pictures} on a plane, squared errors", steps=15_000, **plane | dense)
    yield canvas.preset("vae-20", "{pictures} in 20 dimensions", steps=7000, **narrow)
    beta = {"latent": 10, "objective": Elbo(beta=Constant(4.0))}
    yield canvas.preset("beta-vae", "{pictures}, the rate weighed four times", steps=5000, **beta)
    yield canvas.preset("conditional", "{pictures} of a class that is asked for", steps=6000, told=10, **narrow)


def binary(canvas: Canvas) -> Iterator[Preset]:
    """Black or white pixels, drawn anew every time: the protocol of published likelihoods."""
    pictures = {"representation": replace(canvas.pictures, binary=True), "latent": 40}
    dense = pictures | {"network": canvas.dense}
    yield canvas.preset("binary-vae", "{pictures} in black and white", steps=50_000, **dense, objective=Elbo())
    weighted = ImportanceWeighted(Linear(1, 50, 0, 1000))
    yield canvas.preset("binary-iwae", "the same, by a tighter bound", steps=20_000, **dense, objective=weighted)
    yield canvas.preset(
        "binary-conv-vae", "{pictures} in black and white, by convolutions", steps=10_000, **pictures, objective=Elbo()
    )


def matched(canvas: Canvas) -> Iterator[Preset]:
    """Codes without a rate, spread like a prior, or a prior fitted to the codes."""
    code = {"network": canvas.dense, "latent": 16, "bottleneck": "point"}
    yield canvas.preset(
        "adversarial", "codes of {pictures} that deceive a discriminator", steps=20_000, peak=1e-3, keep="last", **code,
        objective=Reconstruction(Adversary()),
    )  # fmt: skip
    yield canvas.preset(
        "wasserstein", "codes of {pictures} matched to the prior by kernels", steps=20_000, **code, prior=Mixture(),
        objective=Reconstruction(Discrepancy(100.0)),
    )  # fmt: skip
    yield canvas.preset(
        "regularised", "short codes of {pictures}, a mixture fitted to them", steps=20_000, **code, prior=Mixture(),
        objective=Reconstruction(Square(0.1)),
    )  # fmt: skip


PICTURES = tuple(
    preset
    for canvas in (MNIST, DIGITS)
    for family in (plain, restoring, variational, binary, matched)
    for preset in family(canvas)
)
