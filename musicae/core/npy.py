"""Arrays in NumPy's files: what a header claims is compared with the size, and written without holding the array."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

import numpy as np

from musicae.errors import DataError, Error, in_one_line
from musicae.files import open_file

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_CHUNK = 2**22


class Header(NamedTuple):
    """What comes before the numbers of an array.

    Args:
        shape: of the array.
        dtype: of a number.
        order: "C", or "F" where the first axis varies fastest.
        start: bytes before the numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    order: str
    start: int

    @classmethod
    def read(cls, file: BinaryIO, size: int) -> Header:
        """The header of a file of so many bytes.

        Raises:
            DataError: it is none, or claims another size, or Python objects (which are pickled).
        """
        try:
            version = np.lib.format.read_magic(file)
            if version not in _READERS:
                raise ValueError(f"version {version[0]}.{version[1]}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's parser has opinions about headers
                shape, by_columns, dtype = _READERS[version](file)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, not numbers")
            start, claimed = file.tell(), math.prod(shape) * dtype.itemsize
            if min(shape, default=0) < 0 or claimed != size - start:
                raise ValueError(f"its header claims {claimed:,} bytes, but there are {size - start:,}")
            np.broadcast_to(np.zeros((), dtype), shape)  # refuses what no array can be
        except Exception as error:  # of NumPy, and of the parser of Python by which it reads headers
            raise DataError(f"is damaged, or no array of numbers ({in_one_line(error)})") from None
        return cls(shape, dtype, "F" if by_columns else "C", start)


def from_bytes(data: bytes) -> np.ndarray:
    """The array in the content of a file.

    Raises:
        DataError: it is damaged, or of objects.
    """
    header = Header.read(io.BytesIO(data), len(data))
    return np.ndarray(header.shape, header.dtype, data, header.start, order=header.order)


def mapped(path: Path, checksum: str | None = None) -> np.ndarray:
    """The array in a file, memory-mapped.

    Args:
        path: the file.
        checksum: as `write` answered; None if not known.

    Raises:
        Error: it is missing or damaged, of objects, or another than was written.
    """
    with open_file(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            header = Header.read(file, size)
        except DataError as error:
            raise DataError(f"{path.name} {error}") from None
        if checksum is not None and checksum != _checksum(file):
            raise DataError(f"{path.name} is damaged: its checksum is not the one that was written")
        return np.memmap(file, header.dtype, "r", header.start, header.shape, header.order)


def _checksum(file: BinaryIO) -> str:
    file.seek(0)
    found = 0
    while chunk := file.read(_CHUNK):
        found = crc32(chunk, found)
    return f"{found:08x}"


def write(path: Path, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]) -> str:
    """Writes an array that is never in memory as a whole: to a temporary file in the same folder, which is renamed.

    Args:
        path: the file.
        shape: of the array.
        dtype: of the array.
        blocks: of some of its rows each, in order.

    Returns:
        The CRC-32 of the file.

    Raises:
        Error: it cannot be written.
    """
    temporary = path.with_suffix(".npy.part")
    fields = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, fields)
    found = crc32(header.getvalue())
    try:
        with temporary.open("wb") as file:
            file.write(header.getvalue())
            for block in blocks:
                content = np.ascontiguousarray(block, dtype).tobytes()
                found = crc32(content, found)
                file.write(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Error(f"{path} cannot be written: {error.strerror or error}") from None
    return f"{found:08x}"
