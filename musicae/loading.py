"""Models by name: the ones that ship with the package, and folders that training wrote."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from musicae.errors import CheckpointError, ConfigError, Error
from musicae.migration import FORMAT

if TYPE_CHECKING:
    from musicae.core.autoencoder import Autoencoder
    from musicae.core.directions import Directions
    from musicae.core.priors import FittedMixture
    from musicae.images.model import ImageModel
    from musicae.music.model import MusicModel
    from musicae.presets import Preset

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT = "melody-2bar"
Shipped = Literal["melody-2bar", "melody-16bar", "pianoroll-2bar", "drums-2bar", "trio-16bar", "groove-2bar"]


@overload
def load(model: Shipped = ..., device: str = ...) -> MusicModel: ...


@overload
def load(model: str | Path, device: str = ...) -> MusicModel | ImageModel: ...


def load(model: str | Path = DEFAULT, device: str = "cpu") -> MusicModel | ImageModel:
    """A trained model, ready for use.

    Args:
        model: the name of one that ships (`musicae.models` lists them), or a folder that training wrote.
        device: where its weights go, e.g. `"cuda"`.

    Raises:
        CheckpointError: there is no such model, or its folder is damaged.
        ConfigError: its settings are not known here, or there is no such device.
    """
    from musicae.core import checkpoints
    from musicae.core.directions import Directions
    from musicae.core.priors import FittedMixture

    folder = find(model)
    _try(device)
    preset = read_preset(folder)
    most = checkpoints.stored_numbers(folder) + checkpoints.SPARE
    try:
        with checkpoints.Unfilled(most):
            network = build_network(preset)
    except ConfigError as error:
        raise ConfigError(f"{folder}/{checkpoints.CONFIG}: {error}") from error
    checkpoints.read_weights(folder, network)
    metrics = checkpoints.read_metrics(folder)
    prior = FittedMixture.load(folder, preset.latent) if preset.prior else None
    loaded = of(preset, network, metrics, folder, prior, Directions.load(folder, preset.latent))
    loaded.to(device)
    if preset.musical:
        from musicae.music.latent.reranking import Reranker

        loaded.reranker = Reranker.load(folder, preset.representation)
    return loaded


def load_music(model: str | Path = DEFAULT, device: str = "cpu") -> MusicModel:
    """As `load`, of a model of music.

    Raises:
        ConfigError: also if it is a model of pictures.
    """
    from musicae.music.model import MusicModel

    loaded = load(model, device)
    if not isinstance(loaded, MusicModel):
        raise ConfigError(f"{model} is a model of pictures: load it with musicae.load_images")
    return loaded


def load_images(model: str | Path, device: str = "cpu") -> ImageModel:
    """As `load`, of a model of pictures.

    Raises:
        ConfigError: also if it is a model of music.
    """
    from musicae.images.model import ImageModel

    loaded = load(model, device)
    if not isinstance(loaded, ImageModel):
        raise ConfigError(f"{model} is a model of music: load it with musicae.load_music")
    return loaded


def find(model: str | Path) -> Path:
    """The folder of a model.

    Raises:
        CheckpointError: there is none, with what to do.
    """
    from musicae.registry import preset_names

    folder = Path(model)
    if os.path.exists(folder / "config.json"):  # noqa: PTH110 (of names that no file can have too)
        return folder
    if os.path.exists(PRETRAINED / str(model) / "config.json"):  # noqa: PTH110
        return PRETRAINED / str(model)
    if os.path.exists(folder):  # noqa: PTH110
        raise CheckpointError(f"{model}: no config.json in it, so it is not a model folder")
    if str(model) in preset_names():
        raise CheckpointError(
            f"{model} has no weights here: train it with `python -m musicae.train {model}`, "
            f"then give --model runs/{model}"
        )
    raise CheckpointError(str(ConfigError.unknown("model or folder", str(model), presets_here())))


def here() -> dict[str, Path]:
    """The folders of the models on this machine by what a user types: those that ship, and those in runs/."""
    shipped = {path.parent.name: path.parent for path in sorted(PRETRAINED.glob("*/config.json"))}
    with suppress(OSError):  # a folder that may not be listed
        return shipped | {str(path.parent): path.parent for path in sorted(Path("runs").glob("*/config.json"))}
    return shipped


def presets_here() -> dict[str, Preset]:
    """The settings of the models on this machine by what a user types; those that cannot be read are left out."""
    found = {}
    for name, folder in here().items():
        with suppress(Error):
            found[name] = read_preset(folder)
    return found


def read_preset(folder: Path) -> Preset:
    """The settings in a model folder.

    Raises:
        CheckpointError: it has none that can be read.
        ConfigError: they hold something unknown.
    """
    from musicae.core.json_files import CONFIG, read_json
    from musicae.presets import Preset
    from musicae.registry import read_settings

    config = read_json(folder, CONFIG)
    if "preset" not in config:
        raise CheckpointError(f"{folder}/config.json has no preset in it: it is not a model of musicae")
    try:
        preset = read_settings(config["preset"])
    except ConfigError as error:
        raise ConfigError(f"{folder}/{CONFIG}: {error}") from error
    if not isinstance(preset, Preset):
        raise CheckpointError(f"{folder}/{CONFIG}: no settings of a model")
    return preset


def write_settings(folder: Path, preset: Preset) -> None:
    """Write a model folder's `config.json`.

    Raises:
        ConfigError: they hold a class that is not registered.
    """
    from musicae import registry
    from musicae.core import checkpoints

    content = {"format": FORMAT, "preset": registry.write_settings(preset)}
    checkpoints.write_json(folder, checkpoints.CONFIG, content)


def build_network(preset: Preset) -> Autoencoder:
    """The networks of a preset with fresh weights (seed them with `torch.manual_seed`).

    Raises:
        ConfigError: its settings do not go together, or ask for more memory than there is.
    """
    from musicae.core.autoencoder import build
    from musicae.core.configuration import in_words

    with in_words(f"{preset.name}: no network can be built of these settings"):
        spec = preset.representation.example_spec
        return build(preset.network, spec, preset.latent, preset.bottleneck, preset.conditioning)


def parameters(preset: Preset) -> int:
    """How many numbers training changes; nothing is computed for it."""
    import torch

    from musicae.core.checkpoints import Unfilled

    with torch.device("meta"), Unfilled():  # drawing weights on this device imports torch's compiler
        return build_network(preset).size


def of(
    preset: Preset,
    network: Autoencoder,
    metrics: dict | None = None,
    folder: Path | None = None,
    prior: FittedMixture | None = None,
    directions: Directions | None = None,
) -> MusicModel | ImageModel:
    """The model of songs or of pictures around a network."""
    kind = _kind(preset)
    return kind(preset, network, metrics, folder, prior, directions)


def _kind(preset: Preset) -> type[MusicModel | ImageModel]:
    if preset.musical:
        from musicae.music.model import MusicModel

        return MusicModel
    from musicae.images.model import ImageModel

    return ImageModel


def _try(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        ConfigError: it does not.
    """
    import torch

    try:
        torch.zeros(1).to(device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        known = "cuda" if torch.cuda.is_available() else "cpu"
        raise ConfigError(f"device {device!r} cannot be used here; try --device {known}") from error
