"""Nothing in a training step waits for the device: no number is read back but for the table, and at a validation.

Tensors on the device "meta" have no numbers at all, so that a step that runs there cannot have read one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny import FAMILY, MUSIC, PICTURES
from torch.overrides import TorchFunctionMode

from core.training_run import SETTINGS, trainer
from musicae.core.data import Batch
from musicae.core.devices import moved
from musicae.core.optimisation import Descent, RunningAverage
from musicae.core.randomness import RandomSource
from musicae.core.reports import Means
from musicae.core.training import Task
from musicae.loading import build_network
from musicae.presets import PRESETS

READING = {"item", "tolist", "numpy", "cpu", "nonzero", "__bool__", "__float__", "__int__", "__index__", "__array__"}


class Reads(TorchFunctionMode):
    """Counts what asks for numbers, by the step in which it does."""

    def __init__(self, training):
        self.training, self.steps = training, []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in READING:
            self.steps.append(self.training.state.step)
        return function(*args, **(kwargs or {}))


def test_numbers_are_read_only_where_they_are_written_down(tmp_path):
    settings = replace(SETTINGS, steps=30, log_every=7, validate_every=20)
    training = trainer(tmp_path, settings=settings)
    with Reads(training) as reads:
        training.run()
    assert set(reads.steps) == {0, 7, 14, 20, 21, 28, 30}  # at first the state is saved


def test_a_whole_step_runs_where_there_are_no_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.device", torch.device("meta"))
    training = trainer(tmp_path)
    training.descent.fused = True
    skips = []
    monkeypatch.setattr(training.descent.optimizer, "step", lambda: skips.append(training.descent.optimizer.found_inf))
    window = Means(training.state)
    for _ in range(3):
        window.add(training.step(*training.prepare(training.state.step)))
    assert [skip.device.type for skip in skips] == ["meta"] * 3
    with pytest.raises((NotImplementedError, RuntimeError)):
        window.close(training.accelerator, training.descent.skipped)


def one_step_without_numbers(preset) -> None:
    spec = preset.representation.example_spec
    with torch.device("meta"):
        task = Task(build_network(preset), preset.objective, preset.corruption)
        average = RunningAverage(task.model, 0.9)
        x = torch.zeros(2, *spec.shape, dtype=torch.long if spec.categorical else torch.float32)
        given = task.model.conditioning
        condition = torch.zeros(2, *spec.size[-1:] * given.per_step, given.size) if given else None
    task(Batch(x, condition), 10**6, RandomSource(0)).loss.backward()
    Descent(task, replace(preset.training, momentum_on_skip=True)).step(0)
    average.update(task.model, 1)


SHIPPED = ("melody-2bar", "drums-2bar", "groove-2bar", "mnist-conditional", "mnist-wasserstein", "mnist-binary-iwae")


# Packed sequences are left out: their lengths are asked for.
KINDS = [preset for preset in FAMILY if preset.representation.example_spec.end is None]


@pytest.mark.parametrize("preset", [*MUSIC, *KINDS, PICTURES, *map(PRESETS.get, SHIPPED)], ids=lambda p: p.name)
def test_every_kind_of_network_is_trained_without_a_number(preset):
    one_step_without_numbers(preset)


def test_a_gpu_is_sent_its_data_by_way_of_locked_memory(monkeypatch):
    """So that it is copied while Python goes on: the driver has to wait for any other memory."""
    sent = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self.as_subclass(Locked))

    class Locked(torch.Tensor):
        def to(self, *args, **kwargs):
            sent.append((args, kwargs))
            return torch.zeros(1)

    moved(torch.ones(2), "cuda:0")
    Batch(torch.ones(3), torch.ones(2)).to(torch.device("cuda", 1))
    RandomSource(0).normal(2, device="cuda")
    devices = ("cuda:0", *[torch.device("cuda", 1)] * 2, "cuda")
    assert sent == [((device,), {"non_blocking": True}) for device in devices]
    assert moved(torch.ones(2), "cpu").tolist() == [1, 1]
