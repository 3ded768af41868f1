"""All figures of a model of pictures on held-out pictures, and beside them those of baselines.

The figures of `ImageModel.evaluate` are those of `musicae.core.evaluation.measure`, where "greedy" is the expected
picture, with

* `bce`: binary cross-entropy in nats a value; `bce_floor`: its minimum, that of perfect reconstructions (0 only of
  pictures in black and white); `mse`: squared error a value, full range 1; and of pictures that are not binary `psnr`
  (dB) and `ssim`
* `codes`: the distribution of latent vectors (`metrics.code_statistics`)
* of labelled pictures `neighbours`: the share whose class is the most frequent one of the 10 nearest latent means
* with samples of z `nll`: an upper bound on −ln p(x) in nats a picture; `nll_samples`, `nll_examples`, `protocol`
* with training pictures `baselines` (`musicae.images.baselines`)
* with a classifier `generated` (`generated_figures`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from musicae.core.bounds import importance_weighted_bound
from musicae.core.evaluation import measure
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.images.metrics import (
    agreement,
    class_entropies,
    frechet_distance,
    picture_errors,
    pixel_errors,
    with_signal_to_noise,
)
from musicae.images.picture_set import PictureSet

if TYPE_CHECKING:
    from musicae.images.classifier import ImageClassifier
    from musicae.images.codec import ImageCodec

SAMPLES = 50  # of z for each picture, by which its likelihood is bounded
BATCH = 64  # pictures of which likelihoods are bounded at a time: 16 decodes of each
MOST_GENERATED = 10_000
EXPECTED_PICTURE = {"greedy": lambda likelihood, random: likelihood.mean.clamp(0, 1)}
PROTOCOLS = {
    "binary": "binarised by one fixed draw of each pixel",
    "bernoulli": "grey levels as probabilities: not comparable with binarised figures",
    "normal": "squared errors, as a normal density of variance 1/2: not comparable with binarised figures",
}
Progress = Callable[[int], Any] | None


def likelihood_samples(model: ImageCodec, samples: int | None = None) -> int:
    """How many samples of z bound each likelihood: `samples`; by default 50, and 0 of models that have no likelihood.

    Models have one that have a density of z, and encode pictures without corruption.

    Raises:
        ConfigError: some are asked for of a model without likelihoods.
    """
    able = model.network.bottleneck.has_density and model.preset.corruption is None
    if samples is not None and samples < 0:
        raise ConfigError(f"{samples} samples: ask for 1 or more, or 0 for no likelihood")
    if samples and not able:
        raise ConfigError(f"{model.name} gives pictures no likelihood: leave --samples out")
    return (SAMPLES if able else 0) if samples is None else samples


def reconstruction_figures(model: ImageCodec, examples: PictureSet, seed: int, progress: Progress = None) -> dict:
    """Rate, distortion, and the errors of reconstructions."""
    binary = model.preset.representation.binary
    options = {"ways": EXPECTED_PICTURE, "corruption": model.preset.corruption, "seed": seed, "progress": progress}
    figures = measure(model.network, examples, pixel_errors if binary else picture_errors, **options)
    if not binary:
        for z in ("mean", "sample"):
            figures[z]["greedy"] = with_signal_to_noise(figures[z]["greedy"])
    return figures


def likelihood_figures(
    model: ImageCodec,
    examples: PictureSet,
    samples: int,
    most: int | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> dict:
    """`nll`, an upper bound on −ln p(x) in nats a picture by importance sampling; `nll_samples` (of z for each
    picture), `nll_examples` (how many pictures), and `protocol` (what the value of a pixel counts as)."""
    chosen = np.arange(len(examples))
    if most is not None:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:most])
    total = 0.0
    for start in range(0, len(chosen), BATCH):
        batch = examples.batch(chosen[start : start + BATCH]).to(model.network.device)
        network, random = model.network.conditioned_on(batch.condition), RandomSource(seed, start)
        total -= importance_weighted_bound(network, batch.x, samples, random).sum(dtype=torch.float64).item()
        if progress:
            progress(len(batch.x) * samples)
    representation = model.preset.representation
    protocol = PROTOCOLS["binary" if representation.binary else representation.likelihood]
    return {
        "nll": total / len(chosen),
        "nll_samples": samples,
        "nll_examples": len(chosen),
        "protocol": protocol,
    }


def generated_figures(
    model: ImageCodec, classifier: ImageClassifier, examples: PictureSet, known: PictureSet | None, seed: int = 0
) -> dict:
    """Figures of generated pictures by a classifier: of as many as there are held-out ones, at most 10,000.

    All are expected pictures (the mean of each pixel), and held-out ones are grey also for models of binary ones.

    Returns:
        `examples`; `judge_accuracy` of the classifier on its own test pictures; `agreement`, the share classified as
        the class that a conditional model was conditioned on; `doubt` and `coverage` (`metrics.class_entropies`);
        `frechet`, the distance to the held-out pictures in the features of the classifier; `frechet_standard_normal`,
        the same for z ~ N(0, I) where the model draws from a prior that was fitted to its codes; `frechet_floor`, the
        same for training pictures.
    """
    n = min(len(examples), MOST_GENERATED)
    held_out = classifier.features(_grey_pictures(examples, n, seed))
    labels = model.round_robin_labels(n)
    pictures = model.values(model.draw(n, seed), labels)
    probabilities = classifier.probabilities(pictures)
    figures = {"examples": n, "judge_accuracy": classifier.measured_accuracy}
    if labels is not None:
        figures["agreement"] = agreement(probabilities, labels)
    conditional_entropy, marginal_entropy = class_entropies(probabilities)
    figures |= {"doubt": conditional_entropy, "coverage": marginal_entropy}
    figures["frechet"] = frechet_distance(classifier.features(pictures), held_out)
    if model.prior is not None:
        z = RandomSource(seed).normal(n, model.network.latent).numpy()
        figures["frechet_standard_normal"] = frechet_distance(classifier.features(model.values(z, labels)), held_out)
    if known is not None and len(known) >= n:
        figures["frechet_floor"] = frechet_distance(classifier.features(_grey_pictures(known, n, seed)), held_out)
    return figures


def _grey_pictures(pictures: PictureSet, n: int, seed: int) -> np.ndarray:
    """`n` pictures drawn by the seed, not binarised."""
    chosen = np.random.default_rng(seed).permutation(len(pictures))[:n]
    return replace(pictures, binary=False, label_classes=0).batch(chosen).x.numpy()


def check_classifier(classifier: ImageClassifier, model: ImageCodec) -> None:
    """Refuse a classifier of other pictures, or of fewer classes, than the model generates.

    Raises:
        ConfigError: it is one.
    """
    shape, own = classifier.settings.representation.shape, model.preset.representation.shape
    if shape != own:
        raise ConfigError(
            f"the classifier reads pictures {shape}, {model.name} generates {own} (channels, height, width)"
        )
    known, needed = classifier.settings.classes, model.preset.label_classes
    if needed > known:
        raise ConfigError(
            f"the classifier knows {known} classes, {model.name} is conditioned on {needed}: "
            "train one on the same pictures"
        )
