"""Every figure of a model of pictures, by name: what is drawn, of which pictures, with which numbers beside it.

    gallery.draw("restored", model, splits.test).image

Models that hear damaged data hear it here as well: the damage is drawn anew by the seed. Of labelled pictures the
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

    from musicae.images.datasets import PictureSet
    from musicae.images.model import ImageModel

STEPS = 9  # of an interpolation, both ends included
SCALES = (0.0, 0.25, 0.5, 1.0, 2.0)  # of noise, in standard deviations of the codes
MEASURED = 2000  # pictures on which the effect of noise is measured, at most


class Drawing(NamedTuple):
    """A figure.

    Args:
        image: what it shows.
        data: the numbers that go with it, by name.
    """

    image: Image
    data: dict[str, Any]


@dataclass(frozen=True)
class View:
    """What a figure is drawn of.

    Args:
        model: the model.
        number: how many pictures, rows or points.
        examples: pictures that the model has not seen; None for figures that need none.
        classes: the names of their classes, by label.
        seed: of everything random.
        judge: tells the classes of pictures (`musicae.images.judge.Judge`).
    """

    model: ImageModel
    number: int
    examples: PictureSet | None = None
    classes: Sequence[str] = ()
    seed: int = 0
    judge: Any = None

    def chosen(self, n: int) -> np.ndarray:
        """`n` pictures drawn at random, as indices; labelled ones so that the classes follow one another."""
        return in_turn(len(self.examples), self.examples.labels, self.seed)[:n]

    def pictures(self, indices: np.ndarray) -> torch.Tensor:
        """Pictures as they are, float32 `[n, channels, height, width]`."""
        return self.examples.batch(indices).x

    def damaged(self, x: torch.Tensor) -> torch.Tensor:
        """What the model hears of pictures, of the same shape."""
        from musicae.core.randomness import RandomSource

        corruption = self.model.preset.corruption
        return x if corruption is None else corruption(x, RandomSource(self.seed))

    def codes(self, indices: np.ndarray) -> np.ndarray:
        """Latent means of pictures, `[n, latent]`."""
        batch = self.examples.batch(indices)
        return self.model.to_latent(self.damaged(batch.x), condition=batch.condition)

    def values(self, z: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """What codes `[n, latent]` decode to, each told the class of the picture at `indices` where the model is."""
        return self.model.values(z, self.examples.labels[indices] if self.model.network.conditioning.size else None)

    def reference(self) -> np.ndarray | None:
        """The codes over whose quantiles a plane is laid out; None where these are the normal ones."""
        return None if figures.normal_codes(self.model) else self.codes(np.arange(len(self.examples)))

    def name(self, label: int) -> str:
        """Of a class."""
        return self.classes[label] if len(self.classes) > label else str(label)


def in_turn(n: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """The numbers 0 to n − 1 in random order; with labels `[n]`, one of each class after another, again and again."""
    order = np.random.default_rng(seed).permutation(n)
    if labels is None:
        return order
    order = order[np.argsort(labels[order], kind="stable")]
    grouped = labels[order]
    rounds = np.arange(n) - np.searchsorted(grouped, grouped)
    return order[np.lexsort((grouped, rounds))]


# The figures ---------------------------------------------------------------------------------------


def reconstructions(view: View) -> Drawing:
    """Originals over what the model gives back of them."""
    if view.model.preset.corruption:
        raise ConfigError(f"{view.model.name} gives back whole pictures from damaged ones: draw restored instead")
    return _compared(view, {"original": lambda x: x, "reconstruction": None})


def restored(view: View) -> Drawing:
    """Damaged pictures, what the model makes of them, and the whole ones; of low resolution also bicubic."""
    from musicae.core.corruptions import Pixelation
    from musicae.images.baselines import enlargement

    corruption = view.model.preset.corruption
    if corruption is None:
        raise ConfigError(
            f"{view.model.name} restores nothing: draw reconstructions, or take a model that denoises or super-resolves"
        )
    if not isinstance(corruption, Pixelation):
        return _compared(view, {"noisy": view.damaged, "restored": None, "clean": lambda x: x})
    return _compared(
        view,
        {
            "low": view.damaged,
            "bicubic": lambda x: enlargement(corruption.factor, "bicubic")(view.damaged(x)).clamp(0, 1),
            "restored": None,
            "high": lambda x: x,
        },
    )


def _compared(view: View, rows: dict[str, Callable | None]) -> Drawing:
    """Rows made of the same pictures, captioned; None for that of the model. With the squared error of each."""
    indices = view.chosen(view.number)
    x = view.pictures(indices)
    made = {
        name: view.values(view.codes(indices), indices) if make is None else make(x).numpy()
        for name, make in rows.items()
    }
    errors = {name: float(np.square(values - x.numpy()).mean()) for name, values in made.items()}
    return Drawing(figures.sheet([_images(values) for values in made.values()], list(made)), {"mse": errors})


def scatter(view: View) -> Drawing:
    """Where the latent means of pictures lie, coloured by class."""
    indices = view.chosen(view.number)
    labels = None if view.examples.labels is None else view.examples.labels[indices]
    return Drawing(
        figures.scatter(view.codes(indices), labels, view.classes, figures.normal_codes(view.model)),
        {"pictures": len(indices)},
    )


def manifold(view: View) -> Drawing:
    """A latent plane decoded over the quantiles of N(0, 1), or of the codes where these are not normal."""
    if view.model.network.latent != 2:
        raise ConfigError(
            f"{view.model.name} has {view.model.network.latent} latent dimensions, and only 2 can be laid out: "
            "draw scatter, which shows two of them"
        )
    return Drawing(figures.manifold(view.model, view.number, view.reference()), {"side": view.number})


def styles(view: View) -> Drawing:
    """Rows of one class each, columns of one z each."""
    classes = view.model.network.conditioning.size
    if not classes:
        raise ConfigError(f"{view.model.name} is not told labels: draw samples, or take a conditional model")
    z = view.model.draw(view.number, view.seed)
    rows = [view.model.decode(z, label) for label in range(classes)]
    return Drawing(figures.sheet(rows, [view.name(label) for label in range(classes)]), {"classes": classes})


def samples(view: View) -> Drawing:
    """New pictures from the prior; of a conditional model the classes in turn."""
    images = view.model.sample(view.number, view.seed)
    across = view.model.network.conditioning.size or int(np.ceil(np.sqrt(view.number)))
    rows = [images[i : i + across] for i in range(0, len(images), across)]
    headings = [view.name(label) for label in range(across)] if view.model.network.conditioning.size else ()
    return Drawing(figures.sheet(rows, headings=headings), {"pictures": view.number})


def interpolation(view: View) -> Drawing:
    """From one picture to another in each row, the originals outside.

    They are of different classes where there are labels; of one class where the model is told it.
    """
    import torch

    from musicae.core.geometry import slerp

    starts, ends = _pairs(view)
    a, b = (torch.from_numpy(view.codes(indices)) for indices in (starts, ends))
    ways = slerp(a, b, torch.linspace(0, 1, STEPS)).numpy()
    between = [_images(view.values(z, starts)) for z in ways]
    columns = [_images(view.pictures(starts)), *between, _images(view.pictures(ends))]
    headings = ["A", *(f"{i / (STEPS - 1):.0%}" if i % 2 == 0 else "" for i in range(STEPS)), "B"]
    sheet = figures.sheet(list(zip(*columns, strict=True)), headings=headings)
    return Drawing(sheet, {"a": starts.tolist(), "b": ends.tolist()})


def _pairs(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The pictures at both ends of each row."""
    order = view.chosen(len(view.examples))
    if len(order) < 2:
        raise DataError("one picture has nothing to go to: give two or more")
    if not view.model.network.conditioning.size:
        rows = min(view.number, len(order) // 2)
        return order[: 2 * rows : 2], order[1 : 2 * rows : 2]
    labels = view.examples.labels
    starts = order[: view.number]
    ends = [next((j for j in order[::-1] if labels[j] == labels[i]), i) for i in starts]
    return starts, np.array(ends)


def noise(view: View) -> Drawing:
    """What noise in latent space does: pictures of codes with more and more of it, and its price as a curve."""
    indices = view.chosen(MEASURED)
    x, decoded = view.pictures(indices).numpy(), with_noise(view, indices)
    effect = effect_of_noise(x, decoded, view.judge)
    columns = [_images(values[: view.number]) for values in (x, *decoded)]
    grid = figures.sheet(list(zip(*columns, strict=True)), headings=["original", *(f"s = {s:g}" for s in SCALES)])
    lines = {"noise s (standard deviations of the codes)": effect["scales"], "squared error a value": effect["mse"]}
    if "kept" in effect:
        lines["share that keeps its class"] = effect["kept"]
    return Drawing(figures.beside(grid, figures.curve(lines, (520, max(grid.height, 420)))), effect)


def with_noise(view: View, indices: np.ndarray) -> list[np.ndarray]:
    """Pictures decoded from `z + s · std · e`, for each s of `SCALES` a float32 `[n, channels, height, width]`.

    z are the latent means of the pictures at `indices`, std the standard deviations of each dimension of these, and
    e ~ N(0, I) is the same for every s.
    """
    from musicae.core.randomness import RandomSource

    codes = view.codes(indices)
    drawn = RandomSource(view.seed).normal(*codes.shape).numpy() * codes.std(0)
    return [view.values(codes + scale * drawn, indices) for scale in SCALES]


def effect_of_noise(originals: np.ndarray, decoded: Sequence[np.ndarray], judge: Any = None) -> dict[str, Any]:
    """What is left of pictures when there is noise on their codes.

    Args:
        originals: `[n, channels, height, width]`.
        decoded: what `with_noise` gives of them.
        judge: tells the classes of pictures.

    Returns:
        `scales` (each s), `mse` (squared error a value against the originals), with a judge `kept` (the share whose
        judged class is that of the original), and `pictures` (how many were measured).
    """
    effect = {"scales": list(SCALES), "mse": [float(np.square(values - originals).mean()) for values in decoded]}
    if judge is not None:
        classes = judge.probabilities(originals).argmax(1)
        effect["kept"] = [float((judge.probabilities(values).argmax(1) == classes).mean()) for values in decoded]
    return effect | {"pictures": len(originals)}


def _images(values) -> list[Image]:
    """Pictures `[n, channels, height, width]` as images."""
    from musicae.images.pictures import to_image

    return [to_image(picture) for picture in np.asarray(values)]


# All of them ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A figure by name.

    Args:
        draw: what draws it.
        number: of pictures, rows or points, when none is asked for.
        most: that can be asked for.
        needs_pictures: whether it shows pictures of the data.
    """

    draw: Callable[[View], Drawing]
    number: int
    most: int = 100
    needs_pictures: bool = True


FIGURES = {
    "reconstructions": Kind(reconstructions, 10),
    "restored": Kind(restored, 10),
    "scatter": Kind(scatter, 10_000, 1_000_000),
    "manifold": Kind(manifold, 20, needs_pictures=False),
    "styles": Kind(styles, 10, needs_pictures=False),
    "interpolation": Kind(interpolation, 8),
    "samples": Kind(samples, 100, 10_000, needs_pictures=False),
    "noise": Kind(noise, 8),
}


def needs_pictures(name: str, model: ImageModel) -> bool:
    """Whether a figure of a model needs data.

    Raises:
        ConfigError: there is no such figure.
    """
    kind = _kind(name)
    return kind.needs_pictures or (name == "manifold" and not figures.normal_codes(model))


def draw(
    name: str,
    model: ImageModel,
    examples: PictureSet | None = None,
    *,
    classes: Sequence[str] = (),
    number: int | None = None,
    seed: int = 0,
    judge: Any = None,
) -> Drawing:
    """Draw a figure.

    Args:
        name: an entry of `FIGURES`.
        model: whose figure it is.
        examples: pictures that the model has not seen; None where `needs_pictures` says so.
        classes: the names of their classes, by label.
        number: of pictures, rows or points; None for as many as are usual.
        seed: of everything random.
        judge: tells the classes of pictures, for `noise`.

    Raises:
        ConfigError: there is no such figure, or it is none for this model; says which one is.
        DataError: it needs pictures, and there are none.
    """
    kind = _kind(name)
    number = kind.number if number is None else number
    if not 1 <= number <= kind.most:
        raise ConfigError(f"-n {number}: {name} shows 1 to {kind.most:,}")
    if needs_pictures(name, model) and not (examples and len(examples)):
        raise DataError(f"{name} shows pictures of the data: give some with --data")
    return kind.draw(View(model, number, examples, classes, seed, judge))


def _kind(name: str) -> Kind:
    if name not in FIGURES:
        raise ConfigError.unknown("figure", name, FIGURES)
    return FIGURES[name]
