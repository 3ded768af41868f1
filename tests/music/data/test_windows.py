"""Windows of music as examples to train on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource
from musicae.core.training import Task, Trainer
from musicae.loading import build_network
from musicae.music.data.windows import Windows, to_batch
from musicae.music.representations import Melody, Pianoroll

MELODY = Melody(steps=8)
ARRAY = np.array([[41, 0, 43, 0, 1, 0, 45, 0], [1, 0, 50, 0, 0, 0, 0, 0], [2, 0, 89, 0, 0, 0, 0, 0]], np.uint8)
MANY = np.arange(300) % 3


def test_without_random_numbers_windows_come_as_they_are():
    batch = Windows(ARRAY, MELODY, (-6, 6)).batch(np.array([2, 0])).x
    assert batch.dtype == torch.int64
    assert batch.tolist() == ARRAY[[2, 0]].tolist()


def test_each_window_is_moved_to_a_key_of_its_own():
    batch = Windows(ARRAY, MELODY, (-6, 6)).batch(np.zeros(300, int), RandomSource(0)).x.numpy()
    moves = batch[:, 0] - 41
    assert set(moves) == set(range(-6, 7))
    notes = ARRAY[0] >= 2
    assert ((batch - ARRAY[0])[:, notes] == moves[:, None]).all()
    assert (batch[:, ~notes] == ARRAY[0, ~notes]).all()


def test_a_window_is_in_another_key_in_every_epoch(tmp_path):
    """The original keeps examples after they are moved, so that each has the key of its first epoch for ever."""
    read = []

    class Spied(Windows):
        def batch(self, indices, random=None):
            found = super().batch(indices, random)
            read.append(found.x[:, 0].tolist())
            return found

    windows = np.tile(ARRAY[0], (4, 4))
    settings = replace(tiny.MELODY.training, steps=6, batch_size=4, precision="float32")
    examples = [Spied(windows, tiny.MELODY.representation, span) for span in ((-6, 6), (0, 0))]
    network = build_network(tiny.MELODY)
    Trainer(Task(network, Elbo()), examples, settings, tmp_path, save=lambda *_: None, device="cpu", quiet=True).run()
    epochs = [keys for keys in read if keys != [41] * 4]
    assert len(epochs) == 6
    assert len({tuple(sorted(keys)) for keys in epochs}) == 6


def test_no_note_leaves_the_range():
    batch = Windows(ARRAY, MELODY, (-6, 6)).batch(np.full(300, 2), RandomSource(0)).x
    assert (batch == torch.from_numpy(ARRAY[2])).all()


def test_the_same_random_numbers_give_the_same_keys():
    first, again, other = (Windows(ARRAY, MELODY, (-6, 6)).batch(MANY, RandomSource(seed)).x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_a_span_of_keys_nothing_moves():
    assert Windows(ARRAY, MELODY).batch(np.arange(3), RandomSource(0)).x.tolist() == ARRAY.tolist()


def test_windows_stay_on_disk_and_are_not_written_to(tmp_path):
    np.save(tmp_path / "windows.npy", ARRAY)
    examples = Windows(np.load(tmp_path / "windows.npy", mmap_mode="r"), MELODY, (-6, 6))
    assert len(examples) == 3
    examples.batch(MANY, RandomSource(0)).x.zero_()
    assert examples.batch(np.arange(3)).x.tolist() == ARRAY.tolist()


@pytest.mark.parametrize(("representation", "kind"), [(MELODY, torch.int64), (Pianoroll(steps=8), torch.float32)])
def test_tensors_are_of_the_kind_that_the_network_reads(representation, kind):
    windows = np.zeros((2, *representation.shape), np.uint8)[:, ..., ::-1]
    assert to_batch(windows, representation).x.dtype == kind
    assert to_batch(windows, representation).x.shape == (2, *representation.example_spec.shape)
