"""Training by name: a preset, data, and a folder in which a model grows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from musicae.core import checkpoints
from musicae.core.configuration import from_data
from musicae.core.data import Examples, shuffled
from musicae.core.directions import DIRECTIONS
from musicae.core.model import Model
from musicae.core.objectives import Elbo
from musicae.core.priors import FittedMixture
from musicae.core.reports import METRICS_TABLE, whole_rows
from musicae.core.schedules import Constant, Decay, Linear, Saturating, WarmupCosine
from musicae.core.training import STATE, Trainer, make_accelerator
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.loading import build_network, find, of, read_preset, write_settings
from musicae.migration import migrated
from musicae.presets import KINDS, Preset, cosine

CORPUS = "corpus"
SOURCES = "sources.json"
INDEX = "index.json"  # of a corpus
ALL_TEST = (0.0, 0.0, 1.0)
LIKELIHOODS = 2000  # of pictures that are bounded at the end of training; `evaluate` bounds all
RANGES = {
    **dict.fromkeys(("steps", "batch_size", "validate_every"), (1, 10**9)),
    "seed": (0, 2**63 - 1),
    "learning_rate": (1e-9, 10.0),
    "beta": (0.0, 1e6),
}
PEAKS = {WarmupCosine: "peak", Constant: "value", Linear: "start", Decay: "start"}  # of the learning rate
FINALS = {Linear: "end", Saturating: "maximum", Constant: "value"}  # of the weight of the rate


class Splits(NamedTuple):
    """Examples to learn from, to choose by, and to measure on; a sentence on where they come from; and the names of
    the classes of pictures, by label."""

    train: Examples
    validation: Examples
    test: Examples
    report: str
    classes: tuple[str, ...] = ()


def fit(
    preset: Preset,
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    *,
    init: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    device: str | None = None,
    quiet: bool = False,
    say=print,
) -> Model:
    """Train a preset and measure it on held-out data.

    Args:
        preset: what to train; on `resume` the settings in the folder are taken instead.
        data: folders, archives or files; none for the preset's own embedded data, or, on `resume`, for those that the
            run was begun with.
        out: the folder that is written; None for `runs/NAME`.
        init: a model, by its name or folder, whose weights training begins with: fine-tuning.
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
    preset, data = _taken_up(folder, preset) if resume else (_free(folder, preset, force), list(map(str, data)))
    accelerator = make_accelerator(device, preset.training.precision)
    with accelerator.main_process_first():
        if accelerator.is_main_process and not resume:
            _clear(folder, data)
        splits = open_data(preset, data, folder / CORPUS, quiet=quiet)
    if not len(splits.train) or not len(splits.validation):
        raise DataError(f"too little to train on and to validate: give more than one song or picture. {splits.report}")
    if accelerator.is_main_process:
        say(splits.report)
        write_settings(folder, preset)
        checkpoints.write_json(folder, SOURCES, {"sources": data} | ({"init": str(init)} if init else {}))
    torch.manual_seed(preset.training.seed)
    network = build_network(preset)
    if init and not resume:
        checkpoints.read_weights(find(init), network)
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
    try:
        state = trainer.run(resume)
    except KeyboardInterrupt:
        if accelerator.is_main_process:
            say("stopped; the state is saved: go on with --resume")
        raise
    if accelerator.is_main_process and len(splits.test):
        say(f"trained; measuring on {len(splits.test):,} held-out examples, which may take minutes")
    return _measured(preset, folder, splits, state, accelerator, quiet)


class Counted(NamedTuple):
    """What a preset finds in some data.

    Args:
        report: a paragraph.
        reasons: why files were skipped, and how many each time, a line each.
        train, validation, test: the number of examples of each part.
    """

    report: str
    reasons: list[str]
    train: int
    validation: int
    test: int


def count(preset: Preset, data: Sequence[str | Path] = (), *, quiet: bool = False) -> Counted:
    """What a preset would be trained on; nothing is trained, and nothing written.

    Args:
        preset: what cuts songs into windows, or fits pictures.
        data: as for `fit`.
        quiet: show no progress.

    Raises:
        DataError: there is nothing.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / CORPUS
        splits = open_data(preset, data, folder, quiet=quiet)
        skipped = checkpoints.read_json(folder, INDEX)["skipped"] if (folder / INDEX).exists() else {}
        reasons = [f"{number:,} {reason}" for reason, number in skipped.items()]
        parts = (splits.train, splits.validation, splits.test)
        return Counted(splits.report, reasons, *map(len, parts))


def open_data(
    preset: Preset, data: Sequence[str | Path], folder: Path, *, quiet: bool = False, held_out: bool = False
) -> Splits:
    """The examples of a preset.

    Args:
        preset: whose representation cuts songs into windows, or fits pictures.
        data: sources; a folder that holds a corpus is taken as it is; none for the preset's own.
        folder: where a corpus of music is written, or taken up if it is there.
        quiet: show no progress.
        held_out: nothing of the data has been seen: all of it is test, unless it comes already split or is the
            preset's own, of which the model has seen a part.

    Raises:
        DataError: there are no examples.
    """
    if not data and preset.data is None:
        raise DataError(f"{preset.name} needs data: {_what_to_give(preset)}")
    sources = [str(source) for source in data] or [preset.data]
    held_out = held_out and sources != [preset.data]
    return (_music if preset.musical else _pictures)(preset, sources, folder, quiet, held_out)


def _music(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.music.data.corpus import Corpus, build
    from musicae.music.data.windows import Windows

    existing = [path for path in (*map(Path, sources), folder) if (path / INDEX).exists()]
    if existing and len(sources) > 1 and existing != [folder]:
        raise DataError(f"{existing[0]} is a corpus, which has its own parts: give no other data beside it")
    if existing:
        corpus = Corpus.open(existing[0])
        _check_kind(corpus, preset)
    else:
        fractions = ALL_TEST if held_out else (0.9, 0.05, 0.05)
        corpus = build(sources, preset.representation, folder, track=preset.track, fractions=fractions, quiet=quiet)
    more = {"train": {"transpose": preset.transpose, "augmentations": preset.augmentations}}
    parts = (
        Windows(windows, preset.representation, songs=corpus.songs[split], **more.get(split, {}))
        for split, windows in corpus.windows.items()
    )
    return Splits(*parts, corpus.report())


def _check_kind(corpus, preset: Preset) -> None:
    """Refuse a corpus that was cut for another kind of model.

    Raises:
        DataError: it was.
    """
    try:
        cut_for = from_data(
            migrated(corpus.index.get("representation")), KINDS
        )  # what is not in it had its default then
    except ConfigError:
        cut_for = None
    if cut_for != preset.representation:
        raise DataError(f"{corpus.folder} is a corpus cut for another kind of model than {preset.name}: give the music")


def _pictures(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.images.datasets import open_pictures

    if len(sources) > 1:
        raise DataError(f"{len(sources)} sources of pictures: give one folder, archive or file")
    fractions = ALL_TEST if held_out else (0.8, 0.1, 0.1)
    splits = open_pictures(sources[0], preset.representation, seed=preset.training.seed, fractions=fractions)
    if preset.label_classes:
        splits = splits.with_label_conditions(preset.label_classes)
    return Splits(splits.train, splits.validation, splits.test, splits.report(), splits.classes)


def _what_to_give(preset: Preset) -> str:
    if preset.musical:
        return "--data FOLDER with MIDI files, or an archive of them, or music21"
    from musicae.images.datasets import EXPECTED

    return EXPECTED


def _free(folder: Path, preset: Preset, force: bool) -> Preset:
    """The preset, if nothing stands in the way of a new run.

    Raises:
        Error: the folder holds a run or a model.
    """
    if (folder / STATE).exists() and not force:
        raise Error(f"{folder} holds a run: go on with --resume, start anew with --force, or name another --out")
    if (folder / checkpoints.WEIGHTS).exists() and not force:
        raise Error(f"{folder} holds a model: start anew with --force, or name another --out")
    if folder.exists() and not folder.is_dir():
        raise Error(f"{folder} is a file: name a folder with --out")
    return preset


def _taken_up(folder: Path, preset: Preset) -> tuple[Preset, list[str]]:
    """The settings and the data that a run was begun with.

    Raises:
        CheckpointError: there is none, or it is a run of another preset.
    """
    if not (folder / STATE).exists():
        raise CheckpointError(f"{folder}: nothing to resume there; train without --resume first")
    begun = read_preset(folder)
    if begun.name != preset.name:
        raise CheckpointError(f"{folder} holds a run of {begun.name}, not of {preset.name}")
    return begun, trained_on(folder)


def trained_on(folder: Path) -> list[str]:
    """The data that a run was begun with; none where it took the preset's own, or where nothing is known of it."""
    return checkpoints.read_json(folder, SOURCES)["sources"] if (folder / SOURCES).exists() else []


def training_table(folder: Path) -> list[dict[str, str]]:
    """What a run wrote of itself: the rows of its `metrics.csv`, by column (`musicae.core.reports.COLUMNS`).

    Raises:
        CheckpointError: there is none.
    """
    if not (folder / METRICS_TABLE).exists():
        raise CheckpointError(f"{folder}: no {METRICS_TABLE} in it, which training writes: name the folder of a run")
    return whole_rows(folder / METRICS_TABLE)


def _clear(folder: Path, data: list[str]) -> None:
    """Remove what another run left, for none of it goes with the new one; but not a corpus that it is to read."""
    from musicae.music.latent.reranking import RERANKER

    left = [folder / name for name in (STATE, checkpoints.WEIGHTS, checkpoints.METRICS, DIRECTIONS, RERANKER)]
    if (folder / CORPUS).resolve() not in [Path(source).resolve() for source in data]:
        left.append(folder / CORPUS / INDEX)
    for path in left:
        path.unlink(missing_ok=True)


def _measured(preset: Preset, folder: Path, splits: Splits, state, accelerator, quiet: bool) -> Model:
    """The best averaged model, with its figures on the test split written beside it, and pictures of a latent plane."""
    accelerator.wait_for_everyone()
    network = build_network(preset)
    checkpoints.read_weights(folder, network)
    model = of(preset, network, folder=folder).to(accelerator.device)
    if accelerator.is_main_process and preset.prior:
        model.prior = fitted_prior(model, splits.train)
        model.prior.save(folder)
    if accelerator.is_main_process and preset.musical and model.parallel:  # step by step it would take an hour
        steer(model, splits.train)
        choose(model, splits.train)
    if accelerator.is_main_process and len(splits.test):
        quickly = {} if preset.musical else {"most": LIKELIHOODS}
        hidden = quiet or not sys.stderr.isatty()
        with tqdm(desc="measuring", unit=" decodes", disable=hidden, leave=False) as bar:
            measured = figures(model, splits, progress=bar.update, **quickly)
        trained = {"steps": state.step, "seconds": round(state.seconds), "skipped": state.skipped}
        model.metrics = measured | {"trained": trained}
        checkpoints.write_json(folder, checkpoints.METRICS, model.metrics)
        if not preset.musical and preset.latent == 2:
            from musicae.images.figures import save_plane

            save_plane(model, splits.test, folder, splits.classes)
    return model


def fitted_prior(model: Model, examples: Examples) -> FittedMixture:
    """The prior that a preset asks for, fitted to the codes of training examples."""
    settings, seed = model.preset.prior, model.preset.training.seed
    return settings.fit(encoded(model, examples, settings.examples), seed)


def steer(model: Model, examples: Examples) -> None:
    """Fit the directions of a model of music to training examples, and write them into its folder.

    Where none can be fitted, those that were there are removed.
    """
    from musicae.music.latent.steering import fitted

    (model.folder / DIRECTIONS).unlink(missing_ok=True)
    model.directions = fitted(model, examples.array, model.preset.training.seed)
    if model.directions:
        model.directions.save(model.folder)


def choose(model: Model, examples: Examples) -> None:
    """Fit what chooses among new clips of a model of music to training examples, and write it into its folder.

    Where it cannot be fitted, what was there is removed.
    """
    from musicae.music.latent.reranking import RERANKER, fitted

    (model.folder / RERANKER).unlink(missing_ok=True)
    model.reranker = fitted(model, examples.array, model.preset.training.seed)
    if model.reranker:
        model.reranker.save(model.folder)


def encoded(model: Model, examples: Examples, most: int) -> np.ndarray:
    """The codes `[n, latent]` of at most so many examples, which the seed of the model's training chooses."""
    chosen = shuffled(len(examples), min(most, len(examples)), model.preset.training.seed, 0)
    batches = (examples.batch(part) for part in np.array_split(chosen, -(-len(chosen) // 512)))
    return np.concatenate([model.to_latent(batch.x, condition=batch.condition) for batch in batches])


def figures(model: Model, splits: Splits, part: str = "test", **options: Any) -> dict:
    """What `metrics.json` says: the figures of a part of the data, and which data these are.

    Args:
        model: the model.
        splits: the data; where there are training pictures, what pictures are measured against is fitted to them.
        part: which part is measured: `"train"`, `"validation"`, `"test"`.
        options: of the model's `evaluate`.
    """
    known = {} if model.preset.musical or part == "train" or not len(splits.train) else {"known": splits.train}
    return {"data": splits.report, "held_out": model.evaluate(getattr(splits, part), **known, **options)}


def changed(preset: Preset, **changes: Any) -> Preset:
    """A preset with some of its training settings changed; those that are None stay.

    Warm-ups keep their share of the steps.

    Args:
        preset: the preset.
        changes: `steps`, `batch_size`, `seed`, `precision`: fields of `Training`; `learning_rate`: the peak;
            `beta`: the final weight of the rate.

    Raises:
        ConfigError: a value that cannot work.
    """
    changes = {key: value for key, value in changes.items() if value is not None}
    for name, (lowest, highest) in RANGES.items():
        if not lowest <= changes.get(name, lowest) <= highest:
            raise ConfigError(f"{name} {changes[name]}: it must lie between {lowest:,} and {highest:,}")
    beta, peak = changes.pop("beta", None), changes.pop("learning_rate", None)
    settings = replace(preset.training, **changes)
    rate, objective = settings.learning_rate, preset.objective
    objective = _stretched(objective, settings.steps / preset.training.steps)
    if isinstance(rate, WarmupCosine):
        rate = cosine(settings.steps, rate.peak)
    if peak is not None:
        rate = replace(rate, **{PEAKS[type(rate)]: peak, **({"final": peak / 100} if hasattr(rate, "final") else {})})
    if beta is not None and not isinstance(objective, Elbo):
        raise ConfigError(f"{preset.name} has no rate to weigh: leave --beta out")
    if beta is not None:
        objective = replace(objective, beta=replace(objective.beta, **{FINALS[type(objective.beta)]: beta}))
    return replace(preset, training=replace(settings, learning_rate=rate), objective=objective)


def _stretched(objective, share: float):
    """An objective whose straight rises take so many times the steps."""
    rises = {name: value for name, value in vars(objective).items() if isinstance(value, Linear)}
    ends = {name: {"first": round(r.first * share), "last": round(r.last * share)} for name, r in rises.items()}
    return replace(objective, **{name: replace(rise, **ends[name]) for name, rise in rises.items()})
