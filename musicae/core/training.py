"""The one training loop: any model, any objective, any examples; one process or many; interrupted and resumed.

Everything random in step `s` is drawn from `(seed, s)`, and the order of the examples is a function of `(seed, s)` too,
so the state on disk is the weights, the optimiser, the running average and the number of steps: a run that was
killed at any moment resumes to the same weights, to the bit on a CPU.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object
from torch import nn

from musicae.core.autoencoder import Autoencoder
from musicae.core.corruptions import Corruption
from musicae.core.data import Batch, Examples, shuffled
from musicae.core.devices import compile_parts, tf32
from musicae.core.objectives import Objective, Terms
from musicae.core.optimisation import Descent, RunningAverage
from musicae.core.prefetch import prefetched
from musicae.core.processes import Agreement, Interruption, check_gpus, check_group
from musicae.core.randomness import RandomSource, SharedSource, seed_of
from musicae.core.reports import METRICS_TABLE, TERMS, Means, Table, means_of, show, tensorboard, time_left
from musicae.core.run_state import STATE, begun_with, differences, read_state, write_state
from musicae.core.settings import Training
from musicae.errors import CheckpointError, ConfigError, DataError

VALIDATION, TRAIN, DROPOUT = 1, 0, 2  # names of random streams, with the seed


class Task(nn.Module):
    """A model with the objective that it is trained on: what is wrapped for many processes is the whole of it.

    The discriminator of an objective that has one is trained with the model, and handed to the objective at every step.
    """

    def __init__(self, model: Autoencoder, objective: Objective, corruption: Corruption | None = None):
        super().__init__()
        self.model = model
        self.objective = objective
        self.corruption = corruption
        self.discriminator = objective.discriminator(model.latent)

    def forward(self, batch: Batch, step: int, random: RandomSource) -> Terms:
        """The terms of some examples at a training step."""
        corrupted = batch.x if self.corruption is None else self.corruption(batch.x, random)
        return self.objective(self.model, batch, corrupted, step, random, self.discriminator)


def multiplies_bf16(device: torch.device) -> bool:
    """Whether bf16 is faster than float32 there: GPUs, and CPUs with instructions for it."""
    if device.type == "cpu":
        able = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not tell
        return any(able.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


@dataclass
class State:
    """What a run is at a moment: all that is saved and resumed; and what it was begun with, to compare."""

    task: nn.Module
    optimizer: torch.optim.Optimizer
    average: RunningAverage
    step: int = 0
    skipped: int = 0
    best: float = float("inf")
    seconds: float = 0.0
    begun_with: dict = field(default_factory=dict)

    NUMBERS = ("step", "skipped", "best", "seconds")

    def save(self, folder: Path) -> None:
        """Write the state into the folder of a run; the one before it is kept."""
        content = {name: getattr(self, name) for name in self.NUMBERS}
        for name in ("task", "optimizer", "average"):
            content[name] = getattr(self, name).state_dict()
        write_state(folder, content | {"begun_with": self.begun_with})

    def load(self, folder: Path) -> list[str]:
        """Take up a saved state.

        Returns:
            Sentences on what is not as it was: that the state is an older one, that data or settings have changed.

        Raises:
            CheckpointError: there is none, or it is damaged, or of another model.
        """
        content, older = read_state(folder)
        try:
            content["task"] = _renamed(content["task"])
            for name in ("task", "optimizer", "average"):
                getattr(self, name).load_state_dict(content[name])
            for name in self.NUMBERS:
                setattr(self, name, type(getattr(self, name))(content[name]))
        except Exception as error:  # torch answers a state of another model with whatever it stumbles over
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(f"{folder / STATE}: the saved state does not fit this model ({reason})") from error
        changes = differences(content.get("begun_with"), self.begun_with)
        return [sentence for sentence in (older, changes) if sentence]


def _renamed(tensors: dict) -> dict:
    """The tensors of a task by the names of today: the discriminator was once called a learner."""
    return {re.sub(r"^learner\.", "discriminator.", name): tensor for name, tensor in tensors.items()}


class Trainer:
    """Trains an autoencoder.

    Args:
        task: the model, which is trained in place, and its objective.
        examples: those to learn from, and those of other songs (or other pictures) by which the best weights are
            chosen.
        settings: how.
        folder: where the state, the table of metrics and the best weights go.
        save: called with the averaged model and what was measured whenever it is the best so far.
        device: `"cpu"`, `"cuda"`, ... or None for the best there is.
        quiet: no progress bar.
    """

    def __init__(
        self,
        task: Task,
        examples: tuple[Examples, Examples],
        settings: Training,
        folder: Path,
        *,
        save: Callable[[Autoencoder, dict], None],
        device: str | None = None,
        quiet: bool = False,
    ):
        train, validation = examples
        if not len(train) or not len(validation):
            raise DataError(f"{len(train)} examples to train on and {len(validation)} to validate: both need some")
        self.accelerator = make_accelerator(device, settings.precision)
        if settings.batch_size % self.accelerator.num_processes:
            processes = self.accelerator.num_processes
            raise DataError(
                f"a batch of {settings.batch_size} cannot be shared by {processes} processes: give a --batch-size that"
                f" {processes} divides"
            )
        self.train_examples, self.validation_examples = train, validation
        self.settings, self.folder, self.save, self.quiet = settings, Path(folder), save, quiet
        self.wrapped = self.accelerator.prepare(task)
        self.descent = Descent(task, settings)
        average = RunningAverage(task.model, settings.average).eval()
        begun = begun_with(task.objective, settings, examples)
        self.state = State(task, self.descent.optimizer, average, begun_with=begun)

    def run(self, resume: bool = False) -> State:
        """Train to the last step, or until interrupted (then the state is saved first).

        Args:
            resume: go on from the state in the folder.

        Raises:
            CheckpointError: there is nothing to resume.
            ConfigError: the loss was never finite, so there is no best model.
            KeyboardInterrupt: the user stopped it; the state is on disk.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            self._say(self.state.load(self.folder))
            self.descent.skipped.fill_(self.state.skipped)
        else:
            self._save_state()  # so that a run that is killed in its first steps can be resumed too
        table = self._table() if self._is_main else None
        if self.settings.compile:
            self._compile()
        with Interruption() as interruption, tf32(self.settings.tf32, self.accelerator.device):
            stopped = self._loop(table, interruption)
        if stopped:
            raise KeyboardInterrupt
        if self.state.best == float("inf"):
            raise ConfigError(f"{self.folder}: no validation gave a finite loss: try a smaller learning rate")
        return self.state

    @property
    def _is_main(self) -> bool:
        return self.accelerator.is_main_process

    def _table(self) -> Table:
        """The table of metrics; what a killed run left half written is cleared away."""
        for leftover in self.folder.glob(".*.part"):
            leftover.unlink(missing_ok=True)
        return Table(self.folder / METRICS_TABLE, self.state.step)

    def _loop(self, table: Table | None, interruption: Interruption) -> bool:
        """Train to the last step, or until a process is asked to stop; whether one was."""
        settings, state, stopped = self.settings, self.state, False
        agreement = Agreement(self.accelerator.num_processes)
        window = Means(state)
        batches = prefetched(self.prepare, range(state.step, settings.steps), settings.prefetch)
        with self._progress() as bar, self._board() as board, batches as prepared:
            while state.step < settings.steps and not stopped:
                window.add(self.step(*next(prepared)))
                bar.update()
                if state.step % settings.log_every == 0 or state.step == settings.steps:
                    self._report(window.close(self.accelerator, self.descent.skipped), table, board, bar)
                if state.step % settings.validate_every == 0 or state.step == settings.steps:
                    window.stop_clock()
                    self._validate(table, board)
                    self._save_state()
                    window = Means(state)
                stopped = agreement.stop(interruption.requested)
        stopped |= agreement.last()
        if stopped:
            window.stop_clock()
            self._save_state()
        return stopped

    def prepare(self, step: int) -> tuple[Batch, RandomSource]:
        """The examples of a step, of which this process holds its share of one global batch, and its random numbers."""
        settings = self.settings
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        random = SharedSource(settings.seed, TRAIN, step, rank=rank, processes=processes)
        indices = shuffled(len(self.train_examples), settings.batch_size, settings.seed, step)
        batch = self.train_examples.batch(indices.reshape(processes, -1)[rank], random)
        return batch.pinned() if self.accelerator.device.type == "cuda" else batch, random

    def step(self, batch: Batch, random: RandomSource) -> Terms:
        """One step of the optimiser; nothing in it waits for the device."""
        state, rank = self.state, self.accelerator.process_index
        torch.manual_seed(seed_of(self.settings.seed, DROPOUT, state.step, rank))
        terms = self.wrapped(batch.to(self.accelerator.device), state.step, random)
        self.accelerator.backward(terms.loss)
        self.descent.step(state.step)
        state.average.update(state.task.model, state.step)
        state.step += 1
        return terms

    def _compile(self) -> None:
        """Compile encoder and decoder, if they can be."""
        task, step = self.state.task, self.state.step
        batch, random = self.prepare(step)

        def trial() -> None:
            task(batch.to(self.accelerator.device), step, random).loss.backward()

        reason = compile_parts([task.model.encoder, task.model.decoder], trial)
        task.zero_grad()
        self._say([f"not compiled, so training is as fast as without: {reason}"] if reason else [])

    def _validate(self, table: Table | None, board) -> None:
        """Measure the averaged model on the validation examples, as the end of training weighs them; keep the best."""
        self.state.skipped = int(self.descent.skipped)
        measured = self.measure(self.validation_examples)
        row = {"step": self.state.step, "split": "validation", **measured, "seconds": self.state.seconds}
        if self._is_main:
            table.add(row)
            show(board, row, measured)
            self._write_line(measured)
        if row["loss"] < self.state.best or (self.settings.keep == "last" and math.isfinite(row["loss"])):
            self.state.best = row["loss"]
            if self._is_main:
                self.save(self.state.average.module, row)
        self.accelerator.wait_for_everyone()

    def _say(self, sentences: list[str]) -> None:
        """Write sentences on stderr, once for all processes."""
        for sentence in sentences if self._is_main and not self.quiet else ():
            print(sentence, file=sys.stderr)

    def _write_line(self, measured: dict[str, float]) -> None:
        """One line a validation, so that a log file shows the progress too."""
        if self.quiet:
            return
        from tqdm import tqdm

        done, steps = self.state.step, self.settings.steps
        left = time_left(self.state.seconds / max(done, 1) * (steps - done))
        terms = ", ".join(f"{name} {number:.4g}" for name, number in measured.items() if number)
        skipped = f"; skipped for too large a gradient: {self.state.skipped:,}" if self.state.skipped else ""
        tqdm.write(f"step {done:,} of {steps:,}: validation {terms}; {left}{skipped}", file=sys.stderr)

    @torch.no_grad()
    def measure(self, examples: Examples) -> dict[str, float]:
        """Mean terms of the averaged model over at most `validation_examples` examples, always the same ones, and means
        of what its posteriors report besides. Each process measures some of the batches, and all get the means."""
        settings, state = self.settings, self.state
        task = Task(state.average.module, state.task.objective, state.task.corruption)
        task.discriminator = state.task.discriminator
        count = min(len(examples), settings.validation_examples)
        order = shuffled(len(examples), count, settings.seed, 0)
        starts = range(0, count, settings.batch_size)[self.accelerator.process_index :: self.accelerator.num_processes]
        mine = [self._means(task, examples, order, start) for start in starts]
        totals: dict[str, float] = {}
        for _, size, means in sorted(gather_object(mine), key=itemgetter(0)):  # in one order, whoever measured them
            for name, mean in means.items():
                totals[name] = totals.get(name, 0.0) + size * mean
        return {name: total / count for name, total in totals.items()}

    def _means(self, task: Task, examples: Examples, order: np.ndarray, start: int) -> tuple[int, int, dict]:
        """The batch of `order` that begins at `start`: where, how many examples, and the means over them, by name."""
        indices = order[start : start + self.settings.batch_size]
        with self.accelerator.autocast():
            batch = examples.batch(indices).to(self.accelerator.device)
            terms = task(batch, self.settings.steps, RandomSource(self.settings.seed, VALIDATION, start))
        named = dict(zip(TERMS, means_of(terms).tolist(), strict=True)) | dict(terms.metrics)
        return start, len(indices), {name: float(mean) for name, mean in named.items()}

    def _report(self, means: dict, table: Table | None, board, bar) -> None:
        if not self._is_main:
            return
        rate = self.settings.learning_rate(self.state.step - 1)
        row = {"step": self.state.step, "split": "train", **means, "learning_rate": rate}
        row["seconds"] = self.state.seconds
        table.add(row)
        show(board, row)
        bar.set_postfix({name: f"{means[name]:.4g}" for name in TERMS})

    def _save_state(self) -> None:
        self.state.skipped = int(self.descent.skipped)
        if self._is_main:
            self.state.save(self.folder)
        self.accelerator.wait_for_everyone()

    def _board(self) -> AbstractContextManager:
        return tensorboard(self.folder, self.state.step) if self._is_main else nullcontext()

    def _progress(self):
        from tqdm import tqdm

        hidden = self.quiet or not self._is_main or not sys.stderr.isatty()
        total = self.settings.steps
        return tqdm(total=total, initial=self.state.step, desc="training", unit=" steps", disable=hidden)


def make_accelerator(device: str | None, precision: str) -> Accelerator:
    """The processes, the device and the precision.

    Args:
        device: `"cpu"`, `"cuda"`, ... or None for the best there is.
        precision: `"bf16"`, `"float32"`, or `"auto"`: bf16 where the hardware multiplies it.

    Raises:
        ConfigError: this machine has no such device.
    """
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = (device or best).split(":")[0]
    if kind not in (best, "cpu"):
        raise ConfigError(f"device {device!r} is not available here: choose {best!r}")
    if kind == "cuda":
        check_gpus(torch.cuda.device_count())
    if precision == "auto":
        precision = "bf16" if multiplies_bf16(torch.device(kind)) else "float32"
    # accelerate keeps one state a process and refuses another precision or device, so each training begins it anew.
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=kind == "cpu", mixed_precision="bf16" if precision == "bf16" else "no")
    check_group(accelerator.num_processes)
    return accelerator
