"""A real training in a process of its own, small enough to be run many times: `training_run.py FOLDER [--resume]`.

It says every step, so that whoever started it knows when to kill it. With `--slow-writes` every file stays half
written for a while; with `--interrupt` the last process is interrupted at step 13, and all go on from there.
"""

from __future__ import annotations

import argparse
import os
import signal
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
from musicae.core.schedules import Linear, WarmupCosine
from musicae.core.settings import Training
from musicae.core.training import State, Task, Trainer

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
    """Random sequences of classes, augmented with random numbers; `spy` is called before every batch."""

    def __init__(self, examples: int, seed: int, spy=lambda: None):
        self.classes = RandomSource(seed).integers(0, EVENT.channels - 1, examples, *EVENT.size)
        self.spy = spy

    def __len__(self) -> int:
        return len(self.classes)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        self.spy()
        x = self.classes[torch.from_numpy(indices)]
        if random is None:
            return Batch(x)
        return Batch((x + random.integers(-1, 1, len(x)).unsqueeze(1)) % EVENT.channels)


def trainer(folder: Path, settings: Training = SETTINGS, spy=lambda: None, save=None, **options) -> Trainer:
    torch.manual_seed(0)
    network = build(options.pop("network", Convolutional((6, 8), blocks=1)), EVENT, 3, Gaussian())
    return Trainer(
        Task(network, options.pop("objective", Elbo(beta=Linear(0.0, 0.5, 0, 20)))),
        (Classes(50, 1, spy), Classes(25, 2)),
        settings,
        folder,
        save=save or (lambda averaged, row: write_weights(folder, averaged)),
        device="cpu",
        quiet=True,
        **options,
    )


def train(folder: Path, resume: bool = False, **options) -> State:
    return trainer(folder, **options).run(resume)


def say(line: str) -> None:
    print(line + "\n", end="", flush=True)  # one write, as others write to the same pipe


def in_process(sender: Connection, arguments: list[str], environment: dict[str, str]) -> None:
    """The same in a process that is forked when all is loaded; what it says goes into a pipe."""
    os.environ.update(environment)
    main(arguments, sender.send)


def main(arguments: list[str] | None = None, say: Callable[[str], None] = say) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--slow-writes", action="store_true")
    parser.add_argument("--interrupt", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.slow_writes:
        os.fsync = lambda handle: time.sleep(0.15)

    def say_step() -> None:
        say(f"step {running.state.step}")
        time.sleep(0.002)
        if options.interrupt and running.accelerator.is_last_process and running.state.step == 13:
            signal.raise_signal(signal.SIGINT)

    running = trainer(options.folder, spy=say_step)
    try:
        running.run(options.resume)
    except KeyboardInterrupt:
        if not options.interrupt:
            raise
        options.interrupt = False
        say(f"interrupted after step {running.state.step}")
        running.run(resume=True)


if __name__ == "__main__":
    main()
