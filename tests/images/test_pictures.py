from __future__ import annotations

import io
import random
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageFile

from musicae.core.example_spec import ExampleSpec
from musicae.errors import DataError
from musicae.images import pictures as module
from musicae.images.pictures import Pictures, ReadPicture, to_image

GREY, COLOUR = Pictures(8, 8), Pictures(6, 8, 3)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_the_example_spec_has_the_shape_and_the_likelihood():
    assert COLOUR.example_spec == ExampleSpec("bernoulli", 3, (6, 8))
    assert Pictures(8, 8, likelihood="normal").example_spec == ExampleSpec("normal", 1, (8, 8))
    assert Pictures(8, 8, binary=True).example_spec == GREY.example_spec  # black and white are the certain greys


def test_a_lower_resolution_keeps_everything_else():
    pictures = Pictures(28, 20, 3, "normal", binary=True)
    assert pictures.downscaled(2) == Pictures(14, 10, 3, "normal", binary=True)
    assert pictures.downscaled(4).shape == (3, 7, 5)


@pytest.mark.parametrize(("pictures", "shape"), [(GREY, (8, 8)), (COLOUR, (6, 8, 3))])
def test_pictures_of_the_right_size_are_read_exactly(pictures, shape, tmp_path):
    levels = noise(*shape)
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(Image.fromarray(levels)))
    for source in (levels, Image.fromarray(levels), path, str(path), path.read_bytes()):
        read = pictures.read(source)
        assert read.array.shape == pictures.shape
        assert read.array.dtype == np.float32
        assert read.report == ()
        assert np.array_equal(np.asarray(to_image(read.array)), levels)


def test_real_numbers_of_the_right_shape_are_kept_as_they_are():
    values = np.random.default_rng(0).random((1, 8, 8), np.float32)
    assert np.array_equal(GREY.read(values).array, values)
    assert GREY.read(ReadPicture(values, ("changed",))).report == ("changed",)


def test_the_report_says_how_a_photograph_was_changed():
    report = GREY.read(Image.fromarray(noise(30, 40, 3))).report
    assert report == (
        "made grey",
        "cropped from 40 by 30 to its middle 30 by 30",
        "resized from 30 by 30 to 8 by 8 pixels",
    )


def test_a_crop_keeps_the_middle():
    image = np.zeros((8, 24), np.uint8)
    image[:, 8:16] = 255
    assert (GREY.read(image).array == 1).all()


def test_photographs_are_turned_upright():
    levels = noise(8, 8)
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right
    read = GREY.read(encoded(Image.fromarray(levels), exif=exif))
    assert np.array_equal(np.asarray(to_image(read.array)), np.rot90(levels, -1))
    assert read.report == ("turned upright",)


def test_transparency_becomes_white():
    read = GREY.read(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert (read.array == 1).all()
    assert "transparent parts made white" in read.report


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("pictures", [GREY, COLOUR])
def test_every_mode_is_read(mode, pictures):
    values = pictures.read(Image.new(mode, (9, 9))).array
    assert values.shape == pictures.shape


def test_sixteen_bits_are_scaled():
    levels = np.full((8, 8), 65535 // 2, np.uint16)
    assert GREY.read(Image.fromarray(levels)).array == pytest.approx(0.5, abs=0.01)
    assert GREY.read(levels).array == pytest.approx(0.5, abs=0.01)


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (255, 0)]
    read = GREY.read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (read.array == 1).all()
    assert "taken from the first frame" in read.report


@pytest.mark.parametrize(
    "content",
    [b"", b"words", encoded(Image.fromarray(noise(64, 64)))[:900], b"\x89PNG\r\n\x1a\n" + b"\0" * 50],
)
def test_files_that_are_no_pictures_are_refused_in_one_line(content, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(DataError) as caught:
            GREY.read(source)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"broken\.png"):
        GREY.read(path)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.png", "nowhere.png: there is no such file"),
        (".", "folder"),
        (17, "17"),
        (np.zeros((3, 5, 7, 7)), "shape"),
        (np.zeros((5, 7, 7)), "1 or 3 channels"),
        (np.full((8, 8), 3.5), "0..1"),
        (np.full((8, 8), np.nan), "0..1"),
        (np.full((8, 8), -3), "0..1"),
        (np.zeros((0, 8)), "shape"),
        (np.full((8, 8), "a"), "0..1"),
    ],
)
def test_errors_say_what_is_wrong(source, words):
    with pytest.raises(DataError) as caught:
        GREY.read(source)
    assert words in str(caught.value)


def test_an_alpha_channel_that_hides_nothing_is_nothing_to_say():
    for mode, pictures in (("LA", GREY), ("RGBA", COLOUR), ("PA", COLOUR)):
        assert pictures.read(Image.new("RGBA", pictures.shape[:0:-1], (9, 9, 9, 255)).convert(mode)).report == (), mode
    palette = Image.new("P", (8, 8), 3)
    palette.info["transparency"] = 4  # a colour that no pixel has
    assert "transparent parts made white" not in COLOUR.read(palette).report
    palette.info["transparency"] = 3
    assert "transparent parts made white" in COLOUR.read(palette).report


def test_a_picture_on_white_is_the_same_in_strips(monkeypatch):
    levels = noise(40, 30, 4)
    whole = COLOUR.read(Image.fromarray(levels, "RGBA"))
    monkeypatch.setattr(module, "STRIP", 70)
    assert np.array_equal(COLOUR.read(Image.fromarray(levels, "RGBA")).array, whole.array)
    assert "transparent parts made white" in whole.report


@pytest.mark.parametrize(
    "error", [MemoryError(), NotImplementedError(), struct.error("x"), RecursionError(), IndexError()]
)
def test_whatever_pillow_raises_is_one_line(monkeypatch, error):
    data = encoded(Image.fromarray(noise(8, 8)))
    for name in ("load", "getexif"):
        with monkeypatch.context() as patch:
            patch.setattr(Image.Image, name, lambda *_: (_ for _ in ()).throw(error))
            patch.setattr(ImageFile.ImageFile, "load", getattr(Image.Image, name))
            with pytest.raises(DataError, match=r"^<bytes>: cannot be read as a picture \([^\n]+\)$"):
                GREY.read(data)


def test_pictures_of_too_many_pixels_are_not_decoded():
    for mode, size in (("L", 10_000), ("RGBA", 6000)):
        header = struct.pack(">IIBBBBB", size, size, 8, {"L": 0, "RGBA": 6}[mode], 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
        parts = (struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
        with pytest.raises(DataError, match="too many pixels"):
            GREY.read(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def test_no_other_program_is_started_for_a_picture():
    with pytest.raises(DataError, match="not a picture"):
        GREY.read(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")


def test_no_damage_to_a_picture_is_anything_but_a_data_error():
    image = Image.fromarray(noise(12, 12, 3), "RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        whole = encoded(image, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}))
        for seed in range(100):
            rng, changed = random.Random(seed), bytearray(whole)
            for _ in range(rng.randrange(1, 5)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            with suppress(DataError):
                COLOUR.read(bytes(changed))
