"""Runs that are killed, interrupted or shared by processes end with the weights of one that is not."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType

import pytest
import torch

from core.training_run import SETTINGS, Classes, assert_same_weights, in_process, rows, state, train, trainer
from musicae.core.checkpoints import WEIGHTS
from musicae.core.run_state import PREVIOUS, STATE, locked, write_state
from musicae.errors import CheckpointError, Error


@pytest.fixture(scope="module")
def uninterrupted_in_bf16(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bf16")
    train(folder, settings=replace(SETTINGS, precision="bf16"))
    return folder


def assert_as_if_never_interrupted(folder: Path, uninterrupted: Path) -> None:
    assert_same_weights(state(folder), state(uninterrupted))
    assert rows(folder) == rows(uninterrupted)
    assert (folder / WEIGHTS).read_bytes() == (uninterrupted / WEIGHTS).read_bytes()
    assert state(folder)["best"] == state(uninterrupted)["best"]
    assert list(folder.glob(".*")) == []


# In processes of their own


TIMEOUT = 120  # seconds that a process may take
FORKS = multiprocessing.get_context("forkserver")  # each begins with torch loaded, and with none of its threads
FORKS.set_forkserver_preload(["musicae.core.training", "torch._dynamo"])  # an optimiser imports the second one


@contextmanager
def process(
    folder: Path, environment: Mapping[str, str] = MappingProxyType({}), **options: bool
) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that says its steps (`in_process`); whatever happens, it does not outlive the test."""
    receiver, sender = FORKS.Pipe(duplex=False)
    running = FORKS.Process(target=in_process, args=(sender, folder, dict(environment)), kwargs=options)
    running.start()
    sender.close()
    try:
        yield running, receiver
    finally:
        running.kill()
        running.join(TIMEOUT)


def wait_for_step(receiver: Connection, step: int) -> None:
    assert f"step {step}" in iter(partial(next_of, receiver), None)


def next_of(receiver: Connection) -> str | None:
    """What a process says next; None when it has ended."""
    try:
        return receiver.recv() if receiver.poll(TIMEOUT) else None
    except EOFError:
        return None


def wait_for_file(folder: Path, pattern: str, running: BaseProcess) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not any(folder.glob(pattern)):
        assert running.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_killed_again_and_again_and_resumed_it_ends_with_the_same_weights(tmp_path, uninterrupted):
    """Before the first validation; after a state is there; while the best model is saved and the state is not; while
    the best model is written."""
    with process(tmp_path) as (_, steps):
        wait_for_step(steps, 3)
    assert state(tmp_path)["step"] == 0
    with process(tmp_path, resume=True) as (_, steps):
        wait_for_step(steps, 10)
    assert state(tmp_path)["step"] == 10
    with process(tmp_path, resume=True, slow_writes=True) as (running, steps):
        wait_for_step(steps, 19)
        wait_for_file(tmp_path, f".{STATE}.*.part", running)
    assert state(tmp_path)["step"] == 10
    assert list(tmp_path.glob(f".{STATE}.*.part"))
    with process(tmp_path, resume=True, slow_writes=True) as (running, steps):
        wait_for_step(steps, 29)
        wait_for_file(tmp_path, f".{WEIGHTS}.*.part", running)
    assert state(tmp_path)["step"] == 20
    train(tmp_path, resume=True)
    assert_as_if_never_interrupted(tmp_path, uninterrupted)


def test_ctrl_c_saves_the_state_of_the_step(tmp_path, uninterrupted):
    """In a process of its own, as from a shell."""
    with process(tmp_path) as (running, steps):
        wait_for_step(steps, 13)
        os.kill(running.pid, signal.SIGINT)
        *_, last = iter(partial(next_of, steps), None)
        running.join(TIMEOUT)
    assert running.exitcode == 130
    saved = state(tmp_path)["step"]
    assert last == f"interrupted after step {saved}"
    assert 13 <= saved < 40
    train(tmp_path, resume=True)
    assert_same_weights(state(tmp_path), state(uninterrupted))


def test_two_processes_compute_what_one_does(tmp_path, uninterrupted):
    """With the same global batch. One of them is interrupted: both stop after the same step, and go on together."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    ranks = [shared | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
    processes = [process(tmp_path, rank, interrupt=True) for rank in ranks]
    with processes[0] as one, processes[1] as other:
        for running, receiver in (one, other):
            said = list(iter(partial(next_of, receiver), None))
            running.join(TIMEOUT)
            assert running.exitcode == 0
            assert "interrupted after step 15" in said  # the others hear of it one step later
            assert "step 39" in said

    close = {"rtol": 1e-3, "atol": 1e-5}
    assert_same_weights(state(tmp_path), state(uninterrupted), lambda a, b: torch.allclose(a, b, **close))
    for two, one in zip(rows(tmp_path), rows(uninterrupted), strict=True):
        assert (two["step"], two["split"]) == (one["step"], one["split"])
        assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)


# In this process


class Crash(Exception):
    """As sudden as a kill, but in this process."""


def interrupt_at(step: int, how: Callable) -> Callable:
    steps = iter(range(1000))
    return lambda: how() if next(steps) == step else None


def crash() -> None:
    raise Crash


@pytest.mark.parametrize("step", [1, 10, 39])
def test_a_run_that_crashed_at_any_step_ends_with_the_same_weights(tmp_path, uninterrupted, step):
    with pytest.raises(Crash):
        train(tmp_path, spy=interrupt_at(step, crash))
    train(tmp_path, resume=True)
    assert_as_if_never_interrupted(tmp_path, uninterrupted)


def test_so_does_one_in_bf16(tmp_path, uninterrupted, uninterrupted_in_bf16):
    settings = replace(SETTINGS, precision="bf16")
    with pytest.raises(Crash):
        train(tmp_path, settings=settings, spy=interrupt_at(25, crash))
    train(tmp_path, settings=settings, resume=True)
    assert_as_if_never_interrupted(tmp_path, uninterrupted_in_bf16)
    in_bf16, in_float32 = state(tmp_path)["task"], state(uninterrupted)["task"]
    assert all(value.dtype == torch.float32 for value in in_bf16.values())
    assert not all(torch.equal(in_bf16[name], in_float32[name]) for name in in_bf16)


@pytest.mark.parametrize("step", [0, 10, 39])
def test_ctrl_c_finishes_the_step_and_can_be_resumed(tmp_path, uninterrupted, step):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, spy=interrupt_at(step, lambda: signal.raise_signal(signal.SIGINT)))
    assert state(tmp_path)["step"] == step + 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    train(tmp_path, resume=True)
    assert_same_weights(state(tmp_path), state(uninterrupted))


def test_a_second_ctrl_c_is_final(tmp_path):
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, spy=interrupt_at(4, twice))
    assert state(tmp_path)["step"] == 0


def test_resuming_a_finished_run_changes_nothing(tmp_path, uninterrupted):
    train(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert train(tmp_path, resume=True).step == 40
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert_as_if_never_interrupted(tmp_path, uninterrupted)


def test_a_finished_run_can_be_given_more_steps(tmp_path, uninterrupted):
    train(tmp_path, settings=replace(SETTINGS, steps=20))
    assert train(tmp_path, resume=True).step == 40
    assert rows(tmp_path)[-1]["step"] == "40"


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(tmp_path, resume=True)


@pytest.mark.parametrize("content", ["", "text", "half", "list"])
def test_a_state_that_is_none_is_refused(tmp_path, uninterrupted, content):
    whole = (uninterrupted / STATE).read_bytes()
    path = tmp_path / STATE
    if content == "list":
        torch.save([1, 2], path)
    else:
        path.write_bytes(whole[: len(whole) // 2] if content == "half" else content.encode())
    with pytest.raises(CheckpointError, match=r"^[^\n]*state\.pt is damaged[^\n]+$"):
        train(tmp_path, resume=True)


@pytest.mark.parametrize("other", [{"task": {"weight": torch.zeros(2)}}, {"step": "ten"}, {"optimizer": 3}], ids=str)
def test_a_state_of_another_model_is_refused(tmp_path, uninterrupted, other):
    write_state(tmp_path, state(uninterrupted) | other)
    with pytest.raises(CheckpointError, match=r"state\.pt: the saved state does not fit"):
        train(tmp_path, resume=True)


@pytest.mark.parametrize("place", [0, 0.1, 0.3, 0.5, 0.7, 0.9, -40, -1])
def test_a_flipped_bit_is_noticed_and_the_state_before_it_taken(tmp_path, uninterrupted, place):
    with pytest.raises(Crash):
        train(tmp_path, spy=interrupt_at(25, crash))
    data = bytearray((tmp_path / STATE).read_bytes())
    data[int(place * len(data)) if isinstance(place, float) else place] ^= 4
    (tmp_path / STATE).write_bytes(data)
    said = trainer(tmp_path).state.load(tmp_path)
    assert said == [
        f"{tmp_path / STATE} is damaged (its bytes do not have their checksum): going on from the state "
        "before it, of step 10"
    ]
    train(tmp_path, resume=True)
    assert_as_if_never_interrupted(tmp_path, uninterrupted)


def test_a_state_of_an_older_version_is_checked_as_far_as_it_can_be(tmp_path, uninterrupted):
    torch.save(state(uninterrupted), tmp_path / STATE)
    assert train(tmp_path, resume=True).step == 40
    torch.save(state(uninterrupted), tmp_path / STATE)
    data = bytearray((tmp_path / STATE).read_bytes())
    place = data.index(state(uninterrupted)["task"]["model.encoder.1.layers.0.weight"].numpy().tobytes())
    data[place] ^= 1
    (tmp_path / STATE).write_bytes(data)
    (tmp_path / PREVIOUS).unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match="checksum"):
        train(tmp_path, resume=True)


def test_a_full_disk_leaves_the_state_that_was_there(tmp_path, monkeypatch):
    train(tmp_path, settings=replace(SETTINGS, steps=10))
    before = (tmp_path / STATE).read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Error, match="No space left"):
        write_state(tmp_path, {"step": 20})
    monkeypatch.undo()
    assert (tmp_path / STATE).read_bytes() == before
    assert list(tmp_path.glob(".*")) == []
    assert train(tmp_path, resume=True).step == 40


def test_what_a_run_is_resumed_with_that_it_was_not_begun_with_is_said(tmp_path):
    with pytest.raises(Crash):
        train(tmp_path, spy=interrupt_at(5, crash))
    assert trainer(tmp_path).state.load(tmp_path) == []
    others = trainer(tmp_path, settings=replace(SETTINGS, clip=2.0), examples=(Classes(49, 1), Classes(25, 3)))
    (said,) = others.state.load(tmp_path)
    assert said.startswith("not as the run was begun: clip 1.0, now 2.0; training examples 50, now 49; the data ")


# The folder of a run


def hold(folder: Path, sender: Connection) -> None:
    with locked(folder):
        sender.send("held")
        time.sleep(TIMEOUT)


def test_a_folder_is_held_by_one_process_as_long_as_it_lives(tmp_path):
    receiver, sender = FORKS.Pipe(duplex=False)
    other = FORKS.Process(target=hold, args=(tmp_path, sender))
    other.start()
    sender.close()
    try:
        assert receiver.recv() == "held"
        with pytest.raises(Error, match=r"another process trains there; wait for it, or name another --out$"):
            locked(tmp_path).__enter__()
    finally:
        other.kill()
        other.join(TIMEOUT)
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_nothing_came_of_is_gone(tmp_path):
    with pytest.raises(Crash), locked(tmp_path / "runs" / "mine"):
        raise Crash
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(Error, match="is a file"):
        locked(tmp_path / "file").__enter__()
