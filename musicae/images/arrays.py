"""Arrays in files: IDX (MNIST and kin) and NumPy's. What a header claims is compared with the bytes that are there."""

from __future__ import annotations

import math
import struct

import numpy as np

from musicae.archives import Member, gunzip, members
from musicae.core import npy
from musicae.errors import DataError

MOST_HELD = 256 * 2**20  # bytes of arrays in memory at once
GZIP = b"\x1f\x8b"
NPY = ".npy"  # what an array in an archive of NumPy's is called


def read_idx(data: bytes, name: str, most: int = MOST_HELD) -> np.ndarray:
    """The array in an IDX file of bytes, gzipped or not: uint8 of any shape.

    Args:
        data: the content of the file.
        name: of the file, for errors.
        most: bytes of the array.

    Raises:
        DataError: it is truncated, or no IDX file of bytes, or too large.
    """
    if data.startswith(GZIP):
        try:
            data = gunzip(data, most)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    dimensions = data[3] if len(data) >= 4 and data[:3] == b"\0\0\x08" else 0
    if not 1 <= dimensions <= 4:
        raise DataError(f"{name}: not an IDX file of bytes (it begins with {data[:4].hex(' ') or 'nothing'})")
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise DataError(f"{name}: truncated in its header; get it again")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    if len(data) - start != math.prod(shape):
        claimed = f"its header claims {math.prod(shape):,} bytes, but there are {len(data) - start:,}"
        raise DataError(f"{name}: truncated or damaged: {claimed}; get it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read_npz(data: bytes, name: str, most: int = MOST_HELD) -> dict[str, np.ndarray]:
    """The arrays in an archive of NumPy's by name; of objects (pickles) there may be none.

    Args:
        data: the content of the file.
        name: of the file, for errors.
        most: bytes of all arrays together.

    Raises:
        DataError: it is damaged, too large, or holds something else.
    """
    try:
        found = list(members(data, lambda one: one.endswith(NPY), most, most))
    except DataError as error:
        raise DataError(str(error).replace("<bytes>", name)) from None
    for one in found:
        if one.problem:
            raise DataError(f"{name}: {one.name} {one.problem}")
    return {one.name.removesuffix(NPY): _read_npy(one, name) for one in found}


def _read_npy(member: Member, name: str) -> np.ndarray:
    try:
        return npy.from_bytes(member.content)
    except DataError as error:
        raise DataError(f"{name}: {member.name} {error}") from None
