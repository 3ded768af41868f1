"""What a set of pictures is: levels and labels in memory, in three parts for training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musicae.core.data import Batch
from musicae.errors import DataError

if TYPE_CHECKING:
    import torch

    from musicae.core.randomness import RandomSource

PARTS = ("train", "validation", "test")
MOST_HELD_OUT = 5000  # pictures that a source without a split of its own gives to validation, and to test


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures in memory, read in batches by training and evaluation (`musicae.core.data.Examples`).

    Args:
        levels: uint8 `[n, channels, height, width]`.
        labels: the class of each as an index, int64 `[n]`, or None.
        full: the level of a value of 1.
        binary: whether values are drawn, 1 with the probability that the level states: anew for every batch of
            training, else once and for all.
        label_classes: the number of classes, if the label of each picture is a condition of the model; else 0.
    """

    levels: np.ndarray
    labels: np.ndarray | None = None
    full: int = 255
    binary: bool = False
    label_classes: int = 0

    def __len__(self) -> int:
        return len(self.levels)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The pictures at `indices`, float32 `[batch, channels, height, width]` in 0..1; their labels as conditions."""
        import torch

        x = torch.from_numpy(self.levels[indices]).float() / self.full
        if self.binary:
            drawn = torch.from_numpy(self._drawn[indices]) if random is None else random.uniform(*x.shape) < x
            x = drawn.float()
        labels = None if self.labels is None else torch.from_numpy(self.labels[indices])
        condition = one_hot(self.labels[indices], self.label_classes) if self.label_classes else None
        return Batch(x, condition, labels)

    @cached_property
    def _drawn(self) -> np.ndarray:
        """One draw of every value, the same for the same set."""
        return np.random.default_rng(0).integers(0, self.full, self.levels.shape, np.uint8) < self.levels

    def subset(self, indices: np.ndarray) -> PictureSet:
        """The pictures at `indices`, with their labels."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, levels=self.levels[indices], labels=labels)


def one_hot(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Labels `[n]` as one-hot vectors, float32 `[n, classes]`."""
    import torch

    return torch.from_numpy(np.eye(classes, dtype=np.float32)[labels])


@dataclass(frozen=True, eq=False)
class PictureSplits:
    """A source of pictures in three parts.

    Args:
        train: pictures to train on.
        validation: pictures to choose the best weights by.
        test: pictures to report figures on.
        source: where they are from.
        classes: the names of the classes, in the order of the labels.
        notes: how the pictures were changed in reading, in sentences.
        skipped: the name and the reason of every file that could not be read.
    """

    train: PictureSet
    validation: PictureSet
    test: PictureSet
    source: str
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def with_label_conditions(self, classes: int) -> PictureSplits:
        """The same pictures for a model that is conditioned on the label of each, one of `classes`.

        Raises:
            DataError: there are no labels, or more classes than the model has.
        """
        if not 0 < len(self.classes) <= classes:
            found = f"{len(self.classes)} classes" if self.classes else "no labels"
            raise DataError(
                f"{self.source}: the model is conditioned on one of {classes} classes, but these pictures have {found}"
            )
        parts = {part: replace(getattr(self, part), label_classes=classes) for part in PARTS}
        return replace(self, **parts)

    def report(self) -> str:
        """One paragraph: how many pictures, of how many classes, and how they were changed in reading."""
        parts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in PARTS)
        labels = f"{len(self.classes)} classes" if self.classes else "no labels"
        notes = (note[:1].upper() + note[1:] for note in self.notes)
        return ". ".join([f"Pictures from {self.source}: {parts}; {labels}", *notes]) + "."


def complete_splits(
    sets: dict[str, PictureSet],
    seed: int,
    fractions: tuple[float, float, float],
    ordered: bool = False,
    binary: bool = False,
) -> dict[str, PictureSet]:
    """All three parts of a source, where those that it lacks are drawn from its training part (or its only one).

    Args:
        sets: the parts that the source has, under the names of `PARTS`.
        seed: of the draws.
        fractions: of the only part that become training, validation and test.
        ordered: whether, if there is a test part, validation is the end of the training part, not a random draw.
        binary: of all parts, as in `PictureSet`.

    Raises:
        DataError: there are held-out parts only.
    """
    sets = {split: replace(part, binary=binary) for split, part in sets.items()}
    whole = sets.get("train") or (next(iter(sets.values())) if len(sets) == 1 else None)
    if whole is None:
        raise DataError("pictures to validate and to test, but none to train on: add some, in a folder named train")
    held_out = {split: part for split, part in sets.items() if part is not whole}
    order = np.arange(len(whole))
    if not (ordered and "test" in held_out):
        order = np.random.default_rng(seed).permutation(order)
    for split, fraction in (("test", fractions[2]), ("validation", fractions[1])):
        if split not in held_out:
            kept = len(order) - _number_held_out(len(whole), fraction)
            order, taken = np.split(order, [max(kept, 0)])
            held_out[split] = whole.subset(taken)
    return {"train": whole.subset(order), **held_out}


def _number_held_out(pictures: int, fraction: float) -> int:
    if fraction in (0, 1):
        return int(pictures * fraction)
    return min(MOST_HELD_OUT, max(1, round(pictures * fraction)))
