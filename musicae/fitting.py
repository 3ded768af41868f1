"""Training by name: a preset, data, and a folder in which a model grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from musicae.core import checkpoints
from musicae.core.data import Examples
from musicae.core.model import Model
from musicae.core.objectives import Elbo
from musicae.core.schedules import Constant, Linear, WarmupCosine
from musicae.core.training import STATE, Trainer, make_accelerator
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.loading import build_network, of, read_preset, write_settings
from musicae.presets import Preset, cosine

CORPUS = "corpus"


class Splits(NamedTuple):
    """Examples to learn from, to choose by, and to measure on; and a sentence on where they come from."""

    train: Examples
    validation: Examples
    test: Examples
    report: str


def fit(
    preset: Preset,
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    device: str | None = None,
    quiet: bool = False,
    say=print,
) -> Model:
    """Train a preset and measure it on held-out data.

    Args:
        preset: what to train; on `resume` the settings in the folder are taken instead.
        data: folders, archives or files; none for the preset's own embedded data.
        out: the folder that is written; None for `runs/NAME`.
        resume: go on where an earlier run in that folder stopped.
        force: start anew in a folder that holds a run.
        device: `"cpu"`, `"cuda"`, ...; None for the best there is.
        quiet: show no progress.
        say: called with sentences on what is done.

    Raises:
        Error: the folder holds a run already, the data hold nothing, ...
        KeyboardInterrupt: stopped by the user; the state is on disk.
    """
    folder = Path(out) if out else Path("runs") / preset.name
    preset = _prepare(folder, preset, resume, force)
    accelerator = make_accelerator(device, preset.training.precision)
    with accelerator.main_process_first():
        splits = open_data(preset, data, folder / CORPUS, quiet=quiet)
    if accelerator.is_main_process:
        say(splits.report)
        write_settings(folder, preset)
    torch.manual_seed(preset.training.seed)
    network = build_network(preset)
    trainer = Trainer(
        network,
        preset.objective,
        splits.train,
        splits.validation,
        preset.training,
        folder,
        corruption=preset.corruption,
        save=lambda averaged, row: checkpoints.write_weights(folder, averaged),
        device=device,
        quiet=quiet,
    )
    state = trainer.run(resume)
    return _measured(preset, folder, splits, state, accelerator)


def open_data(
    preset: Preset, data: Sequence[str | Path], folder: Path, *, quiet: bool = False, held_out: bool = False
) -> Splits:
    """The examples of a preset.

    Args:
        preset: whose representation cuts songs into windows, or fits pictures.
        data: sources; a folder that holds a corpus is taken as it is; none for the preset's own.
        folder: where a corpus of music is written, or taken up if it is there.
        quiet: show no progress.
        held_out: nothing of the data has been seen: all of it is test, unless it comes already split.

    Raises:
        DataError: there are no examples.
    """
    if not data and preset.data is None:
        raise DataError(f"{preset.name} needs data: {_what_to_give(preset)}")
    sources = [str(source) for source in data] or [preset.data]
    return (_music if preset.musical else _pictures)(preset, sources, folder, quiet, held_out)


def _music(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.music.corpus import Corpus, build
    from musicae.music.windows import Windows

    existing = next((path for path in (Path(sources[0]), folder) if (path / "index.json").exists()), None)
    if existing:
        corpus = Corpus.open(existing)
    else:
        fractions = (0.0, 0.0, 1.0) if held_out else (0.9, 0.05, 0.05)
        corpus = build(sources, preset.representation, folder, track=preset.track, fractions=fractions, quiet=quiet)
    heard = (corpus.train, corpus.validation, corpus.test)
    moves = (preset.transpose, (0, 0), (0, 0))
    return Splits(*(Windows(a, preset.representation, m) for a, m in zip(heard, moves, strict=True)), corpus.report())


def _pictures(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.images.datasets import open_pictures

    if len(sources) > 1:
        raise DataError(f"{len(sources)} sources of pictures: give one folder, archive or file")
    splits = open_pictures(sources[0], preset.representation, seed=preset.training.seed)
    return Splits(splits.train, splits.validation, splits.test, splits.report())


def _what_to_give(preset: Preset) -> str:
    if preset.musical:
        return "--data FOLDER with MIDI files, or an archive of them, or music21"
    from musicae.images.datasets import EXPECTED

    return EXPECTED


def _prepare(folder: Path, preset: Preset, resume: bool, force: bool) -> Preset:
    """Refuse to write over a run; on resume, the settings that it was begun with."""
    begun = (folder / STATE).exists()
    if resume:
        if not begun:
            raise CheckpointError(f"{folder}: nothing to resume there; train without --resume first")
        return read_preset(folder)
    if begun and not force:
        raise Error(f"{folder} holds a run: go on with --resume, start anew with --force, or name another --out")
    return preset


def _measured(preset: Preset, folder: Path, splits: Splits, state, accelerator) -> Model:
    """The best averaged model, with its figures on the test split written beside it."""
    accelerator.wait_for_everyone()
    network = build_network(preset)
    checkpoints.read_weights(folder, network)
    model = of(preset, network, folder=folder)
    if accelerator.is_main_process and len(splits.test):
        model.metrics = figures(model, splits.test, splits.report) | {
            "trained": {"steps": state.step, "seconds": round(state.seconds), "skipped": state.skipped}
        }
        checkpoints.write_json(folder, checkpoints.METRICS, model.metrics)
    return model


def figures(model: Model, examples: Examples, report: str, **options: Any) -> dict:
    """What `metrics.json` says: the figures of held-out examples, and which these are."""
    return {"data": report, "held_out": model.evaluate(examples, **options)}


def changed(preset: Preset, **changes: Any) -> Preset:
    """A preset with some of its training settings changed; those that are None stay.

    Args:
        preset: the preset.
        changes: `steps`, `batch_size`, `seed`, `precision`: fields of `Training`; `learning_rate`: the peak;
            `beta`: the final weight of the rate.
    """
    changes = {key: value for key, value in changes.items() if value is not None}
    beta, peak = changes.pop("beta", None), changes.pop("learning_rate", None)
    training = replace(preset.training, **changes)
    schedule = training.learning_rate
    if isinstance(schedule, WarmupCosine):
        schedule = cosine(training.steps, peak or schedule.peak)
    elif peak:
        schedule = replace(schedule, start=peak)
    preset = replace(preset, training=replace(training, learning_rate=schedule))
    if beta is None:
        return preset
    if not isinstance(preset.objective, Elbo):
        raise ConfigError(f"{preset.name} has no rate to weigh: leave --beta out")
    old = preset.objective.beta
    weight = replace(old, end=beta) if isinstance(old, Linear) else Constant(beta)
    return replace(preset, objective=replace(preset.objective, beta=weight))
