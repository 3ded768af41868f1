from __future__ import annotations

import math

import pytest

from musicae.core.schedules import (
    SCHEDULES,
    Constant,
    Decay,
    Exponential,
    InverseSigmoid,
    Linear,
    Saturating,
    WarmupCosine,
)

EXAMPLES = {
    Constant: Constant(0.3),
    Linear: Linear(0.0, 0.1, 200, 2000),
    Saturating: Saturating(0.2, 0.99999),
    Exponential: Exponential(0.999),
    InverseSigmoid: InverseSigmoid(1000.0),
    WarmupCosine: WarmupCosine(1e-3, 1e-5, 200, 10_000),
    Decay: Decay(1e-3, 1e-5, 0.9999),
}
STEPS = [0, 1, 2, 10, 199, 200, 201, 1999, 2000, 6908, 10_000, 10_001, 200_000, 10**7]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_is_finite_bounded_and_without_memory(kind):
    schedule = EXAMPLES[kind]
    values = [schedule(step) for step in STEPS]
    assert all(isinstance(v, float) and math.isfinite(v) and 0 <= v <= 1 for v in values)
    assert [schedule(step) for step in reversed(STEPS)] == values[::-1]


def test_linear_holds_its_ends():
    ramp = Linear(0.0, 0.1, 200, 2000)
    assert [ramp(s) for s in (0, 200, 2000, 99_999)] == [0.0, 0.0, 0.1, 0.1]
    assert ramp(1100) == pytest.approx(0.05)
    assert Linear(0.0, 1.0, 5, 5)(4) == 0.0
    assert Linear(0.0, 1.0, 5, 5)(6) == 1.0


def test_musicvaes_beta():
    """`(1 − rate^step) · maximum`; with a rate of 0 it is 0 at step 0 and whole from step 1 on."""
    beta = Saturating(0.2, 0.99999)
    assert beta(0) == 0.0
    assert beta(1) == pytest.approx(0.2 * 1e-5)
    assert Saturating(0.5, 0.99999)(50_000) == pytest.approx(0.197, abs=5e-4)
    assert Saturating(0.5, 0.99999)(100_000) == pytest.approx(0.316, abs=5e-4)
    assert [Saturating(0.2, 0.0)(s) for s in (0, 1, 2, 1000)] == [0.0, 0.2, 0.2, 0.2]


def test_musicvaes_sampling_probability():
    """0.001 at step 0, one half at k ln k, exactly 1 far beyond where exp would overflow."""
    probability = InverseSigmoid(1000.0)
    assert probability(0) == pytest.approx(1 / 1001)
    assert probability(round(1000 * math.log(1000))) == pytest.approx(0.5, abs=1e-3)
    assert probability(12_000) == pytest.approx(0.994, abs=1e-3)
    assert probability(10**7) == 1.0
    for step in (100, 5000):
        assert probability(step) == pytest.approx(1 - 1000 / (1000 + math.exp(step / 1000)))


def test_musicvaes_other_sampling_probability():
    assert [Exponential(0.9)(step) for step in (0, 1, 2)] == pytest.approx([0.0, 0.1, 0.19])
    assert Exponential(0.9999)(10**6) == pytest.approx(1.0)


def test_musicvaes_learning_rate():
    rate = Decay(1e-3, 1e-5, 0.9999)
    assert rate(0) == pytest.approx(1e-3)
    assert rate(50_000) == pytest.approx(1.7e-5, abs=1e-6)
    assert rate(10**7) == 1e-5


def test_warmup_and_cosine():
    rate = WarmupCosine(1.0, 0.1, 10, 110)
    assert [rate(s) for s in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
    assert rate(60) == pytest.approx(0.55)
    assert rate(110) == rate(10_000) == pytest.approx(0.1)
    falling = [rate(s) for s in range(10, 111)]
    assert falling == sorted(falling, reverse=True)
    assert WarmupCosine(1.0, 0.1, 0, 5)(0) == 1.0
