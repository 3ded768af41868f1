"""Drawing: rows of pictures with captions, a latent plane decoded, codes by class, curves.

Same input, same bytes. `musicae.images.gallery` has every figure of a model by name.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicae.errors import ConfigError
from musicae.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from musicae.images.codec import ImageCodec
    from musicae.images.picture_set import PictureSet

SMALLEST, SMALLEST_OF_MANY = 64, 24  # pixels: pictures of less height are enlarged by a whole factor
PAPER, INK = 255, 40  # levels
LETTERS = 15  # pixels, the height of captions
DOTS = 120  # per inch, of what matplotlib draws
FEW = 40  # points on a line, below which each is marked
UNITS = {
    "loss": "loss (nats)",
    "distortion": "distortion (nats)",
    "rate": "rate (nats)",
    "penalty": "penalty (nats)",
}
LEAST_EXTENT = 3  # standard deviations of the prior, that a scatter shows in every direction


def strip(images: Sequence[Image]) -> Image:
    """Pictures side by side."""
    return montage([images])


def reconstructions(originals: Sequence[Image], decoded: Sequence[Image]) -> Image:
    """Originals in the upper row, their reconstructions below."""
    return montage([originals, decoded])


def manifold(model: ImageCodec, side: int = 20, codes: np.ndarray | None = None) -> Image:
    """A latent plane decoded at `side` × `side` points, each in the middle of a cell of the same probability.

    The first latent dimension runs to the right, the second upwards, both over the quantiles of N(0, 1); with `codes`,
    for a model whose codes are not normal, each over the quantiles of that dimension of the codes.

    Args:
        model: of two latent dimensions.
        side: points along each dimension.
        codes: latent codes of pictures, `[n, 2]`.

    Raises:
        ConfigError: the latent space of the model is no plane.
    """
    from musicae.core.geometry import grid

    if model.network.latent != 2:
        raise ConfigError(f"{model.name} has {model.network.latent} latent dimensions: a plane has 2")
    z = grid(side).numpy() if codes is None else _grid_of_quantiles(codes, side)
    images = model.decode(z.reshape(-1, 2))
    return montage([images[i : i + side] for i in range(0, len(images), side)], gap=0, smallest=SMALLEST_OF_MANY)


def _grid_of_quantiles(codes: np.ndarray, side: int) -> np.ndarray:
    """As `musicae.core.geometry.grid`, over the quantiles of codes `[n, 2]`: `[side, side, 2]`."""
    across, up = np.quantile(codes, (np.arange(side) + 0.5) / side, axis=0).T
    return np.stack(np.meshgrid(across, up[::-1]), -1)


def codes_are_normal(model: ImageCodec) -> bool:
    """Whether training made the distribution of all codes of a model similar to N(0, I): by the rate, or a penalty."""
    from musicae.core.penalties import MMD, AdversarialPenalty

    penalty = getattr(model.preset.objective, "penalty", None)
    return model.network.bottleneck.has_density or isinstance(penalty, AdversarialPenalty | MMD)


def save_plane(model: ImageCodec, examples: PictureSet, folder: Path, classes: Sequence[str] = ()) -> list[Path]:
    """Write the decoded latent plane of a model (`manifold.png`) and the codes of pictures on it (`scatter.png`).

    Args:
        model: of two latent dimensions.
        examples: pictures that the model was not trained on.
        folder: where to write.
        classes: the names of the classes, by label; without them the labels are shown.

    Raises:
        ConfigError: the latent space of the model is no plane.
    """
    codes, normal = model.means(examples), codes_are_normal(model)
    images = {
        "manifold.png": manifold(model, codes=None if normal else codes),
        "scatter.png": scatter(codes, examples.labels, classes, normal),
    }
    return [save(image, folder / name, force=True) for name, image in images.items()]


def montage(rows: Sequence[Sequence[Image]], gap: int = 4, smallest: int = SMALLEST) -> Image:
    """Pictures of one size in rows on white.

    Args:
        rows: the pictures, row by row.
        gap: pixels between them and around them.
        smallest: pictures less high than this are enlarged by the next whole factor.

    Raises:
        ConfigError: there are none.
    """
    from PIL import Image

    if not any(rows):
        raise ConfigError("no pictures to show")
    first = next(image for row in rows for image in row)
    factor = -(-smallest // first.height)
    width, height = first.width * factor, first.height * factor
    across, down = gap + max(map(len, rows)) * (width + gap), gap + len(rows) * (height + gap)
    sheet = Image.new(first.mode, (across, down), (PAPER,) * len(first.getbands()))
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            place = gap + j * (width + gap), gap + i * (height + gap)
            sheet.paste(image.resize((width, height), Image.Resampling.NEAREST), place)
    return sheet


def sheet(
    rows: Sequence[Sequence[Image]], captions: Sequence[str] = (), headings: Sequence[str] = (), gap: int = 4
) -> Image:
    """As `montage`, with a caption to the left of each row and a heading above each column, as far as they are given.

    Raises:
        ConfigError: there are no pictures.
    """
    from PIL import Image, ImageDraw, ImageFont

    pictures = montage(rows, gap)
    font = ImageFont.load_default(LETTERS)
    left = max((math.ceil(font.getlength(caption)) for caption in captions), default=-LETTERS) + LETTERS
    top = 2 * LETTERS if any(headings) else 0
    size = left + pictures.width, top + pictures.height
    whole = Image.new(pictures.mode, size, (PAPER,) * len(pictures.getbands()))
    whole.paste(pictures, (left, top))
    draw = ImageDraw.Draw(whole)
    ink = {"font": font, "fill": (INK,) * len(pictures.getbands())}
    for y, caption in zip(_middles(pictures.height, len(rows), gap), captions, strict=False):
        draw.text((left - LETTERS // 2, top + y), caption, anchor="rm", **ink)
    for x, heading in zip(_middles(pictures.width, max(map(len, rows)), gap), headings, strict=False):
        draw.text((left + x, top - LETTERS // 2), heading, anchor="ms", **ink)
    return whole


def _middles(length: int, parts: int, gap: int) -> list[float]:
    """Where the middles of the rows or columns of a montage lie."""
    stride = (length - gap) / parts
    return [gap + (stride - gap) / 2 + stride * i for i in range(parts)]


def side_by_side(left: Image, right: Image) -> Image:
    """Two pictures of any sizes beside each other on white, vertically centred."""
    from PIL import Image

    whole = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), (PAPER,) * 3)
    for image, x in ((left, 0), (right, left.width)):
        whole.paste(image.convert("RGB"), (x, (whole.height - image.height) // 2))
    return whole


def scatter(
    codes: np.ndarray, labels: np.ndarray | None = None, classes: Sequence[str] = (), normal: bool = True
) -> Image:
    """Latent codes as dots, coloured by class, with a legend.

    Args:
        codes: `[n, latent]`; of more than two dimensions the two with the largest variance are shown.
        labels: the class of each, int64 `[n]`.
        classes: the names of the classes, by label; without them the labels are shown.
        normal: whether to compare the codes with N(0, I): the axes then are a square about the origin that reaches at
            least three standard deviations in every direction; else they fit the codes.
    """
    with _plot(7, 6) as (figure, plot):
        _draw_codes(figure.add_subplot(), codes, labels, classes, normal)
    return plot.image


def curve(values: Mapping[str, Sequence[float]], size: tuple[int, int]) -> Image:
    """Lines in panels below each other, over one horizontal axis.

    Args:
        values: equally many numbers under each name: the first are those of the horizontal axis, each of the others
            is a line.
        size: of the picture, in pixels.
    """
    (along, places), *lines = values.items()
    with _plot(size[0] / DOTS, size[1] / DOTS) as (figure, plot):
        for i, (name, numbers) in enumerate(lines):
            axes = figure.add_subplot(len(lines), 1, i + 1)
            axes.plot(places, numbers, color=f"C{i}", marker="o", markersize=4)
            axes.set(ylabel=name, xlabel=along if i == len(lines) - 1 else "")
            axes.set_ylim(0, 1.03 if max(numbers) > 0.5 else None)
            axes.grid(alpha=0.3)
    return plot.image


def training_curves(rows: Sequence[Mapping[str, str]]) -> Image:
    """The terms of training and validation by step, one panel each; those that are 0 or repeat the loss are left out.

    Args:
        rows: of a run's `metrics.csv` (`musicae.core.reports.COLUMNS`).

    Raises:
        ConfigError: there are none yet.
    """
    splits = {split: [row for row in rows if row["split"] == split] for split in ("train", "validation")}
    if not any(splits.values()):
        raise ConfigError("nothing has been reported yet: train on")
    terms = _informative_terms(rows)
    with _plot(4 * len(terms), 3.4) as (figure, plot):
        for i, term in enumerate(terms):
            axes = figure.add_subplot(1, len(terms), i + 1)
            for split, own in splits.items():
                steps, values = [int(row["step"]) for row in own], [float(row[term]) for row in own]
                axes.plot(steps, values, label=split, marker="o" if len(own) < FEW else "", markersize=3)
            axes.set(xlabel="step", ylabel=UNITS[term])
            axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return plot.image


def _informative_terms(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The loss, and those other terms that are neither always 0 nor the loss itself."""
    values = {term: [float(row[term]) for row in rows] for term in UNITS}
    others = (term for term in UNITS if term != "loss" and any(values[term]) and values[term] != values["loss"])
    return ["loss", *others]


class _Plot:
    """The picture that `_plot` draws, once it is left."""

    image: Image


@contextmanager
def _plot(width: float, height: float) -> Iterator[tuple[Figure, _Plot]]:
    """A context with an empty figure of so many inches; on leaving it the figure is drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure, plot = Figure(figsize=(width, height), dpi=DOTS, layout="constrained"), _Plot()
    canvas = FigureCanvasAgg(figure)
    yield figure, plot
    canvas.draw()
    plot.image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_codes(axes, codes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], normal: bool) -> None:
    """`scatter` on axes of matplotlib."""
    horizontal, vertical = np.sort(np.argsort(-codes.var(0), kind="stable")[:2]) if codes.shape[1] > 1 else (0, 0)
    shown = codes[:, [horizontal, vertical]]
    colours = _colours(1 if labels is None else int(labels.max(initial=0)) + 1)
    dots = {"s": max(2, min(20, 20_000 / len(codes))), "alpha": 0.7, "linewidths": 0}
    order = np.random.default_rng(0).permutation(len(codes))  # so that no class hides the others
    axes.scatter(*shown[order].T, color=colours[0] if labels is None else colours[labels[order]], **dots)
    if normal:
        extent = max(LEAST_EXTENT, 1.05 * np.abs(shown).max(initial=0))
        axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axes.set(xlabel=f"latent dimension {horizontal + 1}", ylabel=f"latent dimension {vertical + 1}")
    for label in () if labels is None else np.unique(labels):
        axes.scatter([], [], color=colours[label], label=classes[label] if len(classes) else str(label), s=40)
    if labels is not None:
        columns = -(-len(np.unique(labels)) // 25)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, ncols=columns)


def _colours(classes: int) -> np.ndarray:
    """As many colours as there are classes, `[classes, 4]`."""
    import matplotlib

    name = "tab10" if classes <= 10 else "tab20" if classes <= 20 else "turbo"
    return matplotlib.colormaps[name](np.linspace(0, 1, classes) if name == "turbo" else np.arange(classes))


def save(image: Image, path: str | Path, force: bool = False) -> Path:
    """Write a picture as PNG, whole or not at all.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return write_atomically(path, buffer.getvalue(), force)
