"""The one training loop: any model, any objective, any examples; one process or many; interrupted and resumed.

Everything random in step `s` is drawn from `(seed, s)`, and the order of the examples is a function of `(seed, s)` too,
so the state on disk is the weights, the optimiser, the running average and the number of steps: a run that was
killed at any moment resumes to the same weights, to the bit on a CPU.
"""

from __future__ import annotations

import math
import re
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.optim.swa_utils import AveragedModel

from musicae.core.autoencoder import Autoencoder
from musicae.core.corruptions import Corruption
from musicae.core.data import Batch, Examples, shuffled
from musicae.core.objectives import Objective, Terms
from musicae.core.randomness import RandomSource
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
    """Whether bf16 is faster than float32 there: GPUs, and CPUs with matrix units for it."""
    if device.type == "cpu":
        return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Matrices decay, vectors (biases, gains) do not."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]


def running_average(model: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a model's weights; over the first n steps the decay is at most
    (1 + n) / (10 + n), so that the random start is soon forgotten."""

    def average(averaged, current, n) -> None:
        torch._foreach_lerp_(list(averaged), list(current), 1 - min(decay, (1 + int(n)) / (10 + int(n))))

    return AveragedModel(model, multi_avg_fn=average)


@dataclass
class State:
    """What a run is at a moment: all that is saved and resumed; and what it was begun with, to compare."""

    task: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel
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
            raise DataError(f"a batch of {settings.batch_size} cannot be shared by {processes} processes")
        self.train_examples, self.validation_examples = train, validation
        self.settings, self.folder, self.save, self.quiet = settings, Path(folder), save, quiet
        fused = self.accelerator.device.type in ("cpu", "cuda")  # one pass over the weights: 5 times as fast on a CPU
        groups = parameter_groups(task, settings.weight_decay)
        optimizer = torch.optim.AdamW(groups, betas=settings.betas, fused=fused)
        average = running_average(task.model, settings.average).to(self.accelerator.device).eval()
        self.wrapped, optimizer = self.accelerator.prepare(task, optimizer)
        self.state = State(task, optimizer, average, begun_with=begun_with(task.objective, settings, examples))

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
        else:
            self._save_state()  # so that a run that is killed in its first steps can be resumed too
        table = self._table() if self._is_main else None
        with _Interruption() as interruption:
            stopped = self._loop(table, interruption)
        if stopped:
            raise KeyboardInterrupt
        if self._is_main and self.state.best == float("inf"):
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

    def _loop(self, table: Table | None, interruption: _Interruption) -> bool:
        """Train to the last step, or until a process is asked to stop; whether one was."""
        settings, state, stopped = self.settings, self.state, False
        window = Means(state)
        with self._progress() as bar, self._board() as board:
            while state.step < settings.steps and not stopped:
                window.add(self._step())
                bar.update()
                if state.step % settings.log_every == 0 or state.step == settings.steps:
                    self._report(window.close(self.accelerator), table, board, bar)
                if state.step % settings.validate_every == 0 or state.step == settings.steps:
                    window.stop_clock()
                    self._validate(table, board)
                    self._save_state()
                    window = Means(state)
                stopped = self._requested_anywhere(interruption)
        if stopped:
            window.stop_clock()
            self._save_state()
        return stopped

    def _requested_anywhere(self, interruption: _Interruption) -> bool:
        """Whether any process was asked to stop: all stop after the same step, or some would wait for ever."""
        if self.accelerator.num_processes == 1:
            return interruption.requested
        requested = torch.tensor(float(interruption.requested), device=self.accelerator.device)
        return bool(self.accelerator.reduce(requested, "sum"))

    def _step(self) -> Terms:
        """One step of the optimiser on one global batch, of which this process holds its share."""
        settings, state = self.settings, self.state
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        random = RandomSource(settings.seed, TRAIN, state.step, rank=rank, processes=processes)
        torch.manual_seed(int(RandomSource(settings.seed, DROPOUT, state.step, rank).integers(0, 2**23, 1)))
        indices = shuffled(len(self.train_examples), settings.batch_size, settings.seed, state.step)
        share = indices.reshape(processes, -1)[rank]
        batch = self.train_examples.batch(share, random).to(self.accelerator.device)
        terms = self.wrapped(batch, state.step, random)
        self.accelerator.backward(terms.loss)
        norm = self.accelerator.clip_grad_norm_(self.wrapped.parameters(), settings.clip)
        usable = bool(torch.isfinite(norm)) and norm < settings.skip_above
        if usable or settings.momentum_on_skip:
            for group in state.optimizer.param_groups:
                group["lr"] = settings.learning_rate(state.step)
            if not usable:
                state.optimizer.zero_grad(set_to_none=False)
            state.optimizer.step()
        state.skipped += not usable
        state.optimizer.zero_grad()
        state.average.update_parameters(state.task.model)
        state.step += 1
        return terms

    def _validate(self, table: Table | None, board) -> None:
        """Measure the averaged model on the validation examples, as the end of training weighs them; keep the best."""
        if self._is_main:
            measured = self.measure(self.validation_examples)
            row = {"step": self.state.step, "split": "validation", **measured, "seconds": self.state.seconds}
            table.add(row)
            show(board, row, measured)
            self._write_line(measured)
            if row["loss"] < self.state.best or (self.settings.keep == "last" and math.isfinite(row["loss"])):
                self.state.best = row["loss"]
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
        of what its posteriors report besides."""
        settings = self.settings
        task = Task(self.state.average.module, self.state.task.objective, self.state.task.corruption)
        task.discriminator = self.state.task.discriminator
        count = min(len(examples), settings.validation_examples)
        sums = torch.zeros(len(TERMS), dtype=torch.float64)
        metrics: dict[str, float] = defaultdict(float)
        for start in range(0, count, settings.batch_size):
            indices = shuffled(len(examples), count, settings.seed, 0)[start : start + settings.batch_size]
            random = RandomSource(settings.seed, VALIDATION, start)
            with self.accelerator.autocast():
                terms = task(examples.batch(indices).to(self.accelerator.device), settings.steps, random)
            sums += len(indices) * means_of(terms).double().cpu()
            for name, number in terms.metrics.items():
                metrics[name] += len(indices) / count * float(number)
        return dict(zip(TERMS, (sums / count).tolist(), strict=True)) | metrics

    def _report(self, means: dict, table: Table | None, board, bar) -> None:
        if not self._is_main:
            return
        rate = self.settings.learning_rate(self.state.step - 1)
        row = {"step": self.state.step, "split": "train", **means, "learning_rate": rate}
        row |= {"skipped": self.state.skipped, "seconds": self.state.seconds}
        table.add(row)
        show(board, row)
        bar.set_postfix({name: f"{means[name]:.4g}" for name in TERMS})

    def _save_state(self) -> None:
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


class _Interruption:
    """Ctrl-C between two steps: the step under way is finished, so what is saved is whole. A second one is final."""

    def __init__(self):
        self.requested = False

    def __enter__(self) -> _Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def _request(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


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
    if precision == "auto":
        precision = "bf16" if multiplies_bf16(torch.device(kind)) else "float32"
    # accelerate keeps one state a process and refuses another precision or device, so each training begins it anew.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=kind == "cpu", mixed_precision="bf16" if precision == "bf16" else "no")
