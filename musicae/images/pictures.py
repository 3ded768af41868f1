"""How pictures are represented: from any file, image or array to values in 0..1, and back to an image."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np

from musicae.core.configuration import Range, check
from musicae.core.example_spec import ExampleSpec
from musicae.errors import DataError, FileError, in_one_line
from musicae.files import read_file

if TYPE_CHECKING:
    from PIL.Image import Image

MODES = {1: "L", 3: "RGB"}
COLOURS = {1: "grey", 3: "colour"}
Side = Annotated[int, Range(1, 2**12)]  # pixels
ORIENTATION = 0x0112  # the EXIF tag
MOST_PIXELS = 50_000_000  # of a picture in 8 bits a channel; of others half, for they take twice the memory
EIGHT_BITS = ("1", "L", "P", "RGB", "YCbCr", "CMYK")
STRIP = 2**20  # pixels that are laid on white at once

# The formats that are read: pillow knows more, and hands one of them (EPS) to a program that runs it.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "ICO", "PCX", "QOI", "TGA")


logging.getLogger("PIL").addHandler(logging.NullHandler())  # or it would print what is wrong with damaged files


class ReadPicture(NamedTuple):
    """A picture as an encoder reads it, or several of them.

    Args:
        array: float32 `[channels, height, width]` in 0..1; of several `[n, channels, height, width]`.
        report: what was changed in reading, in sentences.
    """

    array: np.ndarray
    report: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, with values from 0 (black) to 1.

    Args:
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        likelihood: p(x | z) of the values: `"bernoulli"` (a grey level is the probability of white) or `"normal"`
            (summed squared errors).
        binary: whether values are drawn, 1 with the probability that the grey level states, anew every time a picture
            is trained on (dynamic binarisation, as published likelihoods of MNIST have it).
    """

    height: Side = 8
    width: Side = 8
    channels: Annotated[int, Range(1, 3)] = 1
    likelihood: Literal["bernoulli", "normal"] = "bernoulli"
    binary: bool = False

    def __post_init__(self):
        check(self)

    @property
    def example_spec(self) -> ExampleSpec:
        """The shape of one picture, and the likelihood of its values."""
        return ExampleSpec(self.likelihood, self.channels, (self.height, self.width))

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(channels, height, width)`."""
        return self.channels, self.height, self.width

    def downscaled(self, factor: int) -> Pictures:
        """Pictures of a resolution that is lower by `factor` in both directions."""
        return replace(self, height=self.height // factor, width=self.width // factor)

    def read(self, source) -> ReadPicture:
        """Any picture at this size and in these colours: turned upright, cropped to its middle, resized.

        Args:
            source: a path or the bytes of a picture file, a `PIL.Image`, a `ReadPicture`, or an array
                `[height, width]`, `[height, width, channels]` or `[channels, height, width]` of bytes or of
                numbers in 0..1.

        Raises:
            DataError: it is missing, damaged, too large, or not a picture.
        """
        if isinstance(source, ReadPicture):
            return source
        if hasattr(source, "__array__") and not hasattr(source, "getbands"):
            array = np.asarray(source)
            if array.shape == self.shape:
                return ReadPicture(in_unit_range(array))
            source = to_image(as_array(array))
        with _naming(source):
            return self._fit(open_image(source))

    def _fit(self, image: Image) -> ReadPicture:
        from PIL import Image, ImageOps

        size, report = (self.width, self.height), _changes_before_resizing(image)
        image = ImageOps.exif_transpose(image)
        if _is_transparent(image):
            report.append("transparent parts made white")
            image = _on_white(image)
        image = _in_eight_bits(image)
        if image.mode != MODES[self.channels]:
            report.append(f"made {COLOURS[self.channels]}")
            image = image.convert(MODES[self.channels])
        box = _central_box(image.size, size)
        if box != (0, 0, *image.size):
            report.append("cropped from {} by {} to its middle {} by {}".format(*image.size, *_extent(box)))
        if _extent(box) != size:
            report.append("resized from {} by {} to {} by {} pixels".format(*_extent(box), *size))
        if image.size != size:
            image = image.resize(size, Image.Resampling.LANCZOS, box)
        return ReadPicture(as_array(np.asarray(image)), tuple(report))


def _changes_before_resizing(image: Image) -> list[str]:
    """What has to be changed before the size and the colours of a picture can be compared, in sentences."""
    facts = {
        "turned upright": image.getexif().get(ORIENTATION, 1) != 1,
        "taken from the first frame": getattr(image, "is_animated", False),
    }
    return [sentence for sentence, holds in facts.items() if holds]


def to_image(array: np.ndarray) -> Image:
    """Values `[channels, height, width]` (or `[height, width]`) in 0..1 as a `PIL.Image`, grey or RGB."""
    from PIL import Image

    array = np.asarray(array, np.float32)
    planes = array if array.ndim == 3 else array[None]
    levels = np.rint(planes.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels[0] if len(levels) == 1 else np.moveaxis(levels, 0, -1)))


def as_array(array: np.ndarray) -> np.ndarray:
    """A picture in any usual layout as float32 `[channels, height, width]` in 0..1.

    Raises:
        DataError: it has no such layout, or values outside 0..1 that are not bytes.
    """
    if array.ndim not in (2, 3) or not array.size:
        raise DataError(f"an array of shape {array.shape} is no picture: give [height, width(, channels)]")
    if array.ndim == 2:
        return in_unit_range(array[None])
    if array.shape[-1] not in MODES and array.shape[0] not in MODES:
        raise DataError(f"an array of shape {array.shape} is no picture: it needs 1 or 3 channels")
    return in_unit_range(np.moveaxis(array, -1, 0) if array.shape[-1] in MODES else array)


def in_unit_range(array: np.ndarray) -> np.ndarray:
    """Integers of 8 or 16 bits and booleans, scaled to float32 in 0..1; real numbers must lie there already.

    Raises:
        DataError: they do not.
    """
    if array.dtype.kind == "b":
        return array.astype(np.float32)
    if array.dtype.kind in "iu":
        bytes_long = array.dtype != np.uint16 and array.max(initial=0) <= 255
        array = array / np.float32(255 if bytes_long else 65535)
    if array.dtype.kind != "f" or not (array.min(initial=0) >= 0 and array.max(initial=0) <= 1):
        raise DataError(f"a picture cannot have such values ({array.dtype}): give bytes, or numbers in 0..1")
    return array.astype(np.float32)


def open_image(source) -> Image:
    """The picture at a path, in the bytes of a file, or in a `PIL.Image`, decoded.

    Raises:
        DataError: it is missing, damaged, too large, or not a picture.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        return source
    with _naming(source):
        data = source if isinstance(source, bytes) else read_file(source)
        Image.init()
        image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])
        if image.width * image.height > MOST_PIXELS // (1 if image.mode in EIGHT_BITS else 2):
            raise Image.DecompressionBombError
        image.load()
    return image


@contextmanager
def _naming(source) -> Iterator[None]:
    """A context in which whatever goes wrong with a picture is a `DataError` that names it."""
    from PIL import Image

    name = source if not isinstance(source, bytes | Image.Image) else f"<{type(source).__name__}>"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pillow, about damaged tags and such
            yield
    except DataError:
        raise
    except FileError as error:
        raise DataError(str(error)) from None
    except Image.DecompressionBombError:
        raise DataError(f"{name}: too many pixels; make it smaller first") from None
    except Image.UnidentifiedImageError:
        raise DataError(f"{name}: not a picture that pillow knows; try PNG or JPEG") from None
    except Exception as error:  # pillow raises a dozen kinds on damaged files
        raise DataError(f"{name}: cannot be read as a picture ({in_one_line(error)})") from None


def _is_transparent(image: Image) -> bool:
    """Whether any pixel is not quite opaque: many pictures that are have a channel that says so."""
    if not image.has_transparency_data:
        return False
    return any(strip.getchannel("A").getextrema()[0] < 255 for strip, _ in _strips(image))


def _on_white(image: Image) -> Image:
    """A picture laid on white, in grey if it is in grey."""
    from PIL import Image

    mode = "L" if image.mode in ("L", "LA", "La", "1") else "RGB"
    opaque = Image.new(mode, image.size)
    for strip, place in _strips(image):
        opaque.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip).convert(mode), place)
    return opaque


def _strips(image: Image) -> Iterator[tuple[Image, tuple[int, int]]]:
    """A picture from top to bottom with its transparency: RGBA, and the place of its corner."""
    rows = max(STRIP // image.width, 1)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        yield image.crop(box).convert("RGBA"), (0, top)


def _in_eight_bits(image: Image) -> Image:
    """A picture in grey or in RGB, in 8 bits a channel, and without a channel for transparency."""
    if image.mode.startswith(("I", "F")):
        return to_image(in_unit_range(np.asarray(image)))
    if image.mode in MODES.values():
        return image
    return image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")


def _central_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box (left, top, right, bottom) in the middle of `size` that has the proportions of `target`."""
    width = min(size[0], max(1, round(size[1] * target[0] / target[1])))
    height = min(size[1], max(1, round(size[0] * target[1] / target[0])))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _extent(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]
