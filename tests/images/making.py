"""Sets of pictures in files, and models of pictures with random weights, for the tests."""

from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Bottleneck, Gaussian
from musicae.core.networks import Dense
from musicae.core.objectives import Elbo
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.images.model import ImageModel
from musicae.images.pictures import Pictures
from musicae.presets import Preset

GREY = Pictures(6, 5)

MNIST_PARTS = {"train": 100, "t10k": 20}

SETTINGS = Preset(
    name="tiny",
    summary="for tests",
    representation=Pictures(8, 8),
    network=Dense((16,)),
    latent=2,
    objective=Elbo(),
    training=Training(steps=30, batch_size=64, learning_rate=Constant(3e-3), validate_every=30, log_every=10),
)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, zipped: bool = False, dot: str = "-") -> dict[str, np.ndarray]:
    arrays = {}
    for part, n in MNIST_PARTS.items():
        arrays[f"{part}-images{dot}idx3-ubyte"] = noise(n, 6, 5)
        arrays[f"{part}-labels{dot}idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        data = idx(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    return arrays


def write_pictures(folder: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(6, 5, seed=i)).save(path)


def sizes(splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.validation), len(splits.test)


def archived(folder: Path, kind: str) -> Path:
    path = folder.with_name(f"all{kind}")
    if kind == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, folder.name)
    return path


def random_model(network=SETTINGS.network, latent: int = 2, bottleneck: Bottleneck | None = None) -> ImageModel:
    torch.manual_seed(0)
    return ImageModel(SETTINGS, build(network, SETTINGS.representation.example_spec, latent, bottleneck or Gaussian()))


def conditional() -> ImageModel:
    torch.manual_seed(0)
    preset = replace(SETTINGS, label_classes=10)
    return ImageModel(
        preset, build(preset.network, preset.representation.example_spec, 2, Gaussian(), preset.conditioning)
    )


def restoring(corruption) -> ImageModel:
    return ImageModel(replace(SETTINGS, corruption=corruption), random_model().network)
