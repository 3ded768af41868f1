"""Models by name: the ones that ship with the package, and folders that training wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from musicae.core.configuration import from_data, to_data
from musicae.errors import CheckpointError, ConfigError
from musicae.presets import KINDS, PRESETS, Preset

if TYPE_CHECKING:
    from musicae.core.autoencoder import Autoencoder
    from musicae.core.model import Model

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT = "melody-2bar"


def load(model: str | Path = DEFAULT, device: str = "cpu") -> Model:
    """A trained model, ready for use.

    Args:
        model: the name of one that ships (`musicae.models` lists them), or a folder that training wrote.
        device: where its weights go, e.g. `"cuda"`.

    Returns:
        A `MusicModel` or an `ImageModel`.

    Raises:
        CheckpointError: there is no such model, or its folder is damaged.
        ConfigError: its settings are not known here, or there is no such device.
    """
    import torch

    from musicae.core import checkpoints

    folder = find(model)
    preset = read_preset(folder)
    network = build_network(preset)
    checkpoints.read_weights(folder, network)
    metrics = checkpoints.read_json(folder, checkpoints.METRICS) if (folder / checkpoints.METRICS).exists() else {}
    try:
        return of(preset, network, metrics, folder).to(device)
    except (RuntimeError, AssertionError) as error:
        known = "cuda" if torch.cuda.is_available() else "cpu"
        raise ConfigError(f"device {device!r} cannot be used here; try --device {known}") from error


def find(model: str | Path) -> Path:
    """The folder of a model.

    Raises:
        CheckpointError: there is none, with what to do.
    """
    folder = Path(model)
    if (folder / "config.json").exists():
        return folder
    if (PRETRAINED / str(model) / "config.json").exists():
        return PRETRAINED / str(model)
    if folder.exists():
        raise CheckpointError(f"{model}: no config.json in it, so it is not a model folder")
    if str(model) in PRESETS:
        raise CheckpointError(
            f"{model} has no weights here: train it with `python -m musicae.train {model}`, "
            f"then give --model runs/{model}"
        )
    raise CheckpointError(str(ConfigError.unknown("model", str(model), [p.name for p in shipped()])) + ", or a folder")


def shipped() -> Iterator[Path]:
    """The folders of the models that come with the package."""
    return (p for p in sorted(PRETRAINED.glob("*")) if (p / "config.json").exists())


def read_preset(folder: Path) -> Preset:
    """The settings in a model folder.

    Raises:
        CheckpointError: it has none that can be read.
        ConfigError: they hold something unknown.
    """
    from musicae.core import checkpoints

    config = checkpoints.read_json(folder, checkpoints.CONFIG)
    if "preset" not in config:
        raise CheckpointError(f"{folder}/config.json says nothing of a preset: it is not a model of musicae")
    return from_data(config["preset"], KINDS)


def write_settings(folder: Path, preset: Preset) -> None:
    """Write a model folder's `config.json`."""
    from musicae.core import checkpoints

    checkpoints.write_json(folder, checkpoints.CONFIG, {"format": 1, "preset": to_data(preset)})


def build_network(preset: Preset) -> Autoencoder:
    """The networks of a preset with fresh weights (seed them with `torch.manual_seed`)."""
    from musicae.core.autoencoder import build

    return build(preset.network, preset.representation.event, preset.latent, preset.bottleneck)


def of(preset: Preset, network: Autoencoder, metrics: dict | None = None, folder: Path | None = None) -> Model:
    """The model of songs or of pictures around a network."""
    if preset.musical:
        from musicae.music.model import MusicModel as Kind
    else:
        from musicae.images.model import ImageModel as Kind
    return Kind(preset, network, metrics, folder)
