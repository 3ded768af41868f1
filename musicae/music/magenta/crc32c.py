"""CRC-32C (Castagnoli), the checksum in TensorFlow's checkpoints, fast enough for hundreds of megabytes in numpy.

A checksum is linear over GF(2), so a block is cut into segments that are processed in parallel, four bytes at a time,
and joined by `crc(a b) = shift(crc(a), bytes of b) ^ crc(b)`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

POLYNOMIAL = np.uint32(0x82F63B78)  # reversed
ONES = np.uint32(0xFFFFFFFF)
SEGMENTS = 4096  # of a block
BLOCK = 1 << 20  # bytes at a time: what fits into a processor's cache


def crc32c(data: np.ndarray) -> int:
    """The checksum of uint8 `[bytes]`."""
    crc = ONES
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        crc = _apply(_shift(len(block)), crc) ^ _remainder(block)
    return int(crc ^ ONES)


def masked(crc: int) -> int:
    """A checksum as it is stored with its data: rotated by 15 bits, plus a constant."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _remainder(block: np.ndarray) -> np.uint32:
    """The checksum of a block from 0, not inverted; zeros in front of it make no difference."""
    words = -(-len(block) // (4 * SEGMENTS))
    padded = np.zeros(words * 4 * SEGMENTS, np.uint8)
    padded[len(padded) - len(block) :] = block
    low, high = _tables()
    crc = np.zeros(SEGMENTS, np.uint32)
    for column in np.ascontiguousarray(padded.view("<u4").reshape(SEGMENTS, words).T):
        mixed = crc ^ column
        crc = low[mixed & 0xFFFF] ^ high[mixed >> 16]
    return _joined(crc, 4 * words)


def _joined(segments: np.ndarray, size: int) -> np.uint32:
    """The checksum of segments of `size` bytes each, from theirs; their number is a power of two."""
    while len(segments) > 1:
        segments = _apply(_shift(size), segments[::2]) ^ segments[1::2]
        size *= 2
    return segments[0]


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper half of each word after 32 bits of zeros."""
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _zeros(halves, 32), _zeros(halves << 16, 32)


def _zeros(crc: np.ndarray, bits: int) -> np.ndarray:
    """Checksums after `bits` more bits of zeros."""
    for _ in range(bits):
        crc = (crc >> 1) ^ (crc & 1) * POLYNOMIAL
    return crc


@cache
def _shift(size: int) -> np.ndarray:
    """The matrix that advances a checksum over `size` zero bytes: the image of each of its bits, uint32 `[32]`."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    if size <= 1:
        return _zeros(bits, 8 * size)
    half = _shift(size // 2)
    doubled = _apply(half, half)
    return _apply(_shift(1), doubled) if size % 2 else doubled


def _apply(matrix: np.ndarray, crc: np.ndarray) -> np.ndarray:
    """A matrix times checksums of any shape, over GF(2)."""
    bits = (crc[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    return np.bitwise_xor.reduce(bits * matrix, axis=-1)
