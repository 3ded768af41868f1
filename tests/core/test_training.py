from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.training_run import EVENT, SETTINGS, Classes, in_process, train, trainer
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.checkpoints import WEIGHTS, read_weights
from musicae.core.corruptions import GaussianNoise
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional, Dense, Recurrent
from musicae.core.objectives import Elbo, Objective, Reconstruction, Terms
from musicae.core.reports import COLUMNS, METRICS_TABLE, Table, time_left
from musicae.core.schedules import Constant, Linear
from musicae.core.training import (
    STATE,
    Task,
    Trainer,
    make_accelerator,
    multiplies_bf16,
    parameter_groups,
    running_average,
)
from musicae.errors import CheckpointError, ConfigError, DataError

SCRIPT = Path(__file__).with_name("training_run.py")
TIMEOUT = 120  # seconds that a process may take


def state(folder: Path) -> dict:
    return torch.load(folder / STATE, weights_only=True)


def assert_same_weights(a: dict, b: dict, compare: Callable = torch.equal) -> None:
    """Raw weights, averaged weights and the moments of the optimiser."""
    for part in ("task", "average"):
        assert a[part].keys() == b[part].keys()
        assert [name for name in a[part] if not compare(a[part][name], b[part][name])] == []
    for key, moments in a["optimizer"]["state"].items():
        for name, value in moments.items():
            assert compare(value, b["optimizer"]["state"][key][name])


def rows(folder: Path) -> list[dict[str, str]]:
    """Every row of the table but the time, having checked that none is broken or doubled."""
    text = (folder / METRICS_TABLE).read_text()
    assert text.endswith("\n")
    table = list(csv.DictReader(text.splitlines()))
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in table)
    keys = [(int(row["step"]), row["split"]) for row in table]
    assert keys == sorted(set(keys))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(folder)
    return folder


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


# Killed and resumed


FORKS = multiprocessing.get_context("forkserver")  # each begins with torch loaded, and with none of its threads
FORKS.set_forkserver_preload(["training_run"])


@contextmanager
def process(*arguments: str | Path, **environment: str) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that says its steps; whatever happens, it does not outlive the test."""
    receiver, sender = FORKS.Pipe(duplex=False)
    running = FORKS.Process(target=in_process, args=(sender, [*map(str, arguments)], environment))
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
    with process(tmp_path, "--resume") as (_, steps):
        wait_for_step(steps, 10)
    assert state(tmp_path)["step"] == 10
    with process(tmp_path, "--resume", "--slow-writes") as (running, steps):
        wait_for_step(steps, 19)
        wait_for_file(tmp_path, f".{STATE}.*.part", running)
    assert state(tmp_path)["step"] == 10
    assert list(tmp_path.glob(f".{STATE}.*.part"))
    with process(tmp_path, "--resume", "--slow-writes") as (running, steps):
        wait_for_step(steps, 29)
        wait_for_file(tmp_path, f".{WEIGHTS}.*.part", running)
    assert state(tmp_path)["step"] == 20
    train(tmp_path, resume=True)
    assert_as_if_never_interrupted(tmp_path, uninterrupted)


def test_ctrl_c_saves_the_state_of_the_step(tmp_path, uninterrupted):
    """In a process of its own, as from a shell."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([sys.executable, str(SCRIPT), str(tmp_path)], **options) as running:
        assert "step 13\n" in running.stdout
        running.send_signal(signal.SIGINT)
        errors = running.communicate(timeout=TIMEOUT)[1]
    assert running.returncode != 0
    assert errors.strip().endswith("KeyboardInterrupt")
    assert 13 <= state(tmp_path)["step"] < 40
    train(tmp_path, resume=True)
    assert_same_weights(state(tmp_path), state(uninterrupted))


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


@pytest.mark.parametrize("content", ["", "text", "half", "list", "other"])
def test_a_state_that_is_none_is_refused(tmp_path, uninterrupted, content):
    whole = (uninterrupted / STATE).read_bytes()
    path = tmp_path / STATE
    if content == "list":
        torch.save([1, 2], path)
    elif content == "other":
        torch.save(state(uninterrupted) | {"task": {"weight": torch.zeros(2)}}, path)
    else:
        path.write_bytes(whole[: len(whole) // 2] if content == "half" else content.encode())
    with pytest.raises(CheckpointError, match=r"state\.pt: the saved state does not fit"):
        train(tmp_path, resume=True)


# The table of metrics


def test_a_resumed_table_drops_rows_beyond_its_step_and_broken_ones(tmp_path):
    table = Table(tmp_path / METRICS_TABLE, 0)
    for step in (5, 10, 15):
        table.add({"step": step, "split": "train", "loss": 0.5, "seconds": 1.0})
    table.add({"step": 10, "split": "validation", "loss": 1 / 3})
    whole = (tmp_path / METRICS_TABLE).read_text()
    for broken in (
        "",
        "1",
        "10,train,0.5",
        "10,train,0.5,,,,,,1.0",
        "\0\0\0\n",
        "x,train,,,,,,,\n",
        "7,t,1,2,3\n",
        ",,,\n",
    ):
        (tmp_path / METRICS_TABLE).write_text(whole + broken)
        Table(tmp_path / METRICS_TABLE, 10)
        assert [(r["step"], r["split"]) for r in rows_unsorted(tmp_path)] == [
            ("5", "train"),
            ("10", "train"),
            ("10", "validation"),
        ]


def rows_unsorted(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / METRICS_TABLE).read_text().splitlines()))


def test_the_table_has_what_was_trained_and_validated(uninterrupted):
    table = rows(uninterrupted)
    assert [r["step"] for r in table if r["split"] == "train"] == [str(s) for s in range(5, 41, 5)]
    assert [r["step"] for r in table if r["split"] == "validation"] == ["10", "20", "30", "40"]
    losses = [float(r["loss"]) for r in table if r["split"] == "validation"]
    assert losses[-1] < losses[0]
    assert float(table[0]["learning_rate"]) == pytest.approx(SETTINGS.learning_rate(4), rel=1e-4)


def test_time_goes_on_over_interruptions_and_counts_all_steps(tmp_path, monkeypatch):
    settings = replace(SETTINGS, log_every=30, validate_every=7)
    now = iter(range(10**6))
    clock = SimpleNamespace(monotonic=lambda: next(now))  # a second every time that it is asked
    monkeypatch.setattr("musicae.core.reports.time", clock)
    first = train(tmp_path, settings=settings).seconds
    assert first > 0
    assert state(tmp_path)["seconds"] == first
    assert train(tmp_path, settings=replace(settings, steps=50), resume=True).seconds > first


# Many processes


def test_two_processes_compute_what_one_does(tmp_path, uninterrupted):
    """With the same global batch. One of them is interrupted: both stop after the same step, and go on together."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    processes = [process(tmp_path, "--interrupt", **shared, RANK=rank, LOCAL_RANK=rank) for rank in "01"]
    with processes[0] as one, processes[1] as other:
        for running, receiver in (one, other):
            said = list(iter(partial(next_of, receiver), None))
            running.join(TIMEOUT)
            assert running.exitcode == 0
            assert "interrupted after step 14" in said
            assert "step 39" in said

    close = {"rtol": 1e-3, "atol": 1e-5}
    assert_same_weights(state(tmp_path), state(uninterrupted), lambda a, b: torch.allclose(a, b, **close))
    for two, one in zip(rows(tmp_path), rows(uninterrupted), strict=True):
        assert (two["step"], two["split"]) == (one["step"], one["split"])
        if two["step"] != "15":  # a row of which the interruption left only the last step
            assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-4)


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 5)
    with pytest.raises(DataError, match="batch of 12 cannot be shared by 5 processes"):
        trainer(tmp_path)


# A step


class Spoilt(Objective):
    """An objective whose gradient is not finite, or huge, at some steps."""

    def __init__(self, steps: set[int], factor: float):
        self.steps, self.factor = steps, factor

    def __call__(self, model, batch, corrupted, step, random, discriminator=None) -> Terms:
        terms = Elbo()(model, batch, corrupted, step, random)
        return replace(terms, loss=terms.loss * self.factor) if step in self.steps else terms


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e8])
def test_a_step_with_an_impossible_gradient_is_skipped_and_counted(tmp_path, factor):
    trained = trainer(tmp_path, objective=Spoilt({0, 3}, factor), settings=replace(SETTINGS, steps=2))
    before = [p.clone() for p in trained.state.task.parameters()]
    trained._step()
    assert trained.state.skipped == 1
    assert all(torch.equal(a, b) for a, b in zip(before, trained.state.task.parameters(), strict=True))
    trained._step()
    assert trained.state.skipped == 1
    assert trained.state.step == 2
    assert all(p.isfinite().all() for p in trained.state.task.parameters())


@pytest.mark.parametrize("factor", [float("nan"), 1e8])
def test_a_coasting_step_goes_on_by_its_momentum(tmp_path, factor):
    """As MusicVAE does it: in place of an impossible gradient Adam gets zeros."""
    settings = replace(SETTINGS, steps=3, momentum_on_skip=True, weight_decay=0.0, betas=(0.9, 0.999), skip_above=1e6)
    trained = trainer(tmp_path, objective=Spoilt({1}, factor), settings=settings)
    trained._step()
    parameters = [p for p in trained.state.task.parameters() if p.requires_grad]
    before = [p.clone() for p in parameters]
    momenta = [trained.state.optimizer.state[p] for p in parameters]
    m, v = ([s[name].clone() for s in momenta] for name in ("exp_avg", "exp_avg_sq"))
    trained._step()
    rate = settings.learning_rate(1)
    for p, b, m0, v0 in zip(parameters, before, m, v, strict=True):
        m1, v1 = 0.9 * m0 / (1 - 0.9**2), 0.999 * v0 / (1 - 0.999**2)
        torch.testing.assert_close(p, b - rate * m1 / (v1.sqrt() + 1e-8), rtol=1e-4, atol=1e-7)
    assert trained.state.skipped == 1


def test_dropout_depends_on_seed_and_step_alone(tmp_path):
    """So that a resumed run goes on to the same weights; whatever else drew numbers in between makes no difference."""
    weights = []
    for numbers in (0, 5):
        trained = trainer(tmp_path, network=Recurrent((6,), (5,), dropout=0.5))
        torch.rand(numbers)
        trained._step()
        weights.append(torch.cat([p.flatten() for p in trained.state.task.parameters()]))
    assert torch.equal(*weights)


def test_skipped_steps_are_in_the_table_and_the_run_goes_on(tmp_path):
    assert train(tmp_path, objective=Spoilt({3, 17}, float("nan"))).skipped == 2
    assert [r["skipped"] for r in rows(tmp_path) if r["split"] == "train"] == ["1"] * 3 + ["2"] * 5
    assert state(tmp_path)["best"] < float("inf")


@pytest.mark.parametrize(
    "network", [Convolutional((6, 8), blocks=1), Dense((7,)), Recurrent((6,), (5, 4))], ids=lambda n: type(n).__name__
)
def test_one_step_changes_everything_that_is_trained(tmp_path, network):
    torch.manual_seed(0)
    options = {"settings": SETTINGS, "folder": tmp_path, "save": lambda *_: None, "device": "cpu"}
    trained = Trainer(Task(build(network, EVENT, 3, Gaussian()), Elbo()), (Classes(50, 1), Classes(25, 2)), **options)
    before = {name: p.clone() for name, p in trained.state.task.named_parameters()}
    trained._step()
    after = dict(trained.state.task.named_parameters())
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == [name for name, p in after.items() if not p.requires_grad]
    assert all("bias_hh" in name for name in still)


def test_the_learning_rate_is_that_of_the_step(tmp_path):
    """AdamW's first step moves a weight by the learning rate, whatever its gradient."""
    trained = trainer(tmp_path, settings=replace(SETTINGS, weight_decay=0.0, learning_rate=Constant(0.125)))
    before = [p.clone() for p in trained.state.task.parameters()]
    trained._step()
    moves = torch.cat([(a - b).flatten() for a, b in zip(before, trained.state.task.parameters(), strict=True)]).abs()
    assert moves.max().item() == pytest.approx(0.125, rel=1e-3)


def test_matrices_decay_and_vectors_do_not():
    model = build(Convolutional((6, 8), blocks=1), EVENT, 3, Gaussian())
    decaying, others = parameter_groups(model, 0.1)
    assert decaying["weight_decay"] == 0.1
    assert others["weight_decay"] == 0.0
    assert {p.dim() for p in decaying["params"]} == {2, 3}
    assert {p.dim() for p in others["params"]} == {1}
    assert len(decaying["params"]) + len(others["params"]) == len(list(model.parameters()))


def test_what_is_frozen_is_not_given_to_the_optimiser():
    model = build(Recurrent((4,), (4,)), EVENT, 3, Gaussian())
    optimised = {id(p) for group in parameter_groups(model, 0.1) for p in group["params"]}
    assert optimised == {id(p) for p in model.parameters() if p.requires_grad}
    assert len(optimised) < len(list(model.parameters()))


# The running average


def test_the_running_average_follows_its_formula():
    """The first update copies; update n has the decay min(decay, (1 + n) / (10 + n))."""
    model = torch.nn.Linear(1, 1, bias=False)
    average, expected = running_average(model, 0.5), None
    for n in range(30):
        value = float(n * n)
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-5)


def test_the_average_is_what_is_validated_and_saved(tmp_path, uninterrupted):
    saved = build(Convolutional((6, 8), blocks=1), EVENT, 3, Gaussian())
    read_weights(uninterrupted, saved)
    content = state(uninterrupted)
    averaged = {k.removeprefix("module."): v for k, v in content["average"].items() if k != "n_averaged"}
    assert all(torch.equal(v, averaged[k]) for k, v in saved.state_dict().items())
    assert not all(torch.equal(v, content["task"][f"model.{k}"]) for k, v in saved.state_dict().items())
    assert int(content["average"]["n_averaged"]) == 40


def test_the_best_by_validation_is_kept(tmp_path):
    """A learning rate that destroys the model late: what is kept is from before."""
    kept = []
    settings = replace(SETTINGS, learning_rate=Linear(1e-2, 3.0, 20, 40))
    train(tmp_path, settings=settings, save=lambda averaged, row: kept.append((row["step"], row["loss"])))
    losses = {int(r["step"]): float(r["loss"]) for r in rows(tmp_path) if r["split"] == "validation"}
    best = min(losses, key=losses.get)
    assert best < 40
    assert kept[-1] == (best, pytest.approx(losses[best], rel=1e-4))
    assert state(tmp_path)["best"] == kept[-1][1]


def test_a_run_that_never_was_finite_says_so(tmp_path):
    with pytest.raises(ConfigError, match="smaller learning rate"):
        train(tmp_path, settings=replace(SETTINGS, learning_rate=Constant(1e6)))


# Validation


def test_validation_does_not_depend_on_the_size_of_batches(tmp_path):
    """Nor need the examples fill one; the last batch weighs as much as it holds."""

    class Level(Objective):
        def __call__(self, model, batch, corrupted, step, random, discriminator=None) -> Terms:
            level = batch.x.float().mean(1)
            return Terms(level.mean(), level, 2 * level, 0 * level, 3 * level, {"level": level.mean()})

    for size in (1, 4, 20, 1000):
        settings = replace(SETTINGS, batch_size=size, validation_examples=25)
        measured = trainer(tmp_path, settings=settings, objective=Level()).measure(Classes(25, 2))
        expected = Classes(25, 2).classes.float().mean().item()
        assert measured["loss"] == measured["distortion"] == pytest.approx(expected)
        assert measured["rate"] == pytest.approx(2 * expected)
        assert measured["penalty"] == pytest.approx(3 * expected)
        assert measured["level"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute left"),
        (29, "less than a minute left"),
        (60, "1 minute left"),
        (7200, "120 minutes left"),
    ],
)
def test_the_time_left_is_in_whole_minutes(seconds, words):
    assert time_left(seconds) == words


def test_both_splits_need_examples(tmp_path):
    with pytest.raises(DataError, match="0 examples to train on and 25 to validate"):
        Trainer(
            Task(build(Dense((4,)), EVENT, 3, Gaussian()), Elbo()),
            (Classes(0, 1), Classes(25, 2)),
            SETTINGS,
            tmp_path,
            save=lambda *_: None,
        )


def test_corruptions_are_drawn_afresh_and_the_target_is_the_data_without_them(tmp_path):
    read = []

    class Spy(Objective):
        def __call__(self, model, batch, corrupted, step, random, discriminator=None) -> Terms:
            read.append((batch.x, corrupted))
            return Reconstruction()(model, batch, corrupted, step, random)

    class Greys(Classes):
        def batch(self, indices, random=None):
            return Batch(torch.full((len(indices), 1, 4), 0.5))

    model = build(Dense((4,)), ExampleSpec("bernoulli", 1, (4,)), 2, Point())
    task, options = Task(model, Spy(), GaussianNoise(std=0.1)), {"save": lambda *_: None, "device": "cpu"}
    trained = Trainer(task, (Greys(50, 1), Greys(25, 2)), SETTINGS, tmp_path, **options)
    trained._step()
    trained._step()
    (target, first), (_, second) = read
    assert (target == 0.5).all()
    assert not torch.equal(first, second)
    assert len({tuple(row.flatten().tolist()) for row in first}) == len(first)


# Devices and precision


def test_one_process_can_train_in_one_precision_after_another():
    for precision in ("float32", "bf16", "float32"):
        accelerator = make_accelerator("cpu", precision)
        assert accelerator.mixed_precision == ("bf16" if precision == "bf16" else "no")
        assert accelerator.device.type == "cpu"
        assert "ACCELERATE_USE_CPU" not in os.environ


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="'nonsense' is not available"):
        make_accelerator("nonsense", "auto")


@pytest.mark.parametrize("there", [True, False, None])
def test_bf16_is_chosen_on_a_cpu_that_multiplies_it(monkeypatch, there):
    """The question is not part of torch's public face, so it may be gone."""
    if there is None:
        monkeypatch.delattr("torch.cpu._is_amx_tile_supported", raising=False)
    else:
        monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: there, raising=False)
    assert multiplies_bf16(torch.device("cpu")) is bool(there)
    assert make_accelerator("cpu", "auto").mixed_precision == ("bf16" if there else "no")
