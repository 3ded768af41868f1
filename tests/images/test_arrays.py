"""Arrays in files whose headers lie, and pictures that are none, are refused in one line."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from images.making import GREY, idx, noise
from musicae.errors import DataError
from musicae.images import arrays, formats
from musicae.images.arrays import read_idx, read_npz
from musicae.images.datasets import open_pictures
from musicae.images.pictures import Pictures

MB = 2**20


def npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(header: str, content: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + content


def shaped(shape: str, kind: str = "|u1", content: bytes = bytes(100)) -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}", content)


@pytest.mark.parametrize(
    "content",
    [
        shaped("(9000000000, 28, 28)"),
        shaped("(10, 5, 1)"),
        shaped("(-10, -10)"),
        shaped("(10, -10)"),
        shaped("(0, 99999999999999999999999)", content=b""),
        shaped("(10.0, 10)"),
        shaped("(2,)", "|O"),
        shaped("(100,)", "|V1")[:-1],
        npy("(" * 5000),
        npy("{'descr': " + "-" * 50_000 + "1}"),
        npy("", version=b"\7\7"),
        b"",
        b"\x93NUMPY",
    ],
)
def test_an_array_that_is_none_is_refused(content):
    with pytest.raises(DataError, match=r"^a\.npz: images\.npy is damaged[^\n]*$"):
        read_npz(npz(images=content), "a.npz")


def test_arrays_are_those_of_numpy():
    expected = {
        "a": noise(4, 6, 5),
        "b": np.arange(9.0)[:, None].T,
        "c": np.asfortranarray(noise(3, 4)),
        "d": np.float32(3),
    }
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, **expected)
        read = read_npz(file.getvalue(), "a.npz")
        assert read.keys() == expected.keys()
        for name, array in expected.items():
            assert read[name].dtype == array.dtype
            assert np.array_equal(read[name], array)


def test_arrays_are_bounded_together():
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(2 * MB, np.uint8), b=np.zeros(2 * MB, np.uint8))
    with pytest.raises(DataError, match=r"^a\.npz: b\.npy is larger than"):
        read_npz(file.getvalue(), "a.npz", 3 * MB)
    with pytest.raises(DataError, match=r"^x: is larger than 1 MB, the limit$"):
        read_idx(gzip.compress(idx(np.zeros(2 * MB, np.uint8))), "x", MB)


def test_a_header_of_idx_is_compared_with_what_is_there():
    for content in (idx(noise(4, 6, 5)) + b"\0", idx(noise(4, 6, 5))[:-1]):
        with pytest.raises(DataError, match=r"its header claims 120 bytes, but there are (121|119)"):
            read_idx(content, "x")


def test_memory_for_pictures_is_bounded(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "small.npz", images=noise(100, 1, 1))
    monkeypatch.setattr(formats, "MOST_LEVELS", 100 * 2**10)
    assert len(open_pictures(tmp_path / "small.npz", Pictures(32, 32)).train)
    with pytest.raises(DataError, match="100 pictures would take"):
        open_pictures(tmp_path / "small.npz", Pictures(32, 33))


def test_sets_of_arrays_are_bounded_by_their_size_on_disk(tmp_path, monkeypatch):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((100, 6, 5), np.uint8))))
    monkeypatch.setattr("musicae.images.storage.MOST_HELD", 2000)
    with pytest.raises(DataError, match=r"^train-images-idx3-ubyte\.gz: is larger than"):
        open_pictures(tmp_path, GREY)


def test_labels_are_numbers_or_words(tmp_path):
    np.savez(tmp_path / "a.npz", images=noise(9, 6, 5), labels=np.zeros(9, [("a", int)]))
    with pytest.raises(DataError, match="labels are numbers or words"):
        open_pictures(tmp_path, GREY)


def test_no_damage_is_anything_but_a_data_error(tmp_path):
    file = io.BytesIO()
    np.savez_compressed(file, images=noise(20, 6, 5), labels=np.arange(20))
    wholes = {"a.npz": file.getvalue(), "a-idx3-ubyte": idx(noise(9, 6, 5)), "b.gz": gzip.compress(idx(noise(9, 6, 5)))}
    for name, whole in wholes.items():
        for seed in range(150):
            rng, changed = random.Random(seed), bytearray(whole)
            for _ in range(rng.randrange(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            (tmp_path / name).write_bytes(changed[: rng.choices((len(changed), rng.randrange(len(changed))))[0]])
            with suppress(DataError):
                open_pictures(tmp_path / name, GREY)
    assert arrays.MOST_HELD == 256 * MB
