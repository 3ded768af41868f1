"""How fast models are: examples a second in training, and decoded.

Works are timed in turn, one after another again and again, so that what else the machine does falls on all of them
alike: ratios of one run hold, the numbers themselves are of that machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from musicae.core.autoencoder import Autoencoder
from musicae.core.corruptions import Corruption
from musicae.core.data import Batch
from musicae.core.objectives import Objective
from musicae.core.optimisation import parameter_groups
from musicae.core.randomness import RandomSource
from musicae.core.training import Task, multiplies_bf16

Work = Callable[[], Any]


def seconds(*works: Work, rounds: int = 5, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The median time of one call of each work; they take turns, each time with a call before it to warm the caches.

    Args:
        works: what is timed.
        rounds: calls of each.
        clock: `time.process_time` for the time of the processor in place of that on the wall.
    """
    times = np.zeros((rounds, len(works)))
    for turn in times:
        for i, work in enumerate(works):
            work()
            start = clock()
            work()
            turn[i] = clock() - start
    return np.median(times, axis=0).tolist()


def training_step(
    model: Autoencoder,
    objective: Objective,
    batch: Batch,
    *,
    corruption: Corruption | None = None,
    step: int = 0,
    bf16: bool | None = None,
) -> Work:
    """One step of training, to be timed: forward, backward, optimiser. It changes the weights.

    Args:
        model: what is trained, on its own device.
        objective: terms of a batch (`musicae.core.objectives`).
        batch: the examples of every step.
        corruption: of the examples, which the encoder reads in their place.
        step: which one it is to the schedules of the objective.
        bf16: whether it is computed in bf16; None for where the hardware multiplies it.
    """
    task, random = Task(model, objective, corruption), RandomSource(0)
    optimizer = torch.optim.AdamW(parameter_groups(task, 0.01), fused=model.device.type in ("cpu", "cuda"))
    batch = batch.to(model.device)
    bf16 = multiplies_bf16(model.device) if bf16 is None else bf16

    def work() -> None:
        task.train()
        with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=bf16):
            loss = task(batch, step, random).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return work


def decoding(model: Autoencoder, n: int, condition: torch.Tensor | None = None) -> Work:
    """A greedy decode of `n` vectors at once, to be timed.

    Args:
        model: what decodes, on its own device.
        n: how many.
        condition: of a conditional model, that of each vector, `[n, ..., size]`.
    """
    z = torch.randn(n, model.latent, generator=torch.Generator().manual_seed(0)).to(model.device)

    @torch.no_grad()
    def work() -> None:
        if model.training:
            model.eval()
        model.conditioned_on(condition).decode(z).mode()

    return work
