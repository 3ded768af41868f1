"""Processes that train together, as `torchrun` starts them."""

from __future__ import annotations

import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from launching import TIMEOUT, ended, free_port, torchrun

from core.training_run import assert_same_weights, rows, state
from musicae.core import processes
from musicae.errors import ConfigError, Error

FORKS = multiprocessing.get_context("forkserver")


def test_two_nodes_compute_what_one_process_does(tmp_path, uninterrupted):
    """Losses, validation and weights; only rounding differs. Nothing else is in the folder."""
    rendezvous = f"--rdzv_backend c10d --rdzv_endpoint 127.0.0.1:{free_port()} --rdzv_id test".split()
    nodes = [
        torchrun("--nnodes", 2, "--nproc_per_node", 1, *rendezvous, "-m", "core.training_run", tmp_path)
        for _ in range(2)
    ]
    ended(*nodes)
    close = {"rtol": 1e-3, "atol": 1e-5}
    assert_same_weights(state(tmp_path), state(uninterrupted), lambda a, b: torch.allclose(a, b, **close))
    for two, one in zip(rows(tmp_path), rows(uninterrupted), strict=True):
        assert (two["step"], two["split"]) == (one["step"], one["split"])
        assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in uninterrupted.iterdir()}


# Waiting for the first process


def test_alone_nobody_waits(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.first_process_first():
        pass
    assert processes.is_first()
    assert processes.lonely() is None


def wait(rank: str, shared: dict[str, str], folder: Path, say: Connection) -> None:
    """Two turns of work, of which the first process fails in the second."""
    os.environ.update(shared | {"RANK": rank})
    try:
        for turn in ("first", "second"):
            with processes.first_process_first():
                if processes.is_first():
                    time.sleep(0.1)
                    (folder / turn).touch()
                    assert turn == "first", "no second turn"
                else:
                    assert (folder / turn).exists()
    except (AssertionError, Error) as error:
        say.send(f"{turn}: {error}")


def test_the_others_wait_until_the_first_has_ended_well_or_not(tmp_path):
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    pipes = [FORKS.Pipe(duplex=False) for _ in range(2)]
    running = [FORKS.Process(target=wait, args=(str(i), shared, tmp_path, pipes[i][1])) for i in range(2)]
    for one in running:
        one.start()
    try:
        said = [receiver.recv() if receiver.poll(TIMEOUT) else None for receiver, _ in pipes]
    finally:
        for one in running:
            one.kill()
    assert said == ["second: no second turn", "second: the first process has ended with an error"]


# Processes that do not train together


def test_one_process_of_several_that_were_asked_for_is_noticed(monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "melody-2bar", "--data", "a folder"])
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert processes.lonely() is None  # one was asked for
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    sentence = processes.lonely()
    assert sentence.startswith("accelerate launch has started one process, not several")
    assert "torchrun --nproc_per_node N -m musicae.train melody-2bar --data 'a folder'" in sentence
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.lonely() is None


def test_processes_that_would_overwrite_each_other_are_refused(monkeypatch):
    processes.check_group(1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    processes.check_group(2)
    with pytest.raises(ConfigError, match="2 processes were started and 1 would train together"):
        processes.check_group(1)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    processes.check_gpus(1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    processes.check_gpus(4)
    with pytest.raises(ConfigError, match="3 processes for 2 GPUs: give torchrun --nproc_per_node 2"):
        processes.check_gpus(2)
