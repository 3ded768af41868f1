"""Pictures of pictures: rows of them, the latent plane decoded, codes by class. Same input, same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicae.errors import ConfigError
from musicae.files import write_atomically

if TYPE_CHECKING:
    from PIL.Image import Image

    from musicae.images.datasets import PictureSet
    from musicae.images.model import ImageModel

SMALLEST, SMALLEST_OF_MANY = 64, 24  # pixels: lower pictures are enlarged by a whole factor
PAPER = 255
WIDEST = 3  # standard deviations of the prior, the least that a scatter shows


def strip(images: Sequence[Image]) -> Image:
    """Pictures side by side."""
    return montage([images])


def reconstructions(originals: Sequence[Image], decoded: Sequence[Image]) -> Image:
    """Originals in the upper row, what a model made of them below."""
    return montage([originals, decoded])


def manifold(model: ImageModel, side: int = 20) -> Image:
    """The latent plane decoded at `side` × `side` points, each for the same share of the prior's mass.

    The first latent dimension runs to the right, the second upwards, both over the quantiles of N(0, 1).

    Raises:
        ConfigError: the latent space of the model is no plane.
    """
    from musicae.core.geometry import grid

    if model.network.latent != 2:
        raise ConfigError(f"{model.name} has {model.network.latent} latent dimensions: only 2 can be laid out")
    images = model.decode(grid(side).reshape(-1, 2).numpy())
    return montage([images[i : i + side] for i in range(0, len(images), side)], gap=0, smallest=SMALLEST_OF_MANY)


def save_plane(model: ImageModel, examples: PictureSet, folder: Path) -> list[Path]:
    """Write what a plane of latent vectors decodes to (`manifold.png`) and where pictures lie on it (`scatter.png`).

    Raises:
        ConfigError: the latent space of the model is no plane.
    """
    labels = examples.labels
    names = () if labels is None else [str(label) for label in range(int(labels.max()) + 1)]
    images = {"manifold.png": manifold(model), "scatter.png": scatter(model.means(examples), labels, names)}
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


def scatter(codes: np.ndarray, labels: np.ndarray | None = None, classes: Sequence[str] = ()) -> Image:
    """Latent codes as dots, coloured by class, with a legend.

    Args:
        codes: `[n, latent]`; of more than two dimensions the two with the largest variance are shown.
        labels: the class of each, int64 `[n]`.
        classes: the names of the classes, by label.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(7, 6), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    _draw_codes(figure.add_subplot(), codes, labels, classes)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_codes(axes, codes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str]) -> None:
    horizontal, vertical = np.sort(np.argsort(-codes.var(0), kind="stable")[:2]) if codes.shape[1] > 1 else (0, 0)
    labels = np.zeros(len(codes), int) if labels is None else labels
    dots = {"s": max(2, min(20, 20_000 / len(codes))), "alpha": 0.7, "linewidths": 0}
    for label in np.unique(labels):
        chosen = codes[labels == label]
        name = classes[label] if classes else None
        axes.scatter(chosen[:, horizontal], chosen[:, vertical], color=f"C{label % 10}", label=name, **dots)
    extent = max(WIDEST, 1.05 * np.abs(codes[:, [horizontal, vertical]]).max(initial=0))
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axes.set(xlabel=f"latent dimension {horizontal + 1}", ylabel=f"latent dimension {vertical + 1}")
    if classes:
        axes.legend(markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def save(image: Image, path: str | Path, force: bool = False) -> Path:
    """Write a picture as PNG, whole or not at all.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return write_atomically(path, buffer.getvalue(), force)
