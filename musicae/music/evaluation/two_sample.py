"""Judging what a model makes up: its samples, and midpoints between songs, beside music that it has not heard.

Three questions, from the mildest to the strictest: are they like music in every attribute that has a name; are they
new; and can a network that is trained to do nothing else tell them from music?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from musicae.music.analysis.attributes import measure
from musicae.music.analysis.similarity import nearest, overlaps
from musicae.music.data.windows import Windows, to_batch
from musicae.music.latent.interpolation import path, snap_to_key
from musicae.music.model import MusicModel
from musicae.music.options import Decoding
from musicae.music.representations.base import Representation

FEWEST_SONGS = 8  # at least two for each part, between which there are midpoints
DISTANCES = 500  # windows whose nearest neighbours are looked for
STEPS = 1200  # of the training of a judge
LESSONS = 8  # times the number of samples that a judge learns from, where there is so much music
MUSIC, MADE = 0, 1
Maker = Callable[[Windows, int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Windows with what they are, as examples to train on.

    Args:
        windows: in training moved to random keys, as the model's own.
        labels: `MUSIC` or `MADE`, `[n]`.
    """

    windows: Windows
    labels: np.ndarray

    @classmethod
    def of(cls, music: Windows, made: np.ndarray) -> Labelled:
        """Windows of music and as many that were made."""
        array = np.concatenate([music.array, made])
        labels = np.repeat([MUSIC, MADE], [len(music), len(made)])
        return cls(Windows(array, music.representation, music.transpose), labels)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The windows at `indices`, with their labels."""
        return Batch(self.windows.batch(indices, random).x, labels=torch.from_numpy(self.labels[indices]))


@dataclass(frozen=True, eq=False)
class Music:
    """Held-out music, its songs in three parts that have no song in common.

    Args:
        all: what samples are compared with.
        lessons: what judges learn from.
        choice: what their best weights are chosen by.
        exam: what they are tested on.
    """

    all: Windows
    lessons: Windows
    choice: Windows
    exam: Windows

    @classmethod
    def of(cls, held_out: Windows, more: Windows | None, transpose: tuple[int, int], seed: int) -> Music:
        """Half of the songs are for the exam, a tenth to choose by, and the others, with `more` of yet other songs, for
        lessons.

        Raises:
            DataError: there are too few songs.
        """
        songs = enough_songs(held_out)
        order = np.random.default_rng(seed).permutation(songs)
        half, tenth = len(songs) // 2, max(len(songs) // 10, 2)
        exam, choice = (_of_songs(held_out, some) for some in (order[:half], order[half : half + tenth]))
        lessons = _of_songs(held_out, order[half + tenth :], transpose)
        return cls(held_out, _together(lessons, more), choice, exam)


def enough_songs(held_out: Windows) -> np.ndarray:
    """The songs that windows are of.

    Raises:
        DataError: they are too few to judge samples by.
    """
    songs = np.unique(held_out.songs)
    if len(songs) < FEWEST_SONGS:
        raise DataError(
            f"samples are judged beside windows of at least {FEWEST_SONGS} held-out songs, and there are"
            f" {len(songs)}: give more --data, or leave --samples out"
        )
    return songs


def judged(
    model: MusicModel,
    held_out: Windows,
    train: Windows | None = None,
    *,
    samples: int = 2000,
    seed: int = 0,
    temperature: float = 0.0,
    steps: int | None = None,
) -> dict:
    """What samples of a model are like, and midpoints between songs, beside held-out music.

    Args:
        model: draws from its prior, and decodes.
        held_out: windows, with their songs, that it has not seen.
        train: those that it was trained on, from which judges learn too; None leaves out the ceiling and all distances.
        samples: how many.
        seed: of everything random.
        temperature: of decoding.
        steps: of the training of a judge; None for 1,200.

    Returns:
        `overlaps`, by attribute and set: of `samples`, of `midpoints`, and of training windows, which are the ceiling,
        `train`. `means`, likewise, and of those `held_out`. `nearest` and `copies`, by set: the median distance from
        the nearest training window, and the share of windows at distance 0. `faults`, by set: the share of windows with
        faults of grammar. `judge`, of samples and midpoints: the `accuracy` of a classifier on fresh windows (1/2: it
        cannot tell), that of a logistic regression `by_attributes`, and its `weights`.

    Raises:
        DataError: the held-out windows are of too few songs.
    """
    representation = model.representation
    known = train is not None and len(train) > 0
    more = _some(train, LESSONS * samples, seed) if known else None
    music = Music.of(held_out, more, model.preset.transpose, seed)
    makers = {
        "samples": lambda like, n, seed: sampled(model, like, n, seed, temperature),
        "midpoints": lambda like, n, seed: midpoints(model, like, n, seed, temperature),
    }
    sets = {name: make(music.all, samples, seed) for name, make in makers.items()}
    if known:
        sets["train"] = _some(train, samples, seed).array
    truth = np.asarray(held_out.array)
    means = {name: _means(representation, windows) for name, windows in (sets | {"held_out": truth}).items()}
    return {
        "samples": samples,
        "temperature": temperature,
        "held_out": len(truth),
        "overlaps": _by_attribute({name: overlaps(representation, w, truth) for name, w in sets.items()}),
        "means": _by_attribute(means),
        **(_novelty(sets | {"held_out": truth}, train, seed) if known else {}),
        "faults": {n: float(representation.faults(w).mean()) for n, w in (sets | {"held_out": truth}).items()},
        "judge": {
            name: _told_apart(model, music, make, samples, seed, steps or STEPS) for name, make in makers.items()
        },
    }


def sampled(model: MusicModel, like: Windows, n: int, seed: int, temperature: float = 0.0) -> np.ndarray:
    """`n` windows as `sample` makes them; a conditional model is told what windows drawn from `like` have."""
    condition = to_batch(_some(like, n, seed, again=True).array, model.representation).condition
    return model.sampled_windows(n, condition, Decoding(temperature, seed=seed))


def midpoints(model: MusicModel, like: Windows, n: int, seed: int, temperature: float = 0.0) -> np.ndarray:
    """`n` windows half way between two of different songs, as `interpolate` makes them; the songs are drawn evenly.

    A conditional model is told what the first of both has.
    """
    first, second = pairs(like.songs, n, np.random.default_rng((seed, 1)))
    ends = [torch.from_numpy(model.encode_windows(np.asarray(like.array[i]))) for i in (first, second)]
    condition = to_batch(np.asarray(like.array[first]), model.representation).condition
    ways = np.concatenate(
        [path(model, *pair, 3).numpy() for pair in zip(*(end.split(1) for end in ends), strict=True)], 1
    )
    _, middle, _ = snap_to_key(model, ways, [condition] * 3)
    return model.decode_windows(middle, condition, Decoding(temperature, seed=seed))


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


def _told_apart(model: MusicModel, music: Music, make: Maker, samples: int, seed: int, steps: int) -> dict:
    """How well what `make` makes is told from music that no judge has heard."""
    sizes = [(music.lessons, LESSONS * samples), (music.choice, samples), (music.exam, samples)]
    parts = []
    for i, (windows, most) in enumerate(sizes):
        some = _some(windows, most, seed)
        parts.append(Labelled.of(some, make(windows, len(some), seed + 1 + i)))
    lessons, choice, exam = parts
    accuracy = _accuracy(_classifier(lessons, choice, model.network.device.type, seed, steps), exam)
    return {"accuracy": accuracy, "learned_from": len(lessons), "tested_on": len(exam), **_regression(lessons, exam)}


def _classifier(lessons: Labelled, choice: Labelled, device: str, seed: int, steps: int) -> Classifier:
    """A judge that was trained on some lessons, with the weights that are best on others."""
    from musicae.core.training import Trainer

    torch.manual_seed(seed)
    rate = WarmupCosine(1e-3, 1e-5, min(100, steps // 10), steps)
    every = max(steps // 10, 1)
    training = Training(steps=steps, batch_size=128, learning_rate=rate, average=0.99, validate_every=every, seed=seed)
    judge = Classifier(classifier_settings(lessons.windows.representation, training))
    best: dict[str, torch.Tensor] = {}

    def keep(averaged: Classifier, row: dict) -> None:
        best.update({name: weights.detach().cpu().clone() for name, weights in averaged.state_dict().items()})

    with TemporaryDirectory() as folder:
        options = {"save": keep, "device": device, "quiet": True}
        Trainer(judge, Classification(), lessons, choice, training, Path(folder), **options).run()
    judge.load_state_dict(best)
    return judge.cpu().eval()


@torch.no_grad()
def _accuracy(judge: Classifier, exam: Labelled) -> float:
    """The share of windows that a judge is right about."""
    parts = np.array_split(np.arange(len(exam)), -(-len(exam) // 512))
    right = [judge(exam.batch(part).x).argmax(1).numpy() == exam.labels[part] for part in parts]
    return float(np.concatenate(right).mean())


def _regression(lessons: Labelled, exam: Labelled) -> dict:
    """A logistic regression on the attributes, each scaled to variance 1: its accuracy, and the weights, which are
    positive where what was made has more; a missing value is taken as the mean."""
    from sklearn.linear_model import LogisticRegression

    found, examined = (measure(one.windows.representation, one.windows.array) for one in (lessons, exam))
    values, others = (np.stack(list(one.values()), 1) for one in (found, examined))
    mean, deviation = np.nanmean(values, 0), np.maximum(np.nanstd(values, 0), 1e-9)
    values, others = (np.nan_to_num((one - mean) / deviation) for one in (values, others))
    fitted = LogisticRegression(max_iter=1000).fit(values, lessons.labels)
    weights = dict(zip(found, fitted.coef_[0].tolist(), strict=True))
    return {"by_attributes": float((fitted.predict(others) == exam.labels).mean()), "weights": weights}


def _means(representation, windows: np.ndarray) -> dict[str, float | None]:
    """The mean of each attribute over the windows that have it."""
    found = measure(representation, windows)
    return {name: float(np.nanmean(v)) if np.isfinite(v).any() else None for name, v in found.items()}


def _by_attribute(sets: dict[str, dict]) -> dict[str, dict]:
    """Figures by set and attribute, the other way round."""
    return {name: {one: figures[name] for one, figures in sets.items()} for name in next(iter(sets.values()))}


def _some(windows: Windows, most: int, seed: int, again: bool = False) -> Windows:
    """At most so many windows, drawn by a seed; with `again`, exactly so many, some more than once if need be."""
    random, n = np.random.default_rng(seed), len(windows)
    chosen = random.choice(n, most if again else min(most, n), replace=again and most > n)
    return _at(windows, chosen, windows.transpose)


def _of_songs(windows: Windows, songs: np.ndarray, transpose: tuple[int, int] = (0, 0)) -> Windows:
    return _at(windows, np.flatnonzero(np.isin(windows.songs, songs)), transpose)


def _at(windows: Windows, places: np.ndarray, transpose: tuple[int, int]) -> Windows:
    songs = None if windows.songs is None else windows.songs[places]
    return Windows(np.asarray(windows.array[places]), windows.representation, transpose, songs)


def _together(windows: Windows, more: Windows | None) -> Windows:
    if more is None:
        return windows
    array, songs = (np.concatenate([getattr(one, name) for one in (windows, more)]) for name in ("array", "songs"))
    return Windows(array, windows.representation, windows.transpose, songs)
