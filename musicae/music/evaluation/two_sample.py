"""Whether what a model generates can be distinguished from music: its samples, and midpoints between songs, compared
with held-out music.

Three questions, from the mildest to the strictest. Is it like music in every attribute that has a name? Is it new? Can
a classifier that is trained for nothing else distinguish it from music? The last is a classifier two-sample test (C2ST,
Lopez-Paz & Oquab 2017): its statistic is the accuracy on examples that the classifier was not trained on, which is 1/2
if both sets are drawn from one distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from musicae.core.classification import Classification, Classifier, ClassifierSettings
from musicae.core.data import Batch
from musicae.core.networks import Convolutional
from musicae.core.randomness import RandomSource
from musicae.core.schedules import WarmupCosine
from musicae.core.settings import Training
from musicae.errors import DataError
from musicae.music.analysis.attributes import intervals, measure
from musicae.music.analysis.note_table import Notes
from musicae.music.analysis.similarity import nearest, overlaps
from musicae.music.analysis.traits import note_counts
from musicae.music.data.windows import Windows, to_batch
from musicae.music.latent.alignment import align
from musicae.music.latent.interpolation import conditioned_stages, path
from musicae.music.latent.reranking import FEWEST_NOTES
from musicae.music.model import MusicModel
from musicae.music.options import Decoding
from musicae.music.representations.base import Representation

FEWEST_SONGS = 8  # at least two for each part, between which there are midpoints
DISTANCES = 500  # windows whose nearest neighbours are looked for
STEPS = 1200  # of the training of a classifier
TRAINED_ON = 8  # times the number of samples that a classifier is trained on, where there is so much music
MUSIC, GENERATED = 0, 1
Generate = Callable[[Windows, int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Windows and their classes, as examples to train on.

    Args:
        windows: in training transposed to random keys, as the model's own.
        labels: `MUSIC` or `GENERATED`, `[n]`.
    """

    windows: Windows
    labels: np.ndarray

    @classmethod
    def of(cls, music: Windows, generated: np.ndarray) -> Labelled:
        """Windows of music and as many generated ones."""
        array = np.concatenate([music.array, generated])
        labels = np.repeat([MUSIC, GENERATED], [len(music), len(generated)])
        return cls(Windows(array, music.representation, music.transpose), labels)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The windows at `indices`, with their labels."""
        return Batch(self.windows.batch(indices, random).x, labels=torch.from_numpy(self.labels[indices]))


@dataclass(frozen=True, eq=False)
class Music:
    """Held-out music, split by song for classifiers: no song is in two parts.

    Args:
        all: what samples are compared with.
        train: what classifiers are trained on.
        validation: what their best weights are selected on.
        test: what their accuracy is measured on.
    """

    all: Windows
    train: Windows
    validation: Windows
    test: Windows

    @classmethod
    def of(cls, held_out: Windows, more: Windows | None, transpose: tuple[int, int], seed: int) -> Music:
        """Half of the songs for testing, a tenth for validation, and the others, with `more` of yet other songs, for
        training.

        Raises:
            DataError: there are too few songs.
        """
        songs = enough_songs(held_out)
        order = np.random.default_rng(seed).permutation(songs)
        half, tenth = len(songs) // 2, max(len(songs) // 10, 2)
        test, validation = (_of_songs(held_out, some) for some in (order[:half], order[half : half + tenth]))
        train = _of_songs(held_out, order[half + tenth :], transpose)
        return cls(held_out, _together(train, more), validation, test)


def enough_songs(held_out: Windows) -> np.ndarray:
    """The songs that windows are of.

    Raises:
        DataError: they are too few for a two-sample test.
    """
    songs = np.unique(held_out.songs)
    if len(songs) < FEWEST_SONGS:
        raise DataError(
            f"samples are compared with windows of at least {FEWEST_SONGS} held-out songs, and there are"
            f" {len(songs)}: give more --data, or leave --samples out"
        )
    return songs


def two_sample_report(
    model: MusicModel,
    held_out: Windows,
    train: Windows | None = None,
    *,
    samples: int = 2000,
    seed: int = 0,
    temperature: float = 0.0,
    steps: int | None = None,
) -> dict:
    """How samples of a model, and midpoints between songs, compare with held-out music.

    Windows of music that have too few notes for a clip are left out.

    Args:
        model: draws from its prior, and decodes.
        held_out: windows, with their songs, that it was not trained on.
        train: those that it was trained on, for classifiers too; None leaves out the ceiling and all distances.
        samples: how many.
        seed: of everything random.
        temperature: of decoding.
        steps: of the training of a classifier; None for 1,200.

    Returns:
        The figures of `_comparison`; and as `judge`, of samples and midpoints, the test `accuracy` of a classifier
        (1/2: it cannot distinguish them from music), that of a logistic regression `by_attributes`, and its `weights`.

    Raises:
        DataError: the held-out windows are of too few songs.
    """
    held_out = _with_notes(held_out)
    known = train is not None and len(train) > 0
    train = _with_notes(train) if known else None
    more = _some(train, TRAINED_ON * samples, seed) if known else None
    music = Music.of(held_out, more, model.preset.transpose, seed)
    generators = {
        "samples": lambda like, n, seed: sampled(model, like, n, seed, temperature),
        "midpoints": lambda like, n, seed: midpoints(model, like, n, seed, temperature),
    }
    sets = {name: generate(held_out, samples, seed) for name, generate in generators.items()}
    figures = _comparison(model.representation, sets, held_out, train if known else None, seed)
    tests = {
        name: _classifier_test(model, music, one, samples, seed, steps or STEPS) for name, one in generators.items()
    }
    return {"samples": samples, "temperature": temperature, "held_out": len(held_out), **figures, "judge": tests}


def _comparison(
    representation: Representation,
    generated: dict[str, np.ndarray],
    held_out: Windows,
    train: Windows | None,
    seed: int,
) -> dict:
    """How generated windows, by the name of their set, compare with held-out ones.

    Returns:
        `overlaps`, by attribute and set: of `samples`, of `midpoints`, and of training windows, which are the ceiling,
        `train`. `means`, likewise, and of those `held_out`. `lines`, by set (see `_line`). `nearest` and `copies`, by
        set: the median distance from the nearest training window, and the share of windows at distance 0. `faults`, by
        set: the share of windows with faults of grammar.
    """
    truth = np.asarray(held_out.array)
    samples = len(generated["samples"])
    sets = generated if train is None else generated | {"train": _some(train, samples, seed).array}
    every = sets | {"held_out": truth}
    return {
        "overlaps": _by_attribute({name: overlaps(representation, one, truth) for name, one in sets.items()}),
        "means": _by_attribute({name: _means(representation, one) for name, one in every.items()}),
        "lines": {name: _line(representation, one) for name, one in every.items()},
        **({} if train is None else _novelty(every, train, seed)),
        "faults": {name: float(representation.faults(one).mean()) for name, one in every.items()},
    }


def sampled(model: MusicModel, like: Windows, n: int, seed: int, temperature: float = 0.0) -> np.ndarray:
    """`n` windows as `sample` generates them; a conditional model has the conditions of windows drawn from `like`."""
    condition = to_batch(_some(like, n, seed, replace=True).array, model.representation).condition
    return model.sampled_windows(n, condition, Decoding(temperature, seed=seed))


def midpoints(model: MusicModel, like: Windows, n: int, seed: int, temperature: float = 0.0) -> np.ndarray:
    """`n` windows half way between two of different songs, as `interpolate` decodes them; the songs are drawn evenly.

    A conditional model has the conditions of the first of both.
    """
    blank, halfway, found = model.blank(1), np.full((1, 1), 0.5), []
    for i, pair in enumerate(zip(*pairs(like.songs, n, np.random.default_rng((seed, 1))), strict=True)):
        a, b = (replace(blank, windows=np.asarray(like.array[one])[None]) for one in pair)
        stages = conditioned_stages(model, (a, b), halfway, {})
        way = path(model, (a, b), halfway, stages, align(model.representation, a, b))
        decoded = model.decode_path(way, Decoding(temperature, seed=seed + i))
        found.append(way.finished(model.representation, decoded)[0, 0])
    return np.stack(found)


def pairs(songs: np.ndarray, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`n` pairs of windows of two different songs each, every song as likely; `songs` is that of each window."""
    order = np.argsort(songs, kind="stable")
    _, starts, counts = np.unique(songs[order], return_index=True, return_counts=True)
    one = random.integers(len(starts), size=n)
    other = (one + random.integers(1, len(starts), size=n)) % len(starts)
    return tuple(order[starts[s] + random.integers(counts[s])] for s in (one, other))


def _novelty(sets: dict[str, np.ndarray], train: Windows, seed: int) -> dict:
    """How far windows are from those that a model was trained on."""
    known = np.asarray(train.array)
    chosen = {
        n: _some(Windows(w, train.representation), DISTANCES, seed).array for n, w in sets.items() if n != "train"
    }
    found = {name: nearest(train.representation, windows, known) for name, windows in chosen.items()}
    return {
        "nearest": {name: float(np.median(distances)) for name, distances in found.items()},
        "copies": {name: float((distances == 0).mean()) for name, distances in found.items()},
    }


def classifier_settings(representation: Representation, training: Training) -> ClassifierSettings:
    """The settings of a classifier of windows, which halves their steps up to three times."""
    halvings = next(n for n in (3, 2, 1, 0) if representation.example_spec.size[0] % 2**n == 0)
    network = Convolutional((64, 96, 128)[: max(halvings, 1)], blocks=1, full_resolution=halvings == 0)
    return ClassifierSettings(representation, 2, training, network, features=64)


def _classifier_test(model: MusicModel, music: Music, generate: Generate, samples: int, seed: int, steps: int) -> dict:
    """How well what `generate` generates is distinguished from music that no classifier was trained on."""
    sizes = [(music.train, TRAINED_ON * samples), (music.validation, samples), (music.test, samples)]
    parts = []
    for i, (windows, most) in enumerate(sizes):
        some = _some(windows, most, seed)
        parts.append(Labelled.of(some, generate(windows, len(some), seed + 1 + i)))
    train, validation, test = parts
    accuracy = _accuracy(_classifier(train, validation, model.network.device.type, seed, steps), test)
    return {"accuracy": accuracy, "learned_from": len(train), "tested_on": len(test), **_regression(train, test)}


def _classifier(train: Labelled, validation: Labelled, device: str, seed: int, steps: int) -> Classifier:
    """A classifier trained on `train`, with the weights that are best on `validation`."""
    from musicae.core.training import Task, Trainer

    torch.manual_seed(seed)
    rate = WarmupCosine(1e-3, 1e-5, min(100, steps // 10), steps)
    every = max(steps // 10, 1)
    training = Training(steps=steps, batch_size=128, learning_rate=rate, average=0.99, validate_every=every, seed=seed)
    classifier = Classifier(classifier_settings(train.windows.representation, training))
    best: dict[str, torch.Tensor] = {}

    def keep(averaged: Classifier, row: dict) -> None:
        best.update({name: weights.detach().cpu().clone() for name, weights in averaged.state_dict().items()})

    with TemporaryDirectory() as folder:
        options = {"save": keep, "device": device, "quiet": True}
        Trainer(Task(classifier, Classification()), (train, validation), training, Path(folder), **options).run()
    classifier.load_state_dict(best)
    return classifier.cpu().eval()


@torch.no_grad()
def _accuracy(classifier: Classifier, test: Labelled) -> float:
    """The share of windows that are classified right."""
    parts = np.array_split(np.arange(len(test)), -(-len(test) // 512))
    right = [classifier(test.batch(part).x).argmax(1).numpy() == test.labels[part] for part in parts]
    return float(np.concatenate(right).mean())


def _regression(train: Labelled, test: Labelled) -> dict:
    """A logistic regression on the attributes, each scaled to variance 1: its test accuracy, and the weights, which are
    positive where generated windows have more; a missing value is taken as the mean."""
    from sklearn.linear_model import LogisticRegression

    found, tested = (measure(one.windows.representation, one.windows.array) for one in (train, test))
    values, others = (np.stack(list(one.values()), 1) for one in (found, tested))
    mean, deviation = np.nanmean(values, 0), np.maximum(np.nanstd(values, 0), 1e-9)
    values, others = (np.nan_to_num((one - mean) / deviation) for one in (values, others))
    fitted = LogisticRegression(max_iter=1000).fit(values, train.labels)
    weights = dict(zip(found, fitted.coef_[0].tolist(), strict=True))
    return {"by_attributes": float((fitted.predict(others) == test.labels).mean()), "weights": weights}


def _means(representation, windows: np.ndarray) -> dict[str, float | None]:
    """The mean of each attribute over the windows that have it."""
    found = measure(representation, windows)
    return {name: float(np.nanmean(v)) if np.isfinite(v).any() else None for name, v in found.items()}


def _line(representation: Representation, windows: np.ndarray) -> dict[str, float | None]:
    """The fewest notes of any window; of pitched ones also the shares of intervals over 7 and over 12 semitones."""
    found = {"fewest_notes": int(note_counts(representation, windows).min())}
    if not representation.has_pitches:
        return found
    wide = np.abs(intervals(Notes.of(representation, windows))[1])
    return found | {f"over_{limit}": float((wide > limit).mean()) if len(wide) else None for limit in (7, 12)}


def _by_attribute(sets: dict[str, dict]) -> dict[str, dict]:
    """Figures by set and attribute, the other way round."""
    return {name: {one: figures[name] for one, figures in sets.items()} for name in next(iter(sets.values()))}


def _some(windows: Windows, most: int, seed: int, replace: bool = False) -> Windows:
    """At most so many windows, drawn by a seed; with `replace`, exactly so many, some more than once if need be."""
    random, n = np.random.default_rng(seed), len(windows)
    chosen = random.choice(n, most if replace else min(most, n), replace=replace and most > n)
    return _at(windows, chosen, windows.transpose)


def _with_notes(windows: Windows) -> Windows:
    """Those that have enough notes for a clip."""
    enough = note_counts(windows.representation, np.asarray(windows.array)) >= FEWEST_NOTES
    return _at(windows, np.flatnonzero(enough), windows.transpose)


def _of_songs(windows: Windows, songs: np.ndarray, transpose: tuple[int, int] = (0, 0)) -> Windows:
    return _at(windows, np.flatnonzero(np.isin(windows.songs, songs)), transpose)


def _at(windows: Windows, indices: np.ndarray, transpose: tuple[int, int]) -> Windows:
    songs = None if windows.songs is None else windows.songs[indices]
    return Windows(np.asarray(windows.array[indices]), windows.representation, transpose, songs)


def _together(windows: Windows, more: Windows | None) -> Windows:
    if more is None:
        return windows
    array, songs = (np.concatenate([getattr(one, name) for one in (windows, more)]) for name in ("array", "songs"))
    return Windows(array, windows.representation, windows.transpose, songs)
