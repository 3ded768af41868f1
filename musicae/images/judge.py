"""A classifier of pictures that knows no autoencoder, and so can say what is to be seen on generated ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from musicae.core import checkpoints
from musicae.core.classification import Classification, Classifier, ClassifierSettings
from musicae.core.configuration import from_data, to_data
from musicae.core.data import Batch
from musicae.core.networks import Convolutional
from musicae.core.randomness import RandomSource
from musicae.core.schedules import SCHEDULES, WarmupCosine
from musicae.core.settings import Training
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.images.datasets import PictureSet, PictureSplits
from musicae.images.pictures import Pictures
from musicae.migration import FORMAT, migrated

SETTINGS = "judge.json"  # not config.json: no autoencoder is in the folder
BATCH = 512
FEW = 5000  # pictures of which the shorter training sees each often enough


@dataclass(frozen=True, eq=False)
class Shifted:
    """Pictures of which training sees each moved by whole pixels, drawn anew each time; zeros move in.

    Args:
        pictures: what is moved.
        most: pixels, in either direction.
    """

    pictures: PictureSet
    most: int

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The pictures at `indices`; moved with `random`, and as they are without."""
        batch = self.pictures.batch(indices, random)
        if random is None or not self.most:
            return batch
        x = functional.pad(batch.x, [self.most] * 4)
        down, right = (random.integers(0, 2 * self.most, len(x))[:, None] for _ in range(2))
        rows = (down + torch.arange(batch.x.shape[2]))[:, :, None]
        columns = (right + torch.arange(batch.x.shape[3]))[:, None]
        moved = x[torch.arange(len(x))[:, None, None], :, rows, columns]
        return batch._replace(x=moved.movedim(-1, 1))


class Judge:
    """A trained classifier of pictures.

    Args:
        settings: what it was made from.
        network: with its weights.
        metrics: what was measured: `accuracy` on pictures that it has not seen, and which.
    """

    def __init__(self, settings: ClassifierSettings, network: Classifier, metrics: dict | None = None):
        self.settings = settings
        self.network = network.eval()
        self.metrics = metrics or {}

    @classmethod
    def load(cls, folder: str | Path) -> Judge:
        """The judge in a folder that `train` wrote.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        folder = Path(folder)
        if not (folder / SETTINGS).exists():
            raise CheckpointError(f"{folder}: no {SETTINGS} in it: train a judge with python -m musicae.judge")
        kinds = (ClassifierSettings, Pictures, Training, Convolutional, *SCHEDULES)
        settings = from_data(migrated(checkpoints.read_json(folder, SETTINGS).get("judge")), kinds)
        if not isinstance(settings, ClassifierSettings):
            raise CheckpointError(f"{folder}/{SETTINGS}: no settings of a judge")
        network = Classifier(settings)
        checkpoints.read_weights(folder, network)
        known = (folder / checkpoints.METRICS).exists()
        return cls(settings, network, checkpoints.read_json(folder, checkpoints.METRICS) if known else {})

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Of every class for pictures `[n, channels, height, width]` with values in 0..1: float32 `[n, classes]`."""
        return self._of(values, lambda x: torch.softmax(self.network(x), 1))

    def features(self, values: np.ndarray) -> np.ndarray:
        """The last hidden layer for pictures `[n, channels, height, width]`: float32 `[n, features]`."""
        return self._of(values, self.network.features)

    def accuracy(self, examples: PictureSet) -> float:
        """Share of labelled pictures whose most probable class is the right one."""
        right = 0
        for indices in _parts(len(examples)):
            verdicts = self.probabilities(examples.batch(indices).x.numpy()).argmax(1)
            right += int((verdicts == examples.labels[indices]).sum())
        return right / len(examples)

    @torch.no_grad()
    def _of(self, values: np.ndarray, function) -> np.ndarray:
        if values.shape[1:] != self.settings.representation.shape:
            own, given = (
                " by ".join(map(str, shape)) for shape in (self.settings.representation.shape, values.shape[1:])
            )
            raise ConfigError(f"the judge sees pictures of {own} (channels, height, width), not {given}: train another")
        device = next(self.network.parameters()).device
        parts = torch.from_numpy(np.ascontiguousarray(values, np.float32)).split(BATCH)
        return torch.cat([function(part.to(device)).cpu() for part in parts]).numpy()


def _parts(n: int) -> Iterator[np.ndarray]:
    return (np.arange(start, min(start + BATCH, n)) for start in range(0, n, BATCH))


def settings_for(
    splits: PictureSplits, pictures: Pictures, steps: int | None = None, seed: int = 0
) -> ClassifierSettings:
    """The settings of a judge of these pictures.

    Args:
        splits: labelled pictures, of which there must be some of each part.
        pictures: their size and colours.
        steps: of training; None for 3,000, or 600 of few pictures.
        seed: of everything random.

    Raises:
        ConfigError: the sides of the pictures are odd.
        DataError: no labels, or too few classes or pictures.
    """
    if any(side % 2 for side in pictures.shape[1:]):
        raise ConfigError(f"a judge halves pictures, and a side of {pictures.height} by {pictures.width} is odd")
    if len(splits.classes) < 2:
        raise DataError(f"{splits.source}: a judge learns from labels of at least two classes: none such here")
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
) -> Judge:
    """Train a judge, and measure it on pictures that it has not seen.

    Args:
        settings: of the judge (`settings_for`).
        splits: labelled pictures.
        folder: that is written.
        resume: go on where an earlier run in that folder stopped.
        force: start anew in a folder that holds one.
        device: `"cpu"`, `"cuda"`, ...; None for the best there is.
        quiet: show no progress.

    Raises:
        Error: the folder holds a judge already, or a model that is none.
        CheckpointError: on `resume`, there is none to go on with.
    """
    from musicae.core.training import STATE, Trainer

    folder = Path(folder)
    if resume and not (folder / STATE).exists():
        raise CheckpointError(f"{folder}: no judge to go on with; train without --resume first")
    torch.manual_seed(settings.training.seed)
    trainer = Trainer(
        Classifier(settings),
        Classification(),
        Shifted(splits.train, settings.shift),
        splits.validation,
        settings.training,
        folder,
        save=lambda averaged, row: checkpoints.write_weights(folder, averaged),
        device=device,
        quiet=quiet,
    )
    if not resume:
        _make_room(folder, force)
        checkpoints.write_json(folder, SETTINGS, {"format": FORMAT, "judge": to_data(settings)})
    state = trainer.run(resume)
    judge = Judge(settings, Classifier(settings))
    checkpoints.read_weights(folder, judge.network)
    judge.metrics = {
        "data": splits.report(),
        "accuracy": judge.accuracy(splits.test),
        "examples": len(splits.test),
        "trained": {"steps": state.step, "seconds": round(state.seconds)},
    }
    checkpoints.write_json(folder, checkpoints.METRICS, judge.metrics)
    return judge


def _make_room(folder: Path, force: bool) -> None:
    """Remove what another judge left, with `force`; refuse without it, and where there is something else.

    Raises:
        Error: the folder holds a judge, or an autoencoder, or is a file.
    """
    from musicae.core.training import STATE

    if (folder / checkpoints.CONFIG).exists() or (folder.exists() and not folder.is_dir()):
        raise Error(f"{folder} holds something else than a judge: name another --out")
    held = [name for name in (STATE, checkpoints.WEIGHTS, checkpoints.METRICS, SETTINGS) if (folder / name).exists()]
    if held and not force:
        raise Error(f"{folder} holds a judge: go on with --resume, start anew with --force, or name another --out")
    for name in held:
        (folder / name).unlink()
