"""A real training, small enough to be run many times, and what is compared of two runs."""

from __future__ import annotations

import csv
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian
from musicae.core.checkpoints import write_weights
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional
from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource
from musicae.core.reports import COLUMNS, METRICS_TABLE
from musicae.core.schedules import Linear, WarmupCosine
from musicae.core.settings import Training
from musicae.core.training import STATE, State, Task, Trainer

EVENT = ExampleSpec("categorical", 5, (8,))
SETTINGS = Training(
    steps=40,
    batch_size=12,
    learning_rate=WarmupCosine(1e-2, 1e-4, 5, 40),
    average=0.9,
    validate_every=10,
    validation_examples=20,
    log_every=5,
    precision="float32",
)


class Classes:
    """Random sequences of classes, augmented with random numbers."""

    def __init__(self, examples: int, seed: int):
        self.classes = RandomSource(seed).integers(0, EVENT.channels - 1, examples, *EVENT.size)

    def __len__(self) -> int:
        return len(self.classes)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        x = self.classes[torch.from_numpy(indices)]
        if random is None:
            return Batch(x)
        return Batch((x + random.integers(-1, 1, len(x)).unsqueeze(1)) % EVENT.channels)


def trainer(folder: Path, settings: Training = SETTINGS, spy=lambda: None, save=None, **options) -> Trainer:
    """A trainer; `spy` is called before every step."""
    torch.manual_seed(0)
    network = build(options.pop("network", Convolutional((6, 8), blocks=1)), EVENT, 3, Gaussian())
    task = Task(network, options.pop("objective", Elbo(beta=Linear(0.0, 0.5, 0, 20))))
    task.register_forward_pre_hook(lambda *_: spy())
    return Trainer(
        task,
        options.pop("examples", (Classes(50, 1), Classes(25, 2))),
        settings,
        folder,
        save=save or (lambda averaged, row: write_weights(folder, averaged)),
        device="cpu",
        quiet=True,
        **options,
    )


def step(trained: Trainer) -> None:
    """The next step alone."""
    trained.step(*trained.prepare(trained.state.step))


def train(folder: Path, resume: bool = False, **options) -> State:
    return trainer(folder, **options).run(resume)


def in_process(
    sender: Connection,
    folder: Path,
    environment: dict[str, str],
    resume: bool = False,
    slow_writes: bool = False,
    interrupt: bool = False,
) -> None:
    """The same in a process of its own, which says every step: whoever started it knows when to kill it.

    Args:
        sender: where it says them.
        folder: of the run.
        environment: variables that are set first.
        resume: whether to go on with the run.
        slow_writes: whether every file stays half written for a while.
        interrupt: whether the last process is interrupted at step 13, and all go on from there.
    """
    os.environ.update(environment)
    torch.set_num_threads(1)
    if slow_writes:
        os.fsync = lambda handle: time.sleep(0.15)

    def say_step() -> None:
        sender.send(f"step {running.state.step}")
        time.sleep(0.002)
        if interrupt and running.accelerator.is_last_process and running.state.step == 13:
            signal.raise_signal(signal.SIGINT)

    running = trainer(folder, spy=say_step)
    try:
        running.run(resume)
    except KeyboardInterrupt:
        sender.send(f"interrupted after step {running.state.step}")
        if not interrupt:
            sys.exit(130)
        interrupt = False
        running.run(resume=True)


def state(folder: Path) -> dict:
    return torch.load(folder / STATE, weights_only=True)


def rows(folder: Path) -> list[dict[str, str]]:
    """Every row of the table but the time, having checked that none is broken or doubled."""
    text = (folder / METRICS_TABLE).read_text()
    assert text.endswith("\n")
    table = list(csv.DictReader(text.splitlines()))
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in table)
    keys = [(int(row["step"]), row["split"]) for row in table]
    assert keys == sorted(set(keys))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table]


def assert_same_weights(a: dict, b: dict, compare: Callable = torch.equal) -> None:
    """Raw weights, averaged weights and the moments of the optimiser."""
    for part in ("task", "average"):
        assert a[part].keys() == b[part].keys()
        assert [name for name in a[part] if not compare(a[part][name], b[part][name])] == []
    for key, moments in a["optimizer"]["state"].items():
        for name, value in moments.items():
            assert compare(value, b["optimizer"]["state"][key][name])


if __name__ == "__main__":
    train(Path(sys.argv[1]))
