"""Checkpoints of the original as models of musicae, and models of musicae for magenta.js."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from musicae.core import checkpoints
from musicae.core.configuration import in_words
from musicae.errors import CheckpointError, ConfigError, Error
from musicae.files import together
from musicae.loading import build_network, find, load, read_preset, write_settings
from musicae.music.magenta import Checkpoint, client, javascript, open_checkpoint, recognition, weights
from musicae.presets import Preset
from musicae.presets.musicvae import MUSICVAE

KITS = ("new", "old")


@dataclass(frozen=True)
class Converted:
    """What was written.

    Args:
        preset: the settings of the model.
        files: the paths.
        report: which configuration was recognised and what was chosen, in sentences.
    """

    preset: Preset
    files: list[Path]
    report: list[str]


def from_magenta(
    path: str | Path, out: str | Path, *, config: str | None = None, kit: str | None = None, force: bool = False
) -> Converted:
    """A checkpoint of the original MusicVAE as a model folder, for `musicae.load` and `train --init`.

    Args:
        path: of a TensorFlow checkpoint (prefix, folder, .tar) or of a magenta.js one (folder).
        out: the folder to write.
        config: the configuration by its name; None to recognise it.
        kit: of drums and trios, which map of drums they were trained with: `"old"` before 2019-04-24, or `"new"`; None
            to go by the checkpoint's name.
        force: overwrite a model that is there.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, or of no known configuration.
        ConfigError: there is no such configuration.
        Error: `out` holds a model already.
    """
    folder = Path(out)
    if (folder / checkpoints.CONFIG).exists() and not force:
        raise Error(f"{folder} holds a model: name another --out, or overwrite it with --force")
    checkpoint = open_checkpoint(path)
    with in_words(f"{path}: damaged, or no checkpoint of the original", CheckpointError):
        preset, about = _recognised(checkpoint, config)
        preset, about_kit = _with_kit(preset, checkpoint, kit)
        state = weights.to_musicae(checkpoint, preset)
    for name, tensor in state.items():
        checkpoints.check_finite(f"{path}: {name}", tensor)
    with torch.device("meta"):
        network = build_network(preset)
    network.load_state_dict(state, assign=True)
    report = [about, *about_kit]
    source = {"checkpoint": Path(path).name, "step": checkpoint.step, "configuration": preset.name, "report": report}
    with together():
        checkpoints.write_weights(folder, network)
        checkpoints.write_json(folder, checkpoints.METRICS, {"converted": source})
        write_settings(folder, preset)  # last: a folder without it is no model
    names = (checkpoints.CONFIG, checkpoints.WEIGHTS, checkpoints.METRICS)
    return Converted(preset, [folder / name for name in names], report)


def to_magenta_js(model: str | Path, out: str | Path, *, force: bool = False) -> Converted:
    """A model of musicae as a checkpoint of magenta.js.

    Args:
        model: a folder or name, as `musicae.load` takes it.
        out: the folder to write.
        force: overwrite files that are there.

    Raises:
        ConfigError: magenta.js cannot run such a model; says why.
        CheckpointError: there is no such model.
    """
    preset = read_preset(find(model))
    settings = client.settings(preset)
    if (Path(out) / javascript.CONFIG).exists() and not force:
        raise Error(f"{out} holds a model: name another --out, or overwrite it with --force")
    tensors = weights.from_musicae(load(model).network.state_dict(), preset)
    files = javascript.write(Path(out), tensors, settings, force=force)
    return Converted(preset, files, client.differences(preset))


def published() -> dict[str, Preset]:
    """The configurations of the original, by name."""
    return {preset.name: preset for preset in MUSICVAE}


def _recognised(checkpoint: Checkpoint, config: str | None) -> tuple[Preset, str]:
    """The preset of a checkpoint with its sizes and with strict windows, and a sentence on how it was found."""
    known = published()
    if config is not None and config not in known:
        raise ConfigError.unknown("configuration", config, known)
    if config is not None:
        preset, about = recognition.resized(known[config], checkpoint), f"taken as {config}, as asked"
    else:
        found = recognition.recognise(checkpoint, known.values())
        others = f"; it could as well be {' or '.join(found.others)}: --config chooses" if found.others else ""
        preset, about = found.preset, f"recognised as {found.preset.name}{others}"
    sizes = "" if preset.network == known[preset.name].network else f", with {_sizes(preset)}"
    return replace(preset, representation=_as_the_original(preset.representation)), about + sizes


def _sizes(preset: Preset) -> str:
    """Units and dimensions in words."""
    network = preset.network
    stacks = {"encoder": network.encoder_units, "conductor": network.conductor_units, "decoder": network.decoder_units}
    units = [f"{name} {', '.join(map(str, stack))}" for name, stack in stacks.items() if stack]
    return f"units of its own ({'; '.join(units)}) and {preset.latent} dimensions of z"


def _as_the_original(representation: Any) -> Any:
    """The representation with windows as the original makes them; of grooves with the drum map for any data set."""
    if getattr(representation, "kit", None) == "roland":
        representation = replace(representation, kit="reduced")
    return replace(representation, strict=True)


def _with_kit(preset: Preset, checkpoint: Checkpoint, kit: str | None) -> tuple[Preset, list[str]]:
    """The preset with the map of drums that a checkpoint was trained with, and a sentence on it.

    Raises:
        ConfigError: there is no such map, or the model has none.
    """
    if kit is not None and kit not in KITS:
        raise ConfigError.unknown("kit", kit, KITS)
    has_one = getattr(preset.representation, "kit", None) in KITS and getattr(preset.representation, "classes", 9) == 9
    if not has_one and kit is not None:
        raise ConfigError(f"{preset.name} has no two maps of drums to choose from: leave --kit out")
    if not has_one:
        return preset, []
    chosen = kit or recognition.kit(checkpoint)
    why = "as asked" if kit else "by its name and format; --kit chooses"
    changed = replace(preset, representation=replace(preset.representation, kit=chosen))
    return changed, [f"the {chosen} map of drums ({'before' if chosen == 'old' else 'from'} 2019-04-24), {why}"]
