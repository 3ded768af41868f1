from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.magenta import crc32c as module
from musicae.music.magenta.crc32c import crc32c, masked


def of(data: bytes) -> int:
    return crc32c(np.frombuffer(data, np.uint8))


def bit_by_bit(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_published_values(data, expected):
    """RFC 3720, B.4, and the usual check value."""
    assert of(data) == expected


@given(st.binary(max_size=400))
def test_it_is_what_the_definition_gives(data):
    assert of(data) == bit_by_bit(data)


def test_the_sizes_of_blocks_and_segments_make_no_difference(monkeypatch):
    data = np.random.default_rng(0).integers(0, 256, 5000).astype(np.uint8).tobytes()
    expected = bit_by_bit(data)
    assert of(data) == expected
    monkeypatch.setattr(module, "BLOCK", 1500)
    monkeypatch.setattr(module, "SEGMENTS", 8)
    assert of(data) == expected


def test_a_mask_turns_by_15_bits_and_adds_a_constant():
    assert masked(0) == 0xA282EAD8
    assert masked(1 << 15) == 0xA282EAD9
    assert masked(1) == 0xA282EAD8 + (1 << 17)
