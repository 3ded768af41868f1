"""Every figure of a model of pictures, by name: what is drawn, of which pictures, with which numbers beside it.

    gallery.draw("restored", model, splits.test).image

Models that restore corrupted pictures are given such ones here too, corrupted by the seed. Of labelled pictures the
classes are shown in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musicae.errors import ConfigError, DataError
from musicae.images import figures

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from musicae.images.classifier import ImageClassifier
    from musicae.images.model import ImageModel
    from musicae.images.picture_set import PictureSet

STEPS = 9  # of an interpolation, both ends included
SCALES = (0.0, 0.25, 0.5, 1.0, 2.0)  # of noise, in standard deviations of the codes
MEASURED = 2000  # pictures on which the effect of noise is measured, at most


class Drawing(NamedTuple):
    """A figure.

    Args:
        image: the picture of it.
        data: the numbers that go with it, by name.
    """

    image: Image
    data: dict[str, Any]


@dataclass(frozen=True)
class View:
    """The model, the pictures and the options of a figure.

    Args:
        model: the model.
        number: how many pictures, rows or points.
        examples: pictures that the model was not trained on; not for every figure.
        classes: the names of their classes, by label.
        seed: of everything random.
        classifier: classifies pictures, for `noise`.
    """

    model: ImageModel
    number: int
    examples: PictureSet | None = None
    classes: Sequence[str] = ()
    seed: int = 0
    classifier: ImageClassifier | None = None

    def chosen(self, n: int) -> np.ndarray:
        """The indices of `n` pictures drawn at random; of labelled ones the classes in turn (`round_robin`)."""
        return round_robin(len(self.examples), self.examples.labels, self.seed)[:n]

    def pictures(self, indices: np.ndarray) -> torch.Tensor:
        """The pictures at `indices`, float32 `[n, channels, height, width]`."""
        return self.examples.batch(indices).x

    def corrupted(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures as the model encodes them: corrupted if it restores, of the same shape."""
        from musicae.core.randomness import RandomSource

        corruption = self.model.preset.corruption
        return x if corruption is None else corruption(x, RandomSource(self.seed))

    def codes(self, indices: np.ndarray) -> np.ndarray:
        """Latent means of the pictures at `indices`, `[n, latent]`."""
        batch = self.examples.batch(indices)
        return self.model.to_latent(self.corrupted(batch.x), condition=batch.condition)

    def values(self, z: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """The pictures that codes `[n, latent]` decode to, conditioned on the labels at `indices` if the model is."""
        return self.model.values(z, self.examples.labels[indices] if self.model.preset.label_classes else None)

    def reference_codes(self) -> np.ndarray | None:
        """The codes over whose quantiles a plane is laid out; None where the quantiles are those of N(0, 1)."""
        return None if figures.codes_are_normal(self.model) else self.codes(np.arange(len(self.examples)))

    def name(self, label: int) -> str:
        """The name of a class; the label itself if it has none."""
        return self.classes[label] if len(self.classes) > label else str(label)


def round_robin(n: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """The numbers 0 to n − 1 in random order; with labels `[n]` one of each class in turn, again and again."""
    order = np.random.default_rng(seed).permutation(n)
    if labels is None:
        return order
    order = order[np.argsort(labels[order], kind="stable")]
    grouped = labels[order]
    rounds = np.arange(n) - np.searchsorted(grouped, grouped)
    return order[np.lexsort((grouped, rounds))]


# The figures ---------------------------------------------------------------------------------------


def reconstructions(view: View) -> Drawing:
    """Originals over their reconstructions."""
    if view.model.preset.corruption:
        raise ConfigError(f"{view.model.name} restores corrupted pictures: draw restored instead")
    return _compared(view, {"original": lambda x: x, "reconstruction": None})


def restored(view: View) -> Drawing:
    """Corrupted pictures, the restored ones, and their targets; of low resolution also a bicubic enlargement."""
    from musicae.core.corruptions import Pixelation
    from musicae.images.baselines import enlargement

    corruption = view.model.preset.corruption
    if corruption is None:
        raise ConfigError(
            f"{view.model.name} restores nothing: draw reconstructions, or take a model that denoises or super-resolves"
        )
    if not isinstance(corruption, Pixelation):
        return _compared(view, {"noisy": view.corrupted, "restored": None, "clean": lambda x: x})
    return _compared(
        view,
        {
            "low": view.corrupted,
            "bicubic": lambda x: enlargement(corruption.factor, "bicubic")(view.corrupted(x)).clamp(0, 1),
            "restored": None,
            "high": lambda x: x,
        },
    )


def _compared(view: View, rows: dict[str, Callable[[torch.Tensor], torch.Tensor] | None]) -> Drawing:
    """Captioned rows of the same pictures, and the squared error of each row.

    Args:
        view: whose pictures.
        rows: by caption, from the original pictures to those of a row; None for the reconstructions by the model.
    """
    indices = view.chosen(view.number)
    x = view.pictures(indices)
    pictures = {
        caption: view.values(view.codes(indices), indices) if row is None else row(x).numpy()
        for caption, row in rows.items()
    }
    errors = {caption: float(np.square(values - x.numpy()).mean()) for caption, values in pictures.items()}
    sheet = figures.sheet([_images(values) for values in pictures.values()], list(pictures))
    return Drawing(sheet, {"mse": errors})


def scatter(view: View) -> Drawing:
    """Latent means of pictures as dots, coloured by class."""
    indices = view.chosen(view.number)
    labels = None if view.examples.labels is None else view.examples.labels[indices]
    return Drawing(
        figures.scatter(view.codes(indices), labels, view.classes, figures.codes_are_normal(view.model)),
        {"pictures": len(indices)},
    )


def manifold(view: View) -> Drawing:
    """A latent plane decoded over the quantiles of N(0, 1), or of the codes if these are not normal."""
    if view.model.network.latent != 2:
        raise ConfigError(
            f"{view.model.name} has {view.model.network.latent} latent dimensions, and a plane has 2: "
            "draw scatter, which shows two of them"
        )
    return Drawing(figures.manifold(view.model, view.number, view.reference_codes()), {"side": view.number})


def styles(view: View) -> Drawing:
    """Rows of one class each, columns of one z each."""
    classes = view.model.preset.label_classes
    if not classes:
        raise ConfigError(f"{view.model.name} is not conditioned on labels: draw samples, or take a conditional model")
    z = view.model.draw(view.number, view.seed)
    rows = [view.model.decode(z, label) for label in range(classes)]
    return Drawing(figures.sheet(rows, [view.name(label) for label in range(classes)]), {"classes": classes})


def samples(view: View) -> Drawing:
    """New pictures from the prior; of a conditional model the classes in turn."""
    images = view.model.sample(view.number, view.seed)
    classes = view.model.preset.label_classes
    across = classes or int(np.ceil(np.sqrt(view.number)))
    rows = [images[i : i + across] for i in range(0, len(images), across)]
    headings = [view.name(label) for label in range(classes)]
    return Drawing(figures.sheet(rows, headings=headings), {"pictures": view.number})


def interpolation(view: View) -> Drawing:
    """From one picture to another in each row, the originals outside.

    Both are of different classes, if there are labels; of one class for a model that is conditioned on it.
    """
    import torch

    from musicae.core.geometry import slerp

    starts, ends = _pairs(view)
    a, b = (torch.from_numpy(view.codes(indices)) for indices in (starts, ends))
    paths = slerp(a, b, torch.linspace(0, 1, STEPS)).numpy()
    between = [_images(view.values(z, starts)) for z in paths]
    columns = [_images(view.pictures(starts)), *between, _images(view.pictures(ends))]
    headings = ["A", *(f"{i / (STEPS - 1):.0%}" if i % 2 == 0 else "" for i in range(STEPS)), "B"]
    sheet = figures.sheet(list(zip(*columns, strict=True)), headings=headings)
    return Drawing(sheet, {"a": starts.tolist(), "b": ends.tolist()})


def _pairs(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the pictures at the left and at the right end of each row."""
    order = view.chosen(len(view.examples))
    if len(order) < 2:
        raise DataError("an interpolation needs two pictures: give two or more")
    if not view.model.preset.label_classes:
        rows = min(view.number, len(order) // 2)
        return order[: 2 * rows : 2], order[1 : 2 * rows : 2]
    labels = view.examples.labels
    starts = order[: view.number]
    ends = [next((j for j in order[::-1] if labels[j] == labels[i]), i) for i in starts]
    return starts, np.array(ends)


def noise(view: View) -> Drawing:
    """The effect of noise in latent space: decoded pictures at growing noise, and their errors as curves."""
    indices = view.chosen(MEASURED)
    x, decoded = view.pictures(indices).numpy(), with_noise(view, indices)
    effect = effect_of_noise(x, decoded, view.classifier)
    columns = [_images(values[: view.number]) for values in (x, *decoded)]
    grid = figures.sheet(list(zip(*columns, strict=True)), headings=["original", *(f"s = {s:g}" for s in SCALES)])
    lines = {"noise s (standard deviations of the codes)": effect["scales"], "squared error a value": effect["mse"]}
    if "kept" in effect:
        lines["share that keeps its class"] = effect["kept"]
    return Drawing(figures.side_by_side(grid, figures.curve(lines, (520, max(grid.height, 420)))), effect)


def with_noise(view: View, indices: np.ndarray) -> list[np.ndarray]:
    """Pictures decoded from `z + s · std · e`: for each s of `SCALES` a float32 `[n, channels, height, width]`.

    z are the latent means of the pictures at `indices`, std is the standard deviation of these in each dimension, and
    e ~ N(0, I) is the same for every s.
    """
    from musicae.core.randomness import RandomSource

    codes = view.codes(indices)
    drawn = RandomSource(view.seed).normal(*codes.shape).numpy() * codes.std(0)
    return [view.values(codes + scale * drawn, indices) for scale in SCALES]


def effect_of_noise(
    originals: np.ndarray, decoded: Sequence[np.ndarray], classifier: ImageClassifier | None = None
) -> dict[str, Any]:
    """Figures of pictures that were decoded from noisy codes.

    Args:
        originals: `[n, channels, height, width]`.
        decoded: the same pictures from `with_noise`.
        classifier: classifies them.

    Returns:
        `scales` (each s), `mse` (squared error a value against the originals), with a classifier `kept` (the share
        that is classified as the original is), and `pictures` (how many were measured).
    """
    effect = {"scales": list(SCALES), "mse": [float(np.square(values - originals).mean()) for values in decoded]}
    if classifier is not None:
        classes = classifier.probabilities(originals).argmax(1)
        effect["kept"] = [float((classifier.probabilities(values).argmax(1) == classes).mean()) for values in decoded]
    return effect | {"pictures": len(originals)}


def _images(values) -> list[Image]:
    """Pictures `[n, channels, height, width]` as images."""
    from musicae.images.pictures import to_image

    return [to_image(picture) for picture in np.asarray(values)]


# All of them ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FigureKind:
    """A figure that has a name.

    Args:
        draw: draws it.
        number: how many pictures, rows or points by default.
        most: how many at most.
        needs_pictures: whether it shows pictures of the data.
    """

    draw: Callable[[View], Drawing]
    number: int
    most: int = 100
    needs_pictures: bool = True


FIGURES = {
    "reconstructions": FigureKind(reconstructions, 10),
    "restored": FigureKind(restored, 10),
    "scatter": FigureKind(scatter, 10_000, 1_000_000),
    "manifold": FigureKind(manifold, 20, needs_pictures=False),
    "styles": FigureKind(styles, 10, needs_pictures=False),
    "interpolation": FigureKind(interpolation, 8),
    "samples": FigureKind(samples, 100, 10_000, needs_pictures=False),
    "noise": FigureKind(noise, 8),
}


def needs_pictures(name: str, model: ImageModel) -> bool:
    """Whether a figure of a model needs data.

    Raises:
        ConfigError: there is no such figure.
    """
    kind = _kind(name)
    return kind.needs_pictures or (name == "manifold" and not figures.codes_are_normal(model))


def draw(
    name: str,
    model: ImageModel,
    examples: PictureSet | None = None,
    *,
    classes: Sequence[str] = (),
    number: int | None = None,
    seed: int = 0,
    classifier: ImageClassifier | None = None,
) -> Drawing:
    """Draw a figure.

    Args:
        name: an entry of `FIGURES`.
        model: the model.
        examples: pictures that the model was not trained on, for figures that need them (`needs_pictures`).
        classes: the names of their classes, by label.
        number: how many pictures, rows or points; by default as many as `FIGURES` says.
        seed: of everything random.
        classifier: classifies pictures, for `noise`.

    Raises:
        ConfigError: there is no such figure, or this model has none of the kind; the message says which it has.
        DataError: it needs pictures, and there are none.
    """
    kind = _kind(name)
    number = kind.number if number is None else number
    if not 1 <= number <= kind.most:
        raise ConfigError(f"-n {number}: {name} shows 1 to {kind.most:,}")
    if needs_pictures(name, model) and not (examples and len(examples)):
        raise DataError(f"{name} shows pictures of the data: give some with --data")
    return kind.draw(View(model, number, examples, classes, seed, classifier))


def _kind(name: str) -> FigureKind:
    if name not in FIGURES:
        raise ConfigError.unknown("figure", name, FIGURES)
    return FIGURES[name]
