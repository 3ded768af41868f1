"""Figures of pictures, of codes, and of classified pictures: the same functions for models and for baselines.

Pictures are `[batch, channels, height, width]` with values in 0..1.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch.nn import functional

from musicae.core.penalties import discrepancy
from musicae.core.randomness import RandomSource
from musicae.images.picture_set import PictureSet

NEIGHBOURS = 10
CLIP = 1e-7  # probabilities are kept so far from 0 and 1, so that a value that is surely wrong costs 16 nats
WINDOW, WINDOW_STD = 11, 1.5  # of SSIM, in pixels
STABLE = 0.01**2, 0.03**2  # (K1 L)² and (K2 L)² of SSIM at the full range L = 1
MOST_CODES = 2000  # that are compared in pairs

Ratios = dict[str, tuple[float, float]]


# Pictures ------------------------------------------------------------------------------------------


def pixel_errors(decoded: torch.Tensor, x: torch.Tensor) -> Ratios:
    """Binary cross-entropy, its floor and squared error: sums over all values of all pictures, and how many."""
    sums = {
        "bce": functional.binary_cross_entropy(decoded.clamp(CLIP, 1 - CLIP), x, reduction="sum"),
        "bce_floor": functional.binary_cross_entropy(x, x, reduction="sum"),
        "mse": functional.mse_loss(decoded, x, reduction="sum"),
    }
    return {name: (value.item(), x.numel()) for name, value in sums.items()}


def picture_errors(decoded: torch.Tensor, x: torch.Tensor) -> Ratios:
    """As `pixel_errors`, and structural similarity: its sum over the pictures, and how many."""
    return pixel_errors(decoded, x) | {"ssim": (similarity(decoded, x).sum().item(), len(x))}


def similarity(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The structural similarity (SSIM) of pictures in pairs, `[batch]`: 1 for two that are the same (Wang et al. 2004).

    `(2 m_a m_b + C1)(2 c_ab + C2) / ((m_a² + m_b² + C1)(v_a + v_b + C2))`, with the means, variances and covariance in
    an 11 by 11 Gaussian window of deviation 1.5, averaged over all places at which the window lies wholly inside, and
    over the channels. In a picture that is smaller the window is as large as the picture.
    """
    window = _window(min(WINDOW, a.shape[-2]), a), _window(min(WINDOW, a.shape[-1]), a)
    mean_a, mean_b = _averaged(a, window), _averaged(b, window)
    variances = _averaged(a * a, window) - mean_a**2 + _averaged(b * b, window) - mean_b**2
    covariance = _averaged(a * b, window) - mean_a * mean_b
    light = (2 * mean_a * mean_b + STABLE[0]) / (mean_a**2 + mean_b**2 + STABLE[0])
    return (light * (2 * covariance + STABLE[1]) / (variances + STABLE[1])).flatten(1).mean(1)


def _window(size: int, like: torch.Tensor) -> torch.Tensor:
    """Weights of a Gaussian in one direction, with a sum of 1."""
    places = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    return torch.softmax(-0.5 * (places / WINDOW_STD).square(), 0)


def _averaged(x: torch.Tensor, window: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Weighted means at all places, `[batch, channels, height, width]` to `[batch · channels, 1, ...]`, by batch."""
    planes = x.reshape(-1, 1, *x.shape[-2:])
    rows, columns = window[0].view(1, 1, -1, 1), window[1].view(1, 1, 1, -1)
    return functional.conv2d(functional.conv2d(planes, rows), columns).view(len(x), -1)


def with_signal_to_noise(ratios: dict[str, float | None]) -> dict[str, float | None]:
    """The same figures with `psnr` beside `mse`: `10 log10(1 / mse)` dB, of all together; None for no error."""
    error = ratios["mse"]
    return ratios | {"psnr": 10 * math.log10(1 / error) if error else None}


def averages(sums: Iterable[Ratios]) -> dict[str, float]:
    """The ratios of many batches together."""
    totals: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for ratios in sums:
        for name, ratio in ratios.items():
            totals[name] += ratio
    return {name: float(a / b) for name, (a, b) in totals.items()}


# Codes ---------------------------------------------------------------------------------------------


def neighbour_accuracy(
    codes: np.ndarray, labels: np.ndarray, reference: tuple[np.ndarray, np.ndarray] | None = None
) -> float:
    """Share of codes `[n, latent]` whose class is the most frequent one among the 10 nearest codes.

    Args:
        codes: the codes to classify.
        labels: their classes, int64 `[n]`.
        reference: codes and classes to search; None for the other ones of `codes`.
    """
    from sklearn.neighbors import NearestNeighbors

    known_codes, known_labels = reference or (codes, labels)
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known_codes) - (reference is None))).fit(known_codes)
    nearest = search.kneighbors(codes if reference else None, return_distance=False)
    votes = known_labels[nearest][:, :, None] == np.unique(known_labels)
    return float((np.unique(known_labels)[votes.sum(1).argmax(1)] == labels).mean())


def neighbours(
    encode: Callable[[PictureSet], np.ndarray], examples: PictureSet, known: PictureSet | None
) -> dict[str, float]:
    """`neighbours`, the `neighbour_accuracy` of the codes of labelled pictures; nothing where there are no labels.

    Args:
        encode: pictures to codes `[n, latent]`.
        examples: the pictures to classify.
        known: those to classify them by; where there are none, or none with labels, the other ones of `examples`.
    """
    if examples.labels is None or len(examples) < 2:
        return {}
    labelled = known is not None and known.labels is not None and len(known)
    reference = (encode(known), known.labels) if labelled else None
    return {"neighbours": neighbour_accuracy(encode(examples), examples.labels, reference)}


def code_statistics(codes: np.ndarray, seed: int = 0) -> dict:
    """The distribution of codes `[n, latent]`, to be compared with N(0, I).

    Returns:
        `mean` and `variance` of each dimension; `absolute`, the mean of |z| over all of them; and `discrepancy`, the
        squared MMD to draws from N(0, I) (`musicae.core.penalties.discrepancy`) of at most 2,000 codes.
    """
    random = RandomSource(seed)
    chosen = np.random.default_rng(seed).permutation(len(codes))[:MOST_CODES]
    some = torch.from_numpy(codes[chosen])
    return {
        "mean": codes.mean(0, dtype=np.float64).tolist(),
        "variance": codes.var(0, dtype=np.float64).tolist(),
        "absolute": float(np.abs(codes).mean(dtype=np.float64)),
        "discrepancy": discrepancy(some, random.normal(*some.shape)).item(),
    }


# Classified pictures -------------------------------------------------------------------------------


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The squared Fréchet distance of normal distributions fitted to two sets of features `[n, features]`:

    `|m_a − m_b|² + tr(C_a + C_b − 2 (C_a C_b)^½)` (Dowson & Landau 1982; of pictures, Heusel et al. 2017).

    It grows as the sets shrink, so only distances between sets of the same sizes compare.
    """
    (mean_a, cov_a), (mean_b, cov_b) = _moments(a), _moments(b)
    root = _root(cov_a)
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()  # tr (C_a C_b)^½: the same eigenvalues
    return float(max(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * shared, 0.0))


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(0, dtype=np.float64), np.atleast_2d(np.cov(x.astype(np.float64), rowvar=False))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def agreement(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of pictures whose most probable class, by probabilities `[n, classes]`, is that of `labels` `[n]`."""
    return float((probabilities.argmax(1) == labels).mean())


def class_entropies(probabilities: np.ndarray) -> tuple[float, float]:
    """The two halves of an Inception Score (Salimans et al. 2016), in nats, from probabilities p(y | x) `[n, classes]`.

    Returns:
        The conditional entropy `H(y | x)`, low where each picture is clearly of one class; and the marginal entropy
        `H(y)`, at most ln classes, where all classes are equally frequent. In figures these are called `doubt` and
        `coverage`.
    """
    return float(_entropy(probabilities).mean()), float(_entropy(probabilities.mean(0)))


def _entropy(p: np.ndarray) -> np.ndarray:
    """In nats, over the last dimension."""
    return -(p * np.log(np.where(p > 0, p, 1))).sum(-1)
