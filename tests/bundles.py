"""A writer of TensorFlow's checkpoints, by which the reader is tested, and small models to write."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from musicae.converting import published
from musicae.core.autoencoder import Autoencoder
from musicae.loading import build_network
from musicae.music.magenta import weights
from musicae.music.magenta.crc32c import crc32c, masked
from musicae.music.magenta.tensorflow import MAGIC
from musicae.presets import Preset

TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "bool": 10, "float16": 19}


def write_bundle(
    prefix: Path,
    tensors: Mapping[str, np.ndarray],
    *,
    shards: int = 1,
    types: Mapping[str, int] | None = None,
    checksums: bool = True,
    sliced: Iterable[str] = (),
    compression: int = 0,
    entries_in_block: int = 4,
) -> Path:
    """Write a checkpoint; the tensors go to the shards in turn."""
    data = [b""] * shards
    rows = {b"": proto((1, shards), (3, proto((1, 1))))}
    for i, name in enumerate(sorted(tensors)):
        array, shard = np.asarray(tensors[name]), i % shards
        content = array.tobytes()
        fields = [(1, (types or {}).get(name, TYPES[array.dtype.name]))]
        fields += [(2, b"".join(proto((2, proto((1, size)))) for size in array.shape))]
        fields += [(3, shard), (4, len(data[shard])), (5, len(content))]
        rows[name.encode()] = proto(*fields) + (checksum(content) if checksums else b"")
        rows[name.encode()] += proto((7, b"\x0a\x00")) if name in sliced else b""
        data[shard] += content
    for shard, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05}-of-{shards:05}").write_bytes(content)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(rows, entries_in_block, compression))
    return prefix


def checksum(content: bytes) -> bytes:
    return b"\x35" + struct.pack("<I", masked(crc32c(np.frombuffer(content, np.uint8))))


def table(rows: Mapping[bytes, bytes], entries_in_block: int, compression: int) -> bytes:
    keys, out, handles = sorted(rows), b"", {}

    def add(block: bytes) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(block))
        typed = block + bytes([compression])
        out += typed + struct.pack("<I", masked(crc32c(np.frombuffer(typed, np.uint8))))
        return handle

    for i in range(0, len(keys), entries_in_block):
        chosen = keys[i : i + entries_in_block]
        handles[chosen[-1] + b"\xff"] = add(block_of([(key, rows[key]) for key in chosen], restart=3))
    meta = add(block_of([], 1))
    footer = meta + add(block_of(list(handles.items()), restart=1))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def block_of(rows: list[tuple[bytes, bytes]], restart: int) -> bytes:
    out, before, restarts = b"", b"", []
    for i, (key, value) in enumerate(rows):
        shared = 0
        if i % restart == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def proto(*fields: tuple[int, int | bytes]) -> bytes:
    """A protocol buffer; zeros are left out, as they are by Google's."""
    out = b""
    for number, value in fields:
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        elif value:
            out += varint(number << 3) + varint(value)
    return out


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def shrunk(preset: Preset, even: bool = False) -> Preset:
    """A preset with few units, another number in each layer of a decoder unless `even`, and few dimensions of z."""
    network, more = preset.network, not even
    sizes = {
        "encoder_units": (5,) * len(network.encoder_units),
        "decoder_units": tuple(4 + more * i for i in range(len(network.decoder_units))),
        "conductor_units": tuple(6 + more * i for i in range(len(network.conductor_units))),
        "nade": 3 * bool(network.nade),
    }
    return replace(preset, network=replace(network, **sizes), latent=2)


def network(preset: Preset, seed: int = 0) -> Autoencoder:
    """A network with random weights, biases too."""
    torch.manual_seed(seed)
    model = build_network(preset).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("bias_hh_l0") and "bias_hh_l0_reverse" not in name:
                parameter.normal_(std=0.5)
    return model


def checkpoint(name: str, folder: Path, called: str | None = None, even: bool = True) -> tuple[Path, Autoencoder]:
    """A checkpoint of TensorFlow of a small model with random weights, with optimiser slots; and its network."""
    preset = shrunk(published()[name], even)
    model = network(preset)
    tensors = weights.from_musicae(model.state_dict(), preset)
    training = {f"{one}/Adam": np.zeros(1, np.float32) for one in tensors} | {"global_step": np.int64(300)}
    folder.mkdir(exist_ok=True)
    return write_bundle(folder / (called or f"{name}.ckpt-300"), tensors | training), model
