"""All figures of a model of pictures, and beside them those of what there is to beat."""

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
from musicae.images.baselines import baselines
from musicae.images.datasets import PictureSet
from musicae.images.metrics import (
    agreement,
    frechet_distance,
    neighbours,
    picture_errors,
    pixel_errors,
    spread,
    verdicts,
    with_signal_to_noise,
)

if TYPE_CHECKING:
    from musicae.images.judge import Judge
    from musicae.images.model import ImageModel

SAMPLES = 50  # of z for each picture, by which its likelihood is bounded
BATCH = 64  # pictures of which likelihoods are bounded at a time: 16 decodes of each
MOST_JUDGED = 10_000
EXPECTED = {"greedy": lambda likelihood, random: likelihood.mean.clamp(0, 1)}
PROTOCOLS = {
    "binary": "binarised by one fixed draw of each pixel",
    "bernoulli": "grey levels as probabilities: not comparable with binarised figures",
    "normal": "squared errors, as a normal density of variance 1/2: not comparable with binarised figures",
}
Progress = Callable[[int], Any] | None


def evaluate(
    model: ImageModel,
    examples: PictureSet,
    known: PictureSet | None = None,
    *,
    samples: int | None = None,
    most: int | None = None,
    judge: Judge | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> dict:
    """Figures on held-out pictures (`musicae.core.evaluation.measure`); "greedy" is the expected picture.

    Args:
        model: the model.
        examples: what it has not seen.
        known: training pictures: baselines are fitted to them, and others classified by those of them that are
            labelled. None for no baselines, and to classify each of `examples` by the other ones.
        samples: of z, by which the likelihood of each picture is bounded; 0 for none, None for what `weighed` says.
        most: the likelihoods of at most so many pictures, drawn by the seed, are bounded; None for all.
        judge: a classifier that is shown generated pictures; None for none.
        seed: of everything random.
        progress: called with the number of decodes done after every batch: one for each picture, and `samples` more
            for each whose likelihood is bounded.

    Returns:
        As `measure`, with `bce` (binary cross-entropy in nats a value), `bce_floor` (what it would be if the originals
        came back exactly: grey is never certain), `mse` (squared error a value, full range 1), `psnr` (dB) and `ssim`
        (both not of binary pictures); `codes` (`metrics.spread`); of labelled pictures `neighbours`, the share whose
        class is that of most of the 10 nearest latent means; with samples `nll` (nats a picture), `nll_samples`,
        `nll_examples`, `protocol`; with training pictures `baselines`; with a judge `generated` (`judged`).

    Raises:
        ConfigError: samples of a model without a density of z, or a judge of other pictures.
    """
    samples = weighed(model, samples)
    if most is not None and most < 1:
        raise ConfigError(f"the likelihoods of {most} pictures: ask for 1 or more")
    if judge is not None:
        _suited(judge, model)
    figures = restored(model, examples, seed, progress)
    figures["codes"] = spread(model.draws(examples, seed), seed)
    figures |= neighbours(lambda pictures: model.means(pictures, seed), examples, known)
    if samples:
        figures |= likelihood(model, examples, samples, most, seed, progress)
    if known is not None and len(known):
        figures["baselines"] = baselines(known, examples, model.network.latent, model.preset.corruption, seed)
    if judge is not None:
        figures["generated"] = judged(model, judge, examples, known, seed)
    return figures


def weighed(model: ImageModel, samples: int | None = None) -> int:
    """How many samples of z bound a likelihood where none are asked for: 50 of models that have a density of z and
    hear whole pictures, 0 of others.

    Raises:
        ConfigError: there are none of the model, but some are asked for.
    """
    able = model.network.bottleneck.has_density and model.preset.corruption is None
    if samples is not None and samples < 0:
        raise ConfigError(f"{samples} samples: ask for 1 or more, or 0 for no likelihood")
    if samples and not able:
        raise ConfigError(f"{model.name} gives pictures no likelihood: leave --samples out")
    return (SAMPLES if able else 0) if samples is None else samples


def restored(model: ImageModel, examples: PictureSet, seed: int, progress: Progress = None) -> dict:
    """What comes back of pictures, and at what rate."""
    binary = model.preset.representation.binary
    options = {"ways": EXPECTED, "corruption": model.preset.corruption, "seed": seed, "progress": progress}
    figures = measure(model.network, examples, pixel_errors if binary else picture_errors, **options)
    if not binary:
        for z in ("mean", "sample"):
            figures[z]["greedy"] = with_signal_to_noise(figures[z]["greedy"])
    return figures


def likelihood(
    model: ImageModel, examples: PictureSet, samples: int, most: int | None = None, seed: int = 0, progress=None
) -> dict:
    """`nll`, an upper bound on −ln p(x) in nats a picture by importance sampling; from how many samples of z, on how
    many pictures, and what a pixel counts as."""
    chosen = np.arange(len(examples))
    if most is not None:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:most])
    total = 0.0
    for start in range(0, len(chosen), BATCH):
        batch = examples.batch(chosen[start : start + BATCH]).to(model.network.device)
        told, random = model.network.conditioned_on(batch.condition), RandomSource(seed, start)
        total -= importance_weighted_bound(told, batch.x, samples, random).sum(dtype=torch.float64).item()
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


def judged(model: ImageModel, judge: Judge, examples: PictureSet, known: PictureSet | None, seed: int = 0) -> dict:
    """What a classifier says of as many generated pictures as there are held-out ones, at most 10,000.

    All are expected pictures (the mean of each pixel), and held-out ones are grey also for models of binary ones.

    Returns:
        `examples`; `judge_accuracy` on its own held-out pictures; `agreement`, the share judged to be of the class
        that a conditional model was asked for; `doubt` and `coverage` (`metrics.verdicts`); `frechet`, the distance
        from the held-out pictures in the judge's features; `frechet_standard_normal`, the same for z ~ N(0, I) where
        the model draws from a prior that was fitted to its codes; `frechet_floor`, the same for training pictures.
    """
    n = min(len(examples), MOST_JUDGED)
    real = judge.features(_some(examples, n, seed))
    labels = model.in_turn(n)
    pictures = model.values(model.draw(n, seed), labels)
    probabilities = judge.probabilities(pictures)
    figures = {"examples": n, "judge_accuracy": judge.metrics.get("accuracy")}
    if labels is not None:
        figures["agreement"] = agreement(probabilities, labels)
    figures |= verdicts(probabilities) | {"frechet": frechet_distance(judge.features(pictures), real)}
    if model.prior is not None:
        normal = RandomSource(seed).normal(n, model.network.latent).numpy()
        figures["frechet_standard_normal"] = frechet_distance(judge.features(model.values(normal, labels)), real)
    if known is not None and len(known) >= n:
        figures["frechet_floor"] = frechet_distance(judge.features(_some(known, n, seed)), real)
    return figures


def _some(pictures: PictureSet, n: int, seed: int) -> np.ndarray:
    """`n` pictures drawn by the seed, grey."""
    chosen = np.random.default_rng(seed).permutation(len(pictures))[:n]
    return replace(pictures, binary=False, told=0).batch(chosen).x.numpy()


def _suited(judge: Judge, model: ImageModel) -> None:
    """Refuse a judge that sees other pictures, or other classes, than the model makes.

    Raises:
        ConfigError: it does.
    """
    seen, made = judge.settings.representation.shape, model.preset.representation.shape
    if seen != made:
        raise ConfigError(f"the judge sees pictures {seen}, {model.name} makes {made} (channels, height, width)")
    if model.network.conditioning.size > judge.settings.classes:
        asked = f"{model.name} is asked for {model.network.conditioning.size}"
        raise ConfigError(f"the judge knows {judge.settings.classes} classes, {asked}: train one on the same pictures")
