"""Models by name: the ones that ship with the package, and folders that training wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from musicae.core.configuration import from_data, to_data
from musicae.errors import CheckpointError, ConfigError
from musicae.migration import FORMAT, migrated

if TYPE_CHECKING:
    from musicae.core.autoencoder import Autoencoder
    from musicae.core.directions import Directions
    from musicae.core.model import Model
    from musicae.core.priors import FittedMixture
    from musicae.presets import Preset

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
    from musicae.core import checkpoints
    from musicae.core.directions import Directions
    from musicae.core.priors import FittedMixture

    folder = find(model)
    _try(device)
    preset = read_preset(folder)
    with checkpoints.Unfilled():
        network = build_network(preset)
    checkpoints.read_weights(folder, network)
    metrics = checkpoints.read_json(folder, checkpoints.METRICS) if (folder / checkpoints.METRICS).exists() else {}
    prior = FittedMixture.load(folder) if preset.prior else None
    model = of(preset, network, metrics, folder, prior, Directions.load(folder)).to(device)
    if preset.musical:
        from musicae.music.choice import Choice

        model.choice = Choice.load(folder)
    return model


def find(model: str | Path) -> Path:
    """The folder of a model.

    Raises:
        CheckpointError: there is none, with what to do.
    """
    from musicae.presets import PRESETS

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
    raise CheckpointError(str(ConfigError.unknown("model or folder", str(model), here())))


def here() -> dict[str, Path]:
    """The folders of the models on this machine by what a user types: those that ship, and those in runs/."""
    shipped = {path.parent.name: path.parent for path in sorted(PRETRAINED.glob("*/config.json"))}
    return shipped | {str(path.parent): path.parent for path in sorted(Path("runs").glob("*/config.json"))}


def read_preset(folder: Path) -> Preset:
    """The settings in a model folder.

    Raises:
        CheckpointError: it has none that can be read.
        ConfigError: they hold something unknown.
    """
    from musicae.core import checkpoints
    from musicae.presets import KINDS, Preset

    config = checkpoints.read_json(folder, checkpoints.CONFIG)
    if "preset" not in config:
        raise CheckpointError(f"{folder}/config.json says nothing of a preset: it is not a model of musicae")
    try:
        preset = from_data(migrated(config["preset"]), KINDS)
    except ConfigError as error:
        raise ConfigError(f"{folder}/{checkpoints.CONFIG}: {error}") from error
    if not isinstance(preset, Preset):
        raise CheckpointError(f"{folder}/{checkpoints.CONFIG}: no settings of a model")
    return preset


def write_settings(folder: Path, preset: Preset) -> None:
    """Write a model folder's `config.json`."""
    from musicae.core import checkpoints

    checkpoints.write_json(folder, checkpoints.CONFIG, {"format": FORMAT, "preset": to_data(preset)})


def build_network(preset: Preset) -> Autoencoder:
    """The networks of a preset with fresh weights (seed them with `torch.manual_seed`)."""
    from musicae.core.autoencoder import build

    return build(
        preset.network, preset.representation.example_spec, preset.latent, preset.bottleneck, preset.conditioning
    )


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
) -> Model:
    """The model of songs or of pictures around a network."""
    if preset.musical:
        from musicae.music.model import MusicModel as Kind
    else:
        from musicae.images.model import ImageModel as Kind
    return Kind(preset, network, metrics, folder, prior, directions)


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
