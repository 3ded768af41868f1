"""A classifier of pictures, trained apart from all autoencoders, to evaluate the pictures that they generate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicae.core import checkpoints
from musicae.core.classification import Classification, Classifier, ClassifierSettings
from musicae.core.configuration import from_data, in_words, to_data
from musicae.core.data import Batch
from musicae.core.networks import Convolutional
from musicae.core.randomness import RandomSource
from musicae.core.schedules import SCHEDULES, WarmupCosine
from musicae.core.settings import Training
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.images.picture_set import PictureSet, PictureSplits
from musicae.images.pictures import Pictures
from musicae.migration import FORMAT, migrated

if TYPE_CHECKING:
    from musicae.core.training import Trainer

SETTINGS = "judge.json"  # not config.json, which says that an autoencoder is in the folder
BATCH = 512
FEW = 5000  # pictures: for so few the shorter training is long enough


@dataclass(frozen=True, eq=False)
class Shifted:
    """Pictures that are moved at random by whole pixels whenever they are trained on; what moves in is 0.

    Args:
        pictures: the pictures.
        most: pixels, in each direction.
    """

    pictures: PictureSet
    most: int

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The pictures at `indices`: moved if `random` is given, as it is in training."""
        batch = self.pictures.batch(indices, random)
        if random is None or not self.most:
            return batch
        x = functional.pad(batch.x, [self.most] * 4)
        down, right = (random.integers(0, 2 * self.most, len(x))[:, None] for _ in range(2))
        rows = (down + torch.arange(batch.x.shape[2]))[:, :, None]
        columns = (right + torch.arange(batch.x.shape[3]))[:, None]
        moved = x[torch.arange(len(x))[:, None, None], :, rows, columns]
        return batch._replace(x=moved.movedim(-1, 1))


class ImageClassifier:
    """A trained classifier of pictures.

    Args:
        settings: from which the network was made.
        network: with its weights.
        metrics: its `accuracy` on test pictures, and which these were.
    """

    def __init__(self, settings: ClassifierSettings, network: Classifier, metrics: dict | None = None):
        self.settings = settings
        self.network = network.eval()
        self.metrics = metrics or {}

    @classmethod
    def load(cls, folder: str | Path) -> ImageClassifier:
        """The classifier in a folder that `train` wrote.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        folder = Path(folder)
        if not (folder / SETTINGS).exists():
            raise CheckpointError(f"{folder}: no {SETTINGS} in it: train a classifier with python -m musicae.judge")
        kinds = (ClassifierSettings, Pictures, Training, Convolutional, *SCHEDULES)
        try:
            settings = from_data(migrated(checkpoints.read_json(folder, SETTINGS).get("judge")), kinds)
            if not isinstance(settings, ClassifierSettings):
                raise ConfigError("no settings of a classifier")
            most = checkpoints.stored_numbers(folder) + checkpoints.SPARE
            with in_words("no network can be built of these settings"), checkpoints.Unfilled(most):
                network = Classifier(settings)
        except ConfigError as error:
            raise CheckpointError(f"{folder}/{SETTINGS}: {error}") from error
        checkpoints.read_weights(folder, network)
        return cls(settings, network, checkpoints.read_metrics(folder))

    @property
    def measured_accuracy(self) -> float | None:
        """Its accuracy on test pictures, as its folder says; None if it says none."""
        accuracy = self.metrics.get("accuracy")
        return accuracy if isinstance(accuracy, int | float) else None

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """p(class | picture) of pictures `[n, channels, height, width]` with values in 0..1: float32 `[n, classes]`."""
        return self._in_batches(values, lambda x: torch.softmax(self.network(x), 1))

    def features(self, values: np.ndarray) -> np.ndarray:
        """The last hidden layer for pictures `[n, channels, height, width]`: float32 `[n, features]`."""
        return self._in_batches(values, self.network.features)

    def accuracy(self, examples: PictureSet) -> float:
        """Share of labelled pictures whose most probable class is the right one."""
        right = 0
        for start in range(0, len(examples), BATCH):
            indices = np.arange(start, min(start + BATCH, len(examples)))
            classes = self.probabilities(examples.batch(indices).x.numpy()).argmax(1)
            right += int((classes == examples.labels[indices]).sum())
        return right / len(examples)

    @torch.no_grad()
    def _in_batches(self, values: np.ndarray, function: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        """A function of pictures, `BATCH` at a time, for a small memory.

        Raises:
            ConfigError: the pictures have another shape than those that it was trained on.
        """
        if values.shape[1:] != self.settings.representation.shape:
            own, given = (
                " by ".join(map(str, shape)) for shape in (self.settings.representation.shape, values.shape[1:])
            )
            raise ConfigError(
                f"the classifier reads pictures of {own} (channels, height, width), not {given}: train another"
            )
        device = next(self.network.parameters()).device
        parts = torch.from_numpy(np.ascontiguousarray(values, np.float32)).split(BATCH)
        return torch.cat([function(part.to(device)).cpu() for part in parts]).numpy()


def settings_for(
    splits: PictureSplits, pictures: Pictures, steps: int | None = None, seed: int = 0
) -> ClassifierSettings:
    """The settings of a classifier of these pictures.

    Args:
        splits: labelled pictures, some in each part.
        pictures: their size and colours.
        steps: of training; by default 3,000, or 600 if there are few pictures.
        seed: of everything random.

    Raises:
        ConfigError: the sides of the pictures are odd.
        DataError: no labels, or too few classes or pictures.
    """
    if any(side % 2 for side in pictures.shape[1:]):
        raise ConfigError(f"a classifier halves pictures, and a side of {pictures.height} by {pictures.width} is odd")
    if len(splits.classes) < 2:
        raise DataError(f"{splits.source}: a classifier needs labels of at least two classes")
    if not all(map(len, (splits.train, splits.validation, splits.test))):
        raise DataError(f"{splits.source}: too few pictures to train on, to validate and to test")
    steps = steps or (3000 if len(splits.train) > FEW else 600)
    rate = WarmupCosine(2e-3, 2e-5, min(200, steps // 10), steps)
    every = max(steps // 6, 1)
    training = Training(steps=steps, batch_size=128, learning_rate=rate, validate_every=every, seed=seed)
    # A shift by 2 of 28 pixels leaves a digit what it is; by 2 of 8 it does not.
    shift = math.ceil(min(pictures.shape[1:]) / 16)
    widths = (64,) if any(side % 4 for side in pictures.shape[1:]) else (32, 64)
    network = Convolutional(widths, blocks=1, full_resolution=False)
    return ClassifierSettings(pictures, len(splits.classes), training, network, shift=shift)


def train(
    settings: ClassifierSettings,
    splits: PictureSplits,
    folder: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    device: str | None = None,
    quiet: bool = False,
) -> ImageClassifier:
    """Train a classifier on the training part, and measure its accuracy on the test part.

    Args:
        settings: of the classifier (`settings_for`).
        splits: labelled pictures.
        folder: where to write.
        resume: go on with the run in that folder.
        force: start anew in a folder that holds a classifier.
        device: `"cpu"`, `"cuda"`, ...; by default the best there is.
        quiet: show no progress.

    Raises:
        Error: the folder holds a classifier already, or something else.
        CheckpointError: on `resume`, there is no run to go on with.
    """
    from musicae.core.run_state import STATE, locked

    folder = Path(folder)
    if resume and not (folder / STATE).exists():
        raise CheckpointError(f"{folder}: no classifier to go on with; train without --resume first")
    torch.manual_seed(settings.training.seed)
    trainer = _trainer(settings, splits, folder, device=device, quiet=quiet)
    with locked(folder):
        if not resume:
            _make_room(folder, force)
            checkpoints.write_json(folder, SETTINGS, {"format": FORMAT, "judge": to_data(settings)})
        state = trainer.run(resume)
    classifier = ImageClassifier(settings, Classifier(settings))
    checkpoints.read_weights(folder, classifier.network)
    trained = {"steps": state.step, "seconds": round(state.seconds)}
    measured = {"accuracy": classifier.accuracy(splits.test), "examples": len(splits.test)}
    classifier.metrics = {"data": splits.report(), **measured, "trained": trained}
    checkpoints.write_json(folder, checkpoints.METRICS, classifier.metrics)
    return classifier


def _trainer(settings: ClassifierSettings, splits: PictureSplits, folder: Path, **options) -> Trainer:
    """The training of a new network, which keeps the weights of least validation loss in `folder`."""
    from musicae.core.training import Task, Trainer

    task, examples = (
        Task(Classifier(settings), Classification()),
        (Shifted(splits.train, settings.shift), splits.validation),
    )
    options["save"] = lambda averaged, row: checkpoints.write_weights(folder, averaged)
    return Trainer(task, examples, settings.training, folder, **options)


def _make_room(folder: Path, force: bool) -> None:
    """Remove the files of an older classifier, if `force` allows it.

    Raises:
        Error: it does not; or the folder holds an autoencoder, or is a file.
    """
    from musicae.core.run_state import PREVIOUS, STATE

    if (folder / checkpoints.CONFIG).exists() or (folder.exists() and not folder.is_dir()):
        raise Error(f"{folder} holds something else than a classifier: name another --out")
    names = (STATE, PREVIOUS, checkpoints.WEIGHTS, checkpoints.METRICS, SETTINGS)
    held = [name for name in names if (folder / name).exists()]
    if held and not force:
        raise Error(f"{folder} holds a classifier: go on with --resume, start anew with --force, or name another --out")
    for name in held:
        (folder / name).unlink()
