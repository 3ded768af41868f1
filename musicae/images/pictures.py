"""How pictures are represented: from any file, image or array to values in 0..1, and back to an image."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np

from musicae.core.configuration import Range
from musicae.core.example_spec import ExampleSpec
from musicae.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

MODES = {1: "L", 3: "RGB"}
COLOURS = {1: "grey", 3: "colour"}
Side = Annotated[int, Range(1, 2**12)]  # pixels
ORIENTATION = 0x0112  # the EXIF tag


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
            DataError: it is missing or not a picture.
        """
        if isinstance(source, ReadPicture):
            return source
        if hasattr(source, "__array__") and not hasattr(source, "getbands"):
            array = np.asarray(source)
            if array.shape == self.shape:
                return ReadPicture(in_unit_range(array))
            source = to_image(as_array(array))
        return self._fit(open_image(source))

    def _fit(self, image: Image) -> ReadPicture:
        from PIL import Image, ImageOps

        size, report = (self.width, self.height), _changes_before_resizing(image)
        image = _opaque(ImageOps.exif_transpose(image))
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
        "taken from the first frame": getattr(image, "n_frames", 1) > 1,
        "transparent parts made white": image.has_transparency_data,
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
    name = "<bytes>" if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(source if isinstance(source, bytes) else Path(source).read_bytes()))
            image.load()
    except FileNotFoundError:
        raise DataError(f"{name}: no such file") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(f"{name}: too many pixels; make it smaller first") from None
    except Image.UnidentifiedImageError:
        raise DataError(f"{name}: not a picture that pillow knows; try PNG or JPEG") from None
    except (OSError, SyntaxError, ValueError, EOFError, TypeError) as error:
        raise DataError(f"{name}: cannot be read as a picture ({_reason(error)})") from None
    return image


def _opaque(image: Image) -> Image:
    """A picture without transparency, in 8 bits a channel."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return to_image(in_unit_range(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode in MODES.values() else image.convert("L" if image.mode == "1" else "RGB")


def _central_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box (left, top, right, bottom) in the middle of `size` that has the proportions of `target`."""
    width = min(size[0], max(1, round(size[1] * target[0] / target[1])))
    height = min(size[1], max(1, round(size[0] * target[1] / target[0])))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _extent(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def _reason(error: Exception) -> str:
    """What went wrong, in one line."""
    return getattr(error, "strerror", None) or (str(error) or type(error).__name__).splitlines()[0]
