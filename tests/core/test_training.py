from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch

from core.training_run import EVENT, SETTINGS, Classes, rows, state, step, train, trainer
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.checkpoints import read_weights
from musicae.core.corruptions import GaussianNoise
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional, Dense, Recurrent
from musicae.core.objectives import Elbo, Objective, Reconstruction, Terms
from musicae.core.optimisation import RunningAverage, parameter_groups
from musicae.core.schedules import Constant, Linear
from musicae.core.training import Task, Trainer, make_accelerator, multiplies_bf16
from musicae.errors import ConfigError, DataError

# A step


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 5)
    with pytest.raises(DataError, match="batch of 12 cannot be shared by 5 processes"):
        trainer(tmp_path)


def test_both_splits_need_examples(tmp_path):
    with pytest.raises(DataError, match="0 examples to train on and 25 to validate"):
        Trainer(
            Task(build(Dense((4,)), EVENT, 3, Gaussian()), Elbo()),
            (Classes(0, 1), Classes(25, 2)),
            SETTINGS,
            tmp_path,
            save=lambda *_: None,
        )


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
    step(trained)
    assert trained.descent.skipped == 1
    assert all(torch.equal(a, b) for a, b in zip(before, trained.state.task.parameters(), strict=True))
    step(trained)
    assert trained.descent.skipped == 1
    assert trained.state.step == 2
    assert all(p.isfinite().all() for p in trained.state.task.parameters())


@pytest.mark.parametrize("factor", [float("nan"), 1e8])
def test_a_skipped_step_goes_on_by_its_momentum(tmp_path, factor):
    """As MusicVAE does it: in place of an impossible gradient Adam gets zeros."""
    settings = replace(SETTINGS, steps=3, momentum_on_skip=True, weight_decay=0.0, betas=(0.9, 0.999), skip_above=1e6)
    trained = trainer(tmp_path, objective=Spoilt({1}, factor), settings=settings)
    step(trained)
    parameters = [p for p in trained.state.task.parameters() if p.requires_grad]
    before = [p.clone() for p in parameters]
    momenta = [trained.state.optimizer.state[p] for p in parameters]
    m, v = ([s[name].clone() for s in momenta] for name in ("exp_avg", "exp_avg_sq"))
    step(trained)
    rate = settings.learning_rate(1)
    for p, b, m0, v0 in zip(parameters, before, m, v, strict=True):
        m1, v1 = 0.9 * m0 / (1 - 0.9**2), 0.999 * v0 / (1 - 0.999**2)
        torch.testing.assert_close(p, b - rate * m1 / (v1.sqrt() + 1e-8), rtol=1e-4, atol=1e-7)
    assert trained.descent.skipped == 1


def test_dropout_depends_on_seed_and_step_alone(tmp_path):
    """So that a resumed run goes on to the same weights; whatever else drew numbers in between makes no difference."""
    weights = []
    for numbers in (0, 5):
        trained = trainer(tmp_path, network=Recurrent((6,), (5,), dropout=0.5))
        torch.rand(numbers)
        step(trained)
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
    step(trained)
    after = dict(trained.state.task.named_parameters())
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == [name for name, p in after.items() if not p.requires_grad]
    assert all("bias_hh" in name for name in still)


def test_the_learning_rate_is_that_of_the_step(tmp_path):
    """AdamW's first step moves a weight by the learning rate, whatever its gradient."""
    trained = trainer(tmp_path, settings=replace(SETTINGS, weight_decay=0.0, learning_rate=Constant(0.125)))
    before = [p.clone() for p in trained.state.task.parameters()]
    step(trained)
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
    step(trained)
    step(trained)
    (target, first), (_, second) = read
    assert (target == 0.5).all()
    assert not torch.equal(first, second)
    assert len({tuple(row.flatten().tolist()) for row in first}) == len(first)


# The running average


def test_the_running_average_follows_its_formula():
    """The first update copies; update n has the decay min(decay, (1 + n) / (10 + n))."""
    model = torch.nn.Linear(1, 1, bias=False)
    average, expected = RunningAverage(model, 0.5), None
    for n in range(30):
        value = float(n * n)
        torch.nn.init.constant_(model.weight, value)
        average.update(model, n)
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


def test_the_table_has_what_was_trained_and_validated(uninterrupted):
    table = rows(uninterrupted)
    assert [r["step"] for r in table if r["split"] == "train"] == [str(s) for s in range(5, 41, 5)]
    assert [r["step"] for r in table if r["split"] == "validation"] == ["10", "20", "30", "40"]
    losses = [float(r["loss"]) for r in table if r["split"] == "validation"]
    assert losses[-1] < losses[0]
    assert float(table[0]["learning_rate"]) == pytest.approx(SETTINGS.learning_rate(4), rel=1e-4)


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


@pytest.mark.parametrize("there", [{"amx_bf16": True}, {"avx512_bf16": True}, {"avx512_bf16": False}, {}, None])
def test_bf16_is_chosen_on_a_cpu_that_multiplies_it(monkeypatch, there):
    """Older versions of torch do not tell."""
    if there is None:
        monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    else:
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda: there, raising=False)
    able = any((there or {}).values())
    assert multiplies_bf16(torch.device("cpu")) is able
    assert make_accelerator("cpu", "auto").mixed_precision == ("bf16" if able else "no")
