"""Training by name: a preset, data, and the folder of a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from musicae import skipped
from musicae.after_training import figures, fit_directions, fit_prior, fit_reranker
from musicae.core import checkpoints
from musicae.core.directions import DIRECTIONS
from musicae.core.model import Model
from musicae.core.priors import PRIOR
from musicae.core.processes import end_group, first_process_first, is_first
from musicae.core.reports import METRICS_TABLE, whole_rows
from musicae.core.run_state import PREVIOUS, STATE, locked
from musicae.core.training import State, Task, Trainer, make_accelerator
from musicae.datasets import CORPUS, INDEX, Splits, open_data
from musicae.errors import CheckpointError, DataError, Error
from musicae.files import safe_name
from musicae.loading import build_network, find, of, read_preset, write_settings
from musicae.presets import Preset

if TYPE_CHECKING:
    from accelerate import Accelerator

SOURCES = "sources.json"
LIKELIHOODS = 2000  # of pictures that are bounded at the end of training; `evaluate` bounds all
Say = Callable[[str], Any] | None


def fit(
    preset: Preset,
    data: Sequence[str | Path] = (),
    out: str | Path | None = None,
    *,
    init: str | Path | None = None,
    force: bool = False,
    device: str | None = None,
    say: Say = print,
) -> Model:
    """Train a preset and measure it on held-out data.

    Args:
        preset: what to train.
        data: folders, archives or files; none for the preset's own embedded data.
        out: the folder that is written; None for `runs/NAME`.
        init: a model, by its name or folder, whose weights training begins with: fine-tuning.
        force: start anew in a folder that holds a run.
        device: `"cpu"`, `"cuda"`, ...; None for the best there is.
        say: called with sentences on what is done; None for neither sentences nor progress bars.

    Raises:
        Error: the folder holds a run already, the data hold nothing, ...
        KeyboardInterrupt: stopped by the user; the state is on disk.
    """
    folder, sources = _folder(preset, out), list(map(str, data))
    _refuse_existing(folder, force)
    run = _Run(preset, folder, sources, device, say)
    if init:
        _check_fits(init, preset)
    with run.locked():
        _refuse_existing(folder, force)
        splits = run.open_data(clear=True)
        if is_first():
            write_settings(folder, preset)
            checkpoints.write_json(folder, SOURCES, {"sources": sources} | ({"init": str(init)} if init else {}))
        return run.train(splits, init=init)


def resume(preset: Preset, out: str | Path | None = None, *, device: str | None = None, say: Say = print) -> Model:
    """Go on with a run where it stopped, with the settings and the data that it was begun with; see `fit`.

    Args:
        preset: the preset of the run, which only names it.
        out: its folder; None for `runs/NAME`.
        device: as for `fit`.
        say: as for `fit`.

    Raises:
        CheckpointError: there is none, or it is a run of another preset.
        KeyboardInterrupt: stopped by the user; the state is on disk.
    """
    folder = _folder(preset, out)
    if not (folder / STATE).exists():
        raise CheckpointError(f"{folder}: nothing to resume there; train without --resume first")
    begun = read_preset(folder)
    if begun.name != preset.name:
        raise CheckpointError(f"{folder} holds a run of {begun.name}, not of {preset.name}")
    run = _Run(begun, folder, trained_on(folder), device, say)
    with run.locked():
        return run.train(run.open_data(), resume=True)


def trained_on(folder: Path) -> list[str]:
    """The data that a run was begun with; none where it took the preset's own, or where nothing is known of it.

    Raises:
        CheckpointError: the file that says so is damaged.
    """
    sources = checkpoints.read_json(folder, SOURCES).get("sources") if (folder / SOURCES).exists() else []
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise CheckpointError(f"{folder / SOURCES}: damaged; start anew with --force")
    return sources


def training_table(folder: Path) -> list[dict[str, str]]:
    """The rows of the `metrics.csv` of a run, by column (`musicae.core.reports.COLUMNS`).

    Raises:
        CheckpointError: there is none.
    """
    if not (folder / METRICS_TABLE).exists():
        raise CheckpointError(f"{folder}: no {METRICS_TABLE} in it, which training writes: name the folder of a run")
    return whole_rows(folder / METRICS_TABLE)


@dataclass(frozen=True)
class _Run:
    """The training of a preset on data, in a folder; the arguments as those of `fit`."""

    preset: Preset
    folder: Path
    data: list[str]
    device: str | None
    say: Say

    @cached_property
    def accelerator(self) -> Accelerator:
        """The processes and the device."""
        return make_accelerator(self.device, self.preset.training.precision)

    def locked(self) -> AbstractContextManager:
        """The folder, in which no other run trains meanwhile; the first process holds it for all."""
        return locked(self.folder) if is_first() else nullcontext()

    def report(self, sentence: str) -> None:
        """Say something, once for all processes."""
        if self.say and is_first():
            self.say(sentence)

    def open_data(self, clear: bool = False) -> Splits:
        """The examples; `clear` first removes what an earlier run left in the folder.

        Raises:
            DataError: there are too few.
        """
        with first_process_first():  # before the processes form a group: none may wait in it for hours
            if clear and is_first():
                _clear(self.folder, self.data)
            splits = open_data(self.preset, self.data, self.folder / CORPUS, quiet=self.say is None)
        if not len(splits.train) or not len(splits.validation):
            needed = "too little to train on and to validate: give more than one song or picture"
            raise DataError(f"{needed}. {splits.report}")
        self.report(splits.report)
        if splits.skipped:
            self.report(skipped.sentence(splits.skipped))
        return splits

    def train(self, splits: Splits, *, init: str | Path | None = None, resume: bool = False) -> Model:
        """Train to the end, and measure the best weights."""
        torch.manual_seed(self.preset.training.seed)
        network = build_network(self.preset)
        if init:
            checkpoints.read_weights(find(init), network)
        trainer = Trainer(
            Task(network, self.preset.objective, self.preset.corruption),
            (splits.train, splits.validation),
            self.preset.training,
            self.folder,
            save=lambda averaged, row: checkpoints.write_weights(self.folder, averaged),
            device=self.device,
            quiet=self.say is None,
        )
        try:
            state = trainer.run(resume)
        except KeyboardInterrupt:
            if is_first() and not (self.folder / checkpoints.WEIGHTS).exists():
                checkpoints.write_weights(self.folder, trainer.state.average.module)  # so that it can be listened to
            self.accelerator.wait_for_everyone()  # torchrun ends all as soon as one has ended
            self.report("stopped; the state is saved: go on with --resume")
            raise
        self.accelerator.wait_for_everyone()
        end_group()  # what follows is done by the first process alone
        return self._finished(splits, state)

    def _finished(self, splits: Splits, state: State) -> Model:
        """The model of the best weights, with what is fitted to its codes and its held-out figures in the folder."""
        network = build_network(self.preset)
        checkpoints.read_weights(self.folder, network)
        model = of(self.preset, network, folder=self.folder).to(self.accelerator.device)
        if is_first():
            if len(splits.test):
                self.report(f"trained; measuring on {len(splits.test):,} held-out examples, which may take minutes")
            if self.preset.prior:
                fit_prior(model, splits.train, self.report)
            if self.preset.musical and model.parallel:  # step by step it would take an hour
                fit_directions(model, splits.train)
                fit_reranker(model, splits.train)
            if len(splits.test):
                self._measure(model, splits, state)
        return model

    def _measure(self, model: Model, splits: Splits, state: State) -> None:
        """Write the figures on the test split, and pictures of a latent plane."""
        quickly = {} if self.preset.musical else {"most": LIKELIHOODS}
        hidden = self.say is None or not sys.stderr.isatty()
        with tqdm(desc="measuring", unit=" decodes", disable=hidden, leave=False) as bar:
            measured = figures(model, splits, progress=bar.update, **quickly)
        trained = {"steps": state.step, "seconds": round(state.seconds), "skipped": state.skipped}
        model.metrics = measured | {"trained": trained}
        checkpoints.write_json(self.folder, checkpoints.METRICS, model.metrics)
        if not self.preset.musical and self.preset.latent == 2:
            from musicae.images.figures import save_plane

            save_plane(model, splits.test, self.folder, splits.classes)


def _folder(preset: Preset, out: str | Path | None) -> Path:
    return Path(out) if out else Path("runs") / safe_name(preset.name)


def _refuse_existing(folder: Path, force: bool) -> None:
    """Find out before the work whether a new run would overwrite something.

    Raises:
        Error: the folder holds a run or a model, or is a file.
    """
    if (folder / STATE).exists() and not force:
        raise Error(f"{folder} holds a run: go on with --resume, start anew with --force, or name another --out")
    if (folder / checkpoints.WEIGHTS).exists() and not force:
        raise Error(f"{folder} holds a model: start anew with --force, or name another --out")
    if folder.exists() and not folder.is_dir():
        raise Error(f"{folder} is a file: name a folder with --out")


def _check_fits(init: str | Path, preset: Preset) -> None:
    """Find out before the work whether training can begin with the weights of a model.

    Raises:
        CheckpointError: there is no such model, it is damaged, or of other sizes.
    """
    with checkpoints.Unfilled():
        network = build_network(preset)
    checkpoints.read_weights(find(init), network)


def _clear(folder: Path, data: list[str]) -> None:
    """Remove what another run left, which would not fit the new one; but not a corpus that this one is to read."""
    from musicae.music.latent.reranking import RERANKER

    names = (STATE, PREVIOUS, checkpoints.WEIGHTS, checkpoints.METRICS, PRIOR, DIRECTIONS, RERANKER)
    left = [folder / name for name in names]
    if (folder / CORPUS).resolve() not in [Path(source).resolve() for source in data]:
        left.append(folder / CORPUS / INDEX)
    for path in left:
        path.unlink(missing_ok=True)
